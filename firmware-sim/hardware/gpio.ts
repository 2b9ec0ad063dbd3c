import type { GpioKernel } from "../../src/hal/linux/gpio.ts";
import {
  EVENT_BYTES,
  GET_CHIPINFO,
  GET_LINE,
  GET_LINEINFO,
  GET_VALUES,
  SET_CONFIG,
  SET_VALUES,
} from "../../src/hal/linux/gpio-uapi.ts";

const ACTIVE_LOW = 2n;
const OUTPUT = 8n;

export interface SimulatedLine {
  readonly name: string;
  consumer: string | null;
  flags: bigint;
  /** The level on the wire. */
  level: 0 | 1;
  debounceUs: number;
}

interface SimulatedChip {
  readonly name: string;
  readonly label: string;
  readonly lines: SimulatedLine[];
}

const failed = (code: string): Error => Object.assign(new Error(code), { code });

/**
 * A kernel with GPIO chips, which understands the bytes of include/uapi/linux/gpio.h by itself: written apart from the
 * program's own reading of them. What the real kernel makes of them, the emulated board shows.
 */
export class SimulatedGpio implements GpioKernel {
  readonly chips: SimulatedChip[] = [];
  /** Errno's name that every opening of a chip fails with. */
  refusal: string | null = null;
  /** Errno's name that every call on a line fails with: the chip is gone. */
  gone: string | null = null;
  readonly #files = new Map<
    number,
    { chip: SimulatedChip; line: SimulatedLine | null; events: Buffer[]; listener: (() => void) | null }
  >();
  readonly #listeners = new Set<() => void>();
  #next = 100;

  constructor(...chips: readonly { label: string; lines: readonly string[] }[]) {
    for (const { label, lines } of chips)
      this.chips.push({
        name: `gpiochip${this.chips.length}`,
        label,
        lines: lines.map((name) => ({ name, consumer: null, flags: 4n, level: 0, debounceUs: 0 })),
      });
  }

  /** Calls `listener` after whatever may have changed a line; returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  get openFiles(): number {
    return this.#files.size;
  }

  line(name: string): SimulatedLine {
    const found = this.chips.flatMap(({ lines }) => lines).find((line) => line.name === name);
    if (found === undefined) throw new Error(`no line ${name}`);
    return found;
  }

  list = (): readonly string[] => this.chips.map(({ name }) => `/dev/${name}`);

  open = (path: string): number => {
    if (this.refusal !== null) throw failed(this.refusal);
    const chip = this.chips.find(({ name }) => `/dev/${name}` === path);
    if (chip === undefined) throw failed("ENOENT");
    return this.#file(chip, null);
  };

  ioctl = (fd: number, request: number, bytes: Buffer): void => {
    const file = this.#files.get(fd);
    if (file === undefined) throw failed("EBADF");
    const { chip, line } = file;
    if (line !== null && this.gone !== null) throw failed(this.gone);
    if (request === GET_CHIPINFO && bytes.length === 68) {
      bytes.write(`${chip.name}\0`, 0);
      bytes.write(`${chip.label}\0`, 32);
      bytes.writeUInt32LE(chip.lines.length, 64);
    } else if (request === GET_LINEINFO && bytes.length === 256) {
      const each = chip.lines[bytes.readUInt32LE(64)];
      if (each === undefined) throw failed("EINVAL");
      bytes.write(each.name.padEnd(32, "\0"), 0);
      bytes.write((each.consumer ?? "").padEnd(32, "\0"), 32);
      bytes.writeBigUInt64LE(each.consumer === null ? each.flags : each.flags | 1n, 72);
    } else if (request === GET_LINE && bytes.length === 592) {
      const each = chip.lines[bytes.readUInt32LE(0)];
      if (each === undefined || bytes.readUInt32LE(560) !== 1) throw failed("EINVAL");
      if (each.consumer !== null) throw failed("EBUSY");
      const consumer = bytes.toString("utf8", 256, 288);
      each.consumer = consumer.slice(0, consumer.indexOf("\0"));
      this.#configure(each, bytes.subarray(288, 560));
      bytes.writeInt32LE(this.#file(chip, each), 588);
    } else if (request === SET_CONFIG && bytes.length === 272 && line !== null) this.#configure(line, bytes);
    else if (request === GET_VALUES && bytes.length === 16 && line !== null)
      bytes.writeBigUInt64LE(BigInt(this.#logical(line, line.level)), 0);
    else if (request === SET_VALUES && bytes.length === 16 && line !== null) {
      if ((line.flags & OUTPUT) === 0n) throw failed("EPERM");
      if ((bytes.readBigUInt64LE(8) & 1n) === 1n)
        line.level = this.#logical(line, (bytes.readBigUInt64LE(0) & 1n) === 1n ? 1 : 0);
    } else throw failed("ENOTTY");
    if (request !== GET_CHIPINFO && request !== GET_LINEINFO && request !== GET_VALUES) this.#changed();
  };

  read = (fd: number, into: Buffer): number => {
    const file = this.#files.get(fd);
    if (file === undefined) throw failed("EBADF");
    if (this.gone !== null) throw failed(this.gone);
    const event = file.events.shift();
    if (event === undefined) throw failed("EAGAIN");
    return event.copy(into);
  };

  watch = (fd: number, listener: () => void): Disposable => {
    const file = this.#files.get(fd);
    if (file === undefined) throw failed("EBADF");
    file.listener = listener;
    return {
      [Symbol.dispose]: () => {
        file.listener = null;
      },
    };
  };

  close = (fd: number): void => {
    const file = this.#files.get(fd);
    if (file === undefined) throw failed("EBADF");
    // A descriptor that is polled when it is closed leaves libuv with one that is somebody else's.
    if (file.listener !== null) throw failed("EBUSY");
    if (file.line !== null) file.line.consumer = null;
    this.#files.delete(fd);
    this.#changed();
  };

  /** The wire of an input goes to `level` at `atMs`. */
  drive(name: string, level: 0 | 1, atMs: number): void {
    const line = this.line(name);
    line.level = level;
    for (const file of this.#files.values()) {
      if (file.line !== line) continue;
      const event = Buffer.alloc(EVENT_BYTES);
      event.writeBigUInt64LE(BigInt(Math.round(atMs * 1e6)), 0);
      event.writeUInt32LE(this.#logical(line, level) === 1 ? 1 : 2, 8);
      file.events.push(event);
      file.listener?.();
    }
    this.#changed();
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Wakes whoever watches a line, with nothing to read unless the chip is gone. */
  wake(): void {
    for (const file of this.#files.values()) file.listener?.();
  }

  #logical(line: SimulatedLine, level: 0 | 1): 0 | 1 {
    return (line.flags & ACTIVE_LOW) === 0n ? level : level === 1 ? 0 : 1;
  }

  #configure(line: SimulatedLine, bytes: Buffer): void {
    line.flags = bytes.readBigUInt64LE(0);
    for (let index = 0; index < bytes.readUInt32LE(8); index += 1) {
      const at = 32 + index * 24;
      const value = bytes.readBigUInt64LE(at + 8);
      if (bytes.readBigUInt64LE(at + 16) !== 1n) throw failed("EINVAL");
      if (bytes.readUInt32LE(at) === 2) line.level = this.#logical(line, value === 1n ? 1 : 0);
      else if (bytes.readUInt32LE(at) === 3) line.debounceUs = Number(value);
      else throw failed("EINVAL");
    }
  }

  #file(chip: SimulatedChip, line: SimulatedLine | null): number {
    this.#next += 1;
    this.#files.set(this.#next, { chip, line, events: [], listener: null });
    return this.#next;
  }
}

/** A Raspberry Pi's chips: the header, and a second one as every Pi has. */
export const raspberry = (
  label = "pinctrl-bcm2711",
  named: (line: number) => string = (n) => `GPIO${n}`,
): SimulatedGpio =>
  new SimulatedGpio(
    { label: "raspberrypi-exp-gpio", lines: ["BT_ON", "WL_ON", "STATUS_LED"] },
    { label, lines: Array.from({ length: 28 }, (_, line) => named(line)) },
  );
