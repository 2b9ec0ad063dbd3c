import type { Kept, Memory } from "../core/memory.ts";

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Asks the browser not to clear away what is kept here; whether it will is its own to decide, and may differ the next time. */
export const askToKeep = (): void => {
  void navigator.storage?.persist?.().catch(() => false);
};

/**
 * This browser's IndexedDB. The phone's key is kept as the browser's own object: its private half has never been
 * anywhere else, and no script can read it.
 */
export const openMemory = async (): Promise<Memory> => {
  const opening = indexedDB.open("porchlight", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("kept");
  const database = await done(opening);
  return {
    async read<Name extends keyof Kept>(name: Name): Promise<Kept[Name] | undefined> {
      const kept = database.transaction("kept").objectStore("kept");
      // Only `write` below puts anything there.
      return await done<Kept[Name] | undefined>(kept.get(name));
    },
    async write(name, value) {
      // A guest without an account is known by it alone.
      if (name === "key" && value !== undefined) askToKeep();
      const writing = database.transaction("kept", "readwrite", { durability: "strict" });
      const kept = writing.objectStore("kept");
      if (value === undefined) kept.delete(name);
      else kept.put(value, name);
      await new Promise<void>((resolve, reject) => {
        writing.oncomplete = () => resolve();
        writing.onabort = () => reject(writing.error);
      });
    },
    alone: (work) => navigator.locks.request("porchlight", work),
  };
};
