// Which board a person has just got. Pure.

import { type Board, type Boards, listed, roleOf } from "./boards.ts";

const own = (boards: Boards, userId: string | null): readonly Board[] =>
  listed(boards).filter((board) => roleOf(board, userId) === "owner");

/**
 * Ids of the boards that are no news when they are there. One that is known not to be there is: it may have been signed
 * out, and come back to the same person. Without a connection nothing is known of that.
 */
export const knownBefore = (boards: Boards, userId: string | null, connected: boolean): ReadonlySet<string> =>
  new Set(
    own(boards, userId)
      .filter(({ online }) => online || !connected)
      .map(({ id }) => id),
  );

/** The person's own board that is there now and was none of those before. */
export const newcomer = (
  boards: Boards,
  userId: string | null,
  before: ReadonlySet<string>,
): Board | undefined => own(boards, userId).find(({ id, online }) => online && !before.has(id));
