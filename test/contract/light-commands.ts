// Commands as senders of all kinds write them, right and wrong.

import fc from "fast-check";
import { MOMENT } from "../../src/broker/codec-limits.ts";

/** Any value of JSON, small ones first. */
const anything = fc.oneof(
  fc.constantFrom(null, true, false, 0, -1, 1.5, "", "on", [], {}),
  fc.jsonValue({ maxDepth: 1 }),
);

const mostly = (right: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 8, arbitrary: right }, { weight: 1, arbitrary: anything });

const inAnyCase = (...words: string[]): fc.Arbitrary<string> =>
  fc
    .tuple(fc.constantFrom(...words), fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }))
    .map(([word, upper]) =>
      [...word].map((letter, index) => (upper[index] ? letter.toUpperCase() : letter)).join(""),
    );

/** Numbers within the bounds, on them, and a little outside. */
const around = (low: number, high: number): fc.Arbitrary<number> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.double({ min: low, max: high, noNaN: true }) },
    { weight: 2, arbitrary: fc.integer({ min: Math.ceil(low), max: Math.floor(high) }) },
    { weight: 1, arbitrary: fc.constantFrom(low, high, low - 1, high + 1, low - 1e-9, high * 1.001) },
  );

const parts = {
  r: mostly(around(0, 255)),
  g: mostly(around(0, 255)),
  b: mostly(around(0, 255)),
  h: mostly(around(0, 360)),
  s: mostly(around(0, 100)),
  x: mostly(around(0, 1)),
  y: mostly(around(0, 1)),
};

const colour = fc.oneof(
  fc.record({ r: parts.r, g: parts.g, b: parts.b }),
  fc.record({ h: parts.h, s: parts.s }),
  fc.record({ x: parts.x, y: parts.y }),
  fc.record(parts, { requiredKeys: [] }),
);

const moment = fc.oneof(
  fc
    .date({ noInvalidDate: true, min: new Date("1969-06-01"), max: new Date("2099-01-01") })
    .map((at) => at.toISOString()),
  fc.stringMatching(new RegExp(MOMENT)),
  fc.stringMatching(/^[12]\d{3}-[0-3]\d-[0-6]\d[Tt][0-9]\d:[0-6]\d:[0-6]\d([Zz]|[+-][0-3]\d:[0-9]\d)?$/),
  fc.double({ min: -1, noNaN: true }),
);

const members = {
  state: mostly(inAnyCase("on", "off")),
  brightness: mostly(around(0, 255)),
  color_temp: mostly(around(50, 20_000)),
  color: mostly(colour),
  color_mode: mostly(fc.constantFrom("color_temp", "rgb", "hs", "xy", "onoff")),
  effect: mostly(inAnyCase("blink", "identify", "none")),
  flash: mostly(fc.oneof(inAnyCase("short", "long"), around(0, 3600))),
  transition: mostly(around(0, 3600)),
  id: mostly(
    fc.oneof(
      fc.string({ unit: "grapheme", minLength: 0, maxLength: 140 }),
      fc.string({ minLength: 126, maxLength: 130 }),
      fc.maxSafeInteger(),
      fc.double(),
    ),
  ),
  expiresAt: mostly(moment),
  brightness_pct: anything,
};

/** Each with a few of the members, as JSON text. */
export const lightCommand: fc.Arbitrary<string> = fc
  .subarray(Object.entries(members), { maxLength: 4 })
  .chain((some) => fc.record(Object.fromEntries<fc.Arbitrary<unknown>>(some)))
  .map((command) => JSON.stringify(command));
