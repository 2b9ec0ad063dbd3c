// The C library by node:ffi: what Linux offers and Node has no call for. No native addon to build or to ship.

import { getSystemErrorName } from "node:util";

/** Node's own FFI. It warns once that it is experimental; the program is shipped with the Node it was tested on. */
const loadFfi = (): typeof import("node:ffi") => {
  // The warning would only worry people; every other warning stays.
  const emitWarning = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return process.getBuiltinModule("node:ffi");
  } finally {
    process.emitWarning = emitWarning;
  }
};

/** A failed call of the C library; `code` is the errno's name, such as EBUSY. */
export class LibcError extends Error {
  readonly code: string;

  constructor(call: string, errno: number) {
    const code = getSystemErrorName(-errno);
    super(`${call} failed with ${code}`);
    this.code = code;
  }
}

const open = () => {
  const ffi = loadFfi();
  const library = new ffi.DynamicLibrary(null);
  const errnoLocation = library.getFunction("__errno_location", { arguments: [], return: "pointer" });
  return {
    ffi,
    library,
    flock: library.getFunction("flock", { arguments: ["i32", "i32"], return: "i32" }),
    // The last argument is a number or an address; both fill a register.
    ioctl: library.getFunction("ioctl", { arguments: ["i32", "u64", "u64"], return: "i32" }),
    errno: (): number => ffi.getInt32(BigInt(errnoLocation()), 0),
  };
};

let opened: ReturnType<typeof open> | undefined;

/** The C library, loaded at the first use (about 5 ms). */
export const libc = (): ReturnType<typeof open> => {
  opened ??= open();
  return opened;
};

/**
 * flock(2) on an open file. Throws LibcError; EAGAIN when somebody else holds the lock and `operation` has LOCK_NB.
 */
export const flock = (fd: number, operation: number): void => {
  const { flock: call, errno } = libc();
  if (call(fd, operation) !== 0) throw new LibcError("flock", errno());
};
