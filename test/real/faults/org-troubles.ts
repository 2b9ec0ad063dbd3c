// What can go wrong with the org, and on the way to it.

import { setTimeout as sleep } from "node:timers/promises";
import { whole } from "../../chaos/seeded.ts";
import { REFRESH, resetAll, soon, type Trouble, untilCode, whenAsked } from "./trouble.ts";

export const orgTroubles: readonly Trouble[] = [
  {
    name: "a refresh does not get to the org",
    lossless: true,
    strike: (board) => whenAsked(board, REFRESH, "request", (passage) => passage?.reset()),
  },
  {
    name: "the answer to a refresh breaks off",
    slow: true,
    lossless: true,
    strike: async (board) => {
      const bytes = whole(board.random, 0, 1500);
      const ending = board.random() < 0.5 ? "reset" : "end";
      await board.losing(() =>
        whenAsked(board, REFRESH, "request", (passage) => passage?.limit("down", bytes, ending)),
      );
    },
  },
  {
    name: "everything to and from the org is late",
    lossless: true,
    strike: async (board) => {
      board.orgWire.weather({ delayMs: whole(board.random, 100, 900), jitterMs: 800 });
      await whenAsked(board, REFRESH, "answer", () => undefined);
      board.orgWire.weather(null);
    },
  },
  {
    name: "the wire to the org is slow",
    lossless: true,
    strike: async (board) => {
      board.orgWire.weather({ bytesPerS: whole(board.random, 800, 3000) });
      await whenAsked(board, REFRESH, "answer", () => undefined);
      await sleep(1000);
      board.orgWire.weather(null);
    },
  },
  {
    name: "nobody listens where the org was",
    lossless: true,
    strike: async (board) => {
      await board.orgWire.admit("none");
      // What was asked already may have been answered.
      await board.losing(async () => resetAll(board.orgWire));
      await soon(board, 3000, 6000);
      await board.orgWire.admit("all");
    },
  },
  {
    name: "the org takes connections and says nothing",
    lossless: true,
    strike: async (board) => {
      await board.orgWire.admit("mute");
      await board.losing(async () => resetAll(board.orgWire));
      await soon(board, 3000, 6000);
      await board.orgWire.admit("all");
      board.orgWire.hangUp();
    },
  },
  {
    name: "the org restarts",
    lossless: true,
    strike: async (board) => {
      const { provider } = board.home;
      await board.losing(() => provider.stop());
      await soon(board, 0, 5000);
      await provider.start();
    },
  },
  {
    name: "the org restarts and has forgotten everything",
    slow: true,
    lossless: true,
    strike: async (board) => {
      const { provider } = board.home;
      await provider.stop();
      board.ended();
      await provider.start({ forgets: true });
      await untilCode(board);
    },
  },
];

/** The program waits for as long as it has patience: too long for every day. */
export const patientOrgTroubles: readonly Trouble[] = [
  {
    name: "a refresh vanishes on the way to the org",
    slow: true,
    lossless: true,
    strike: async (board) => {
      await whenAsked(board, REFRESH, "request", (passage) => passage?.silence());
      await whenAsked(board, REFRESH, "answer", () => undefined);
    },
  },
];
