// LEDs of the kernel's LED class: Documentation/leds/leds-class.rst and leds-class-multicolor.rst of Linux. A single LED
// has `brightness` from 0 to `max_brightness`; one of several colours has `multi_index` and `multi_intensity` besides.

import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../../errors.ts";
import type { Channel, Frame } from "../../model.ts";
import type { LightDriver, OpenDriver } from "../../ports.ts";
import { sysfsOf } from "../linux/sysfs.ts";
import { stepsOf } from "../steps.ts";

const LEDS = "/sys/class/leds";
const NAME = /^[\w.:+-]{1,63}$/;
const FRAMES_PER_SECOND = 50;
/** The kernel keeps brightness in an unsigned int; real LEDs have at most 16 bits. */
const LARGEST_MAX = 65_535;

const { read, readIfThere, write } = sysfsOf("leds");

const colours: readonly Channel[] = ["red", "green", "blue", "white"];

const folderOf = async (address: string, root: string): Promise<string> => {
  const present = await readdir(root).catch((): string[] => []);
  if (!NAME.test(address) || address === "." || address === "..")
    throw new AgentError(
      "SETTINGS_INVALID",
      `the driver led: takes the name of an LED, such as ${JSON.stringify(`led:${present[0] ?? "ACT"}`)}, not ${JSON.stringify(address.slice(0, 80))}`,
    );
  if (present.includes(address)) return join(root, address);
  throw new AgentError(
    "LIGHT_FAULT",
    present.length === 0
      ? `there is no LED ${address}: the kernel knows no LEDs on this board`
      : `there is no LED ${address}; this board has ${present.sort().slice(0, 20).join(", ")}`,
  );
};

const readMax = async (folder: string): Promise<number> => {
  const path = join(folder, "max_brightness");
  const max = Number(await read(path));
  if (Number.isInteger(max) && max >= 1 && max <= LARGEST_MAX) return max;
  throw new AgentError("LIGHT_FAULT", `${path} is not a number from 1 to ${LARGEST_MAX}`);
};

/** The colours of a multicolour LED, in its own order; undefined for a single LED. */
const readColours = async (folder: string): Promise<readonly Channel[] | undefined> => {
  const index = await readIfThere(join(folder, "multi_index"));
  if (index === undefined) return undefined;
  const channels = index.split(/\s+/).map((name) => colours.find((colour) => colour === name));
  const known = channels.filter((channel) => channel !== undefined);
  const whole = ["red", "green", "blue"].every((part) => known.some((channel) => channel === part));
  if (whole && known.length === channels.length && new Set(known).size === known.length) return known;
  throw new AgentError(
    "LIGHT_FAULT",
    `the LED in ${folder} has the colours ${index.slice(0, 80)}; a lamp needs red, green and blue, and may have white`,
  );
};

/** Takes the LED away from a trigger of the kernel (disk activity, heartbeat), which would write to it as well. */
const releaseTrigger = async (folder: string): Promise<void> => {
  const path = join(folder, "trigger");
  const trigger = await readIfThere(path);
  if (trigger !== undefined && !trigger.includes("[none]")) await write(path, "none");
};

/**
 * Opens an LED of the kernel's LED class; the address is its name below /sys/class/leds, such as `ACT` or `board:red`. An
 * LED that can only be on or off is a switch, one with more steps is white, a multicolour one is rgb or rgbw. What it
 * shows stays when it is closed. `root` is where the LEDs are. Throws SETTINGS_INVALID for an address that is no name;
 * LIGHT_FAULT when there is no such LED (yet), or this account may not write it.
 */
export const openLed = async (
  address: string,
  _ports: Parameters<OpenDriver>[1],
  signal: AbortSignal,
  root: string = LEDS,
): Promise<LightDriver> => {
  signal.throwIfAborted();
  const folder = await folderOf(address, root);
  const max = await readMax(folder);
  const mixed = await readColours(folder);
  await releaseTrigger(folder);
  const channels: readonly Channel[] = mixed ?? (max === 1 ? ["switch"] : ["white"]);
  const brightness = join(folder, "brightness");
  const intensities = join(folder, "multi_intensity");
  let closed = false;
  let atFull = false;
  /** Hardware of few steps shows less than a frame has: where it shows the steps, it shows the frame. */
  let written: { readonly steps: readonly number[]; readonly frame: Frame } | undefined;

  const show = async (steps: readonly number[]): Promise<void> => {
    if (mixed === undefined) return write(brightness, String(steps[0] ?? 0));
    await write(intensities, steps.join(" "));
    // The kernel multiplies both. Full brightness comes after the first colours, so that no old colour flashes up.
    if (!atFull) await write(brightness, String(max));
    atFull = true;
  };

  const takenFrom = (frame: Frame): readonly number[] => {
    if (closed) throw new AgentError("LIGHT_FAULT", `the LED ${address} is closed`);
    if (frame.length !== channels.length || !frame.every((duty) => duty >= 0 && duty <= 1))
      throw new AgentError("LIGHT_FAULT", `the LED ${address} takes ${channels.length} duties of 0 to 1`);
    return stepsOf(frame, max);
  };

  return {
    traits: { channels, framesPerSecond: FRAMES_PER_SECOND },
    async write(frame, writeSignal) {
      writeSignal.throwIfAborted();
      const steps = takenFrom(frame);
      written = undefined;
      await show(steps);
      written = { steps, frame };
    },
    async shown(askSignal) {
      askSignal.throwIfAborted();
      const level = await readIfThere(brightness);
      if (level === undefined) throw new AgentError("LIGHT_FAULT", `the LED ${address} is gone`);
      if (mixed !== undefined && Number(level) !== max) atFull = false;
      // Another hand dims all colours at once by the brightness.
      const mix = mixed && (await readIfThere(intensities))?.split(/\s+/).map(Number);
      const steps = mix?.map((step) => (step * Number(level)) / max) ?? [Number(level)];
      if (steps.length !== channels.length || !steps.every((step) => step >= 0 && step <= max))
        return undefined;
      return steps.every((step, index) => step === written?.steps[index])
        ? written?.frame
        : steps.map((step) => step / max);
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
};
