// Each driver has its page, and what the pages say to copy is taken.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { AgentError } from "../../../src/errors.ts";
import { openBle } from "../../../src/hal/drivers/ble.ts";
import { openFirmata } from "../../../src/hal/drivers/firmata.ts";
import { openGpio } from "../../../src/hal/drivers/gpio.ts";
import { openLed } from "../../../src/hal/drivers/led.ts";
import { openMemory } from "../../../src/hal/drivers/memory.ts";
import { openPwm } from "../../../src/hal/drivers/pwm.ts";
import { linuxGpio } from "../../../src/hal/linux/gpio.ts";
import { builtInDrivers, findDriver } from "../../../src/hal/open.ts";
import type { OpenDriver } from "../../../src/ports.ts";

const docs = new URL("../../../docs/", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, docs), "utf8");
const pages = readdirSync(new URL("drivers/", docs)).map((name) => `drivers/${name}`);
const examples = ["hardware.md", ...pages].flatMap((page) =>
  [...read(page).matchAll(/"driver": "([^"…]+)"/g)].map(([, driver = ""]) => [page, driver] as const),
);

const nothing = (): never => {
  throw new AgentError("LIGHT_FAULT", "this board has nothing");
};

/** The drivers on a board without any hardware: they read the address, and then find nothing. */
const drivers: Readonly<Record<string, OpenDriver>> = {
  gpio: (address, ports, signal) => openGpio(address, ports, signal, { ...linuxGpio, list: () => [] }),
  pwm: (address, ports, signal) => openPwm(address, ports, signal, "/nonexistent"),
  led: (address, ports, signal) => openLed(address, ports, signal, "/nonexistent"),
  firmata: (address, ports, signal) => openFirmata(address, ports, signal, async () => nothing()),
  ble: (address, ports, signal) => openBle(address, ports, signal, nothing),
  memory: openMemory,
};

describe("the pages of the drivers", () => {
  it.each(Object.keys(builtInDrivers))("has one for %s:, which docs/hardware.md leads to", (word) => {
    expect(pages).toContain(`drivers/${word}.md`);
    expect(read("hardware.md")).toContain(`(drivers/${word}.md)`);
    expect(read(`drivers/${word}.md`)).toContain(`\`${word}:\``);
    expect(drivers).toHaveProperty(word);
  });

  it.each(examples.filter(([, driver]) => !driver.startsWith("lantern:")))(
    "%s: %s can be copied: no address in it is wrong",
    async (_, driver) => {
      using clock = new VirtualClock();
      const { open, address } = findDriver(driver, drivers);
      const { signal } = new AbortController();
      const wrong = await open(address, { clock }, signal).then(
        async (opened) => {
          await opened[Symbol.asyncDispose]();
          return null;
        },
        (error: AgentError) => (error.code === "LIGHT_FAULT" ? null : error.message),
      );
      expect(wrong).toBeNull();
    },
  );
});
