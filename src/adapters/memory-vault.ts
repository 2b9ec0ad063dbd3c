import { AgentError } from "../errors.ts";
import type { Vault, VaultKey } from "../ports.ts";
import { createQueues, type Queues } from "./queues.ts";
import { isKey } from "./vault-files.ts";

/** What a memory vault keeps: survives the vault, so that a test can pull the plug and start again. */
export interface MemoryDisk {
  readonly files: Map<VaultKey, Uint8Array>;
  readonly locks: Queues;
}

/** An empty disk. */
export const createMemoryDisk = (): MemoryDisk => ({ files: new Map(), locks: createQueues() });

/** A vault that forgets everything with the process; several on one `disk` are like several processes. */
export const openMemoryVault = (disk: MemoryDisk = createMemoryDisk()): Vault => ({
  async read(key) {
    const found = disk.files.get(key);
    return found === undefined ? undefined : Uint8Array.from(found);
  },
  async write(key, value) {
    // As the state folder does: what this one keeps, that one keeps.
    if (!isKey(key)) throw new AgentError("BUG", "a vault key that cannot be a file name");
    if (value === undefined) disk.files.delete(key);
    else disk.files.set(key, Uint8Array.from(value));
  },
  ready: async () => undefined,
  async setAside(key) {
    disk.files.delete(key);
  },
  settle: async () => undefined,
  locked: (name, work, signal) => disk.locks.run(name, work, signal),
});
