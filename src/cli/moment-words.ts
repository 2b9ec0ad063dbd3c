// Moments as people say them: `20:15 CET, in 3 h`. Pure.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** `40 s`, `20 min`, `3 h`, `5 days`; of at most a century, in milliseconds. */
export const spanWords = (ms: number): string => {
  if (ms < MINUTE_MS) return `${Math.round(ms / 1000)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  if (ms < 2 * DAY_MS) return `${Math.floor(ms / HOUR_MS)} h`;
  return `${Math.floor(ms / DAY_MS)} days`;
};

const format = (at: number, timeZone: string | undefined, options: Intl.DateTimeFormatOptions): string =>
  new Intl.DateTimeFormat("en-GB", { timeZone, hourCycle: "h23", ...options }).format(at);

const day = { day: "numeric", month: "short", year: "numeric" } as const;
const time = { hour: "2-digit", minute: "2-digit", timeZoneName: "short" } as const;

/** `20:15 CET` on the day of `now`, else `27 Nov 2026, 20:15 CET`; by the clock of a time zone, that of this machine unless named. */
const clockWords = (at: number, now: number, timeZone?: string): string =>
  format(at, timeZone, day) === format(now, timeZone, day)
    ? format(at, timeZone, time)
    : format(at, timeZone, { ...day, ...time });

/**
 * A moment (ISO 8601), and how far it is from `now`: `20:15 CET, in 3 h`, `3 Nov 2026, 08:00 CET, 23 days ago`. What is no
 * moment stays as it is.
 */
export const momentWords = (moment: string, now: number, timeZone?: string): string => {
  const at = Date.parse(moment);
  if (Number.isNaN(at)) return moment;
  const far = at > now ? `in ${spanWords(at - now)}` : `${spanWords(now - at)} ago`;
  return `${clockWords(at, now, timeZone)}, ${far}`;
};
