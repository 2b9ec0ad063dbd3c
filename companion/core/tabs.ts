// The list of boards where several tabs keep it, each with what it has heard itself. Pure.

import { type Board, type Boards, boardWith, restore, type SavedBoard } from "./boards.ts";

/** What was decided about a board, and not just heard of it; a board that is on no list is none. */
const choiceOf = (board: Board | undefined): string =>
  JSON.stringify(board === undefined ? null : [board.added, board.allowance, board.hidden]);

/**
 * This tab's list with what other tabs have decided since it last read or wrote the `saved` one, which was `before` then:
 * boards that were added, given away or taken off there. What was decided here meanwhile stays. The same object when there
 * is nothing to take.
 */
export const joined = (mine: Boards, before: readonly SavedBoard[], saved: readonly SavedBoard[]): Boards => {
  const known = restore(before);
  const theirs = restore(saved);
  const decided = Object.keys({ ...mine, ...theirs }).filter((id) => {
    const was = choiceOf(boardWith(known, id));
    return choiceOf(boardWith(theirs, id)) !== was && choiceOf(boardWith(mine, id)) === was;
  });
  if (decided.length === 0) return mine;
  const kept = Object.values(mine).filter(({ id }) => !decided.includes(id));
  const taken = decided.flatMap((id) => {
    const board = boardWith(theirs, id);
    if (board === undefined) return [];
    const own = boardWith(mine, id);
    if (own === undefined || board.hidden !== null) return [board];
    // Only this tab's connection knows these.
    return [{ ...board, online: own.online, pending: own.pending, guests: own.guests }];
  });
  return Object.fromEntries([...kept, ...taken].map((board) => [board.id, board]));
};
