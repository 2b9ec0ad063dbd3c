// What is fuzzed: a kind of input from outside, and the readers that it meets.

import type { TroubleCode } from "../../companion/core/trouble.ts";
import type { ErrorCode } from "../../src/errors.ts";

export interface Reader {
  readonly name: string;
  /** Codes of the errors that its documentation names; any other error is a finding. */
  readonly throws?: readonly (ErrorCode | TroubleCode)[];
  /** What it makes of an input: looked at for its size. Throws `Contradiction` where two of its answers do not fit. */
  readonly read: (input: Buffer) => unknown;
}

export interface Target {
  /** Also the name of its corpus. */
  readonly name: string;
  /** What comes in, in a few words. */
  readonly what: string;
  /** The most that the program lets through to these readers, in bytes. */
  readonly most: number;
  /** Files with the readers; their texts in quotes are what inputs are made of, and their lines are counted. */
  readonly sources: readonly string[];
  readonly seeds: readonly (string | Uint8Array)[];
  readonly readers: readonly Reader[];
  /** Weight that an answer may have whatever the input is, such as defaults; beyond it, 32 for a byte of input. */
  readonly gives?: number;
  /** What of an input is no secret, so that errors may quote it; nothing where it is left out. */
  readonly open?: (input: Buffer) => string;
  /** Real sockets and the like, a thousand times slower than a function: fewer inputs in `npm test`. */
  readonly slow?: true;
}

/** Two answers that contradict each other: what a decoder has read comes out of the encoder as something else. */
export class Contradiction extends Error {}

/** Stands in every seed where a secret would. No error may tell as much as 20 characters in a row of it. */
export const MARK = "k7Qz2Wm9Xr4Tp8Vb3Nh6Jd1Lf5Gs0Yc2Ua7Rk9";

/** Two values that JSON tells apart, or throws Contradiction. */
export const same = (what: string, one: unknown, other: unknown): void => {
  const [first, second] = [one, other].map((each) => JSON.stringify(each));
  if (first !== second) throw new Contradiction(`${what}: ${first} and then ${second}`);
};
