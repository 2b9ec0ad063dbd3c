// Chips and lines of the GPIO character device (Documentation/userspace-api/gpio of Linux).

import { closeSync, openSync, readdirSync, readSync } from "node:fs";
import { AgentError } from "../../errors.ts";
import {
  chipInfoRequest,
  configRequest,
  type Edge,
  EVENT_BYTES,
  GET_CHIPINFO,
  GET_LINE,
  GET_LINEINFO,
  GET_VALUES,
  type LineConfig,
  lineInfoRequest,
  lineRequest,
  readChipInfo,
  readEdges,
  readLineFd,
  readLineInfo,
  readValue,
  SET_CONFIG,
  SET_VALUES,
  valuesRequest,
} from "./gpio-uapi.ts";
import { ioctl } from "./ioctl.ts";
import { whenReadable } from "./readable.ts";
import { codeOf } from "./sysfs.ts";

/** The calls that reach the kernel; a test has a kernel of its own. All may throw errors with an errno's name as `code`. */
export interface GpioKernel {
  /** Device files, such as /dev/gpiochip0. */
  readonly list: () => readonly string[];
  readonly open: (path: string) => number;
  readonly ioctl: (fd: number, request: number, argument: Buffer) => void;
  readonly read: (fd: number, into: Buffer) => number;
  readonly watch: (fd: number, listener: () => void) => Disposable;
  readonly close: (fd: number) => void;
}

export const linuxGpio: GpioKernel = {
  list: () =>
    readdirSync("/dev")
      .filter((name) => /^gpiochip\d+$/.test(name))
      .map((name) => `/dev/${name}`),
  open: (path) => openSync(path, "r+"),
  ioctl,
  read: (fd, into) => readSync(fd, into),
  watch: whenReadable,
  close: closeSync,
};

export interface Chip {
  readonly path: string;
  /** Changes with the kernel and the order of drivers: for nobody to rely on. */
  readonly name: string;
  /** The controller, such as pinctrl-bcm2835: stays. */
  readonly label: string;
  readonly lines: number;
}

export interface LineInfo {
  readonly offset: number;
  readonly name: string;
  /** Who uses the line, or null. */
  readonly consumer: string | null;
}

const faultOf = (what: string, error: unknown): AgentError => {
  if (error instanceof AgentError) return error;
  const code = codeOf(error);
  const may = code === "EACCES" || code === "EPERM";
  return new AgentError(
    "LIGHT_FAULT",
    may
      ? `${what} may not be used by this account; join the group gpio, or add the udev rule SUBSYSTEM=="gpio", GROUP="gpio", MODE="0660"`
      : `${what} does not answer (${String(code ?? error)})`,
    { cause: error },
  );
};

/** `work` with an open chip; the chip is closed after it. Throws LIGHT_FAULT. */
const withChip = <T>(kernel: GpioKernel, path: string, work: (fd: number) => T): T => {
  try {
    const fd = kernel.open(path);
    try {
      return work(fd);
    } finally {
      kernel.close(fd);
    }
  } catch (error) {
    throw faultOf(path, error);
  }
};

/** The board's chips in the order of their names; a second device file of the same chip is left out. Throws LIGHT_FAULT. */
export const listChips = (kernel: GpioKernel): readonly Chip[] => {
  const chips = new Map<string, Chip>();
  for (const path of [...kernel.list()].sort()) {
    const info = withChip(kernel, path, (fd) => {
      const bytes = chipInfoRequest();
      kernel.ioctl(fd, GET_CHIPINFO, bytes);
      return readChipInfo(bytes);
    });
    if (!chips.has(info.name)) chips.set(info.name, { path, ...info });
  }
  return [...chips.values()];
};

/** The lines of a chip. Throws LIGHT_FAULT. */
export const listLines = (kernel: GpioKernel, chip: Chip): readonly LineInfo[] =>
  withChip(kernel, chip.path, (fd) =>
    Array.from({ length: chip.lines }, (_, offset) => {
      const bytes = lineInfoRequest(offset);
      kernel.ioctl(fd, GET_LINEINFO, bytes);
      const { name, consumer } = readLineInfo(bytes);
      return { offset, name, consumer };
    }),
  );

/** A line that belongs to this process until it is closed, and whoever watches it until then. All throw LIGHT_FAULT. */
export interface GpioLine extends Disposable {
  /** Makes the line what `config` says. */
  configure(config: LineConfig): void;
  /** 1 is active. */
  set(value: 0 | 1): void;
  get(): 0 | 1;
  /** Calls `listener` with the edges as they come. The line must have been configured for them. */
  edges(listener: (edges: readonly Edge[]) => void, failed: (fault: AgentError) => void): Disposable;
}

/** As who this program holds its lines. */
const CONSUMER = "porchlight";
/** Edges that are read at once. */
const EDGES_AT_ONCE = 16;

/** Takes a line. Throws LIGHT_FAULT; a line that somebody else holds says who. */
export const takeLine = (kernel: GpioKernel, chip: Chip, line: LineInfo, config: LineConfig): GpioLine => {
  const what = `the line ${line.name === "" ? line.offset : line.name} of ${chip.label}`;
  const fd = withChip(kernel, chip.path, (chipFd) => {
    const bytes = lineRequest(line.offset, CONSUMER, config);
    try {
      kernel.ioctl(chipFd, GET_LINE, bytes);
    } catch (error) {
      if (codeOf(error) !== "EBUSY") throw error;
      const by = line.consumer === null || line.consumer === "" ? "somebody else" : line.consumer;
      throw new AgentError("LIGHT_FAULT", `${what} is in use by ${by}`, { cause: error });
    }
    return readLineFd(bytes);
  });
  let closed = false;
  const watches: Disposable[] = [];
  const call = (request: number, bytes: Buffer): Buffer => {
    if (closed) throw new AgentError("LIGHT_FAULT", `${what} is closed`);
    try {
      kernel.ioctl(fd, request, bytes);
      return bytes;
    } catch (error) {
      throw faultOf(what, error);
    }
  };
  return {
    configure: (wanted) => void call(SET_CONFIG, configRequest(wanted)),
    set: (value) => void call(SET_VALUES, valuesRequest(value)),
    get: () => readValue(call(GET_VALUES, valuesRequest(0))),
    edges(listener, failed) {
      const into = Buffer.alloc(EVENT_BYTES * EDGES_AT_ONCE);
      const watch = kernel.watch(fd, () => {
        try {
          listener(readEdges(into, kernel.read(fd, into)));
        } catch (error) {
          if (codeOf(error) === "EAGAIN") return;
          // A chip that is gone is readable for ever.
          watch[Symbol.dispose]();
          failed(faultOf(what, error));
        }
      });
      watches.push(watch);
      return watch;
    },
    [Symbol.dispose]() {
      if (closed) return;
      closed = true;
      for (const watch of watches) watch[Symbol.dispose]();
      kernel.close(fd);
    },
  };
};
