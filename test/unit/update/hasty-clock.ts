import { setImmediate } from "node:timers/promises";
import type { Clock } from "../../../src/ports.ts";
import { epochMs, monoMs } from "../../../src/units.ts";

/** A clock that moves only by the pauses that are asked for, and lets real files and sockets take the time they need. */
export const createHastyClock = (): Clock & { readonly pauses: number[] } => {
  let now = 0;
  const pauses: number[] = [];
  return {
    pauses,
    mono: () => monoMs(now),
    wall: () => epochMs(Date.parse("2026-12-01T03:00:00Z") + now),
    wallKnown: () => true,
    async sleep(ms, signal) {
      pauses.push(ms);
      await setImmediate();
      signal.throwIfAborted();
      now += ms;
    },
  };
};
