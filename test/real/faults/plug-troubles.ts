// When the plug is pulled, and when the program is told to stop.

import { watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { whole } from "../../chaos/seeded.ts";
import type { Board } from "./board.ts";
import { REFRESH, soon, type Trouble, untilCode, whenAsked } from "./trouble.ts";

const CODE = "grant-type%3Adevice_code";

const killWhenAsked = async (
  board: Board,
  kind: string,
  at: "request" | "answer" | number,
): Promise<void> => {
  await whenAsked(board, kind, at, () => board.agent().kill("SIGKILL"));
  await board.died("SIGKILL");
};

export const plugTroubles: readonly Trouble[] = [
  {
    name: "killed at any moment, six times",
    ends: true,
    strike: async (board) => {
      for (let time = 0; time < 6; time++) {
        await board.phone.sign();
        await soon(board, 0, 1200);
        await board.end("SIGKILL");
      }
    },
  },
  {
    name: "killed while it starts, three times",
    ends: true,
    strike: async (board) => {
      await board.end("SIGKILL");
      for (let time = 0; time < 3; time++) {
        await soon(board, 0, 500);
        await board.end("SIGKILL");
      }
    },
  },
  {
    name: "killed before a refresh gets to the org",
    ends: true,
    strike: async (board) => {
      const stop = board.orgWire.onPiece((direction, piece, passage) => {
        if (direction === "up" && piece.includes(REFRESH)) passage.limit("up", 0, "reset");
      });
      await killWhenAsked(board, REFRESH, "request");
      stop();
    },
  },
  {
    name: "killed before the answer to a refresh comes",
    ends: true,
    slow: true,
    strike: (board) => killWhenAsked(board, REFRESH, "answer"),
  },
  {
    name: "killed while the answer to a refresh is written down",
    ends: true,
    slow: true,
    strike: (board) => killWhenAsked(board, REFRESH, whole(board.random, 0, 12)),
  },
  {
    name: "killed with the state folder just changed",
    ends: true,
    strike: async (board) => {
      const changed = Promise.withResolvers<void>();
      const watcher = watch(join(board.home.folder, "state"), () => changed.resolve());
      await board.phone.sign();
      await Promise.race([changed.promise, sleep(5_000)]);
      board.agent().kill("SIGKILL");
      watcher.close();
      await board.died("SIGKILL");
    },
  },
  {
    name: "killed with a command just come, three times",
    ends: true,
    strike: async (board) => {
      for (let time = 0; time < 3; time++) {
        if (time > 0) await board.recover(false);
        const came = Promise.withResolvers<void>();
        const stop = board.brokerWire.onPiece((direction) => {
          if (direction !== "down") return;
          stop();
          setTimeout(
            () => {
              board.agent().kill("SIGKILL");
              came.resolve();
            },
            whole(board.random, 0, 4),
          );
        });
        await board.phone.sign();
        await came.promise;
        await board.died("SIGKILL");
      }
    },
  },
  {
    name: "killed when all was quiet",
    ends: true,
    strike: async (board) => {
      // The state of a lamp waits 2 s for the disk, so that a dragged one does not write all the time.
      await sleep(2_500);
      await board.end("SIGKILL");
      const { state } = await board.agent().next("light");
      const kept = Math.round(state.brightness * 255);
      if (!state.on || kept !== board.phone.brightness)
        board.finding(
          `the lamp was at ${board.phone.brightness}, and came back at ${state.on ? kept : "off"}`,
        );
    },
  },
  {
    name: "killed in the middle of a sign-in",
    slow: true,
    ends: true,
    strike: async (board) => {
      board.ended();
      await board.home.provider.revokeEverything();
      await untilCode(board);
      await board.approveCodes();
      await killWhenAsked(board, CODE, board.random() < 0.5 ? "answer" : whole(board.random, 0, 20));
    },
  },
  {
    name: "told to stop at any moment",
    ends: true,
    strike: async (board) => {
      await board.phone.sign();
      await soon(board, 0, 800);
      await board.end("SIGTERM");
    },
  },
  {
    name: "told to stop while the org answers a refresh",
    ends: true,
    strike: async (board) => {
      // Not one of the moments in which an answer may be lost: it waits for this one.
      board.orgWire.weather({ delayMs: whole(board.random, 100, 1500), jitterMs: 0 });
      await whenAsked(board, REFRESH, "request", () => board.agent().kill("SIGTERM"));
      await board.died("SIGTERM");
      board.orgWire.weather(null);
    },
  },
];
