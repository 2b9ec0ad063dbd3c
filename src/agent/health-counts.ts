import type { MonoMs } from "../units.ts";

const HOUR_MS = 3_600_000;
const HOURS = 24;

/** How often something happened in the last 24 hours, to the hour. */
export interface DayCount {
  add(times: number, now: MonoMs): void;
  total(now: MonoMs): number;
}

export const createDayCount = (): DayCount => {
  /** By the hour, the oldest first; at most 24. */
  let hours: { readonly hour: number; times: number }[] = [];
  const hourOf = (now: MonoMs): number => Math.floor(now / HOUR_MS);
  const forget = (now: MonoMs): void => {
    hours = hours.filter(({ hour }) => hour > hourOf(now) - HOURS);
  };
  return {
    add(times, now) {
      forget(now);
      const last = hours.at(-1);
      if (last?.hour === hourOf(now)) last.times += times;
      else hours.push({ hour: hourOf(now), times });
    },
    total(now) {
      forget(now);
      return hours.reduce((sum, { times }) => sum + times, 0);
    },
  };
};
