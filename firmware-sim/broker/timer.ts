import type { Clock } from "../../src/ports.ts";

/** Nobody reads it; without one, a reason with a stack is made each time. */
const cancelled = new Error("cancelled");

/** Calls `fire` after `ms` on the clock; returns the way to cancel it. */
export const later = (clock: Clock, ms: number, fire: () => void): (() => void) => {
  const stop = new AbortController();
  clock.sleep(ms, stop.signal).then(fire, () => {});
  return () => stop.abort(cancelled);
};
