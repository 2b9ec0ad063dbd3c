import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openMemory } from "../../../src/hal/drivers/memory.ts";
import { parseDriver } from "../../../src/hal/open.ts";

const never = new AbortController().signal;

describe("a driver text", () => {
  test.each([
    ["memory:", "memory", ""],
    ["memory", "memory", ""],
    ["gpio:pinctrl-rp1:17", "gpio", "pinctrl-rp1:17"],
    ["ble:AA:BB:CC:DD:EE:FF", "ble", "AA:BB:CC:DD:EE:FF"],
  ])("%s is the driver %s with the address %j", (text, word, address) => {
    expect(parseDriver(text)).toEqual({ word, address });
  });

  test.each(["", ":", "1:", "LED:x", " memory:", "led\n:", `memory:${"x".repeat(2000)}`])(
    "%j is refused",
    (text) => {
      expect(() => parseDriver(text)).toThrow(expect.objectContaining({ code: "SETTINGS_INVALID" }));
    },
  );
});

describe("a lamp in memory", () => {
  test.each([
    ["", ["red", "green", "blue"]],
    ["switch", ["switch"]],
    ["warm,cold", ["warm", "cold"]],
    ["rgbw", ["red", "green", "blue", "white"]],
  ])("of kind %j has the channels %j", async (kind, channels) => {
    using clock = new VirtualClock();
    expect((await openMemory(kind, { clock }, never)).traits.channels).toEqual(channels);
  });

  test("keeps its newest thousand frames, with their moments", async () => {
    using clock = new VirtualClock();
    const lamp = await openMemory("white", { clock }, never);
    for (let step = 0; step < 1500; step++) await lamp.write([step / 1500], never);
    await clock.advance(20);
    await lamp.write([1], never);
    expect(lamp.frames).toHaveLength(1000);
    expect(lamp.frames.at(-1)).toEqual({ at: 20, frame: [1] });
    expect(lamp.frames[0]?.frame).toEqual([501 / 1500]);
  });

  test.each([[[-0.1]], [[1.1]], [[Number.NaN]]])("refuses a duty beyond 0 to 1: %j", async (frame) => {
    using clock = new VirtualClock();
    const lamp = await openMemory("white", { clock }, never);
    await expect(lamp.write(frame, never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    expect(lamp.frames).toEqual([]);
  });
});
