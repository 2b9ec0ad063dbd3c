import type { Clock } from "../ports.ts";

/** Nobody reads it; without one, a reason with a stack is made each time. */
const over = new Error("it is over");

/** `work`, or the error of `late` when it takes longer than `ms`. Leaves no timer. */
export const within = async <T>(
  work: Promise<T>,
  ms: number,
  clock: Clock,
  late: () => Error,
  signal: AbortSignal,
): Promise<T> => {
  const done = new AbortController();
  const timer = clock.sleep(ms, AbortSignal.any([done.signal, signal])).then(() => {
    throw late();
  });
  try {
    return await Promise.race([work, timer]);
  } finally {
    done.abort(over);
  }
};
