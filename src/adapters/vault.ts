// The state folder: a few small files that must survive a pulled plug.

import { constants } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import type { Clock, Random, Vault, VaultKey } from "../ports.ts";
import { type FileLock, tryFileLock } from "./file-lock.ts";
import {
  chmod,
  close,
  fstat,
  fsync,
  open,
  readdir,
  readFile,
  removeFile,
  rename,
  stat,
  writeFile,
} from "./files.ts";
import { makeFolders } from "./make-folders.ts";
import { createQueues } from "./queues.ts";

/** Largest file that is read, in bytes; a grant is about 10 kB. */
const MAX_BYTES = 1024 * 1024;
/** Pauses between two looks at a lock that another process holds, in milliseconds; jittered. */
const LOCK_PAUSE_MS = 25;
const LONGEST_LOCK_PAUSE_MS = 250;

/** `light-<id>` takes the ids that settings allow; nothing here can name a file outside the folder. */
const KEY =
  /^(?:device-key|grant|discovery|org-keys|replay|guests|names|evening|home|asset|light-[a-z0-9_-]{1,64})$/;
const TEMPORARY =
  /^\.(?:device-key|grant|discovery|org-keys|replay|guests|names|evening|home|asset|light-[a-z0-9_-]{1,64})\.(\d+)\.[0-9a-f]{12}\.tmp$/;

/** Temporary files this process is writing now. */
const writing = new Set<string>();

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

const unwritable = (path: string, cause: unknown): AgentError =>
  new AgentError("STATE_UNWRITABLE", `${path} (${codeOf(cause)})`, { cause });

const isMissing = (error: unknown): boolean => codeOf(error) === "ENOENT";

/** True while a process of that id lives; EPERM means that it does, but is somebody else's. */
const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
};

/** Makes the folder, keeps others out of it, and removes what a power cut left half written. */
const prepare = async (dir: string): Promise<void> => {
  try {
    await makeFolders(dir, 0o700);
    const { mode } = await stat(dir);
    if ((mode & 0o077) !== 0) await chmod(dir, 0o700);
    for (const name of await readdir(dir)) {
      const pid = TEMPORARY.exec(name)?.[1];
      if (pid === undefined) continue;
      const path = join(dir, name);
      const inUse = Number(pid) === process.pid ? writing.has(path) : lives(Number(pid));
      if (!inUse) await removeFile(path);
    }
  } catch (error) {
    throw unwritable(dir, error);
  }
};

const withFile = async <T>(path: string, flags: number, work: (fd: number) => Promise<T>): Promise<T> => {
  // The mode counts only where the flags make a file.
  const fd = await open(path, flags | constants.O_NOFOLLOW, 0o600);
  try {
    return await work(fd);
  } finally {
    await close(fd);
  }
};

const readCapped = async (path: string): Promise<Uint8Array | undefined> => {
  try {
    return await withFile(path, constants.O_RDONLY | constants.O_NONBLOCK, async (fd) => {
      const found = await fstat(fd);
      if (!found.isFile()) throw new AgentError("STATE_DAMAGED", `${path} is no ordinary file`);
      if (found.size > MAX_BYTES)
        throw new AgentError("STATE_DAMAGED", `${path} is larger than ${MAX_BYTES} bytes`);
      return new Uint8Array(await readFile(fd));
    });
  } catch (error) {
    if (error instanceof AgentError) throw error;
    if (isMissing(error)) return undefined;
    if (codeOf(error) === "EACCES") throw unwritable(path, error);
    throw new AgentError("STATE_DAMAGED", `${path} (${codeOf(error)})`, { cause: error });
  }
};

const hexDigits = (count: number, random: Random): string =>
  Array.from({ length: count }, () => Math.floor(random() * 16).toString(16)).join("");

const syncFolder = (dir: string): Promise<void> =>
  withFile(dir, constants.O_RDONLY | constants.O_DIRECTORY, fsync);

/** The new content is on the disk before it takes the old one's place, and so is the folder that says so. */
const replace = async (dir: string, key: VaultKey, value: Uint8Array, random: Random): Promise<void> => {
  const path = join(dir, key);
  // Nobody else's file is ever taken: it is made, or the write fails.
  const temporary = join(dir, `.${key}.${process.pid}.${hexDigits(12, random)}.tmp`);
  writing.add(temporary);
  try {
    await withFile(temporary, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, async (fd) => {
      await writeFile(fd, value);
      await fsync(fd);
    });
    await rename(temporary, path);
    await syncFolder(dir);
  } catch (error) {
    await removeFile(temporary).catch(() => undefined);
    throw error;
  } finally {
    writing.delete(temporary);
  }
};

const remove = async (dir: string, path: string): Promise<void> => {
  await removeFile(path);
  await syncFolder(dir);
};

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/**
 * Opens the state folder `dir`, made when missing. Folder 0700, files 0600; writes are atomic, durable, and skipped
 * when nothing would change. Locks are the kernel's: they end with the process that holds them.
 * Throws STATE_UNWRITABLE; reading throws STATE_DAMAGED.
 */
export const openVault = async (dir: string, ports: { clock: Clock; random: Random }): Promise<Vault> => {
  const { clock, random } = ports;
  await prepare(dir);
  const writes = createQueues();
  const locks = createQueues();
  // What this process itself has synced: only that may be skipped without another look at the disk's cache.
  const durable = new Set<VaultKey>();

  const pathOf = (key: VaultKey): string => {
    if (!KEY.test(key)) throw new AgentError("BUG", "a vault key that cannot be a file name");
    return join(dir, key);
  };

  const store = async (key: VaultKey, value: Uint8Array | undefined): Promise<void> => {
    const path = pathOf(key);
    // An old file that cannot be read is replaced like any other.
    const old = await readCapped(path).catch(() => null);
    try {
      if (value === undefined) {
        if (old !== undefined) await remove(dir, path);
      } else if (old && sameBytes(old, value)) {
        // Perhaps the process that wrote it was killed before it could sync.
        if (!durable.has(key)) await withFile(path, constants.O_RDONLY, fsync).then(() => syncFolder(dir));
      } else await replace(dir, key, value, random);
      durable.add(key);
    } catch (error) {
      durable.delete(key);
      throw unwritable(path, error);
    }
  };

  const takeLock = async (name: string, signal: AbortSignal): Promise<FileLock> => {
    const path = join(dir, `${name}.lock`);
    for (let pauseMs = LOCK_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, LONGEST_LOCK_PAUSE_MS)) {
      signal.throwIfAborted();
      const lock = await tryFileLock(path);
      if (lock !== undefined) return lock;
      await clock.sleep(pauseMs * (0.5 + random()), signal);
    }
  };

  return {
    async read(key) {
      return readCapped(pathOf(key));
    },
    async write(key, value) {
      const copy = value === undefined ? undefined : Uint8Array.from(value);
      await writes.run(key, () => store(key, copy), new AbortController().signal);
    },
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
};
