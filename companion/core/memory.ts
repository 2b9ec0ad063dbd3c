import type { SavedBoard } from "./boards.ts";
import { isFrom } from "./id-token.ts";
import type { OrgConfig } from "./org.ts";
import type { PhoneKey } from "./phone-key.ts";
import type { Begun, Session } from "./sign-in.ts";

/** What the phone remembers, by name. */
export interface Kept {
  readonly key: PhoneKey;
  readonly session: Session;
  readonly begun: Begun;
  readonly boards: readonly SavedBoard[];
}

/** Where it is remembered; private to this app on this phone. */
export interface Memory {
  read<Name extends keyof Kept>(name: Name): Promise<Kept[Name] | undefined>;
  /** Durable when it resolves; undefined forgets. */
  write<Name extends keyof Kept>(name: Name, value: Kept[Name] | undefined): Promise<void>;
  /**
   * Puts what `work` makes of the boards in their place, or leaves them for null, in one step that nobody comes between and
   * that waits for no refresh, as `alone` does. No board, no entry. Resolves with what was written, or null.
   */
  reviseBoards(
    work: (boards: readonly SavedBoard[], session: Session | null) => readonly SavedBoard[] | null,
  ): Promise<readonly SavedBoard[] | null>;
  /** Runs `work` while nobody else who shares this memory does, as another tab might. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * What an app takes over, at its first start, of the memory that all apps at its origin once shared: all of it, unless the
 * sign-in in there is at another org or for another app, whose own it is to take over. Then it takes what guests without
 * an account need, and nobody can tell whose that is: the key, and the boards that are here by it.
 */
export const takenOver = (
  shared: Partial<Kept>,
  org: OrgConfig,
): { readonly taken: Partial<Kept>; readonly isAll: boolean } => {
  const { session, key, boards = [] } = shared;
  if (session === undefined || isFrom(session.pkToken.payload, org)) return { taken: shared, isAll: true };
  const byKey = boards.filter(({ added }) => added === "key");
  return { taken: { ...(key === undefined ? {} : { key }), boards: byKey }, isAll: false };
};
