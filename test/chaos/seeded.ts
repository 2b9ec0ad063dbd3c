import type { Random } from "../../src/ports.ts";

/** The same numbers 0 <= x < 1 for the same seed (mulberry32). For tests, never for keys. */
export const seeded = (seed: number): Random => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** A whole number from `least` to `most`, both included. */
export const whole = (random: Random, least: number, most: number): number =>
  least + Math.floor(random() * (most - least + 1));

/** Exponentially distributed: pauses between things that happen at any time, `mean` apart on average. */
export const pause = (random: Random, mean: number): number => -Math.log(1 - random()) * mean;

/** One of a list, by weight. */
export const pick = <T extends { readonly weight: number }>(random: Random, list: readonly T[]): T => {
  let left = random() * list.reduce((sum, { weight }) => sum + weight, 0);
  for (const each of list) {
    left -= each.weight;
    if (left < 0) return each;
  }
  throw new RangeError("nothing to pick from");
};

/** Bytes of the same numbers. */
export const bytesOf =
  (random: Random) =>
  (size: number): Buffer =>
    Buffer.from(Array.from({ length: size }, () => whole(random, 0, 255)));
