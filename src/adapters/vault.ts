// The state folder: a few small files that must survive a pulled plug, a full disk and a dying card. How a file looks is
// in vault-frame.ts, which one counts in vault-slots.ts (docs/decisions/0034-vault.md).

import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { Clock, Random, Vault, VaultKey } from "../ports.ts";
import { type FileLock, tryFileLock } from "./file-lock.ts";
import { type Disk, disk as realDisk } from "./files.ts";
import { makeFolders } from "./make-folders.ts";
import { createQueues } from "./queues.ts";
import { codeOf, createVaultFiles, isKey, keysAmong, temporaryOf, unwritable } from "./vault-files.ts";
import type { Seal } from "./vault-seal.ts";
import {
  isKept,
  isSpare,
  newestOf,
  type Slot,
  type Slots,
  type Step,
  stepsToKeep,
  stepsToRemove,
} from "./vault-slots.ts";

/** Pauses between two looks at a lock that another process holds, in milliseconds; jittered. */
const LOCK_PAUSE_MS = 25;
const LONGEST_LOCK_PAUSE_MS = 250;

/** True while a process of that id lives; EPERM means that it does, but is somebody else's. */
const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
};

const isFull = (error: unknown): boolean => ["ENOSPC", "EDQUOT"].includes(codeOf(error));

/** Temporary files this process is writing now. */
const writing = new Set<string>();

/** Makes the folder, keeps others out of it, and removes what a power cut left half written; the names that are there. */
const prepare = async (dir: string, disk: Disk): Promise<readonly string[]> => {
  try {
    await makeFolders(dir, 0o700, disk);
    const { mode } = await disk.stat(dir);
    if ((mode & 0o077) !== 0)
      await disk.chmod(dir, 0o700).catch((error: unknown) => {
        // Nothing can be done about it there, and the lamp need not stay dark for it.
        if (codeOf(error) !== "EROFS") throw error;
      });
    const names = await disk.readdir(dir);
    for (const name of names) {
      const pid = temporaryOf(name);
      if (pid === undefined) continue;
      const path = join(dir, name);
      // What cannot be removed now does no harm, and is removed another time.
      if (pid === process.pid ? !writing.has(path) : !lives(pid))
        await disk.unlink(path).catch(() => undefined);
    }
    return names;
  } catch (error) {
    throw unwritable(dir, error);
  }
};

export interface VaultPorts {
  readonly clock: Clock;
  readonly random: Random;
  /** What is written is encrypted with it; null: it is not. */
  readonly seal?: Seal | null;
  /** Only decrypts: what is written is plain from now on. */
  readonly unseal?: Seal | null;
  /** Told, once for each key, of a damaged file in whose stead an older one serves, or of one that was set aside. */
  readonly damaged?: (error: AgentError) => void;
  readonly disk?: Disk;
  /** Takes the lock of a file, as `tryFileLock` does. */
  readonly tryLock?: typeof tryFileLock;
}

const never = new AbortController().signal;

/**
 * Opens the state folder `dir`, made when missing. Folder 0700, files 0600; writes are atomic, durable, and skipped
 * when nothing would change. Locks are the kernel's: they end with the process that holds them.
 * Throws STATE_UNWRITABLE.
 */
export const openVault = async (dir: string, ports: VaultPorts): Promise<Vault> => {
  const { clock, random, disk = realDisk, tryLock = tryFileLock, damaged = () => undefined } = ports;
  // No older version of the program runs beside this one: what it left is there now, or never.
  const bare = new Set((await prepare(dir, disk)).filter(isKey));
  const seal = ports.seal ?? null;
  const files = createVaultFiles(dir, { disk, random, seal, unseal: ports.unseal ?? seal, writing, bare });
  const form = seal === null ? "plain" : "aes-256-gcm";
  const writes = createQueues();
  const locks = createQueues();
  // What this process itself has synced: only that may be skipped without another look at the disk's cache.
  const durable = new Set<VaultKey>();
  // Where a write has failed, a cache may say what the disk does not hold.
  const doubtful = new Set<VaultKey>();
  const told = new Set<VaultKey>();
  let foreign: Promise<boolean> | undefined;

  /** Above all generations, which count writes. */
  const high = (): number => Math.max(1, Math.floor(clock.wall()));

  const checked = (key: VaultKey): VaultKey => {
    if (!isKey(key)) throw new AgentError("BUG", "a vault key that cannot be a file name");
    return key;
  };

  const refuse = (key: VaultKey, slots: Slots, code: AgentError["code"]): never => {
    throw new AgentError(code, files.describe(key, slots));
  };

  const tell = (key: VaultKey, slots: Slots): void => {
    if (told.has(key)) return;
    told.add(key);
    damaged(
      new AgentError("STATE_DAMAGED", `${files.describe(key, slots)}; what was kept before it serves on`),
    );
  };

  /** Nothing is written beside files that this key does not open: the right one, back again, would not open what is new. */
  const checkKey = async (): Promise<void> => {
    foreign ??= files.anyLocked();
    try {
      if (await foreign) throw new AgentError("STATE_LOCKED", dir);
    } catch (error) {
      // Looked at again the next time: somebody may have removed what is locked, and a bad look is none.
      foreign = undefined;
      throw error;
    }
  };

  const carryOut = async (key: VaultKey, steps: readonly Step[]): Promise<void> => {
    durable.delete(key);
    doubtful.add(key);
    for (const step of steps)
      await files.carryOut(key, step).catch(async (error: unknown) => {
        // A full disk has the room of the generation before the newest, which the next one replaces anyway.
        if (step.do !== "write" || !isFull(error) || !isSpare(await files.look(key), step.place)) throw error;
        await files.carryOut(key, { do: "unlink", which: step.place });
        await files.carryOut(key, step);
      });
    doubtful.delete(key);
    durable.add(key);
  };

  const remove = async (key: VaultKey): Promise<void> => {
    await files.forgetAside(key);
    // What an earlier try has removed may come back, while what this one removes does not.
    if (!durable.has(key)) await files.sync(key);
    await carryOut(key, stepsToRemove(await files.look(key), high()));
  };

  const keep = async (key: VaultKey, value: Uint8Array, both: boolean): Promise<void> => {
    const slots = await files.look(key);
    const newest = newestOf(slots);
    if (newest.kind === "refused" && newest.code !== "STATE_DAMAGED") return refuse(key, slots, newest.code);
    await checkKey();
    if (!isKept(slots, value, form, both) || doubtful.has(key)) {
      await carryOut(key, stepsToKeep(slots, value, both, high()));
    } else if (!durable.has(key)) {
      // Perhaps the process that wrote it was killed before it could sync.
      await files.sync(key);
      durable.add(key);
    }
  };

  const store = async (key: VaultKey, work: () => Promise<void>): Promise<void> => {
    try {
      await writes.run(key, work, never);
    } catch (error) {
      throw error instanceof AgentError ? error : unwritable(join(dir, key), error);
    }
  };

  const takeLock = async (name: string, signal: AbortSignal): Promise<FileLock> => {
    const path = join(dir, `${name}.lock`);
    for (let pauseMs = LOCK_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_LOCK_PAUSE_MS)) {
      signal.throwIfAborted();
      const lock = await tryLock(path);
      if (lock !== undefined) return lock;
      await clock.sleep(pauseMs * (0.5 + random()), signal);
    }
  };

  const vault: Vault = {
    async read(key, least) {
      checked(key);
      // In turn with the writes: half way through a removal there is what was kept before.
      const slots = await writes.run(key, () => files.look(key), never);
      const newest = newestOf(slots);
      if (newest.kind === "none") return undefined;
      if (newest.kind === "refused") return refuse(key, slots, newest.code);
      if (newest.older) tell(key, slots);
      if (newest.older && least === "newest") return refuse(key, slots, "STATE_DAMAGED");
      return Uint8Array.from(newest.value);
    },
    async write(key, value, generations) {
      const copy = value === undefined ? undefined : Uint8Array.from(value);
      checked(key);
      await store(key, () => (copy === undefined ? remove(key) : keep(key, copy, generations === "both")));
    },
    async setAside(key) {
      checked(key);
      await store(key, async () => {
        const { bare, pair } = await files.look(key);
        const there = ([0, 1, "bare"] as const).filter(
          (which) => (which === "bare" ? bare : pair[which]).kind !== "none",
        );
        await carryOut(
          key,
          there.map((which) => ({ do: "setAside", which })),
        );
      });
    },
    // A bad look is no reason to ask nobody: what is written will tell.
    ready: () =>
      checkKey().catch((error: unknown) => {
        if (error instanceof AgentError && error.code === "STATE_LOCKED") throw error;
      }),
    settle: (proven) =>
      vault.locked(
        "grant",
        async () => {
          for (const key of keysAmong(await disk.readdir(dir)))
            await store(key, async () => {
              const slots = await files.look(key);
              const newest = newestOf(slots);
              const isOld = (slot: Slot): boolean => slot.kind === "good" && slot.form !== form;
              const isSettled = slots.bare.kind === "none" && !slots.pair.some(isOld);
              if (newest.kind !== "found") return;
              if (slots.bare.kind === "good" && seal === null && !proven) return;
              // It is there twice, so what is left of it is no older. All else that is damaged stays as it is until there is
              // something new to put in its place.
              if (
                key === "device-key" ? !isKept(slots, newest.value, form, true) : !newest.older && !isSettled
              )
                await keep(key, newest.value, true);
            });
        },
        never,
      ),
    locked: (name, work, signal) =>
      locks.run(
        name,
        async () => {
          await using _lock = await takeLock(name, signal);
          signal.throwIfAborted();
          return await work();
        },
        signal,
      ),
  };
  return vault;
};
