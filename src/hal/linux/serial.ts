// Serial ports: termios(3) by the ioctls of include/uapi/asm-generic/termbits.h, which take any speed, and uv_poll. No
// native addon, so the single file has serial ports as well.

import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { Duplex } from "node:stream";
import { ioctl, ioctlValue } from "./ioctl.ts";
import { whenReadable, whenWritable } from "./readable.ts";
import { codeOf } from "./sysfs.ts";

const TCGETS2 = 0x802c542a;
const TCSETS2 = 0x402c542b;
const TIOCEXCL = 0x540c;
const TERMIOS2_BYTES = 44;
// Places in struct termios2: iflag, oflag, cflag, lflag, line, cc[19], ispeed, ospeed
const AT_CFLAG = 8;
const AT_VTIME = 17 + 5;
const AT_VMIN = 17 + 6;
const AT_ISPEED = 36;
const AT_OSPEED = 40;
/** Eight bits, no parity, receive, no modem lines; the speed is a number. Without HUPCL, closing leaves DTR as it is. */
const CFLAG = 0x30 | 0x80 | 0x800 | 0x1000;

const CHUNK_BYTES = 4096;

/** A line in raw mode, as a stream; `close` comes when it is unplugged. */
class SerialLine extends Duplex {
  /** The same port twice: libuv polls a descriptor for one thing at a time. */
  readonly #input: number;
  readonly #output: number;
  readonly #reading: Disposable;
  #writing: Disposable | undefined;

  constructor(input: number, output: number) {
    super();
    this.#input = input;
    this.#output = output;
    this.#reading = whenReadable(input, () => this.#take());
  }

  override _read(): void {
    // What comes is passed on as it comes: a serial line cannot be asked to wait.
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    try {
      const written = writeSync(this.#output, chunk);
      if (written === chunk.length) done();
      else this.#later(chunk.subarray(written), done);
    } catch (error) {
      if (codeOf(error) === "EAGAIN") this.#later(chunk, done);
      else done(error instanceof Error ? error : new Error(String(error)));
    }
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#reading[Symbol.dispose]();
    this.#writing?.[Symbol.dispose]();
    closeSync(this.#input);
    closeSync(this.#output);
    done(error);
  }

  #later(rest: Buffer, done: (error?: Error) => void): void {
    const writing = whenWritable(this.#output, () => {
      writing[Symbol.dispose]();
      this.#writing = undefined;
      this._write(rest, "buffer", done);
    });
    this.#writing = writing;
  }

  #take(): void {
    const into = Buffer.alloc(CHUNK_BYTES);
    try {
      const count = readSync(this.#input, into);
      if (count === 0) this.destroy();
      else this.push(into.subarray(0, count));
    } catch (error) {
      // EIO is how a port says that its cable is out.
      if (codeOf(error) !== "EAGAIN") this.destroy();
    }
  }
}

/**
 * Opens a serial port in raw mode with eight data bits, no parity and one stop bit, for this process alone. `baudRate`
 * is in bits a second. Throws errors with an errno's name as `code`: ENOENT, EACCES, EBUSY, or ENOTTY for a file that is
 * no serial port.
 */
export const openSerial = (path: string, baudRate: number): Duplex => {
  // Without NOCTTY it would become the agent's terminal, and its hang-up would end the agent.
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  const input = openSync(path, flags);
  let output: number | undefined;
  try {
    output = openSync(path, flags);
    const termios = Buffer.alloc(TERMIOS2_BYTES);
    ioctl(input, TCGETS2, termios);
    termios.fill(0, 0, 16);
    termios.writeUInt32LE(CFLAG, AT_CFLAG);
    termios[AT_VTIME] = 0;
    termios[AT_VMIN] = 1;
    termios.writeUInt32LE(baudRate, AT_ISPEED);
    termios.writeUInt32LE(baudRate, AT_OSPEED);
    ioctl(input, TCSETS2, termios);
    ioctlValue(input, TIOCEXCL, 0);
    return new SerialLine(input, output);
  } catch (error) {
    closeSync(input);
    if (output !== undefined) closeSync(output);
    throw error;
  }
};
