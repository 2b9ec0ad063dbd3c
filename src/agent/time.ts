// The time of day on a board without a clock battery: what the system says, held against what the org's answers say, and
// against what was certainly past when the board ran last. `known-time.ts` decides; docs/decisions/0036-time.md says why.

import { AgentError, type ErrorCode } from "../errors.ts";
import type { Clock, Http, Journal, Vault } from "../ports.ts";
import { type EpochMs, epochMs, iso, MOST_SKEW_MS, type MonoMs } from "../units.ts";
import { readHttpDate } from "./http-date.ts";
import {
  clockFault,
  isProven,
  isTimeKnown,
  type KnownTime,
  looked,
  nothingKnown,
  type Own,
  timeOf,
  told,
} from "./known-time.ts";

export interface Time {
  /** The clock that all the board goes by. */
  readonly clock: Clock;
  /** `inner`, with its answers' `Date` heard. A certificate that only the clock makes bad is CLOCK_WRONG. */
  http(inner: Http): Http;
  /** The same for a fault of whatever else speaks TLS. */
  explained(error: unknown): unknown;
  /** What is wrong with the system's clock: CLOCK_UNSET, CLOCK_WRONG or null. */
  readonly fault: ErrorCode | null;
  /** Whether the system's clock and the org have told the same time in this run. */
  isProven(): boolean;
  /** What the system's clock says. */
  readonly system: EpochMs;
  /** True while something waits for the time to be known. */
  readonly waiting: boolean;
  /** Resolves when the time is known, and asks the org for it until then. Rejects with the signal's reason. */
  known(signal: AbortSignal): Promise<void>;
  /** Resolves when the system's clock has been set, to something else than before. Rejects with the signal's reason. */
  moved(signal: AbortSignal): Promise<void>;
  /**
   * Asks the org for the time where nobody has told it in this run, or the system's clock has moved since: it was set, or the
   * machine slept, and the monotonic clock with it. Not more often than every few seconds, then minutes. Never throws.
   */
  ask(signal: AbortSignal): Promise<void>;
  /** Calls `listener` when `fault` or `waiting` has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Says what is wrong with the clock, and keeps what is certainly past, until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

/** Pause between looks at a clock that somebody waits for, in milliseconds; and once it has been waited for so long. */
const WAIT_LOOK_MS = 5_000;
const LONG_WAIT_MS = 300_000;
const LONG_WAIT_LOOK_MS = 30_000;
/** Pause between looks of `run`: at a clock that is wrong, and at one that is not. */
const FAULT_LOOK_MS = 60_000;
const LOOK_MS = 600_000;
/** The bound on the disk may be so much behind: at most four writes a day. */
const BEHIND_MS = 6 * 3_600_000;
/** The org is asked for the time no sooner than this after the last time, and then twice as long, up to so long. */
const FIRST_PAUSE_MS = 5_000;
const LAST_PAUSE_MS = 600_000;
/** An answer that was longer on its way says too little of the present. */
const SLOW_MS = 10_000;
/** Largest stored bound, in bytes. */
const MAX_BYTES = 256;
/** The end of the year 9999: what is later is no moment that anything was written at. */
const LAST_MS = 253_402_300_799_999;

/** The stored bound. What is damaged says nothing. */
const decode = (bytes: Uint8Array | undefined): EpochMs | null => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return null;
  try {
    const value = JSON.parse(new TextDecoder().decode(bytes)) as { version?: unknown; past?: unknown } | null;
    const isMoment =
      value?.version === 1 && Number.isSafeInteger(value.past) && Number(value.past) <= LAST_MS;
    return isMoment ? epochMs(Number(value.past)) : null;
  } catch {
    return null;
  }
};

const encode = (past: EpochMs): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: 1, past: Math.floor(past) }));

/** The bound that a board has kept; null where it has none, or it cannot be read. */
export const readBound = async (vault: Pick<Vault, "read">): Promise<EpochMs | null> =>
  decode(await vault.read("time").catch(() => undefined));

/** What OpenSSL calls the fault of a certificate that is right at another time; else null. */
const datesOf = ({ code, cause }: AgentError): "early" | "late" | null => {
  if ((code !== "ORG_TLS" && code !== "BROKER_TLS") || !(cause instanceof Error) || !("code" in cause))
    return null;
  if (cause.code === "CERT_NOT_YET_VALID") return "early";
  return cause.code === "CERT_HAS_EXPIRED" ? "late" : null;
};

/** `system` are the clocks of the machine, `askUrl` an address of the org's. The bound is read with the first `await bounded`. */
export const openTime = (parts: {
  readonly system: Clock;
  readonly vault: Pick<Vault, "read" | "write">;
  readonly journal: Journal;
  readonly askUrl: string;
}): Time & { readonly bounded: Promise<void> } => {
  const { system, vault, journal, askUrl } = parts;
  const listeners = new Set<() => void>();
  let knownTime: KnownTime = nothingKnown;
  let stored: EpochMs | null = null;
  let fault: ErrorCode | null = null;
  let waiting = 0;
  let inner: Http | null = null;
  /** `stand()` when the org spoke last. */
  let heard = 0;
  let asked: { readonly at: MonoMs; readonly pauseMs: number } | null = null;
  /** Aborted, and replaced, when somebody has told the time. */
  let news = new AbortController();

  const own = (): Own => ({ wall: system.wall(), mono: system.mono(), known: system.wallKnown() });

  const changed = (): void => {
    for (const listener of listeners) listener();
  };

  /** Where the system's clock stands, seen from the monotonic one: another number when it has been set. */
  const stand = (): number => system.wall() - system.mono();

  /** Until the next look, of somebody who has waited since then. */
  const nextLook = (since: MonoMs, signal: AbortSignal): Promise<void> =>
    system.sleep(system.mono() - since < LONG_WAIT_MS ? WAIT_LOOK_MS : LONG_WAIT_LOOK_MS, signal);

  const explained = (error: unknown): unknown => {
    const dates = error instanceof AgentError ? datesOf(error) : null;
    if (!(error instanceof AgentError) || dates === null) return error;
    // An old certificate may just be old, unless the clock is known to be ahead of the time.
    const now = own();
    if (dates === "late" && timeOf(knownTime, now) >= now.wall) return error;
    return new AgentError("CLOCK_WRONG", `${error.detail}; the clock says ${iso(now.wall)}`, {
      cause: error.cause,
    });
  };

  /** `Date` of an answer that came over TLS, from its maker itself, and quickly. */
  const hear = (url: string, headers: Readonly<Record<string, string>>, sentAt: MonoMs): void => {
    const now = own();
    if (!url.startsWith("https:") || headers.age !== undefined || now.mono - sentAt > SLOW_MS) return;
    const date = readHttpDate(headers.date ?? "");
    if (date === null) return;
    heard = stand();
    const next = told(knownTime, date, now);
    if (next === knownTime) return;
    knownTime = next;
    news.abort();
    news = new AbortController();
  };

  const bounded = readBound(vault).then((past) => {
    stored = past;
    if (past !== null) knownTime = { ...knownTime, bound: epochMs(Math.max(past, knownTime.bound)) };
  });

  /** The bound on the disk follows at a distance. */
  const keep = async (): Promise<void> => {
    const { bound } = knownTime;
    if (!isProven(knownTime) || (stored !== null && bound - stored < BEHIND_MS)) return;
    // Should this fail, the one before still holds.
    stored = bound;
    await vault.write("time", encode(bound)).catch(() => undefined);
  };

  const unsetDetail = (now: Own): string =>
    now.known ? `it says ${iso(now.wall)}, and ${iso(knownTime.bound)} is past` : `it says ${iso(now.wall)}`;

  const look = (): void => {
    const now = own();
    knownTime = looked(knownTime, now);
    const found = clockFault(knownTime, now);
    if (found === fault) return;
    fault = found;
    // CLOCK_UNSET is told by who waits for it: without a network nobody does.
    if (found === "CLOCK_WRONG") {
      const detail = `it says ${iso(now.wall)}, and it is ${iso(timeOf(knownTime, now))}`;
      journal.record({
        event: "fault",
        code: found,
        message: new AgentError(found, detail).message,
        retryInMs: null,
      });
    }
    changed();
  };

  const time: Time & { readonly bounded: Promise<void> } = {
    bounded,
    clock: {
      wall: () => timeOf(knownTime, own()),
      wallKnown: () => isTimeKnown(knownTime, own()),
      mono: () => system.mono(),
      sleep: (ms, signal) => system.sleep(ms, signal),
    },
    http(plain) {
      inner = async (request, signal) => {
        const sentAt = system.mono();
        try {
          const response = await plain(request, signal);
          hear(request.url, response.headers, sentAt);
          return response;
        } catch (error) {
          throw explained(error);
        }
      };
      return inner;
    },
    explained,
    isProven() {
      knownTime = looked(knownTime, own());
      return isProven(knownTime);
    },
    get fault() {
      return fault;
    },
    get system() {
      return system.wall();
    },
    get waiting() {
      return waiting > 0;
    },
    async known(signal) {
      await bounded;
      const now = own();
      if (isTimeKnown(knownTime, now)) return;
      const { message } = new AgentError("CLOCK_UNSET", unsetDetail(now));
      journal.record({ event: "fault", code: "CLOCK_UNSET", message, retryInMs: WAIT_LOOK_MS });
      waiting += 1;
      changed();
      const done = new AbortController();
      let asking: Promise<void> | undefined;
      try {
        while (!isTimeKnown(knownTime, own())) {
          const until = AbortSignal.any([signal, news.signal]);
          asking ??= time.ask(AbortSignal.any([signal, done.signal])).finally(() => {
            asking = undefined;
          });
          await nextLook(now.mono, until).catch(() => signal.throwIfAborted());
        }
      } finally {
        done.abort();
        await asking;
        waiting -= 1;
        look();
        changed();
      }
    },
    async moved(signal) {
      const [before, since] = [stand(), system.mono()];
      while (Math.abs(stand() - before) <= MOST_SKEW_MS) await nextLook(since, signal);
    },
    async ask(signal) {
      const isTold = knownTime.anchor !== null && Math.abs(stand() - heard) <= MOST_SKEW_MS;
      if (inner === null || isTold || !askUrl.startsWith("https:")) return;
      const at = system.mono();
      if (asked !== null && at - asked.at < asked.pauseMs) return;
      asked = { at, pauseMs: asked === null ? FIRST_PAUSE_MS : Math.min(asked.pauseMs * 2, LAST_PAUSE_MS) };
      // Whatever it answers: it is asked for the time.
      await inner({ method: "GET", url: askUrl }, signal).catch(() => undefined);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async run(signal) {
      await bounded;
      while (!signal.aborted) {
        const until = AbortSignal.any([signal, news.signal]);
        look();
        if (fault === "CLOCK_WRONG") await time.ask(signal);
        await keep();
        await system.sleep(fault === null ? LOOK_MS : FAULT_LOOK_MS, until).catch(() => undefined);
      }
    },
  };
  return time;
};
