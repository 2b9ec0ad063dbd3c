import fc from "fast-check";
import { expect, it } from "vitest";
import { type Era, erasSince, isInEras, MAX_ERAS, withEra } from "../../../src/owner/eras.ts";
import { epochMs } from "../../../src/units.ts";

const HOUR_MS = 3_600_000;
const era = (from: number, to = from): Era => ({ from: epochMs(from), to: epochMs(to) });
const all = (spans: readonly Era[]): readonly Era[] => spans.reduce<readonly Era[]>(withEra, []);

it("what is near becomes one span, what is far another", () => {
  expect(all([era(0), era(HOUR_MS), era(-5), era(2 * HOUR_MS + 1)])).toEqual([
    era(-5, HOUR_MS),
    era(2 * HOUR_MS + 1),
  ]);
});

it("what ended long ago is forgotten", () => {
  expect(erasSince([era(0, 5), era(0, 6), era(9)], epochMs(6))).toEqual([era(0, 6), era(9)]);
});

it("there are never many of them, and none that was in one is lost", () => {
  const moment = fc.integer({ min: 0, max: 1000 }).map((hours) => hours * 2 * HOUR_MS);
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 80 }), (moments) => {
      const eras = all(moments.map((at) => era(at)));
      expect(eras.length).toBeLessThanOrEqual(MAX_ERAS);
      for (const at of moments) expect(isInEras(eras, epochMs(at))).toBe(true);
    }),
  );
});

it("the two that are nearest become one, and the one far ahead stays alone", () => {
  const days = Array.from({ length: MAX_ERAS }, (_, day) => era((day === 7 ? 6.5 : day) * 24 * HOUR_MS));
  const eras = withEra(days, era(365 * 24 * HOUR_MS));
  expect(eras).toHaveLength(MAX_ERAS);
  expect(eras).toContainEqual(era(6 * 24 * HOUR_MS, 6.5 * 24 * HOUR_MS));
  expect(isInEras(eras, epochMs(200 * 24 * HOUR_MS))).toBe(false);
});
