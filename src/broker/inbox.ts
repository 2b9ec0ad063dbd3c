/** Commands that wait for the agent, in the order they came. */
export interface Inbox<T> {
  /** Adds at the end; when it is full the oldest that is not to stay falls out and is returned. */
  push(item: T): T | undefined;
  /**
   * Hands out items one by one until `end` resolves. What is left then waits for the next reader: a command that
   * was acknowledged to the broker outlives the connection it came on.
   */
  read(end: Promise<unknown>): AsyncIterable<T>;
}

/**
 * An inbox for at most `limit` items. Full, it drops the oldest: for a lamp the newest command is the one that
 * counts, and whoever drags a slider sends many. What is to `stay` falls out only when all the others have.
 */
export const createInbox = <T>(limit: number, stays: (item: T) => boolean = () => false): Inbox<T> => {
  const items: T[] = [];
  const waiting = new Set<() => void>();
  const wakeAll = (): void => {
    for (const wake of waiting) wake();
    waiting.clear();
  };

  return {
    push: (item) => {
      items.push(item);
      const first =
        items.length > limit
          ? Math.max(
              0,
              items.findIndex((each) => !stays(each)),
            )
          : null;
      const dropped = first === null ? undefined : items.splice(first, 1)[0];
      wakeAll();
      return dropped;
    },
    read: (end) => {
      let ended = false;
      void end.then(() => {
        ended = true;
        wakeAll();
      });
      return {
        async *[Symbol.asyncIterator]() {
          while (!ended) {
            const next = items.shift();
            if (next === undefined) await new Promise<void>((wake) => waiting.add(wake));
            else yield next;
          }
        },
      };
    },
  };
};
