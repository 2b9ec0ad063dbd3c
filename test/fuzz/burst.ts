// Inputs without guidance: the kept ones and the seeds, and then children of them, the same ones for the same seed.

import type { Random } from "../../src/ports.ts";
import { seeded, whole } from "../chaos/seeded.ts";
import { readCorpus, seedsOf, tokensOf } from "./corpus.ts";
import { mutate } from "./mutate.ts";
import type { Target } from "./target.ts";

/** Everything that is known of a target. */
export const knownOf = (target: Target): readonly Buffer[] => [
  ...seedsOf(target),
  ...readCorpus(target.name),
];

/** A child of one of the pool, made with parts of another. */
export const childOf = (
  pool: readonly Buffer[],
  random: Random,
  { tokens, most }: { readonly tokens: readonly string[]; readonly most: number },
): Buffer => {
  const any = (): Buffer => pool[whole(random, 0, pool.length - 1)] ?? Buffer.alloc(0);
  return mutate(any(), random, { tokens, most, other: any() });
};

/** So many inputs for a target. */
export function* burst(target: Target, count: number, seed: number): Generator<Buffer> {
  const pool = knownOf(target);
  const about = { tokens: tokensOf(target), most: target.most };
  const random = seeded(seed);
  for (let each = 0; each < count; each++) yield childOf(pool, random, about);
}
