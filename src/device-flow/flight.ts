/** Resolves as `promise` does, or rejects with the signal's reason when that comes first. */
const orAbort = async <T>(promise: Promise<T>, signal: AbortSignal): Promise<T> => {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
};

interface Flight<T> {
  readonly landed: Promise<T>;
  readonly everyoneLeft: AbortController;
  passengers: number;
}

/**
 * One piece of work at a time, shared by all who ask while it runs. Each caller has a signal of its own: leaving does
 * not disturb the others. When the last one leaves, the work's signal is aborted, and that caller waits until the work
 * has ended, so that nothing runs on unseen.
 */
export const createFlight = <T>(): ((
  work: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
) => Promise<T>) => {
  let current: Flight<T> | undefined;

  const depart = (work: (signal: AbortSignal) => Promise<T>): Flight<T> => {
    const everyoneLeft = new AbortController();
    const landed = work(everyoneLeft.signal).finally(() => {
      if (current === flight) current = undefined;
    });
    const flight: Flight<T> = { landed, everyoneLeft, passengers: 0 };
    return flight;
  };

  return async (work, signal) => {
    signal.throwIfAborted();
    // One that everybody has left is on its way to end: let it, then begin anew.
    while (current?.everyoneLeft.signal.aborted === true)
      await orAbort(
        current.landed.then(
          () => undefined,
          () => undefined,
        ),
        signal,
      );
    current ??= depart(work);
    const flight = current;
    flight.passengers++;
    try {
      return await orAbort(flight.landed, signal);
    } catch (error) {
      if (signal.aborted && flight.passengers === 1) {
        flight.everyoneLeft.abort(signal.reason);
        await flight.landed.catch(() => undefined);
      }
      throw error;
    } finally {
      flight.passengers--;
    }
  };
};
