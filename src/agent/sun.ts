// When it gets dark at a place on Earth, by suncalc. Pure.

import { getPosition, getTimes } from "suncalc";
import type { Place } from "../model.ts";
import { type EpochMs, epochMs } from "../units.ts";

/** The end of civil dusk: from here on people outside need a lamp. In degrees above the horizon. */
const DARK = -6;
const MINUTE_MS = 60_000;

/**
 * When it gets dark in the evening after `noon`, a moment around the middle of the day there, rounded up to the minute;
 * perhaps after midnight. While it is dark all day, that is the sun's highest moment, to which dusk moves as such a time
 * comes near. Null when it does not get dark at all.
 */
export const darkFrom = ({ latitude, longitude }: Place, noon: EpochMs): EpochMs | null => {
  const { dusk, solarNoon, nadir } = getTimes(new Date(noon), latitude, longitude);
  // Asked of midnight, when the sun is as low as it gets.
  if (dusk === null && getPosition(nadir, latitude, longitude).altitude > DARK) return null;
  return epochMs(Math.ceil((dusk ?? solarNoon).getTime() / MINUTE_MS) * MINUTE_MS);
};
