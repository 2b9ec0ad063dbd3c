import { openMemory } from "../../src/hal/drivers/memory.ts";
import { lightDriverContract } from "./light-driver.ts";

for (const address of ["", "switch", "white", "warm,cold", "rgb", "rgbw", "rgbww"])
  lightDriverContract(`memory:${address}`, async (clock, signal) => {
    const driver = await openMemory(address, { clock }, signal);
    return { driver, shown: async () => driver.frames.at(-1)?.frame ?? [], tolerance: 0 };
  });
