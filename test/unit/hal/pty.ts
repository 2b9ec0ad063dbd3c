// A pseudo terminal of the kernel: a serial port whose far end a test holds (man 4 pts).

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { ioctl } from "../../../src/hal/linux/ioctl.ts";
import { whenReadable } from "../../../src/hal/linux/readable.ts";

// include/uapi/asm-generic/ioctls.h
const TIOCSPTLCK = 0x40045431;
const TIOCGPTN = 0x80045430;

export interface Pty extends Disposable {
  /** The port's device file. */
  readonly path: string;
  /** What was written to the port and not read yet. */
  readonly read: () => Buffer;
  readonly write: (bytes: Uint8Array) => void;
  /** Calls `listener` with what is written to the port, from now on. */
  readonly listen: (listener: (bytes: Buffer) => void) => void;
  /** struct termios2 of the port, as the kernel has it. */
  readonly termios: () => Buffer;
}

/** Disposing pulls the cable. */
export const openPty = (): Pty => {
  const fd = openSync("/dev/ptmx", constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK);
  ioctl(fd, TIOCSPTLCK, Buffer.alloc(4));
  const number = Buffer.alloc(4);
  ioctl(fd, TIOCGPTN, number);
  let listening: Disposable | undefined;
  const read = (): Buffer => {
    const into = Buffer.alloc(65_536);
    try {
      return into.subarray(0, readSync(fd, into));
    } catch {
      // EAGAIN: nothing there. EIO: nobody has opened the port.
      return Buffer.alloc(0);
    }
  };
  return {
    path: `/dev/pts/${number.readUInt32LE()}`,
    read,
    write: (bytes) => void writeSync(fd, bytes),
    listen(listener) {
      listening = whenReadable(fd, () => listener(read()));
    },
    termios() {
      const bytes = Buffer.alloc(44);
      ioctl(fd, 0x802c542a, bytes);
      return bytes;
    },
    [Symbol.dispose]() {
      listening?.[Symbol.dispose]();
      closeSync(fd);
    },
  };
};
