import type { Clock } from "../ports.ts";
import { after, type MonoMs } from "../units.ts";

/** `setInterval` and `clearInterval` on the Clock port, as MQTT.js takes them for its keep-alive. */
export interface Intervals {
  set(run: () => void, ms: number): number;
  clear(id: number): void;
}

interface Interval {
  readonly run: () => void;
  readonly ms: number;
  due: MonoMs;
}

/**
 * Intervals that all end with `signal`. MQTT.js begins its keep-alive anew with every packet that it sends: a sleep that has begun
 * is not ended for that, but looks when it is over whether anything is due.
 */
export const intervals = (clock: Clock, signal: AbortSignal): Intervals => {
  const running = new Map<number, Interval>();
  let last = 0;
  /** When the next sleep ends; null while there is none. */
  let wakesAt: MonoMs | null = null;

  const sleepUntil = (due: MonoMs): void => {
    if (wakesAt !== null && wakesAt <= due) return;
    wakesAt = due;
    clock
      .sleep(due - clock.mono(), signal)
      .then(() => {
        if (wakesAt === due) wakesAt = null;
        look();
      })
      .catch(() => running.clear());
  };

  const look = (): void => {
    const now = clock.mono();
    for (const [id, interval] of [...running]) {
      if (interval.due > now || !running.has(id)) continue;
      interval.due = after(now, interval.ms);
      interval.run();
    }
    for (const { due } of running.values()) sleepUntil(due);
  };

  return {
    set: (run, ms) => {
      const id = ++last;
      const due = after(clock.mono(), ms);
      running.set(id, { run, ms, due });
      sleepUntil(due);
      return id;
    },
    clear: (id) => {
      running.delete(id);
    },
  };
};
