import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { openLed } from "../../src/hal/drivers/led.ts";
import { openMemory } from "../../src/hal/drivers/memory.ts";
import { ledFolder } from "../unit/hal/led-folder.ts";
import { lightDriverContract } from "./light-driver.ts";

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
