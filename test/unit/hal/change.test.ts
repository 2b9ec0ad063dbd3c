import { describe, expect, test } from "vitest";
import { firstState, fitState, mergeChange } from "../../../src/hal/change.ts";
import { lightTraits } from "../../../src/hal/traits.ts";
import type { Channel, LightChange, LightState } from "../../../src/model.ts";

const lamp = (...channels: readonly Channel[]) =>
  lightTraits({ channels, framesPerSecond: 50, minKelvin: 2200, maxKelvin: 6000 });
const switched = lamp("switch");
const white = lamp("white");
const tunable = lamp("warm", "cold");
const colourful = lamp("red", "green", "blue");

const off: LightState = { on: false, brightness: 0.4, colour: { mode: "none" }, effect: null };
const on: LightState = { ...off, on: true };
const warm = { mode: "temperature", kelvin: 2700 } as const;
const red = { mode: "rgb", rgb: [1, 0, 0] } as const;

describe("what a lamp can do", () => {
  test.each([
    [["switch"], { dims: false, temperature: null, rgb: false }],
    [["white"], { dims: true, temperature: null, rgb: false }],
    [["warm"], { dims: true, temperature: null, rgb: false }],
    [["warm", "cold"], { dims: true, temperature: { minKelvin: 2700, maxKelvin: 6500 }, rgb: false }],
    [["red", "green"], { dims: true, temperature: null, rgb: false }],
    [["blue", "red", "green"], { dims: true, temperature: { minKelvin: 2700, maxKelvin: 6500 }, rgb: true }],
  ] as const)("channels %j give %j", (channels, expected) => {
    expect(lightTraits({ channels, framesPerSecond: 50 })).toEqual({
      ...expected,
      effects: ["blink", "identify"],
    });
  });

  test("temperatures named by the driver are those of the lamp", () => {
    expect(tunable.temperature).toEqual({ minKelvin: 2200, maxKelvin: 6000 });
  });
});

describe("merging a change", () => {
  test.each<[string, LightState, LightChange, Partial<LightState>]>([
    ["nothing asked changes nothing", on, {}, on],
    ["on keeps the last brightness", off, { on: true }, { on: true, brightness: 0.4 }],
    ["brightness means on", off, { brightness: 0.7 }, { on: true, brightness: 0.7 }],
    [
      "brightness with off is kept for later",
      on,
      { on: false, brightness: 0.7 },
      { on: false, brightness: 0.7 },
    ],
    ["brightness 0 means off and keeps the last", on, { brightness: 0 }, { on: false, brightness: 0.4 }],
    ["brightness 0 wins over on", off, { on: true, brightness: 0 }, { on: false, brightness: 0.4 }],
    ["a negative brightness is dark", on, { brightness: -1 }, { on: false, brightness: 0.4 }],
    ["brightness above 1 is full", on, { brightness: 3 }, { on: true, brightness: 1 }],
    [
      "on with nothing to come back to is full",
      { ...off, brightness: 0 },
      { on: true },
      { on: true, brightness: 1 },
    ],
    ["identify leaves an off lamp off", off, { effect: "identify" }, { on: false, effect: "identify" }],
    ["blink means on", off, { effect: "blink" }, { on: true, effect: "blink" }],
    ["blink with off is off", on, { on: false, effect: "blink" }, { on: false, effect: null }],
    ["off ends an effect", { ...on, effect: "blink" }, { on: false }, { on: false, effect: null }],
    ["off ends identify too", { ...on, effect: "identify" }, { on: false }, { on: false, effect: null }],
    [
      "brightness keeps an effect",
      { ...on, effect: "blink" },
      { brightness: 1 },
      { effect: "blink", brightness: 1 },
    ],
    ["null ends an effect", { ...on, effect: "blink" }, { effect: null }, { on: true, effect: null }],
  ])("%s", (_name, state, change, expected) => {
    expect(mergeChange(state, change, white)).toMatchObject({ ok: true, target: expected });
  });

  test.each<[string, LightState, LightChange, Partial<LightState>]>([
    ["a switched lamp takes any brightness as on", off, { brightness: 0.3 }, { on: true, brightness: 1 }],
    ["a switched lamp takes brightness 0 as off", on, { brightness: 0 }, { on: false, brightness: 1 }],
    ["a switched lamp is never half bright", on, { on: true }, { on: true, brightness: 1 }],
  ])("%s", (_name, state, change, expected) => {
    expect(mergeChange(state, change, switched)).toMatchObject({ ok: true, target: expected });
  });

  test.each<[string, LightChange, Partial<LightState>]>([
    ["a colour alone does not switch on", { colour: warm }, { on: false, colour: warm }],
    [
      "kelvin below the range is the warmest",
      { colour: { mode: "temperature", kelvin: 1000 } },
      { colour: { mode: "temperature", kelvin: 2200 } },
    ],
    [
      "kelvin above the range is the coldest",
      { colour: { mode: "temperature", kelvin: 9000 } },
      { colour: { mode: "temperature", kelvin: 6000 } },
    ],
  ])("%s", (_name, change, expected) => {
    expect(mergeChange({ ...off, colour: warm }, change, tunable)).toMatchObject({
      ok: true,
      target: expected,
    });
  });

  test("rgb beyond the range is clamped, and no colour named keeps the colour", () => {
    const merged = mergeChange(on, { colour: { mode: "rgb", rgb: [2, -1, 0.5] } }, colourful);
    expect(merged).toMatchObject({ ok: true, target: { colour: { mode: "rgb", rgb: [1, 0, 0.5] } } });
    expect(mergeChange({ ...on, colour: red }, { colour: { mode: "none" } }, colourful)).toMatchObject({
      ok: true,
      target: { colour: red },
    });
  });

  test.each<[string, LightChange, ReturnType<typeof lamp>]>([
    ["a colour of a white lamp", { colour: red }, white],
    ["a colour of a tunable lamp", { colour: red }, tunable],
    ["a temperature of a white lamp", { colour: warm }, white],
    ["an effect it does not have", { effect: "blink" }, { ...white, effects: [] }],
    ["a brightness that is no number", { brightness: Number.NaN }, white],
    ["a temperature that is no number", { colour: { mode: "temperature", kelvin: Number.NaN } }, tunable],
    ["a colour that is no number", { colour: { mode: "rgb", rgb: [0, Number.NaN, 0] } }, colourful],
  ])("refuses %s", (_name, change, traits) => {
    expect(mergeChange(on, change, traits)).toMatchObject({ ok: false, code: "LIGHT_CANNOT" });
  });
});

describe("a state from elsewhere", () => {
  test("out of the box a lamp is off, and warm white when it is switched on", () => {
    expect(firstState(tunable)).toEqual({ on: false, brightness: 1, colour: warm, effect: null });
    expect(firstState(white)).toEqual({ on: false, brightness: 1, colour: { mode: "none" }, effect: null });
  });

  test.each([
    ["a colour it lacks", white, { ...on, colour: red }, on],
    ["a temperature it lacks", white, { ...on, colour: warm }, on],
    ["no colour on a lamp with colours", colourful, on, { ...on, colour: warm }],
    ["a brightness of 0", white, { ...on, brightness: 0 }, { ...on, brightness: 1 }],
    ["a brightness on a switched lamp", switched, on, { ...on, brightness: 1 }],
    ["a brightness above 1", white, { ...on, brightness: 2 }, { ...on, brightness: 1 }],
    ["an effect it lacks", { ...white, effects: [] }, { ...on, effect: "blink" as const }, on],
    ["an effect it has", white, { ...on, effect: "blink" as const }, { ...on, effect: "blink" }],
  ] as const)("fits %s", (_name, traits, state, expected) => {
    expect(fitState(state, traits)).toEqual(expected);
  });
});
