// Hardware PWM by sysfs: Documentation/driver-api/pwm.rst of Linux. Times are in nanoseconds there.

import { join } from "node:path";
import { AgentError } from "../../errors.ts";
import type { Channel, DriverTraits, Frame } from "../../model.ts";
import type { Clock, LightDriver, OpenDriver } from "../../ports.ts";
import { choiceOf, parseAddress, wrongAddress } from "../address.ts";
import { listPwmChips, type PwmChip } from "../linux/pwm-chips.ts";
import { codeOf, type Sysfs, sysfsOf } from "../linux/sysfs.ts";
import { findChip, type PwmOutput, readOutputs } from "../pwm-place.ts";
import { stepsOf } from "../steps.ts";

const EXAMPLE = "fe20c000.pwm/0";
const FRAMES_PER_SECOND = 50;
/** udev hands a new channel to the group gpio a moment after it appears. */
const EXPORT_LIMIT_MS = 2000;
const EXPORT_LOOK_MS = 20;

const kinds = {
  white: ["white"],
  "warm,cold": ["warm", "cold"],
  rgb: ["red", "green", "blue"],
  rgbw: ["red", "green", "blue", "white"],
  rgbww: ["red", "green", "blue", "warm", "cold"],
} as const satisfies Record<string, readonly Channel[]>;
type Kind = keyof typeof kinds;

interface Wanted {
  readonly outputs: readonly PwmOutput[];
  readonly traits: DriverTraits;
  readonly periodNs: number;
  readonly polarity: "normal" | "inversed";
  /** Exponent of the brightness curve; null: the shared curve. */
  readonly gamma: number | null;
}

const unitsNs: Readonly<Record<string, number>> = { ns: 1, us: 1000, ms: 1_000_000 };

const readWanted = (address: string): Wanted => {
  const wrong = (why: string): AgentError => wrongAddress("pwm", address, why, EXAMPLE);
  const parsed = parseAddress("pwm", address, ["kind", "period", "polarity", "gamma", "kelvin"], EXAMPLE);
  const { place, options } = parsed;
  const outputs = readOutputs(place);
  if ("wrong" in outputs) throw wrong(outputs.wrong);
  const fitting = (Object.keys(kinds) as Kind[]).filter((kind) => kinds[kind].length === outputs.length);
  const [first, ...others] = fitting;
  if (first === undefined) throw wrong("must name 1 to 5 outputs");
  const kind = choiceOf("pwm", address, parsed, "kind", [first, ...others], EXAMPLE);
  const polarity = choiceOf("pwm", address, parsed, "polarity", ["normal", "inversed"], EXAMPLE);
  const [, count, unit] = /^(\d{1,9})(ns|us|ms)$/.exec(options.period ?? "1ms") ?? [];
  const periodNs = Number(count) * (unitsNs[unit ?? ""] ?? Number.NaN);
  if (!(periodNs >= 1000 && periodNs <= 100_000_000)) throw wrong("must have a period of 1us to 100ms");
  const gamma = options.gamma === undefined ? null : Number(options.gamma || Number.NaN);
  if (gamma !== null && !(gamma >= 1 && gamma <= 4)) throw wrong("must have a gamma of 1 to 4");
  const [, warm, cold] = /^(\d{4,5})-(\d{4,5})$/.exec(options.kelvin ?? "2700-6500") ?? [];
  const [minKelvin, maxKelvin] = [Number(warm), Number(cold)];
  if (!(minKelvin >= 1000 && maxKelvin > minKelvin && maxKelvin <= 20_000))
    throw wrong("must have kelvin from the warm to the cold end, such as 2700-6500");
  const channels: readonly Channel[] = kinds[kind];
  if (options.kelvin !== undefined && !channels.includes("warm"))
    throw wrong("has kelvin, which is for lamps with a warm and a cold channel");
  return {
    outputs,
    periodNs,
    polarity,
    gamma,
    traits: {
      channels,
      framesPerSecond: FRAMES_PER_SECOND,
      ...(channels.includes("warm") ? { minKelvin, maxKelvin } : {}),
      ...(gamma === null ? {} : { perceptual: true }),
    },
  };
};

/** Makes the channel appear in sysfs, and waits until this account may write to it. */
const exported = async (
  chip: PwmChip,
  channel: number,
  { read, writable, write }: Sysfs,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> => {
  const count = Number(await read(join(chip.folder, "npwm")));
  if (!(channel < count))
    throw new AgentError(
      "LIGHT_FAULT",
      `${chip.device} has the PWM channels 0 to ${count - 1}, not ${channel}`,
    );
  const folder = join(chip.folder, `pwm${channel}`);
  const until = clock.mono() + EXPORT_LIMIT_MS;
  let asked = false;
  for (;;) {
    try {
      for (const name of ["period", "duty_cycle", "enable"]) await writable(join(folder, name));
      return folder;
    } catch (error) {
      if (clock.mono() >= until) throw error;
    }
    if (!asked)
      await write(join(chip.folder, "export"), String(channel)).catch((error: unknown) => {
        // Somebody else has exported it in the same moment, which is as good.
        if (!(error instanceof AgentError) || codeOf(error.cause) !== "EBUSY") throw error;
      });
    asked = true;
    await clock.sleep(EXPORT_LOOK_MS, signal);
  }
};

/** Sets period and polarity. A channel that has them already goes on without a flicker. */
const prepare = async (
  folder: string,
  { periodNs, polarity }: Wanted,
  { read, readIfThere, write }: Sysfs,
): Promise<void> => {
  const at = (name: string): string => join(folder, name);
  const nowPolarity = await readIfThere(at("polarity"));
  if (nowPolarity === undefined && polarity === "inversed")
    throw new AgentError("LIGHT_FAULT", `${folder} cannot be inversed by this PWM chip; leave polarity out`);
  const samePolarity = nowPolarity === undefined || nowPolarity === polarity;
  if (Number(await read(at("period"))) === periodNs && samePolarity) return;
  // The kernel takes a polarity only from a channel that is off, and no period below the duty.
  if ((await read(at("enable"))) !== "0") await write(at("enable"), "0");
  if ((await read(at("duty_cycle"))) !== "0") await write(at("duty_cycle"), "0");
  await write(at("period"), String(periodNs));
  if (!samePolarity) await write(at("polarity"), polarity);
};

/**
 * Opens a lamp on 1 to 5 outputs of hardware PWM: `pwm:fe20c000.pwm/0` (chip by its device, or pwmchipN; left out where
 * the board has one), several with commas. Options: `kind` (white, warm,cold, rgb, rgbw, rgbww; by number of outputs),
 * `period` (1us to 100ms, default 1ms), `polarity` (normal, inversed), `gamma` (1 to 4, in place of the shared curve),
 * `kelvin` (of the warm and cold ends, default 2700-6500). The outputs go on as they are when it is closed. Throws
 * SETTINGS_INVALID for an address that cannot be meant, LIGHT_FAULT for hardware that is missing or refuses.
 */
export const openPwm = async (
  address: string,
  { clock }: Parameters<OpenDriver>[1],
  signal: AbortSignal,
  root = "/sys/class/pwm",
  sysfs: Sysfs = sysfsOf("pwm"),
): Promise<LightDriver> => {
  signal.throwIfAborted();
  const wanted = readWanted(address);
  const chips = await listPwmChips(root);
  const folders: string[] = [];
  for (const output of wanted.outputs) {
    const found = findChip(output, chips);
    if ("missing" in found) throw new AgentError("LIGHT_FAULT", found.missing);
    const folder = await exported(found.chip, output.channel, sysfs, clock, signal);
    await prepare(folder, wanted, sysfs);
    folders.push(folder);
  }
  let written: readonly number[] | undefined;
  let closed = false;

  const dutiesOf = (frame: Frame): readonly number[] => {
    if (closed) throw new AgentError("LIGHT_FAULT", `the lamp on ${address} is closed`);
    if (frame.length !== folders.length || !frame.every((duty) => duty >= 0 && duty <= 1))
      throw new AgentError("LIGHT_FAULT", `the lamp on ${address} takes ${folders.length} duties of 0 to 1`);
    const { gamma, periodNs } = wanted;
    return stepsOf(gamma === null ? frame : frame.map((duty) => duty ** gamma), periodNs);
  };

  return {
    traits: wanted.traits,
    async write(frame, writeSignal) {
      writeSignal.throwIfAborted();
      const duties = dutiesOf(frame);
      const before = written;
      written = undefined;
      for (const [index, folder] of folders.entries()) {
        if (duties[index] === before?.[index]) continue;
        await sysfs.write(join(folder, "duty_cycle"), String(duties[index]));
        if (before === undefined) await sysfs.write(join(folder, "enable"), "1");
      }
      written = duties;
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
};
