import type { Clock } from "../ports.ts";

/** `setInterval` and `clearInterval` on the Clock port, as MQTT.js takes them for its keep-alive. */
export interface Intervals {
  set(run: () => void, ms: number): number;
  clear(id: number): void;
}

/** Intervals that all end with `signal`. */
export const intervals = (clock: Clock, signal: AbortSignal): Intervals => {
  const running = new Map<number, AbortController>();
  let last = 0;
  return {
    set: (run, ms) => {
      const id = ++last;
      const stop = new AbortController();
      running.set(id, stop);
      const either = AbortSignal.any([stop.signal, signal]);
      const repeat = async (): Promise<void> => {
        while (!either.aborted) {
          await clock.sleep(ms, either);
          run();
        }
      };
      repeat().catch(() => running.delete(id));
      return id;
    },
    clear: (id) => {
      running.get(id)?.abort();
      running.delete(id);
    },
  };
};
