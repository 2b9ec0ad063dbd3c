import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clockFault,
  dayOf,
  isTimeKnown,
  type KnownTime,
  looked,
  nothingKnown,
  type Own,
  timeOf,
  told,
} from "../../../src/agent/known-time.ts";
import { type EpochMs, epochMs, MOST_SKEW_MS, monoMs, NOT_BEFORE } from "../../../src/units.ts";

const DAY_MS = 24 * 3_600_000;
const YEAR_MS = 365 * DAY_MS;
/** What the time really is when the board starts. */
const now = Date.parse("2027-03-01T12:00:00Z");

/** The system's clocks, so long after the start, with a clock that is off by so much. */
const own = (sinceMs: number, offMs: number): Own => {
  const wall = epochMs(now + sinceMs + offMs);
  return { wall, mono: monoMs(5_000 + sinceMs), known: wall >= NOT_BEFORE };
};
const at = (sinceMs: number): EpochMs => epochMs(now + sinceMs);

/** What happens, and how far the time is from the real one afterwards; `unknown` where it is not known. */
type Step =
  | { readonly look: number; readonly off: number }
  | { readonly look: number; readonly off: number; readonly date: number };

const live = (steps: readonly Step[], from: KnownTime = nothingKnown) => {
  let known = from;
  const seen = steps.map((step) => {
    const system = own(step.look, step.off);
    known = "date" in step ? told(known, at(step.look + step.date), system) : looked(known, system);
    return isTimeKnown(known, system) ? timeOf(known, system) - at(step.look) : "unknown";
  });
  return { known, seen };
};

const since1970 = -now;
const bounded = (bound: number): KnownTime => ({ ...nothingKnown, bound: epochMs(bound) });

describe("the time of a board", () => {
  it.each<[string, KnownTime, Step[], (number | "unknown")[]]>([
    ["whose clock is right is that of its clock", nothingKnown, [{ look: 0, off: 7 }], [7]],
    [
      "at 1970 is not known until the network tells",
      nothingKnown,
      [
        { look: 0, off: since1970 },
        { look: 9_000, off: 0 },
      ],
      ["unknown", 0],
    ],
    [
      "at 1970 is not what somebody says whom no certificate vouches for",
      nothingKnown,
      [{ look: 0, off: since1970, date: 0 }],
      ["unknown"],
    ],
    [
      "whose clock stands before what is past is not known",
      bounded(now - DAY_MS),
      [{ look: 0, off: -2 * DAY_MS }],
      ["unknown"],
    ],
    [
      "may be as much behind that as clocks differ",
      bounded(now),
      [{ look: 0, off: -MOST_SKEW_MS }],
      [-MOST_SKEW_MS],
    ],
    [
      "whose clock is months old is what the org says",
      bounded(now - 90 * DAY_MS),
      [
        { look: 0, off: -90 * DAY_MS },
        { look: 5, off: -90 * DAY_MS, date: -400 },
        { look: 60_000, off: -90 * DAY_MS },
      ],
      [-90 * DAY_MS, -400, -400],
    ],
    [
      "whose clock is known to be old is what the org says, too",
      bounded(now - DAY_MS),
      [{ look: 0, off: -2 * DAY_MS, date: 0 }],
      [0],
    ],
    [
      "is its own where the org is a little off",
      nothingKnown,
      [
        { look: 0, off: 0, date: 170_000 },
        { look: 5, off: 0, date: -170_000 },
      ],
      [0, 0],
    ],
    [
      "goes on when its clock jumps ahead, and back",
      nothingKnown,
      [
        { look: 0, off: 0, date: 0 },
        { look: 10, off: 10 * YEAR_MS },
        { look: 20, off: -10 * YEAR_MS },
        { look: 30, off: 0 },
      ],
      [0, 0, 0, 0],
    ],
    [
      "is not moved by an org that has jumped",
      nothingKnown,
      [
        { look: 0, off: 0, date: 0 },
        { look: 10, off: 0, date: YEAR_MS },
        { look: 20, off: 0, date: -YEAR_MS },
      ],
      [0, 0, 0],
    ],
    [
      "is not moved by an org that has jumped while its own clock is wrong",
      nothingKnown,
      [
        { look: 0, off: 0, date: 0 },
        { look: 10, off: DAY_MS, date: 9 * DAY_MS },
        { look: 20, off: DAY_MS, date: 100 },
      ],
      [0, 0, 100],
    ],
    [
      "is not moved by an org alone in small steps, forwards or backwards",
      nothingKnown,
      [
        { look: 0, off: 0, date: 0 },
        ...[1, 2, 3, 4, 5].map((n) => ({ look: n, off: 0, date: n * 179_000 })),
        ...[1, 2, 3, 4, 5].map((n) => ({ look: 5 + n, off: 0, date: -n * 179_000 })),
      ],
      Array.from({ length: 11 }, () => 0),
    ],
    [
      "follows an org that a drifting crystal leaves behind",
      nothingKnown,
      Array.from({ length: 52 }, (_, week) => ({
        look: week * 7 * DAY_MS,
        off: week * -30_240,
        date: 0,
      })),
      // Nearer than three minutes it is its own clock's.
      Array.from({ length: 52 }, (_, week) => (week < 6 ? 0 - week * 30_240 : 0)),
    ],
    [
      "goes with clock and org where both say another",
      nothingKnown,
      [
        { look: 0, off: 0, date: 0 },
        { look: 10, off: DAY_MS, date: DAY_MS },
      ],
      [0, DAY_MS],
    ],
    [
      "comes back from an org that was wrong from the start",
      nothingKnown,
      [
        { look: 0, off: 0, date: 90 * DAY_MS },
        { look: 10, off: 0, date: 0 },
      ],
      [90 * DAY_MS, 0],
    ],
    [
      "is never what is long past",
      bounded(now),
      [
        { look: 0, off: 0, date: -DAY_MS },
        { look: 10, off: -DAY_MS, date: -DAY_MS },
      ],
      [0, "unknown"],
    ],
  ])("%s", (_name, from, steps, expected) => {
    expect(live(steps, from).seen).toEqual(expected);
  });
});

describe("the bound", () => {
  const rise = (steps: readonly Step[]) => live(steps).known.bound;

  it.each<[string, Step[], number]>([
    [
      "rises to where clock and org agree, to the earlier of both",
      [{ look: 0, off: 0, date: -1_000 }],
      now - 1_000,
    ],
    [
      "rises with the clock from then on",
      [
        { look: 0, off: 0, date: 2_000 },
        { look: DAY_MS, off: 0 },
      ],
      now + DAY_MS,
    ],
    [
      "rises by the monotonic clock while the other is wrong",
      [
        { look: 0, off: 0, date: 0 },
        { look: DAY_MS, off: -YEAR_MS },
      ],
      now + DAY_MS,
    ],
    ["is raised by no clock that nobody agrees with", [{ look: 0, off: 50 * YEAR_MS }], NOT_BEFORE],
    [
      "is raised by no org that the clock does not agree with",
      [
        { look: 0, off: 0, date: 300 * DAY_MS },
        { look: 50, off: 0 },
      ],
      NOT_BEFORE,
    ],
    [
      "is raised once the clock agrees with what the org has said",
      [
        { look: 0, off: -9 * DAY_MS, date: 0 },
        { look: 50, off: 0 },
      ],
      now + 50,
    ],
  ])("%s", (_name, steps, expected) => {
    expect(rise(steps)).toBe(expected);
  });

  it("is not walked ahead by an org alone, in however small steps", () => {
    let known = told(nothingKnown, at(0), own(0, 0));
    for (let step = 1; step < 200; step += 1) known = told(known, at(step * 170_000), own(step, 0));
    expect(known.bound).toBeLessThanOrEqual(at(200));
  });

  it("never falls, and no single source moves it beyond the time", () => {
    const step = fc.record({
      look: fc.nat(10 * DAY_MS),
      // The system's clock is right, or the org's is: never is both wrong at once.
      off: fc.constantFrom(0, 0, -YEAR_MS, 10 * YEAR_MS, since1970, 3_600_000),
      date: fc.constantFrom(0, 0, -YEAR_MS, 300 * DAY_MS, -3_600_000, 179_000, 358_000, 537_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let known = nothingKnown;
        let sinceMs = 0;
        for (const { look, off, date } of steps) {
          sinceMs += look;
          const orgMs = off === 0 ? date : 0;
          const next = told(known, at(sinceMs + orgMs), own(sinceMs, off));
          expect(next.bound).toBeGreaterThanOrEqual(known.bound);
          expect(next.bound).toBeLessThanOrEqual(at(sinceMs));
          known = next;
        }
      }),
    );
  });
});

it("tells what is wrong with the clock", () => {
  const faults = (known: KnownTime, offMs: number) => clockFault(known, own(0, offMs));
  const right = told(nothingKnown, at(0), own(0, 0));
  expect(faults(nothingKnown, 0)).toBeNull();
  expect(faults(nothingKnown, since1970)).toBe("CLOCK_UNSET");
  expect(faults(right, since1970)).toBe("CLOCK_WRONG");
  expect(faults(right, 0)).toBeNull();
});

it("says a day as people do", () => {
  expect([0, now].map((ms) => dayOf(epochMs(ms)))).toEqual(["1 Jan 1970", "1 Mar 2027"]);
});
