// New versions of the program: looked for once a night or when the owner asks, fetched, and installed while nobody needs the lamps. Runs beside
// the life of the agent, and whatever happens here the lamp goes on.

import { AgentError, asAgentError } from "../errors.ts";
import type { UpdateOutcome } from "../model.ts";
import type { Clock, Journal, Light, Random, Updates } from "../ports.ts";
import { after, type EpochMs, epochMs } from "../units.ts";
import type { UpdateNews } from "./update-news.ts";

/** Longest pause between looks at the clock, which anybody may set meanwhile, in milliseconds. */
const CLOCK_LOOK_MS = 60_000;
/** How long all lamps have to be off and left alone before the program is changed under them. */
export const QUIET_MS = 5 * 60_000;
/** How long an installation may take until it is asked for again, and pause between looks whether it is done. */
const PATIENCE_MS = 30 * 60_000;
const LOOK_MS = 10_000;
/** How long the lamps are waited for, and how often an installation is asked for, in a night. */
const WAIT_MS = 20 * 3_600_000;
const MOST_TRIES = 3;
/** Pause between looks for news of an update that a person began. */
const NEWS_LOOK_MS = 60_000;
/** News are told at the start when they are not older than this. */
const NEWS_MS = 3_600_000;

const minutes = (text: string): number => {
  const [hours = 0, rest = 0] = text.split(":").map(Number);
  return hours * 60 + rest;
};

/**
 * The next moment to look, after `now`: `share` (0..1) of the way through the window `03:00-05:00`, which may go over
 * midnight, by the board's own time zone.
 */
export const nextLook = (now: EpochMs, window: string, share: number): EpochMs => {
  const [from = 0, to = 0] = window.split("-").map(minutes);
  const length = (to - from + 1440) % 1440;
  const minute = from + length * share;
  const date = new Date(now);
  // Yesterday's window may still be open.
  for (const day of [-1, 0, 1, 2]) {
    const at = new Date(
      date.getFullYear(),
      date.getMonth(),
      date.getDate() + day,
      0,
      0,
      0,
      minute * 60_000,
    ).getTime();
    if (at > now) return epochMs(at);
  }
  return after(now, 24 * 3_600_000);
};

/** True when every lamp has been off, and none was changed, for `QUIET_MS`; false when that does not come within `limitMs`. */
export const untilQuiet = async (
  lights: ReadonlyMap<string, Light>,
  clock: Clock,
  limitMs: number,
  signal: AbortSignal,
): Promise<boolean> => {
  const until = after(clock.mono(), limitMs);
  let changed = new AbortController();
  const stops = [...lights.values()].map((light) => light.subscribe(() => changed.abort()));
  try {
    while (clock.mono() < until) {
      changed = new AbortController();
      const off = [...lights.values()].every(({ target }) => !target.on);
      const quiet = await clock.sleep(QUIET_MS, AbortSignal.any([signal, changed.signal])).then(
        () => true,
        () => false,
      );
      signal.throwIfAborted();
      if (quiet && off) return true;
    }
    return false;
  } finally {
    for (const stop of stops) stop();
  }
};

export interface UpdateParts {
  readonly updates: Pick<Updates, "fetch" | "request">;
  readonly news: UpdateNews;
  /** Whether it looks by itself. */
  readonly automatic: boolean;
  /** Somebody asks to look now; returns the way to stop listening. */
  readonly onAsked: (listener: () => void) => () => void;
  readonly window: string;
  readonly lights: ReadonlyMap<string, Light>;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
}

/** Looks for updates, and for what became of them, until `signal` is aborted. Never throws. */
export const keepUpdated = async (parts: UpdateParts, signal: AbortSignal): Promise<void> => {
  const { updates, news, automatic, window, lights, clock, journal } = parts;

  /** True when something came of it. */
  const installed = async (): Promise<boolean> => {
    const before = news.last?.at;
    await updates.request();
    const until = after(clock.mono(), PATIENCE_MS);
    while (clock.mono() < until) {
      await clock.sleep(LOOK_MS, signal);
      await news.refresh();
      if (news.last?.at !== before) return true;
    }
    return false;
  };

  const look = async (): Promise<void> => {
    const found = await updates.fetch(signal);
    if (found === null) return;
    journal.record({
      event: "update",
      version: found.version,
      outcome: "fetched",
      code: null,
      message: null,
    });
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      // A lamp that is on all day: the next night looks again, perhaps for something newer.
      if (!(await untilQuiet(lights, clock, WAIT_MS, signal))) return;
      // The maker may have taken it back meanwhile.
      if ((await updates.fetch(signal)) === null) return;
      if (await installed()) return;
    }
    throw new AgentError("UPDATE_BUSY", `version ${found.version} is fetched, and nobody has installed it`);
  };

  let asked = new AbortController();

  /**
   * Resolves when it is time, or when somebody asks. It looks at the clock now and then, as the evening does: the time
   * changes when the system's clock is set, and also when the org tells another one.
   */
  const untilTime = async (share: number): Promise<void> => {
    const wake = AbortSignal.any([signal, asked.signal]);
    const wait = async (): Promise<void> => {
      for (;;) {
        if (!clock.wallKnown() || !automatic) {
          await clock.sleep(CLOCK_LOOK_MS, wake);
          continue;
        }
        const at = nextLook(clock.wall(), window, share);
        await clock.sleep(Math.min(at - clock.wall(), CLOCK_LOOK_MS), wake);
        // A pause is not by the time of day: when the clock was set meanwhile, the moment may be long past, or still to come.
        const lateMs = clock.wall() - at;
        if (clock.wallKnown() && lateMs >= 0 && lateMs < CLOCK_LOOK_MS) return;
      }
    };
    await wait().catch(() => signal.throwIfAborted());
    asked = new AbortController();
  };

  const lookEveryNight = async (): Promise<void> => {
    const share = parts.random();
    for (;;) {
      await untilTime(share);
      await look().then(
        () => news.looked(null),
        (error: unknown) => {
          signal.throwIfAborted();
          const { code, message } = asAgentError(error);
          news.looked(code);
          journal.record({ event: "fault", code, message, retryInMs: null });
        },
      );
    }
  };

  const lookForNews = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(NEWS_LOOK_MS, signal);
      await news.refresh();
    }
  };

  await news.refresh();
  const { last } = news;
  const tell = ({ version, outcome, code, message }: UpdateOutcome): void =>
    journal.record({ event: "update", version, outcome, code, message });
  if (last !== null && Math.abs(clock.wall() - Date.parse(last.at)) < NEWS_MS) tell(last);
  const unsubscribe = news.subscribe(tell);
  const deaf = parts.onAsked(() => asked.abort());
  // Both end by the signal, and by nothing else.
  await Promise.allSettled([lookForNews(), lookEveryNight()]);
  unsubscribe();
  deaf();
};
