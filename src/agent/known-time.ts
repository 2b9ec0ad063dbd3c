// What is known of the time, and from whom. Pure; docs/decisions/0036-time.md has the reasons.

import { type EpochMs, epochMs, iso, MOST_SKEW_MS, type MonoMs, NOT_BEFORE } from "../units.ts";

/** The system's own clocks at one moment. `known` is false where the wall clock is before the program was written. */
export interface Own {
  readonly wall: EpochMs;
  readonly mono: MonoMs;
  readonly known: boolean;
}

/** A time at a moment of the monotonic clock. */
interface Mark {
  readonly at: EpochMs;
  readonly mono: MonoMs;
}

/** The time, as somebody else has told it in this run. */
export interface Anchor extends Mark {
  /** When the system's clock said the same last, by the earlier of the two: they know nothing of each other. Null: never. */
  readonly proof: Mark | null;
}

export interface KnownTime {
  /** A moment that is certainly past: no clock before it is right. */
  readonly bound: EpochMs;
  readonly anchor: Anchor | null;
}

/**
 * TLS was checked by the system's clock, and a public certificate lives for less: who says that it is another year than
 * the one in which its certificate counts, says nothing that TLS vouches for. In milliseconds.
 */
const VOUCHED_MS = 400 * 24 * 3_600_000;

/** What the monotonic clock may go wrong by itself, as a share: some crystals do by a quarter of it. */
const DRIFT = 200e-6;

export const nothingKnown: KnownTime = { bound: NOT_BEFORE, anchor: null };

const apart = (a: number, b: number): boolean => Math.abs(a - b) > MOST_SKEW_MS;

const carried = ({ at, mono }: Mark, now: MonoMs): EpochMs => epochMs(at + (now - mono));

/** The time: the system's, unless somebody has told a very different one. */
export const timeOf = ({ anchor }: KnownTime, own: Own): EpochMs => {
  if (anchor === null) return own.wall;
  const told = carried(anchor, own.mono);
  return apart(own.wall, told) ? told : own.wall;
};

/** Whether that is good enough to sign and check with. */
export const isTimeKnown = ({ anchor, bound }: KnownTime, own: Own): boolean =>
  anchor !== null || (own.known && own.wall >= bound - MOST_SKEW_MS);

/** Why the system's clock is not to be gone by, or null. */
export const clockFault = (known: KnownTime, own: Own): "CLOCK_UNSET" | "CLOCK_WRONG" | null => {
  if (!isTimeKnown(known, own)) return "CLOCK_UNSET";
  return timeOf(known, own) === own.wall ? null : "CLOCK_WRONG";
};

/** Whether the system's clock and somebody else have told the same time in this run. */
export const isProven = ({ anchor }: KnownTime): boolean => anchor !== null && anchor.proof !== null;

/** A look at the system's clock: what was told before is proven once that says the same, and then the bound rises. */
export const looked = (known: KnownTime, own: Own): KnownTime => {
  const { anchor } = known;
  if (anchor === null) return known;
  const told = carried(anchor, own.mono);
  // Of two clocks that agree, the earlier one: whatever the other is ahead is not past yet.
  const proof = apart(own.wall, told)
    ? anchor.proof
    : { at: epochMs(Math.min(told, own.wall)), mono: own.mono };
  if (proof === null) return known;
  return {
    bound: epochMs(Math.max(known.bound, carried(proof, own.mono))),
    anchor: { ...anchor, proof },
  };
};

/** An answer over TLS says that it is `date`. */
export const told = (known: KnownTime, date: EpochMs, own: Own): KnownTime => {
  const { anchor, bound } = known;
  if (date < bound - MOST_SKEW_MS) return known;
  const proof = anchor?.proof ?? null;
  if (apart(date, own.wall)) {
    // One alone does not move what two have agreed on, not even by many small steps: all of them count from there.
    const moved = proof === null ? 0 : Math.abs(date - carried(proof, own.mono));
    if (proof !== null && moved > MOST_SKEW_MS + DRIFT * (own.mono - proof.mono)) return known;
    if (proof === null && Math.abs(date - own.wall) > VOUCHED_MS) return known;
  }
  return looked({ bound, anchor: { at: date, mono: own.mono, proof } }, own);
};

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `1 Jan 1970`, for people. */
export const dayOf = (at: EpochMs): string => {
  const [year, month, day] = iso(at).slice(0, 10).split("-");
  return `${Number(day)} ${MONTHS[Number(month) - 1]} ${year}`;
};
