import { describe, expect, test } from "vitest";
import { kelvinToRgb } from "../../../src/hal/colour.ts";
import { effectAt } from "../../../src/hal/effect.ts";
import { stateAt } from "../../../src/hal/fade.ts";
import { momentOf } from "../../../src/hal/program.ts";
import type { LightColour, LightState } from "../../../src/model.ts";
import { monoMs } from "../../../src/units.ts";

const state = (on: boolean, brightness: number, colour: LightColour = { mode: "none" }): LightState => ({
  on,
  brightness,
  colour,
  effect: null,
});
const kelvin = (value: number): LightColour => ({ mode: "temperature", kelvin: value });
const red: LightColour = { mode: "rgb", rgb: [1, 0, 0] };
const blue: LightColour = { mode: "rgb", rgb: [0, 0, 1] };

describe("a fade", () => {
  test.each([0, -1, Number.NaN])("is exactly where it began at %f", (t01) => {
    const from = state(true, 0.2);
    expect(stateAt(from, state(true, 0.9), t01)).toBe(from);
  });

  test.each([1, 1.5])("is exactly where it goes at %f", (t01) => {
    const to = state(false, 0.9);
    expect(stateAt(state(true, 0.2), to, t01)).toBe(to);
  });

  test.each([
    ["both on: straight to the eye", state(true, 0.2), state(true, 0.6), state(true, 0.4)],
    [
      "from off: from dark, in the new colour",
      state(false, 0.9, red),
      state(true, 0.6, blue),
      state(true, 0.3, blue),
    ],
    [
      "to off: to dark, in the old colour",
      state(true, 0.6, red),
      state(false, 0.9, blue),
      state(true, 0.3, red),
    ],
    [
      "between colours, in rgb",
      state(true, 1, red),
      state(true, 1, blue),
      state(true, 1, { mode: "rgb", rgb: [0.5, 0, 0.5] }),
    ],
    ["to a lamp without colour: at once", state(true, 1, red), state(true, 0), state(true, 0.5)],
  ])("half way, %s", (_name, from, to, expected) => {
    const at = stateAt(from, to, 0.5);
    expect(at).toEqual({ ...expected, brightness: expect.closeTo(expected.brightness, 9) });
  });

  test("between two off states is the second, dark all the way", () => {
    const to = state(false, 0.3);
    expect(stateAt(state(false, 0.9), to, 0.5)).toBe(to);
  });

  test("between temperatures moves in mired", () => {
    const { colour } = stateAt(state(true, 1, kelvin(2000)), state(true, 1, kelvin(6000)), 0.5);
    expect(colour).toEqual({ mode: "temperature", kelvin: expect.closeTo(3000, 6) });
  });

  test.each([
    ["from a temperature to a colour", kelvin(2700), blue],
    ["from a colour to a temperature", blue, kelvin(2700)],
  ])("%s goes through rgb", (_name, from, to) => {
    const { colour } = stateAt(state(true, 1, from), state(true, 1, to), 0.5);
    const [r, g, b] = kelvinToRgb(2700);
    expect(colour).toEqual({
      mode: "rgb",
      rgb: [r / 2, g / 2, (b + 1) / 2].map((part) => expect.closeTo(part, 9)),
    });
  });
});

describe("effects", () => {
  const base = state(true, 0.3, red);

  test.each([
    [0, true, 500],
    [499, true, 1],
    [500, false, 500],
    [1000, true, 500],
    [86_400_250, true, 250],
  ])("blink after %d ms: lit %s, next look in %d ms", (elapsedMs, on, nextInMs) => {
    expect(effectAt("blink", elapsedMs, base)).toEqual({ state: { ...base, on }, nextInMs });
  });

  test.each([
    [0, true, 250],
    [300, false, 200],
    [500, true, 250],
    [4999, false, 1],
  ])("identify after %d ms: lit %s, next look in %d ms, at full brightness", (elapsedMs, on, nextInMs) => {
    expect(effectAt("identify", elapsedMs, { ...base, on: false })).toEqual({
      state: { ...base, on, brightness: 1 },
      nextInMs,
    });
  });

  test("identify ends by itself after five seconds", () => {
    expect(effectAt("identify", 5000, base)).toBeNull();
  });
});

describe("a program", () => {
  const target = state(true, 1);

  test("that is still shows the target and has ended", () => {
    expect(momentOf({ kind: "still" }, target, monoMs(5), 50)).toEqual({
      shown: target,
      nextInMs: null,
      ended: true,
    });
  });

  test.each([
    ["moves in frames of the hardware's rate", 1000, 25, 40],
    ["takes at most a thousand steps", 3_600_000, 50, 3600],
    ["ends on time", 10, 50, 5],
  ])("a fade %s", (_name, fadeMs, framesPerSecond, nextInMs) => {
    const program = { kind: "fade", from: state(false, 1), fadeMs, startedAt: monoMs(0) } as const;
    const moment = momentOf(program, target, monoMs(5), framesPerSecond);
    expect(moment).toMatchObject({ nextInMs, ended: false });
    expect(momentOf(program, target, monoMs(fadeMs), framesPerSecond).ended).toBe(true);
  });

  test("an effect that is over shows the target", () => {
    const program = { kind: "effect", effect: "identify", startedAt: monoMs(0) } as const;
    const over = momentOf(program, { ...target, effect: "identify" }, monoMs(5000), 50);
    expect(over).toEqual({ shown: target, nextInMs: null, ended: true });
  });
});
