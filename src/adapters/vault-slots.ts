// Which of a key's files counts, and in which order they are written. Pure.
//
// A key has two files, written in turn, so that the newest is never touched while the next one is written. A file of its
// bare name is of a version of the program that knew no others: it was written last, whatever else is there, because this
// version removes it with its first write.

import type { ErrorCode } from "../errors.ts";
import type { Form } from "./vault-frame.ts";

/** What a file turned out to be. */
export type Slot =
  | { readonly kind: "none" }
  | { readonly kind: "good"; readonly generation: number; readonly form: Form; readonly value: Uint8Array }
  /** Whole, but there is no key that opens it. */
  | { readonly kind: "locked"; readonly generation: number }
  /** Says that what was there before counts no more. */
  | { readonly kind: "removed"; readonly generation: number }
  | { readonly kind: "newer" }
  | { readonly kind: "damaged"; readonly why: string };

export interface Slots {
  readonly bare: Slot;
  readonly pair: readonly [Slot, Slot];
}

/** The two files of a key, by their place in `pair`. */
export type Place = 0 | 1;

export type Newest =
  | { readonly kind: "none" }
  /** `older`: another file is damaged, and may have been newer. */
  | { readonly kind: "found"; readonly value: Uint8Array; readonly older: boolean }
  | { readonly kind: "refused"; readonly code: Extract<ErrorCode, `STATE_${string}`> };

const generationOf = (slot: Slot): number => ("generation" in slot ? slot.generation : 0);

/** The place of the higher generation; null when neither file has one. */
const topOf = ([first, second]: Slots["pair"]): Place | null => {
  const [a, b] = [generationOf(first), generationOf(second)];
  if (a === 0 && b === 0) return null;
  return a > b ? 0 : 1;
};

const isDamaged = ({ kind }: Slot): boolean => kind === "damaged";

export const newestOf = ({ bare, pair }: Slots): Newest => {
  if (pair.some(({ kind }) => kind === "newer")) return { kind: "refused", code: "STATE_NEWER" };
  if (bare.kind === "good") return { kind: "found", value: bare.value, older: false };
  const top = topOf(pair);
  const slot = top === null ? undefined : pair[top];
  if (slot?.kind === "locked") return { kind: "refused", code: "STATE_LOCKED" };
  const older = [bare, ...pair].some(isDamaged);
  if (slot?.kind === "good") return { kind: "found", value: slot.value, older };
  return older ? { kind: "refused", code: "STATE_DAMAGED" } : { kind: "none" };
};

const same = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** True when the disk holds `value` as it is to be kept, in both files where `both` asks for that. */
export const isKept = ({ bare, pair }: Slots, value: Uint8Array, form: Form, both: boolean): boolean => {
  const top = topOf(pair);
  if (bare.kind !== "none" || top === null || pair.some(isDamaged)) return false;
  const isIt = (slot: Slot): boolean => slot.kind === "good" && slot.form === form && same(slot.value, value);
  return both ? pair.every(isIt) : isIt(pair[top]);
};

/** One thing to do on the disk. Each is on the disk before the next begins. */
export type Step =
  | {
      readonly do: "write";
      readonly place: Place;
      readonly generation: number;
      readonly value: Uint8Array | null;
    }
  /** Out of the way, where a person can look at it. What is `replaced` next stays until then, where the disk can do that. */
  | { readonly do: "setAside"; readonly which: Place | "bare"; readonly replaced?: true }
  | { readonly do: "unlink"; readonly which: Place | "bare" };

/**
 * How `value` gets on the disk so that a cut between any two steps, and in any of them, leaves what was there or `value`.
 * With `both`, nothing of what was there before is left in the end, and `value` is there twice. `high` is a number above
 * that of any generation, for when none can be read.
 */
export const stepsToKeep = (
  { bare, pair }: Slots,
  value: Uint8Array,
  both: boolean,
  high: number,
): readonly Step[] => {
  const top = topOf(pair);
  const known = Math.max(...pair.map(generationOf));
  const asides = ([0, 1] as const).filter((place) => isDamaged(pair[place]));
  const aside = (which: Place | "bare"): Step => ({ do: "setAside", which });
  if (bare.kind === "good")
    // It counts until it goes, so the two others may change meanwhile. It stays as the generation before.
    return [
      ...asides.map(aside),
      { do: "write", place: 0, generation: known + 1, value: both ? value : bare.value },
      { do: "write", place: 1, generation: known + 2, value },
      { do: "unlink", which: "bare" },
    ];
  const last: readonly Step[] = bare.kind === "damaged" ? [aside("bare")] : [];
  // A damaged file stays until the next one is there: without it nobody would know that what is left is older.
  const onto = ((): Place => {
    if (top !== null) {
      const other = top === 0 ? 1 : 0;
      return isDamaged(pair[other]) ? top : other;
    }
    return pair[0].kind === "none" || pair[1].kind !== "none" ? 0 : 1;
  })();
  const other = onto === 0 ? 1 : 0;
  // The damaged one may have had the next number, and a disk that could not read it may be able to another time.
  const generation = asides.length === 0 ? known + 1 : known === 0 ? high : known + 2;
  return [
    ...asides.filter((place) => place === onto).map((which) => ({ ...aside(which), replaced: true }) as Step),
    { do: "write", place: onto, generation, value },
    ...asides.filter((place) => place !== onto).map(aside),
    ...last,
    ...(both ? ([{ do: "write", place: other, generation: generation + 1, value }] as const) : []),
  ];
};

/** True where a file may go to make room for the next one: the other one is newer, and whole. */
export const isSpare = ({ bare, pair }: Slots, place: Place): boolean => {
  const other = pair[place === 0 ? 1 : 0];
  const [mine, its] = [generationOf(pair[place]), generationOf(other)];
  return bare.kind === "none" && other.kind === "good" && mine > 0 && mine < its;
};

/**
 * How a key goes: what counts goes last, so that a cut leaves it, or nothing. Nobody knows whether what is damaged comes
 * before or after the other: then a generation that says `removed` comes after both, and goes last.
 */
export const stepsToRemove = ({ bare, pair }: Slots, high: number): readonly Step[] => {
  const top = topOf(pair);
  const unlink = (which: Place | "bare"): Step => ({ do: "unlink", which });
  if (bare.kind === "none" && pair.some(isDamaged)) {
    const onto = isDamaged(pair[0]) ? 1 : 0;
    const generation = top === null ? high : Math.max(...pair.map(generationOf)) + 2;
    const other = onto === 0 ? 1 : 0;
    return [{ do: "write", place: onto, generation, value: null }, unlink(other), unlink(onto)];
  }
  const rank = (which: Place | "bare"): number => (which === "bare" ? 2 : which === top ? 1 : 0);
  return (["bare", 0, 1] as const)
    .filter((which) => (which === "bare" ? bare : pair[which]).kind !== "none")
    .sort((a, b) => rank(a) - rank(b))
    .map(unlink);
};
