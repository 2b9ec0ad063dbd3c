import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { elkBledom, plain, SimulatedBluez, triones } from "../../firmware-sim/hardware/bluez.ts";
import { raspberry } from "../../firmware-sim/hardware/gpio.ts";
import { openBle } from "../../src/hal/drivers/ble.ts";
import { openFirmata } from "../../src/hal/drivers/firmata.ts";
import { openGpio } from "../../src/hal/drivers/gpio.ts";
import { openLed } from "../../src/hal/drivers/led.ts";
import { openMemory } from "../../src/hal/drivers/memory.ts";
import { openPwm } from "../../src/hal/drivers/pwm.ts";
import { plugIn } from "../unit/hal/fake-arduino.ts";
import { ledFolder } from "../unit/hal/led-folder.ts";
import { PwmFolder } from "../unit/hal/pwm-folder.ts";
import { lightDriverContract } from "./light-driver.ts";

// Loaded before time moves: importing a package takes real time, and virtual time would run away meanwhile.
await Promise.all([import("firmata-io"), import("johnny-five")]);

for (const address of ["", "switch", "white", "warm,cold", "rgb", "rgbw", "rgbww"])
  lightDriverContract(`memory:${address}`, async (clock, signal) => {
    const driver = await openMemory(address, { clock }, signal);
    return { driver, shown: async () => driver.frames.at(-1)?.frame ?? [], tolerance: 0 };
  });

const root = mkdtempSync(join(tmpdir(), "porchlight-leds-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let count = 0;

for (const [kind, max, colours] of [
  ["a switch", 1, undefined],
  ["8 bits", 255, undefined],
  ["rgb", 255, "red green blue"],
  ["rgbw in another order", 1023, "white blue green red"],
] as const)
  lightDriverContract(`led: (${kind})`, async (clock, signal) => {
    const name = `led${count++}`;
    const led = ledFolder(root, name, { max, colours });
    const driver = await openLed(name, { clock }, signal, root);
    return { driver, shown: async () => led.shown(), tolerance: 0.5 / max };
  });

for (const active of ["high", "low"])
  lightDriverContract(`gpio: (active ${active})`, async (clock, signal) => {
    const kernel = raspberry();
    const driver = await openGpio(`GPIO17?active=${active}`, { clock }, signal, kernel);
    return {
      driver,
      shown: async () => [(kernel.line("GPIO17").level === 1) === (active === "high") ? 1 : 0],
      tolerance: 0,
    };
  });

for (const outputs of ["0", "0,1", "0,1,2", "0,1,2,3", "0,1,2,3,4"])
  lightDriverContract(`pwm:${outputs}`, async (clock, signal) => {
    const pwm = new PwmFolder(mkdtempSync(join(root, "pwm-")));
    pwm.chip("pwmchip0", "pca9685", 16);
    const driver = await openPwm(outputs, { clock }, signal, pwm.root, pwm.sysfs);
    const shown = async () => outputs.split(",").map((channel) => pwm.shown(`pwmchip0/pwm${channel}`));
    return { driver, shown, tolerance: 1e-6 };
  });

for (const [query, pins] of [
  ["led=9", [9]],
  ["relay=7", [7]],
  ["rgb=9,10,11", [9, 10, 11]],
] as const)
  lightDriverContract(`firmata: (${query})`, async (clock, signal) => {
    const { line, arduino } = plugIn();
    const driver = await openFirmata(`/dev/ttyACM0?${query}`, { clock }, signal, async () => line);
    const shown = async (): Promise<number[]> => {
      for (let turn = 0; turn < 8; turn += 1) await new Promise<void>((resolve) => process.nextTick(resolve));
      return pins.map((pin) => arduino.pins[pin] ?? Number.NaN);
    };
    return { driver, shown, tolerance: 0.5 / 255 + 1e-9 };
  });

for (const [options, lamp, channels] of [
  ["profile=triones", triones, [0, 1, 2]],
  ["profile=triones-white", triones, [3]],
  ["profile=elk-bledom", elkBledom, [0, 1, 2]],
  ["profile=write&characteristic=1234&rgb={r}{g}{b}", () => plain(3), [0, 1, 2]],
  ["profile=write&characteristic=1234&rgbw={r}{g}{b}{w}", () => plain(4), [0, 1, 2, 3]],
  ["profile=write&characteristic=1234&on=ff&off=00", () => plain(1), [0]],
] as const)
  lightDriverContract(`ble: (${options})`, async (clock, signal) => {
    const bluez = new SimulatedBluez([lamp()]);
    const driver = await openBle(`AA:BB:CC:DD:EE:01?${options}`, { clock }, signal, bluez.connect);
    const shown = async () => {
      const { on, levels } = bluez.lamps[0]?.showing ?? { on: false, levels: [] };
      return channels.map((channel) => (on ? (levels[channel] ?? 0) / 255 : 0));
    };
    return { driver, shown, tolerance: 0.5 / 255 + 1e-9 };
  });
