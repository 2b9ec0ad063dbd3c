/** A queue between those who post and one who waits. */
export interface Mailbox<T> {
  post(item: T): void;
  /** The oldest item, as soon as there is one. Only one reader at a time. */
  take(): Promise<T>;
}

export const createMailbox = <T>(): Mailbox<T> => {
  const items: T[] = [];
  let wake: (() => void) | undefined;
  return {
    post(item) {
      items.push(item);
      wake?.();
    },
    async take() {
      for (;;) {
        const item = items.shift();
        if (item !== undefined) return item;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        wake = undefined;
      }
    },
  };
};
