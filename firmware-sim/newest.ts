// What the world remembers for people and tests to look at is the newest of it: it may be left running for months.

/** Adds to a list that keeps its newest `most`. */
export const keepNewest = <T>(list: T[], item: T, most: number): void => {
  list.push(item);
  if (list.length > most) list.shift();
};

/** Forgets the oldest entries beyond `most`, in the order in which their keys came. */
export const forgetOldest = <K>(entries: Map<K, unknown>, most: number): void => {
  for (const key of entries.keys()) {
    if (entries.size <= most) return;
    entries.delete(key);
  }
};
