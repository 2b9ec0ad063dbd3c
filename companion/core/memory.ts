import type { SavedBoard } from "./boards.ts";
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
  /** Runs `work` while nobody else who shares this memory does, as another tab might. */
  alone<T>(work: () => Promise<T>): Promise<T>;
}
