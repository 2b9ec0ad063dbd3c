// The kernel's own file locks (flock(2)). Node has no call for them, so libc is called through node:ffi. They end
// with the process, however it ends: no stale lock can ever keep a board from starting.

import { close, open } from "node:fs";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";

const openFile = promisify(open);
const closeFile = promisify(close);

// flock(2), Linux: include/uapi/asm-generic/fcntl.h
const LOCK_EX = 2;
const LOCK_NB = 4;
// errno(3): include/uapi/asm-generic/errno-base.h
const EINTR = 4;
const EAGAIN = 11;

interface Libc {
  flock(fd: number, operation: number): number;
  errno(): number;
}

let libc: Libc | undefined;

const loadLibc = (): Libc => {
  // Node warns once that ffi is experimental. The program is shipped with the Node it was tested on, so the warning
  // would only worry people; every other warning stays.
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    const ffi = process.getBuiltinModule("node:ffi");
    const library = new ffi.DynamicLibrary(null);
    const { flock, errnoLocation } = {
      flock: library.getFunction("flock", { arguments: ["i32", "i32"], return: "i32" }),
      errnoLocation: library.getFunction("__errno_location", { arguments: [], return: "pointer" }),
    };
    return {
      flock: (fd, operation) => Number(flock(fd, operation)),
      errno: () => ffi.getInt32(BigInt(errnoLocation()), 0),
    };
  } finally {
    process.emitWarning = emitWarning;
  }
};

/** A held lock. */
export interface FileLock extends AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Takes the lock of the file `path` (made when missing, mode 0600) without waiting; undefined while somebody else
 * holds it, this process included. Throws STATE_UNWRITABLE.
 */
export const tryFileLock = async (path: string): Promise<FileLock | undefined> => {
  const fd = await openFile(path, "a", 0o600).catch((cause: unknown) => {
    throw new AgentError("STATE_UNWRITABLE", `${path} cannot be opened`, { cause });
  });
  let held = false;
  try {
    libc ??= loadLibc();
    for (;;) {
      if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) {
        held = true;
        return { [Symbol.asyncDispose]: () => closeFile(fd) };
      }
      const errno = libc.errno();
      if (errno === EAGAIN) return undefined;
      if (errno !== EINTR)
        throw new AgentError("STATE_UNWRITABLE", `${path} cannot be locked (errno ${errno})`);
    }
  } finally {
    if (!held) await closeFile(fd);
  }
};
