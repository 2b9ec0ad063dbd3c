/** Queues by name: in each, one piece of work at a time, in the order they came. */
export interface Queues {
  /** Runs `work` when its turn comes; rejects with the signal's reason when aborted before that. */
  run<T>(name: string, work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

const turnOrAbort = (turn: Promise<void>, signal: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    void turn.then(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
  });

/** Makes an empty set of queues. */
export const createQueues = (): Queues => {
  const tails = new Map<string, Promise<void>>();
  return {
    async run(name, work, signal) {
      signal.throwIfAborted();
      const turn = tails.get(name) ?? Promise.resolve();
      const done = Promise.withResolvers<void>();
      // Whoever gives up waiting leaves the queue, but those behind still wait for those before.
      const tail = turn.then(() => done.promise);
      tails.set(name, tail);
      void tail.then(() => {
        if (tails.get(name) === tail) tails.delete(name);
      });
      try {
        await turnOrAbort(turn, signal);
        return await work();
      } finally {
        done.resolve();
      }
    },
  };
};
