// When it gets dark at a place on Earth, by suncalc. Pure.

import { getPosition, getTimes } from "suncalc";
import type { Place } from "../model.ts";
import { type EpochMs, epochMs } from "../units.ts";

/**
 * The end of civil dusk, 6° below the horizon: from here on people outside need a lamp. In degrees as suncalc gives them,
 * lifted by the refraction at the horizon (0.484°) wherever the sun is below it.
 */
const DARK = -5.516;
const MINUTE_MS = 60_000;
const HALF_DAY_MS = 12 * 60 * MINUTE_MS;

/**
 * When it gets dark in the evening after `noon`, a moment around the middle of the day there, rounded up to the minute;
 * perhaps after midnight. While it is dark all day, that is the sun's highest moment, to which dusk moves as such a time
 * comes near. Null when it does not get dark at all.
 */
export const darkFrom = ({ latitude, longitude }: Place, noon: EpochMs): EpochMs | null => {
  const isDark = (at: number): boolean => getPosition(new Date(at), latitude, longitude).altitude <= DARK;
  let light = getTimes(new Date(noon), latitude, longitude).solarNoon.getTime();
  let dark = light + HALF_DAY_MS;
  if (isDark(light)) dark = light;
  else if (!isDark(dark)) return null;
  // suncalc's own dusk is hours, even days off where the sun only just gets so low, as in white nights.
  while (dark - light > 1000) {
    const middle = (light + dark) / 2;
    if (isDark(middle)) dark = middle;
    else light = middle;
  }
  return epochMs(Math.ceil(dark / MINUTE_MS) * MINUTE_MS);
};
