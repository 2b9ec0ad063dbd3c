// What can go wrong with the broker, and on the way to it.

import { setTimeout as sleep } from "node:timers/promises";
import { whole } from "../../chaos/seeded.ts";
import type { FaultyProxy } from "../peers/faulty-proxy.ts";
import type { Board } from "./board.ts";
import { commands, resetAll, soon, type Trouble } from "./trouble.ts";

const silenceAll = (wire: FaultyProxy): void => {
  for (const passage of [...wire.open]) passage.silence();
};

const restartBroker = async (
  board: Board,
  signal: "SIGTERM" | "SIGKILL",
  forgets: boolean,
): Promise<void> => {
  const { broker } = board.home;
  await broker.stop(signal);
  if (forgets) broker.forget();
  await soon(board, 0, 1500);
  await broker.start();
  await board.phone.rejoin();
};

const fallMute = async (board: Board): Promise<void> => {
  await board.brokerWire.admit("mute");
  resetAll(board.brokerWire);
  await commands(board, 1);
  await soon(board, 2000, 3000);
  await board.brokerWire.admit("all");
};

export const brokerTroubles: readonly Trouble[] = [
  {
    name: "the connection to the broker is reset under way",
    lossless: true,
    strike: async (board) => {
      await commands(board, 2);
      resetAll(board.brokerWire);
      await commands(board, 1);
    },
  },
  {
    name: "everything vanishes on the connection to the broker",
    slow: true,
    lossless: true,
    strike: async (board) => {
      silenceAll(board.brokerWire);
      await commands(board, 2);
    },
  },
  {
    name: "everything to and from the broker is late",
    lossless: true,
    strike: async (board) => {
      board.brokerWire.weather({ delayMs: whole(board.random, 50, 300), jitterMs: 400 });
      await commands(board, 4);
      await sleep(1500);
      board.brokerWire.weather(null);
    },
  },
  {
    name: "the wire to the broker is slow",
    lossless: true,
    strike: async (board) => {
      board.brokerWire.weather({ bytesPerS: whole(board.random, 200, 2000) });
      await commands(board, 3);
      await sleep(2000);
      board.brokerWire.weather(null);
    },
  },
  ...(["up", "down"] as const).map(
    (direction): Trouble => ({
      name: `connections to the broker break after some bytes ${direction}`,
      lossless: true,
      strike: async (board) => {
        let left = 2;
        const opened = Promise.withResolvers<void>();
        const stop = board.brokerWire.onOpen((passage) => {
          passage.limit(direction, whole(board.random, 0, 3000), "reset");
          if (--left === 0) opened.resolve();
        });
        resetAll(board.brokerWire);
        await commands(board, 1);
        await Promise.race([opened.promise, sleep(8_000)]);
        stop();
      },
    }),
  ),
  {
    name: "nobody listens where the broker was",
    lossless: true,
    strike: async (board) => {
      await board.brokerWire.admit("none");
      resetAll(board.brokerWire);
      await commands(board, 2);
      await soon(board, 500, 2500);
      await board.brokerWire.admit("all");
    },
  },
  {
    name: "the broker takes connections and says nothing, then hangs up",
    lossless: true,
    strike: async (board) => {
      await fallMute(board);
      board.brokerWire.hangUp();
    },
  },
  {
    name: "the broker restarts",
    strike: async (board) => {
      await commands(board, 1);
      await restartBroker(board, "SIGTERM", false);
    },
  },
  {
    name: "the broker is killed",
    strike: async (board) => {
      await commands(board, 1);
      await restartBroker(board, "SIGKILL", false);
    },
  },
  {
    name: "the broker is killed and has forgotten everything",
    strike: (board) => restartBroker(board, "SIGKILL", true),
  },
];

/** The program waits for as long as it has patience: too long for every day. */
export const patientBrokerTroubles: readonly Trouble[] = [
  {
    name: "the broker takes a connection and never says anything on it",
    slow: true,
    lossless: true,
    strike: fallMute,
  },
];
