// What can go wrong between a board and servers that are not ours, and when the plug is pulled.

import { watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { whole } from "../chaos/seeded.ts";
import type { Board } from "./fault-board.ts";
import type { FaultyProxy, Passage } from "./peers/faulty-proxy.ts";

/** Something that goes wrong, and is over when it resolves. */
export interface Trouble {
  readonly name: string;
  /** The board needs more than ten seconds to come back from it. */
  readonly slow?: true;
  /** The program is another one afterwards. */
  readonly ends?: true;
  /** Whether the broker keeps what it was given, and the board what it took: then every command is answered by itself. */
  readonly lossless?: true;
  readonly strike: (board: Board) => Promise<void>;
}

const soon = (board: Board, least: number, most: number): Promise<void> =>
  sleep(whole(board.random, least, most));

const resetAll = (wire: FaultyProxy): void => {
  for (const passage of wire.open) passage.reset();
};

const silenceAll = (wire: FaultyProxy): void => {
  for (const passage of [...wire.open]) passage.silence();
};

/** Some signed commands, a little apart. */
const commands = async (board: Board, count: number): Promise<void> => {
  for (let each = 0; each < count; each++) {
    await board.command();
    await soon(board, 0, 150);
  }
};

const REFRESH = "grant_type=refresh_token";
const CODE = "grant-type%3Adevice_code";

/**
 * Does something in the moment in which a request of this kind passes: before the org has it, before its answer is
 * passed on, or `laterMs` after that. Resolves when it is done; after 20 s without such a request it is done anyway.
 */
const whenAsked = async (
  board: Board,
  kind: string,
  at: "request" | "answer" | number,
  act: (passage: Passage | undefined) => void,
): Promise<void> => {
  const done = Promise.withResolvers<void>();
  let asking: Passage | undefined;
  const finish = (passage: Passage | undefined): void => {
    act(passage);
    done.resolve();
  };
  const stop = board.orgWire.onPiece((direction, piece, passage) => {
    if (asking === undefined && direction === "up" && piece.includes(kind)) {
      asking = passage;
      if (at === "request") finish(passage);
    } else if (passage === asking && direction === "down") {
      stop();
      if (at === "answer") finish(passage);
      else if (typeof at === "number") setTimeout(finish, at, passage);
    }
  });
  const patience = setTimeout(() => {
    board.tell(`nothing with ${kind} was asked`);
    finish(undefined);
  }, 20_000);
  try {
    await done.promise;
  } finally {
    clearTimeout(patience);
    stop();
  }
};

const killWhenAsked = async (
  board: Board,
  kind: string,
  at: "request" | "answer" | number,
): Promise<void> => {
  await whenAsked(board, kind, at, () => board.agent().kill("SIGKILL"));
  await board.died("SIGKILL");
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
  await board.rejoin();
};

/** As when an administrator ends it, or when the board itself used a token twice: somebody has to approve once more. */
const untilCode = async (board: Board): Promise<void> => {
  const run = board.agent();
  const before = run.events.filter(({ event }) => event === "code").length;
  const until = performance.now() + 30_000;
  while (run.events.filter(({ event }) => event === "code").length === before) {
    if (performance.now() > until) return board.finding("no code 30 s after the org ended the sign-in");
    await sleep(20);
  }
};

const brokerWire: readonly Trouble[] = [
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
    name: "the broker takes connections and says nothing",
    slow: true,
    lossless: true,
    strike: async (board) => {
      await board.brokerWire.admit("mute");
      resetAll(board.brokerWire);
      await commands(board, 1);
      await soon(board, 2000, 3000);
      await board.brokerWire.admit("all");
    },
  },
];

const brokerItself: readonly Trouble[] = [
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

const orgWire: readonly Trouble[] = [
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
];

const orgItself: readonly Trouble[] = [
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

const plug: readonly Trouble[] = [
  {
    name: "killed at any moment, six times",
    ends: true,
    strike: async (board) => {
      for (let time = 0; time < 6; time++) {
        await board.command();
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
      await board.command();
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
        await board.command();
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
      if (!state.on || kept !== board.brightness())
        board.finding(`the lamp was at ${board.brightness()}, and came back at ${state.on ? kept : "off"}`);
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
      await board.command();
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

export const troubles: readonly Trouble[] = [
  ...brokerWire,
  ...brokerItself,
  ...orgWire,
  ...orgItself,
  ...plug,
];
