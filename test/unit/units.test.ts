import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { epochMs, iso } from "../../src/units.ts";

describe("a moment as ISO 8601", () => {
  it("is what Date writes, in any year that Date knows", () => {
    const moments = fc.oneof(
      fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }),
      fc.integer({ min: -8_640_000_000_000_000, max: 8_640_000_000_000_000 }),
      fc.double({ min: -1e13, max: 1e13, noNaN: true }),
    );
    fc.assert(fc.property(moments, (at) => iso(epochMs(at)) === new Date(at).toISOString()));
  });

  it.each([
    "1970-01-01T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z",
    "1900-02-28T23:59:59.999Z",
    "2000-02-29T12:34:56.789Z",
    "2026-12-31T23:59:59.999Z",
    "2100-03-01T00:00:00.000Z",
    "9999-12-31T23:59:59.999Z",
    "+010000-01-01T00:00:00.000Z",
  ])("%s comes out as it went in", (text) => {
    expect(iso(epochMs(Date.parse(text)))).toBe(text);
  });

  it("is refused for a moment that no Date can hold", () => {
    expect(() => iso(epochMs(Number.NaN))).toThrow(RangeError);
    expect(() => iso(epochMs(8_640_000_000_000_001))).toThrow(RangeError);
  });
});
