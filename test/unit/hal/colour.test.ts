import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { extractWhite, kelvinToRgb, mired, warmCold } from "../../../src/hal/colour.ts";
import { duty } from "../../../src/hal/curve.ts";

describe("colour temperature to rgb", () => {
  // From Mitchell Charity's table "What color is a blackbody?", sRGB coded, 10 degree observer; ours is for the
  // 2 degree observer, so the two agree within a few hundredths of full light.
  test.each([
    [2000, [0xff, 0x89, 0x12]],
    [2700, [0xff, 0xad, 0x5e]],
    [4000, [0xff, 0xd1, 0xa3]],
    [6500, [0xff, 0xf9, 0xfd]],
    [10_000, [0xcf, 0xda, 0xff]],
  ] as const)("%d K looks like the published colour of a black body", (kelvin, published) => {
    const decode = (byte: number): number => {
      const coded = byte / 255;
      return coded <= 0.04045 ? coded / 12.92 : ((coded + 0.055) / 1.055) ** 2.4;
    };
    kelvinToRgb(kelvin).forEach((part, index) => {
      expect(Math.abs(duty(part) - decode(published[index] ?? 0))).toBeLessThan(0.04);
    });
  });

  test("stays within 0..1 with its strongest part exactly 1, for any kelvin", () => {
    fc.assert(
      fc.property(fc.double({ min: 1, max: 100_000, noNaN: true }), (kelvin) => {
        const rgb = kelvinToRgb(kelvin);
        expect(Math.max(...rgb)).toBe(1);
        expect(Math.min(...rgb)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test("takes kelvin beyond the approximation as its nearer end", () => {
    expect(kelvinToRgb(500)).toEqual(kelvinToRgb(1667));
    expect(kelvinToRgb(90_000)).toEqual(kelvinToRgb(25_000));
  });
});

describe("mixing warm and cold white", () => {
  const range = { minKelvin: 2700, maxKelvin: 6500 };
  const middle = 1e6 / ((mired(2700) + mired(6500)) / 2);

  test.each([
    [2700, 1, 0],
    [6500, 0, 1],
    [1000, 1, 0],
    [9000, 0, 1],
  ])("%d K is exactly one of the two", (kelvin, warm, cold) => {
    expect(warmCold(kelvin, range)).toEqual([warm, cold]);
  });

  test("is half and half in the middle of the mired scale", () => {
    const [warm, cold] = warmCold(middle, range);
    expect(warm).toBeCloseTo(0.5);
    expect(cold).toBeCloseTo(0.5);
  });

  test("a range of no width is all warm", () => {
    expect(warmCold(3000, { minKelvin: 3000, maxKelvin: 3000 })).toEqual([1, 0]);
  });
});

describe("white extraction", () => {
  test.each([
    [
      [1, 1, 1],
      [0, 0, 0, 1],
    ],
    [
      [1, 0.5, 0.25],
      [0.75, 0.25, 0, 0.25],
    ],
    [
      [0, 1, 0],
      [0, 1, 0, 0],
    ],
  ] as const)("%j becomes %j", (rgb, expected) => {
    expect(extractWhite(rgb)).toEqual(expected);
  });
});
