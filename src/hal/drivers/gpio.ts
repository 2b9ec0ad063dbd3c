import { AgentError } from "../../errors.ts";
import type { LightDriver, OpenDriver } from "../../ports.ts";
import { choiceOf, parseAddress, wrongAddress } from "../address.ts";
import { findLine, readPlace } from "../gpio-place.ts";
import { type GpioKernel, type GpioLine, linuxGpio, listChips, listLines, takeLine } from "../linux/gpio.ts";
import { type LineConfig, lineFlags } from "../linux/gpio-uapi.ts";

const EXAMPLE = "GPIO17";
/** What people try in order to dim a line. */
const DIMMING = ["pwm", "duty", "brightness", "frequency", "period", "gamma"];

/** Takes the line that `place` names. Throws SETTINGS_INVALID for a place that cannot be meant, else LIGHT_FAULT. */
export const takePlace = (
  driver: string,
  address: string,
  place: string,
  config: LineConfig,
  kernel: GpioKernel,
): GpioLine => {
  const wanted = readPlace(place);
  if ("wrong" in wanted) throw wrongAddress(driver, address, wanted.wrong, EXAMPLE);
  const found = findLine(wanted, listChips(kernel), (chip) => listLines(kernel, chip));
  if ("missing" in found) throw new AgentError("LIGHT_FAULT", found.missing);
  return takeLine(kernel, found.chip, found.line, config);
};

/**
 * Opens a lamp or relay on a GPIO line; the address is `GPIO17` (the line's name), `pinctrl-rp1/17` (chip's label and
 * line), with `?active=low` for relays that switch on at 0 V. It is on or off: dimming by software flickers and holds the
 * CPU, so it is refused in favour of pwm:. The line is driven from the first frame on, not before; what becomes of it
 * when it is closed is the pin controller's affair. Throws SETTINGS_INVALID for an address that cannot be meant,
 * LIGHT_FAULT for a line that is not there, in use, or not this account's to use.
 */
export const openGpio = async (
  address: string,
  _ports: Parameters<OpenDriver>[1],
  signal: AbortSignal,
  kernel: GpioKernel = linuxGpio,
): Promise<LightDriver> => {
  signal.throwIfAborted();
  const parsed = parseAddress("gpio", address, ["active", ...DIMMING], EXAMPLE);
  const dimming = DIMMING.find((name) => Object.hasOwn(parsed.options, name));
  if (dimming !== undefined)
    throw wrongAddress(
      "gpio",
      address,
      `asks for ${dimming}; a line is only on or off, and a lamp that dims takes the driver pwm: on a pin with hardware PWM`,
      EXAMPLE,
    );
  const active = choiceOf("gpio", address, parsed, "active", ["high", "low"], EXAMPLE);
  const polarity = active === "low" ? lineFlags.activeLow : 0n;
  const line = takePlace("gpio", address, parsed.place, { flags: polarity }, kernel);
  let driven = false;
  return {
    traits: { channels: ["switch"], framesPerSecond: 20 },
    async write(frame, writeSignal) {
      writeSignal.throwIfAborted();
      const [duty] = frame;
      if (frame.length !== 1 || duty === undefined || !(duty >= 0 && duty <= 1))
        throw new AgentError("LIGHT_FAULT", `the line ${parsed.place} takes one duty of 0 or 1`);
      const value = duty >= 0.5 ? 1 : 0;
      // Becoming an output and getting its value is one step, so that the lamp never flashes.
      if (driven) line.set(value);
      else line.configure({ flags: polarity | lineFlags.output, value });
      driven = true;
    },
    async [Symbol.asyncDispose]() {
      line[Symbol.dispose]();
    },
  };
};
