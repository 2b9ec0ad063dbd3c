import { describe, expect, test } from "vitest";
import { darkness, hex, inWords, visibleLight } from "../../../firmware-sim/board-light.ts";
import type { Channel } from "../../../src/model.ts";

const full: readonly Channel[] = ["red", "green", "blue", "warm", "cold"];

describe("light that an eye sees", () => {
  test.each([
    ["nothing lit", [0, 0, 0, 0, 0], "off"],
    ["red", [1, 0, 0, 0, 0], "red, 53 %"],
    ["green", [0, 1, 0, 0, 0], "green, 88 %"],
    ["blue", [0, 0, 1, 0, 0], "blue, 32 %"],
    ["red and blue", [0.5, 0, 0.5, 0, 0], "magenta, 45 %"],
    ["green and blue", [0, 0.5, 0.5, 0, 0], "cyan, 69 %"],
    ["red and green", [1, 1, 0, 0, 0], "yellow, 97 %"],
    ["the warm channel", [0, 0, 0, 1, 0], "warm white, 100 %"],
    ["the cold channel", [0, 0, 0, 0, 1], "white, 100 %"],
    ["the warm channel, half as bright to the eye", [0, 0, 0, 0.1842, 0], "warm white, 50 %"],
    ["hardly anything", [0, 0, 0, 0.0005, 0], "warm white, 1 %"],
  ] as const)("%s", (_name, frame, words) => {
    expect(inWords(visibleLight(full, frame))).toBe(words);
  });

  test("has its hue at full scale, however dim it is", () => {
    const dim = visibleLight(full, [0, 0, 0, 0.01, 0]);
    const bright = visibleLight(full, [0, 0, 0, 1, 0]);
    expect(dim.rgb).toEqual(bright.rgb);
    expect(Math.max(...dim.rgb)).toBe(255);
    expect(dim.luminance).toBeCloseTo(0.01, 6);
  });

  test("warm is redder than cold", () => {
    const [, , warmBlue] = visibleLight(full, [0, 0, 0, 1, 0]).rgb;
    const [, , coldBlue] = visibleLight(full, [0, 0, 0, 0, 1]).rgb;
    expect(warmBlue).toBeLessThan(coldBlue - 100);
  });

  test("duty outside 0..1 and missing channels do no harm", () => {
    expect(visibleLight(full, [-1, 0, 0])).toEqual(darkness);
    expect(visibleLight(["white"], [7]).luminance).toBeCloseTo(1);
  });

  test("is written as a style sheet takes it", () => {
    expect(hex(visibleLight(full, [1, 0, 0, 0, 0]))).toBe("#ff0000");
    expect(hex(darkness)).toBe("#000000");
  });
});
