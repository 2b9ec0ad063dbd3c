// Keeps since when something is wrong and how often, and tells others of it: soon where something else is wrong, at most
// once in half a minute, and where only a number has changed, once an hour. Nothing of it is written anywhere.

import type { AgentEvent, Health } from "../model.ts";
import type { Clock } from "../ports.ts";
import { type EpochMs, epochMs, iso, type MonoMs } from "../units.ts";
import { type HealthFacts, statusOf, type Trouble, troublesOf } from "./health.ts";
import { createDayCount } from "./health-counts.ts";

export interface HealthKeeper {
  /** As it is. */
  readonly now: Health;
  /** As others were told last. */
  readonly told: Health;
  /** Something has happened. */
  hear(event: AgentEvent): void;
  /** Something may be otherwise than it was. */
  look(): void;
  /** Others are told anyway: as it is now. */
  tell(): void;
  /** Calls `listener` when there is something to tell others; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Tells others until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

const PACE_MS = 30_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The wall clock may creep beside the monotonic one by so much until a moment is told anew. */
const CREEP_MS = 60_000;

/** A moment of the monotonic clock, as the wall clock has it, always the same while that does not jump. */
const createMoment = (at: MonoMs) => {
  let told: EpochMs | null = null;
  return {
    at,
    /** ISO 8601, or null while the clock is not known. */
    iso(clock: Clock): string | null {
      if (!clock.wallKnown()) return null;
      const wall = epochMs(Math.round(clock.wall() - (clock.mono() - at)));
      if (told === null || Math.abs(wall - told) > CREEP_MS) told = wall;
      return iso(told);
    },
  };
};

const keyOf = ({ code, light }: Trouble): string => `${code} ${light ?? ""}`;

/** What others are told soon. */
const gist = ({ status, problems, upSince }: Health): string => JSON.stringify([status, problems, upSince]);

/** `facts` are the board's at that moment; not asked for before the first use. */
export const createHealth = (clock: Clock, facts: () => HealthFacts): HealthKeeper => {
  const listeners = new Set<() => void>();
  const up = createMoment(clock.mono());
  const counts = { reconnects: createDayCount(), refused: createDayCount(), faults: createDayCount() };
  const since = new Map<string, ReturnType<typeof createMoment>>();
  let connected = false;
  let wake = Promise.withResolvers<void>();

  const seen = (): Health => {
    const now = clock.mono();
    const given = facts();
    const troubles = troublesOf(given);
    const keys = new Set(troubles.map(keyOf));
    for (const key of since.keys()) if (!keys.has(key)) since.delete(key);
    for (const key of keys) if (!since.has(key)) since.set(key, createMoment(now));
    return {
      status: statusOf(given, troubles),
      problems: troubles.map((trouble) => ({
        ...trouble,
        since: since.get(keyOf(trouble))?.iso(clock) ?? null,
      })),
      upSince: up.iso(clock),
      restarts: now - up.at < DAY_MS ? (given.started?.restarts ?? 0) : 0,
      lastDay: {
        reconnects: counts.reconnects.total(now),
        refused: counts.refused.total(now),
        faults: counts.faults.total(now),
      },
    };
  };

  let last: Health | undefined;
  const told = (): Health => {
    last ??= seen();
    return last;
  };

  const look = (): void => {
    if (gist(seen()) !== gist(told())) wake.resolve();
  };

  const tell = (): void => {
    last = seen();
  };

  /** Resolves when there is something to tell, or after `ms`. */
  const news = async (ms: number, signal: AbortSignal): Promise<void> => {
    const enough = new AbortController();
    const slept = clock.sleep(ms, AbortSignal.any([signal, enough.signal])).catch(() => undefined);
    await Promise.race([wake.promise, slept]);
    enough.abort();
    await slept;
  };

  return {
    get now() {
      return seen();
    },
    get told() {
      return told();
    },
    hear(event) {
      const now = clock.mono();
      if (event.event === "fault") counts.faults.add(1, now);
      if (event.event === "refused") counts.refused.add(event.count ?? 1, now);
      if (event.event === "online") {
        if (connected) counts.reconnects.add(1, now);
        connected = true;
      }
      look();
    },
    look,
    tell,
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async run(signal) {
      // From here on something is otherwise than it was.
      told();
      while (!signal.aborted) {
        await news(HOUR_MS, signal);
        if (signal.aborted) return;
        wake = Promise.withResolvers<void>();
        const before = JSON.stringify(told());
        tell();
        if (JSON.stringify(told()) !== before) for (const listener of listeners) listener();
        await clock.sleep(PACE_MS, signal).catch(() => undefined);
      }
    },
  };
};
