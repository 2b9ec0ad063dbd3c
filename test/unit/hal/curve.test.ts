import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { duty, seen } from "../../../src/hal/curve.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });

describe("brightness to duty", () => {
  // CIE 1931 lightness: L* 50 is 18.4 % of the light, L* 8 (the end of the straight part) 0.886 %.
  test.each([
    [0, 0],
    [0.04, 0.004428],
    [0.08, 0.008856],
    [0.5, 0.184187],
    [0.75, 0.482781],
    [1, 1],
  ])("%f looks like a duty of %f", (brightness, expected) => {
    expect(duty(brightness)).toBeCloseTo(expected, 5);
  });

  test("is exact at both ends", () => {
    expect([duty(0), duty(1), seen(0), seen(1)]).toEqual([0, 1, 0, 1]);
  });

  test.each([
    [-1, 0],
    [2, 1],
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 1],
  ])("clamps %f to %f", (brightness, expected) => {
    expect(duty(brightness)).toBe(expected);
    expect(seen(brightness)).toBe(expected);
  });

  test("never falls, and goes there and back", () => {
    fc.assert(
      fc.property(share, share, (a, b) => {
        if (a < b) expect(duty(a)).toBeLessThanOrEqual(duty(b));
        expect(seen(duty(a))).toBeCloseTo(a, 9);
        expect(duty(seen(a))).toBeCloseTo(a, 9);
      }),
    );
  });
});
