// What this board has for a lamp, a button or a display, as the kernel tells it. Nothing is opened that would change it.

import { readdir, readFile, readlink, realpath } from "node:fs/promises";
import { basename, join } from "node:path";
import { AgentError } from "../../errors.ts";
import { type Chip, type GpioKernel, linuxGpio, listChips, listLines } from "./gpio.ts";
import { listPwmChips } from "./pwm-chips.ts";

/** Where the kernel's file systems are. */
export interface Roots {
  readonly sys: string;
  readonly dev: string;
  readonly proc: string;
}

export const systemRoots: Roots = { sys: "/sys", dev: "/dev", proc: "/proc" };

export interface Inventory {
  readonly gpio: readonly {
    readonly label: string;
    readonly lines: readonly {
      readonly offset: number;
      readonly name: string;
      readonly usedBy: string | null;
    }[];
  }[];
  /** Why the GPIO chips cannot be listed, or null. */
  readonly gpioProblem: string | null;
  readonly pwm: readonly {
    readonly device: string;
    readonly channels: number;
    /** Channels that somebody has exported. */
    readonly exported: readonly number[];
  }[];
  readonly leds: readonly {
    readonly name: string;
    readonly steps: number;
    readonly colours: readonly string[];
    /** What moves it: a trigger of the kernel, or null. */
    readonly usedBy: string | null;
  }[];
  readonly serial: readonly Port[];
  readonly bluetooth: readonly { readonly name: string; readonly blocked: boolean }[];
  readonly framebuffers: readonly (Port & {
    readonly width: number;
    readonly height: number;
    readonly bitsPerPixel: number;
  })[];
  readonly i2c: readonly (Port & {
    readonly name: string;
    /** Devices that a driver of the kernel has taken, such as `1-003c ssd1306`. */
    readonly taken: readonly string[];
  })[];
}

export interface Port {
  readonly path: string;
  /** Programs that have it open, as far as this account may know. */
  readonly usedBy: readonly string[];
}

const names = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder).catch((): string[] => [])).sort();

const text = async (path: string): Promise<string> =>
  (await readFile(path, "utf8").catch(() => "")).replaceAll("\0", " ").trim();

/** A process may call itself anything, at any length. */
const MOST_LETTERS = 64;

/** What a person calls a process. Node names its main thread itself: there the command line says more. */
const programOf = async (process: string): Promise<string> => {
  const name = await text(join(process, "comm"));
  if (!/^(?:node|node-MainThread)$/.test(name)) return name || "process";
  const [program = "", ...words] = (await text(join(process, "cmdline"))).split(" ");
  const script = /^node\d*$/.test(basename(program)) ? words.find((word) => !word.startsWith("-")) : program;
  return (
    basename(script ?? program)
      .replace(/\.[cm]?[jt]s$/, "")
      .slice(0, MOST_LETTERS) || name
  );
};

/** Programs by the files they have open. Other people's are unknown to an account that may not look. */
const openFiles = async ({ proc }: Roots): Promise<ReadonlyMap<string, readonly string[]>> => {
  const holders = new Map<string, string[]>();
  for (const pid of await names(proc)) {
    if (!/^\d+$/.test(pid)) continue;
    for (const fd of await names(join(proc, pid, "fd"))) {
      const path = await readlink(join(proc, pid, "fd", fd)).catch(() => "");
      if (!path.includes("/dev/")) continue;
      const holder = `${await programOf(join(proc, pid))} (${pid})`;
      const all = holders.get(path) ?? [];
      if (!all.includes(holder)) holders.set(path, [...all, holder]);
    }
  }
  return holders;
};

const gpioOf = (kernel: GpioKernel): Pick<Inventory, "gpio" | "gpioProblem"> => {
  const linesOf = (chip: Chip) =>
    listLines(kernel, chip).map(({ offset, name, consumer }) => ({ offset, name, usedBy: consumer }));
  try {
    const gpio = listChips(kernel).map((chip) => ({ label: chip.label, lines: linesOf(chip) }));
    return { gpio, gpioProblem: null };
  } catch (error) {
    if (error instanceof AgentError) return { gpio: [], gpioProblem: error.message };
    throw error;
  }
};

const ledOf = async (folder: string, name: string): Promise<Inventory["leds"][number]> => {
  const at = join(folder, name);
  const trigger = /\[([^\]]+)\]/.exec(await text(join(at, "trigger")))?.[1] ?? "none";
  return {
    name,
    steps: Number(await text(join(at, "max_brightness"))),
    colours: (await text(join(at, "multi_index"))).split(/\s+/).filter((colour) => colour !== ""),
    usedBy: trigger === "none" ? null : trigger,
  };
};

const exportedOf = async (folder: string): Promise<readonly number[]> =>
  (await names(folder)).flatMap((name) => {
    const channel = /^pwm(\d+)$/.exec(name)?.[1];
    return channel === undefined ? [] : [Number(channel)];
  });

const blocked = async (folder: string): Promise<boolean> => {
  for (const name of await names(folder)) {
    if (!name.startsWith("rfkill")) continue;
    if ((await text(join(folder, name, "soft"))) === "1" || (await text(join(folder, name, "hard"))) === "1")
      return true;
  }
  return false;
};

/** Looks around. A part that the board does not have is an empty list, never an error. */
export const takeInventory = async (
  roots: Roots = systemRoots,
  kernel: GpioKernel = linuxGpio,
): Promise<Inventory> => {
  const { sys, dev } = roots;
  const holders = await openFiles(roots);
  const usedBy = async (path: string): Promise<readonly string[]> =>
    holders.get(await realpath(path).catch(() => path)) ?? [];
  const all = <T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<readonly R[]> =>
    Promise.all(items.map(each));
  const leds = join(sys, "class/leds");
  const graphics = join(sys, "class/graphics");
  const bluetooth = join(sys, "class/bluetooth");
  const byId = join(dev, "serial/by-id");
  const i2cDevices = await names(join(sys, "bus/i2c/devices"));
  return {
    ...gpioOf(kernel),
    pwm: await all(await listPwmChips(join(sys, "class/pwm")), async ({ device, folder }) => ({
      device,
      channels: Number(await text(join(folder, "npwm"))),
      exported: await exportedOf(folder),
    })),
    leds: await all(await names(leds), (name) => ledOf(leds, name)),
    serial: await all(await names(byId), async (name) => ({
      path: join(byId, name),
      usedBy: await usedBy(join(byId, name)),
    })),
    bluetooth: await all(
      (await names(bluetooth)).filter((name) => /^hci\d+$/.test(name)),
      async (name) => ({ name, blocked: await blocked(join(bluetooth, name)) }),
    ),
    framebuffers: await all(
      (await names(graphics)).filter((name) => /^fb\d+$/.test(name)),
      async (name) => {
        const [width = 0, height = 0] = (await text(join(graphics, name, "virtual_size")))
          .split(",")
          .map(Number);
        const bitsPerPixel = Number(await text(join(graphics, name, "bits_per_pixel")));
        const path = join(dev, name);
        return { path, usedBy: await usedBy(path), width, height, bitsPerPixel };
      },
    ),
    i2c: await all(
      (await names(dev)).filter((name) => /^i2c-\d+$/.test(name)),
      async (name) => {
        const path = join(dev, name);
        const mine = i2cDevices.filter((device) => device.startsWith(`${name.slice(4)}-`));
        const taken = await all(mine, async (device) =>
          `${device} ${await text(join(sys, "bus/i2c/devices", device, "name"))}`.trim(),
        );
        return {
          path,
          usedBy: await usedBy(path),
          name: await text(join(sys, "class/i2c-dev", name, "name")),
          taken,
        };
      },
    ),
  };
};
