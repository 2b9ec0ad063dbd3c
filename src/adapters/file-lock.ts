// The kernel's own file locks (flock(2)). Node has no call for them, so the C library is called. They end
// with the process, however it ends: no stale lock can ever keep a board from starting.

import { AgentError } from "../errors.ts";
import { flock, LibcError } from "../hal/linux/libc.ts";
import { close, open } from "./files.ts";

// flock(2), Linux: include/uapi/asm-generic/fcntl.h
const LOCK_EX = 2;
const LOCK_NB = 4;
/** A held lock. */
export interface FileLock extends AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void>;
}

/** A disk that takes nothing has the file from better days, and the kernel locks what is only read, too. */
const opened = (path: string): Promise<number> =>
  open(path, "a", 0o600).catch((cause: unknown) =>
    open(path, "r").catch(() => {
      throw new AgentError("STATE_UNWRITABLE", `${path} cannot be opened`, { cause });
    }),
  );

/**
 * Takes the lock of the file `path` (made when missing, mode 0600) without waiting; undefined while somebody else
 * holds it, this process included. Throws STATE_UNWRITABLE.
 */
export const tryFileLock = async (path: string): Promise<FileLock | undefined> => {
  const fd = await opened(path);
  let held = false;
  try {
    for (;;) {
      try {
        flock(fd, LOCK_EX | LOCK_NB);
        held = true;
        return { [Symbol.asyncDispose]: () => close(fd) };
      } catch (error) {
        const code = error instanceof LibcError ? error.code : null;
        if (code === "EAGAIN") return undefined;
        if (code !== "EINTR")
          throw new AgentError("STATE_UNWRITABLE", `${path} cannot be locked (${code})`, { cause: error });
      }
    }
  } finally {
    if (!held) await close(fd);
  }
};
