import { AgentError } from "../errors.ts";
import type { OpenDriver } from "../ports.ts";

/** The drivers that come with Porchlight, by the word before the colon; each is loaded when it is first used. */
export const builtInDrivers: Readonly<Record<string, OpenDriver>> = {
  ble: async (address, ports, signal) => {
    const { openBle } = await import("./drivers/ble.ts");
    return openBle(address, ports, signal);
  },
  firmata: async (address, ports, signal) => {
    const { openFirmata } = await import("./drivers/firmata.ts");
    return openFirmata(address, ports, signal);
  },
  gpio: async (address, ports, signal) => {
    const { openGpio } = await import("./drivers/gpio.ts");
    return openGpio(address, ports, signal);
  },
  led: async (address, ports, signal) => {
    const { openLed } = await import("./drivers/led.ts");
    return openLed(address, ports, signal);
  },
  memory: async (address, ports, signal) => {
    const { openMemory } = await import("./drivers/memory.ts");
    return openMemory(address, ports, signal);
  },
  pwm: async (address, ports, signal) => {
    const { openPwm } = await import("./drivers/pwm.ts");
    return openPwm(address, ports, signal);
  },
};

/** A driver text of the settings, taken apart: `led:porch` is word `led`, address `porch`. */
export interface DriverText {
  readonly word: string;
  readonly address: string;
}

/** Reads `word:address`; the colon may be left out where the address is empty. Throws SETTINGS_INVALID. */
export const parseDriver = (text: string): DriverText => {
  const [, word, address] = /^([a-z][a-z0-9-]{0,31})(?::(.{0,1024}))?$/.exec(text) ?? [];
  if (word === undefined)
    throw new AgentError(
      "SETTINGS_INVALID",
      `lights[].driver is ${JSON.stringify(text.slice(0, 80))}; it must be a driver and its address, such as "memory:" or "led:porch"`,
    );
  return { word, address: address ?? "" };
};

/** The driver a text names, bound to its address. Throws SETTINGS_INVALID for a word not in the table. */
export const findDriver = (
  text: string,
  drivers: Readonly<Record<string, OpenDriver>>,
): { readonly open: OpenDriver; readonly address: string } => {
  const { word, address } = parseDriver(text);
  const open = Object.hasOwn(drivers, word) ? drivers[word] : undefined;
  if (open === undefined)
    throw new AgentError(
      "SETTINGS_INVALID",
      `lights[].driver names the driver ${word}, which does not exist; there are ${Object.keys(drivers).sort().join(", ")}`,
    );
  return { open, address };
};
