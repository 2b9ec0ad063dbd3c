import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/adapters/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { openLight } from "../../src/hal/lamp.ts";
import { type Arduino, startArduino } from "./peers/arduino.ts";
import { plugCable } from "./peers/usb-cable.ts";

const never = new AbortController().signal;

const until = async (what: string, look: () => boolean): Promise<void> => {
  for (const end = performance.now() + 30_000; !look(); await sleep(20))
    if (performance.now() > end) throw new Error(`${what} has not come`);
};

const openLamp = (arduino: Arduino, query: string) =>
  openLight(
    { id: "main", name: "Lamp", driver: `firmata:tcp://127.0.0.1:${arduino.port}?${query}`, powerOn: "off" },
    { clock: systemClock, vault: openMemoryVault(createMemoryDisk()), drivers: {} },
    never,
  );

const options = { fadeMs: 0, cause: { kind: "agent" } } as const;

describe("StandardFirmata on an Arduino Uno", () => {
  test.each([
    ["led=9", { brightness: 1 }, { 9: 1 }],
    ["relay=7", {}, { 7: 1 }],
    ["relay=7&invert=yes", {}, { 7: 0 }],
    ["rgb=9,10,11", { brightness: 1, colour: { mode: "rgb", rgb: [1, 0, 1] } }, { 9: 1, 10: 0, 11: 1 }],
    ["rgb=3,5,6&anode=yes", { brightness: 1, colour: { mode: "rgb", rgb: [1, 0, 0] } }, { 3: 0, 5: 1, 6: 1 }],
  ] as const)("drives a lamp by %s, as the pins show", async (query, change, pins) => {
    await using arduino = await startArduino();
    await using light = await openLamp(arduino, query);
    await until("the lamp", () => light.fault === null);
    await light.apply({ on: true, ...change }, options, never);
    for (const [pin, level] of Object.entries(pins))
      await until(`${level} on pin ${pin}`, () => Math.abs(arduino.pin(Number(pin)) - level) < 0.01);
  });

  test("fades by PWM through many levels", async () => {
    await using arduino = await startArduino();
    await using light = await openLamp(arduino, "led=9");
    await until("the lamp", () => light.fault === null);
    const seen = new Set<number>();
    await light.apply({ on: true, brightness: 1 }, { ...options, fadeMs: 1000 }, never);
    await until("full brightness", () => {
      seen.add(arduino.pin(9));
      return arduino.pin(9) === 1;
    });
    expect(seen.size).toBeGreaterThan(8);
  });

  test("that is unplugged is a fault of the lamp, and it shows what was asked meanwhile when it is back", async () => {
    await using arduino = await startArduino();
    await using light = await openLamp(arduino, "led=9");
    await until("the lamp", () => light.fault === null);
    arduino.unplug();
    await sleep(100);
    await light.apply({ on: true, brightness: 1 }, options, never).catch(() => undefined);
    await until("the fault", () => light.fault !== null);
    arduino.plug();
    await until("full brightness", () => arduino.pin(9) === 1);
    expect(light.fault).toBe(null);
  });

  test("is driven over a serial port by its id, and found again by it when it comes back under another number", async () => {
    await using arduino = await startArduino();
    const first = await plugCable(arduino.port);
    const { id } = first;
    await using light = await openLight(
      { id: "main", name: "Lamp", driver: `firmata:${id}?led=9`, powerOn: "off" },
      { clock: systemClock, vault: openMemoryVault(createMemoryDisk()), drivers: {} },
      never,
    );
    await until("the lamp", () => light.fault === null);
    await light.apply({ on: true, brightness: 1 }, options, never);
    await until("full brightness", () => arduino.pin(9) === 1);

    await first.pull();
    // Nobody asks for anything: the agent notices by itself.
    await until("the fault", () => light.fault !== null);
    await light.apply({ on: false }, options, never).catch(() => undefined);
    await using second = await plugCable(arduino.port, first);
    expect(second.port).not.toBe(first.port);
    await until("the lamp again", () => light.fault === null);
    await until("darkness", () => arduino.pin(9) === 0);
  });
});
