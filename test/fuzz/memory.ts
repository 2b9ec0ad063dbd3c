// Run by test/unit/fuzz/memory.test.ts as a program of its own, with --expose-gc: feeds every target thousands of inputs
// and writes how much of the heap was left, in bytes, after a third of them and after all.

import { seeded } from "../chaos/seeded.ts";
import { childOf, knownOf } from "./burst.ts";
import { tokensOf } from "./corpus.ts";
import { look } from "./oracles.ts";
import { targets } from "./targets.ts";

const COUNT = Number(process.argv[2]);
const COUNT_SLOW = 60;

/** What is left when nobody needs it any more: the least of a few looks. */
const heap = async (): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 3; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
};

const result: Record<string, { inputs: number; warm: number; end: number }> = {};
for (const target of targets) {
  const random = seeded(7);
  const pool = knownOf(target);
  // Small ones, and many: what stays of an input stays of a small one, too.
  const about = { tokens: tokensOf(target), most: Math.min(target.most, 4096) };
  const count = target.slow ? COUNT_SLOW : COUNT;
  const feed = async (times: number): Promise<number> => {
    for (let each = 0; each < times; each++) await look(target, childOf(pool, random, about));
    return heap();
  };
  const warm = await feed(count / 3);
  const end = await feed((count * 2) / 3);
  result[target.name] = { inputs: count, warm, end };
}
process.stdout.write(JSON.stringify(result));
process.exit(0);
