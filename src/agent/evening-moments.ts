// The moments of a schedule: when lamps go on and off. Pure.

import type { Evening, Place } from "../model.ts";
import { after, type EpochMs, epochMs } from "../units.ts";
import { awayMoments } from "./away.ts";
import { darkFrom } from "./sun.ts";

/** A moment of the schedule. */
export interface EveningMoment {
  readonly at: EpochMs;
  readonly on: boolean;
}

/** What a schedule depends on beside itself. */
export interface Surroundings {
  /** Null: unknown. */
  readonly home: Place | null;
  /** Names the board and the lamp: no two look lived-in at the same moments. */
  readonly seed: string;
}

export interface MomentsAround {
  readonly last: EveningMoment;
  readonly next: EveningMoment;
}

type Times = Pick<Evening, "on" | "off" | "timeZone" | "away">;

/** When it counts as dark where nobody knows where home is. */
const DARK_SOMEWHERE = "18:00";
const MINUTE_MS = 60_000;

/** Minutes after dusk, or null for a time of day. */
const afterDusk = (on: Evening["on"]): number | null =>
  on.startsWith("dusk") ? Number(on.slice("dusk".length)) : null;

/** Whether it goes by the sun, and so by where home is. */
export const followsSun = ({ on }: Pick<Evening, "on">): boolean => afterDusk(on) !== null;

/** The moment when clocks show `time` on `day`; after the gap where a change to daylight saving leaves it out. */
const clockTime = (day: Temporal.PlainDate, plainTime: Temporal.PlainTime, timeZone: string): EpochMs => {
  const moment = day.toZonedDateTime({ timeZone, plainTime });
  // Moved on by the length of the gap; but nothing may overtake a time that comes right after it.
  const gap = moment.toPlainTime().equals(plainTime) ? null : moment.getTimeZoneTransition("previous");
  return epochMs((gap ?? moment).epochMilliseconds);
};

/** The evening that begins on `day`, in order; without a begin when it does not get dark before its end. */
const eveningOf = (
  { on, off, timeZone, away }: Times,
  day: Temporal.PlainDate,
  { home, seed }: Surroundings,
): readonly EveningMoment[] => {
  const at = (days: number, time: Temporal.PlainTime | string): EpochMs =>
    clockTime(day.add({ days }), Temporal.PlainTime.from(time), timeZone);
  const minutes = afterDusk(on);
  // An end that is not after noon is the next morning's: but for polar nights, no dusk comes before it.
  const end = at(off > (minutes === null ? on : "12:00") ? 0 : 1, off);
  const beginOf = (): EpochMs | null => {
    if (minutes === null) return at(0, on);
    if (home === null) return at(0, Temporal.PlainTime.from(DARK_SOMEWHERE).add({ minutes }));
    const dark = darkFrom(home, at(0, "12:00"));
    return dark === null ? null : after(dark, minutes * MINUTE_MS);
  };
  const begin = beginOf();
  const whole = { at: end, on: false };
  if (begin === null || (minutes !== null && begin >= end)) return [whole];
  return away ? awayMoments(begin, end, `${seed} ${day}`) : [{ at: begin, on: true }, whole];
};

/**
 * The last moment at or before `now` and the first one after it. A time of day that a change to daylight saving leaves out
 * is the moment after the gap; one that comes twice is the first. Throws RangeError for a time zone that is none.
 */
export const momentsAround = (evening: Times, now: EpochMs, around: Surroundings): MomentsAround => {
  const today = Temporal.Instant.fromEpochMilliseconds(Math.floor(now))
    .toZonedDateTimeISO(evening.timeZone)
    .toPlainDate();
  const evenings = [-3, -2, -1, 0, 1, 2].map((days) => eveningOf(evening, today.add({ days }), around));
  // In a polar night the next one may begin before the morning in which this one ends: its end would put out both.
  const counting = evenings.map((moments, index) => {
    const [next] = evenings[index + 1] ?? [];
    return moments.filter(({ at }) => next?.on !== true || at <= next.at);
  });
  // Sorting keeps the order of two in one gap: the later one counts.
  const moments = counting.flat().sort((a, b) => a.at - b.at);
  const index = moments.findIndex((moment) => moment.at > now);
  const [last, next] = [moments[index - 1], moments[index]];
  if (last === undefined || next === undefined) throw new RangeError("a schedule without moments");
  return { last, next };
};

/** `momentsAround`, remembered: what was found holds until the next moment, and takes a small board a while each time. */
export const rememberMoments = (): typeof momentsAround => {
  const known = new Map<string, { readonly of: string; readonly found: MomentsAround }>();
  return (evening, now, around) => {
    const { on, off, timeZone, away } = evening;
    const of = JSON.stringify([on, off, timeZone, away, around.home]);
    const before = known.get(around.seed);
    if (before?.of === of && before.found.last.at <= now && now < before.found.next.at) return before.found;
    const found = momentsAround(evening, now, around);
    known.set(around.seed, { of, found });
    return found;
  };
};
