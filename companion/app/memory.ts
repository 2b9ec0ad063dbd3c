import type { SavedBoard } from "../core/boards.ts";
import { type Kept, type Memory, takenOver } from "../core/memory.ts";
import type { OrgConfig } from "../core/org.ts";
import { nameAt } from "../core/place.ts";
import type { Session } from "../core/sign-in.ts";

/** What the database and the lock were called that all apps at one origin once shared. */
const SHARED = "porchlight";

const done = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Asks the browser not to clear away what is kept here; whether it will is its own to decide, and may differ the next time. */
export const askToKeep = (): void => {
  void navigator.storage?.persist?.().catch(() => false);
};

/** The database of that name; null when there is none. */
const existing = (name: string): Promise<IDBDatabase | null> => {
  const opening = indexedDB.open(name, 1);
  let isNew = false;
  opening.onupgradeneeded = () => {
    isNew = true;
    opening.transaction?.abort();
  };
  return done(opening).catch((error: unknown) => {
    if (isNew) return null;
    throw error;
  });
};

const put = (kept: IDBObjectStore, values: Partial<Kept>): void => {
  for (const [name, value] of Object.entries(values)) kept.put(value, name);
};

/** Durable when it resolves. */
const change = async (database: IDBDatabase, work: (kept: IDBObjectStore) => void): Promise<void> => {
  const writing = database.transaction("kept", "readwrite", { durability: "strict" });
  work(writing.objectStore("kept"));
  await new Promise<void>((resolve, reject) => {
    writing.oncomplete = () => resolve();
    writing.onabort = () => reject(writing.error);
  });
};

/** The same with `first` in it from the moment that there is one. */
const made = (name: string, first: Partial<Kept>): Promise<IDBDatabase> => {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => put(opening.result.createObjectStore("kept"), first);
  return done(opening);
};

/** This app's database at its first start, with what it takes over of the shared one; to be called alone with that one. */
const begun = async (name: string, org: OrgConfig): Promise<IDBDatabase> => {
  const shared = await existing(SHARED);
  if (shared === null) return made(name, {});
  const kept = shared.transaction("kept").objectStore("kept");
  const [names, values] = await Promise.all([done(kept.getAllKeys()), done(kept.getAll())]);
  const { taken, isAll } = takenOver(Object.fromEntries(names.map((each, i) => [each, values[i]])), org);
  const database = await made(name, taken);
  if (isAll) {
    // What makes a database need not be durable yet.
    await change(database, (own) => put(own, taken));
    await change(shared, (old) => old.clear());
  }
  shared.close();
  return database;
};

/**
 * This browser's IndexedDB, for the app at `path` alone. The phone's key is kept as the browser's own object: its private
 * half has never been anywhere else, and no script can read it.
 */
export const openMemory = async (path: string, org: OrgConfig): Promise<Memory> => {
  const name = nameAt(path);
  const database = (await existing(name)) ?? (await navigator.locks.request(SHARED, () => begun(name, org)));
  return {
    async read<Name extends keyof Kept>(name: Name): Promise<Kept[Name] | undefined> {
      const kept = database.transaction("kept").objectStore("kept");
      // Only `write` below puts anything there, as it did in the shared one.
      return await done<Kept[Name] | undefined>(kept.get(name));
    },
    async write(name, value) {
      // A guest without an account is known by it alone.
      if (name === "key" && value !== undefined) askToKeep();
      await change(database, (kept) => {
        if (value === undefined) kept.delete(name);
        else kept.put(value, name);
      });
    },
    async reviseBoards(work) {
      let list: readonly SavedBoard[] | null = null;
      await change(database, (kept) => {
        const session: IDBRequest<Session | undefined> = kept.get("session");
        const boards: IDBRequest<readonly SavedBoard[] | undefined> = kept.get("boards");
        // The later one: answers come in the order of the questions.
        boards.onsuccess = () => {
          list = work(boards.result ?? [], session.result ?? null);
          if (list === null) return;
          if (list.length === 0) kept.delete("boards");
          else kept.put(list, "boards");
        };
      });
      return list;
    },
    alone: (work) => navigator.locks.request(name, work),
  };
};
