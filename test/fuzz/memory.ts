// Run by test/unit/fuzz/memory.test.ts as a program of its own, with --expose-gc: feeds every target thousands of inputs
// and writes how much of the heap was left, in bytes, after a third of them and after all.

import { seeded } from "../chaos/seeded.ts";
import { childOf, knownOf } from "./burst.ts";
import { tokensOf } from "./corpus.ts";
import { look } from "./oracles.ts";
import { targets } from "./targets.ts";

const COUNT = Number(process.argv[2] ?? 20_000);
/** For one target, in milliseconds of this thread; dear ones get fewer inputs. */
const MOST_MS = Number(process.argv[3] ?? Number.POSITIVE_INFINITY);
const COUNT_SLOW = 90;

/** What is left when nobody needs it any more: the least of two looks, for the first one's cleaning up goes on beside it. */
const heap = async (): Promise<number> => {
  let least = Number.POSITIVE_INFINITY;
  for (let times = 0; times < 2; times++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc?.();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, heapUsed + external);
  }
  return least;
};

const worked = (): number => process.threadCpuUsage().user / 1000;

const result: Record<string, { inputs: number; warm: number; end: number }> = {};
for (const target of targets) {
  const random = seeded(7);
  const pool = knownOf(target);
  // Small ones, and many: what stays of an input stays of a small one, too.
  const about = { tokens: tokensOf(target), most: Math.min(target.most, 4096) };
  const count = target.slow ? COUNT_SLOW : COUNT;
  let inputs = 0;
  const feed = async (share: number): Promise<number> => {
    const until = target.slow ? Number.POSITIVE_INFINITY : worked() + MOST_MS * share;
    for (let each = 0; each < count * share && worked() < until; each++, inputs++)
      await look(target, childOf(pool, random, about));
    return heap();
  };
  const warm = await feed(1 / 3);
  const end = await feed(2 / 3);
  result[target.name] = { inputs, warm, end };
}
process.stdout.write(JSON.stringify(result));
process.exit(0);
