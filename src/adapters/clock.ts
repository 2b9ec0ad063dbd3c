import type { Clock } from "../ports.ts";
import { epochMs, monoMs, NOT_BEFORE } from "../units.ts";

/** Longest pause one timer can make, in milliseconds (a signed 32-bit number); longer ones are made of several. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Node's `performance` would do, but it is loaded at its first use, and a start has better things to do. */
const monotonicMs = (): number => {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
};

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });

/** The clocks of this machine. `wallKnown` is false while the wall clock is before the time this was written. */
export const systemClock: Clock = {
  wall: () => epochMs(Date.now()),
  wallKnown: () => Date.now() >= NOT_BEFORE,
  mono: () => monoMs(monotonicMs()),
  async sleep(ms, signal) {
    const end = monotonicMs() + ms;
    // A timer may fire up to a millisecond early by the monotonic clock; a deadline must really have passed.
    for (let left = ms; left > 0 || left === ms; left = end - monotonicMs())
      await pause(Math.min(Math.max(left, 0), LONGEST_TIMER_MS), signal);
  },
};

/** A number 0 <= x < 1, for jitter. */
export const systemRandom = (): number => Math.random();
