import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duty } from "../../../src/hal/curve.ts";
import { frameOf, stateOf } from "../../../src/hal/mix.ts";
import type { Channel, DriverTraits, LightColour, LightState } from "../../../src/model.ts";

const driver = (channels: readonly Channel[], more: Partial<DriverTraits> = {}): DriverTraits => ({
  channels,
  framesPerSecond: 50,
  ...more,
});
const lit = (brightness: number, colour: LightColour = { mode: "none" }): LightState => ({
  on: true,
  brightness,
  colour,
  effect: null,
});
const temperature = (kelvin: number): LightColour => ({ mode: "temperature", kelvin });
const red: LightColour = { mode: "rgb", rgb: [1, 0, 0] };
const white: LightColour = { mode: "rgb", rgb: [1, 1, 1] };
const RGB = ["red", "green", "blue"] as const;

describe("a frame for a driver", () => {
  test.each<[string, DriverTraits, LightState, readonly number[]]>([
    ["a switch is on at any brightness", driver(["switch"]), lit(0.01), [1]],
    ["a switch is off at brightness 0", driver(["switch"]), lit(0), [0]],
    ["white is full at 1", driver(["white"]), lit(1), [1]],
    ["white follows the curve", driver(["white"]), lit(0.5), [duty(0.5)]],
    ["hardware with its own curve gets none", driver(["white"], { perceptual: true }), lit(0.5), [0.5]],
    ["a lone warm channel is the white", driver(["warm"]), lit(1), [1]],
    ["the warmest is warm only", driver(["warm", "cold"]), lit(1, temperature(2700)), [1, 0]],
    ["the coldest is cold only", driver(["cold", "warm"]), lit(1, temperature(6500)), [1, 0]],
    ["both whites without a colour", driver(["warm", "cold"]), lit(1), [1, 1]],
    ["red is red, in the driver's order", driver(["blue", "red", "green"]), lit(1, red), [0, 1, 0]],
    ["rgb without a colour is white", driver(RGB), lit(1), [1, 1, 1]],
    ["white moves to the white channel", driver([...RGB, "white"]), lit(1, white), [0, 0, 0, 1]],
    ["rgbw without a colour uses white", driver([...RGB, "white"]), lit(1), [0, 0, 0, 1]],
    ["rgbww makes colours with rgb", driver([...RGB, "warm", "cold"]), lit(1, red), [1, 0, 0, 0, 0]],
    [
      "rgbww makes whites with white",
      driver([...RGB, "warm", "cold"]),
      lit(1, temperature(2700)),
      [0, 0, 0, 1, 0],
    ],
    ["rgbww without a colour is all white", driver([...RGB, "warm", "cold"]), lit(1), [0, 0, 0, 1, 1]],
    ["a colour the lamp lacks is white", driver(["white"]), lit(1, red), [1]],
    ["a temperature the lamp lacks is white", driver(["white"]), lit(1, temperature(3000)), [1]],
    ["brightness above 1 is full", driver(["white"], { perceptual: true }), lit(7), [1]],
  ])("%s", (_name, traits, state, frame) => {
    expect(frameOf(state, traits)).toEqual(frame);
  });

  test("white light of an rgb lamp leans to red when warm and to blue when cold", () => {
    const [warmRed, , warmBlue] = frameOf(lit(1, temperature(2700)), driver(RGB));
    expect(warmRed).toBe(1);
    expect(warmBlue).toBeLessThan(0.3);
    const [coldRed, , coldBlue] = frameOf(lit(1, temperature(9000)), driver(RGB));
    expect(coldBlue).toBe(1);
    expect(coldRed).toBeLessThan(0.8);
  });

  test("dimming keeps the colour: the channels keep their ratio", () => {
    const colour: LightColour = { mode: "rgb", rgb: [1, 0.5, 0.25] };
    const [r = 0, g = 0, b = 0] = frameOf(lit(1, colour), driver(RGB));
    const [dimR = 0, dimG = 0, dimB = 0] = frameOf(lit(0.3, colour), driver(RGB));
    expect(dimG / dimR).toBeCloseTo(g / r);
    expect(dimB / dimR).toBeCloseTo(b / r);
  });

  const anyChannels = fc.constantFrom<readonly Channel[]>(
    ["switch"],
    ["white"],
    ["warm", "cold"],
    RGB,
    [...RGB, "white"],
    [...RGB, "warm", "cold"],
  );
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const anyColour: fc.Arbitrary<LightColour> = fc.oneof(
    fc.constant<LightColour>({ mode: "none" }),
    fc.double({ min: 1000, max: 20_000, noNaN: true }).map(temperature),
    fc.tuple(share, share, share).map((rgb): LightColour => ({ mode: "rgb", rgb })),
  );

  test("every duty is within 0..1, off is all 0, and no channel falls when brightness rises", () => {
    fc.assert(
      fc.property(
        anyChannels,
        anyColour,
        share,
        share,
        fc.boolean(),
        (channels, colour, a, b, perceptual) => {
          const traits = driver(channels, { perceptual });
          const [low, high] = [Math.min(a, b), Math.max(a, b)];
          const dim = frameOf(lit(low, colour), traits);
          const bright = frameOf(lit(high, colour), traits);
          expect(dim).toHaveLength(channels.length);
          bright.forEach((value, index) => {
            expect(value).toBeLessThanOrEqual(1);
            expect(dim[index]).toBeGreaterThanOrEqual(0);
            expect(dim[index]).toBeLessThanOrEqual(value);
          });
          expect(frameOf({ ...lit(high, colour), on: false }, traits)).toEqual(channels.map(() => 0));
        },
      ),
    );
  });

  test("a frame turned back into a state gives that frame again, whatever the lamp showed before", () => {
    const tellable = anyChannels.filter((channels) => !channels.includes("warm"));
    fc.assert(
      fc.property(
        tellable,
        fc.tuple(anyColour, share, fc.boolean()),
        fc.tuple(anyColour, share, fc.boolean()),
        fc.boolean(),
        (channels, shown, before, perceptual) => {
          const traits = driver(channels, { perceptual });
          const state = ([colour, brightness, on]: typeof shown) => ({ ...lit(brightness, colour), on });
          const frame = frameOf(state(shown), traits);
          const again = frameOf(stateOf(frame, traits, state(before)), traits);
          again.forEach((value, index) => {
            expect(Math.abs(value - (frame[index] ?? Number.NaN))).toBeLessThanOrEqual(2.01 / 255);
          });
        },
      ),
    );
  });

  test.each([
    [["switch"], [1], { on: true }],
    [["white"], [0], { on: false, brightness: 0.3 }],
    [["white"], [1], { on: true, brightness: 1 }],
    [["warm", "cold"], [0.25, 0.75], { on: true, brightness: 1, colour: temperature(3000) }],
    [RGB, [1, 0, 0], { on: true, brightness: 1, colour: { mode: "rgb", rgb: [1, 0, 0] } }],
    [[...RGB, "white"], [0, 0, 0, 1], { on: true, brightness: 1, colour: { mode: "rgb", rgb: [1, 1, 1] } }],
  ] as const)("with %j, %j says %j", (channels, frame, state) => {
    const traits = driver(channels, {});
    const before = { ...lit(0.3, temperature(3000)), effect: "blink" } as const;
    expect(stateOf(frame, traits, before)).toMatchObject({ effect: null, ...state });
  });
});
