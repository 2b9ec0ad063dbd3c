// Lamps that look as if somebody were at home, while nobody is. Pure.

import { after, type EpochMs } from "../units.ts";
import type { EveningMoment } from "./evening-moments.ts";

const MINUTE_MS = 60_000;
/** An evening shorter than this is as it stands. */
const SHORTEST = 20;
/** The longest that the first lamp is late, and the last one early; an eighth of the evening at most. In minutes. */
const LATE = 15;
const EARLY = 30;
/** One dark while for so many minutes, three at most. */
const WHILES_EVERY = 90;
const MOST_WHILES = 3;
const SHORTEST_WHILE = 5;
const LONGEST_WHILE = 20;
/** Light before and after a dark while. */
const BETWEEN = 10;

/**
 * What the lamps do between `begin` and `end`: on soon after `begin`, at most three dark whiles of 5 to 20 minutes, off for
 * good at `end` or up to half an hour before. Nothing lies outside the two. The same `seed` is the same evening.
 */
export const awayMoments = (begin: EpochMs, end: EpochMs, seed: string): readonly EveningMoment[] => {
  const minutes = Math.floor((end - begin) / MINUTE_MS);
  const moment = (minute: number, on: boolean): EveningMoment => ({
    at: after(begin, minute * MINUTE_MS),
    on,
  });
  if (minutes < SHORTEST) return [moment(0, true), { at: end, on: false }];
  // Not at the start: loading node:crypto takes a tenth of it.
  const { createHash } = process.getBuiltinModule("node:crypto");
  const chances = createHash("sha256").update(seed).digest();
  let drawn = 0;
  /** A whole number from 0 up to, not including, `most`. */
  const draw = (most: number): number => Math.floor((chances.readUInt8(drawn++) / 256) * most);
  const first = draw(Math.min(LATE, minutes / 8));
  const last = minutes - draw(Math.min(EARLY, minutes / 8));
  const most = Math.min(MOST_WHILES, Math.floor(minutes / WHILES_EVERY));
  const whiles = most - draw(Math.min(2, most + 1));
  // Each has its own part of the evening, so that none meets another.
  const part = Math.floor((last - first) / whiles);
  const dark = Array.from({ length: whiles }, (_none, index) => {
    const length = SHORTEST_WHILE + draw(LONGEST_WHILE - SHORTEST_WHILE + 1);
    const from = first + index * part + BETWEEN + draw(part - 2 * BETWEEN - length);
    return [moment(from, false), moment(from + length, true)];
  });
  return [moment(first, true), ...dark.flat(), moment(last, false)];
};
