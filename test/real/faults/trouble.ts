import { setTimeout as sleep } from "node:timers/promises";
import { whole } from "../../chaos/seeded.ts";
import type { FaultyProxy, Passage } from "../peers/faulty-proxy.ts";
import type { Board } from "./board.ts";

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

export const soon = (board: Board, least: number, most: number): Promise<void> =>
  sleep(whole(board.random, least, most));

export const resetAll = (wire: FaultyProxy): void => {
  for (const passage of wire.open) passage.reset();
};

/** Some signed commands, a little apart. */
export const commands = async (board: Board, count: number): Promise<void> => {
  for (let each = 0; each < count; each++) {
    await board.phone.sign();
    await soon(board, 0, 150);
  }
};

export const REFRESH = "grant_type=refresh_token";

/**
 * Does something in the moment in which a request of this kind passes: before the org has it, before its answer is
 * passed on, or `laterMs` after that. Resolves when it is done; after 50 s without such a request it is done anyway.
 */
export const whenAsked = async (
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
    board.missed(`nothing with ${kind} was asked`);
    finish(undefined);
  }, 50_000);
  try {
    await done.promise;
  } finally {
    clearTimeout(patience);
    stop();
  }
};

/** As when an administrator ends it, or when the board itself used a token twice: somebody has to approve once more. */
export const untilCode = async (board: Board): Promise<void> => {
  const run = board.agent();
  const before = run.events.filter(({ event }) => event === "code").length;
  const until = performance.now() + 30_000;
  while (run.events.filter(({ event }) => event === "code").length === before) {
    if (performance.now() > until) return board.finding("no code 30 s after the org ended the sign-in");
    await sleep(20);
  }
};
