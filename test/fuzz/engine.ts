// The long run: whatever reaches a place in the program that nothing has reached before is a parent from then on.

import { seeded, whole } from "../chaos/seeded.ts";
import { childOf, knownOf } from "./burst.ts";
import { tokensOf } from "./corpus.ts";
import { type countBlocks, type Ran, Reached } from "./coverage.ts";
import { type Finding, look } from "./oracles.ts";
import type { Target } from "./target.ts";

/** V8 is asked after so many inputs: asking takes as long as dozens of them. */
const BATCH = 256;

export interface Hunt {
  readonly runs: number;
  /** The inputs that reached something new when they came. */
  readonly pool: readonly Buffer[];
  readonly reached: Reached;
  readonly found: readonly { readonly finding: Finding; readonly input: Buffer }[];
}

export interface HuntOptions {
  readonly forMs: number;
  readonly seed: number;
  /** Told of every input before it is read. */
  readonly watch: (input: Buffer) => void;
  /** What runs when the program is loaded. */
  readonly loaded: Ran;
}

/** Changes that make an input smaller, the largest first. */
function* smaller(input: Buffer): Generator<Buffer> {
  for (let size = input.length >> 1; size >= 1; size >>= 1)
    for (let at = 0; at < input.length; at += size)
      yield Buffer.concat([input.subarray(0, at), input.subarray(at + size)]);
}

/** The smallest input found, in a limited number of tries, that still `holds`. */
export const minimise = async (
  input: Buffer,
  holds: (smaller: Buffer) => Promise<boolean>,
  tries = 2000,
): Promise<Buffer> => {
  let best = input;
  let left = tries;
  for (let went = true; went && left > 0; ) {
    went = false;
    for (const each of smaller(best)) {
      if (left-- <= 0) break;
      if (!(await holds(each))) continue;
      best = each;
      went = true;
      break;
    }
  }
  return best;
};

/** An input that is longer is made shorter before it is kept, and one that stays longer than the second is not kept. */
const SHORT = 200;
const LONGEST = 4096;

/** Few and short inputs that reach together what all of them reach. */
export const fewest = async (
  target: Target,
  inputs: readonly Buffer[],
  counters: ReturnType<typeof countBlocks>,
  { loaded, watch }: Pick<HuntOptions, "loaded" | "watch">,
): Promise<readonly Buffer[]> => {
  const reached = new Reached();
  reached.add(loaded);
  const ranBy = async (input: Buffer): Promise<Ran> => {
    counters.take();
    watch(input);
    await look(target, input);
    return counters.take();
  };
  const kept: Buffer[] = [];
  for (const input of inputs.toSorted((one, other) => one.length - other.length)) {
    const ran = await ranBy(input);
    const news = reached.news(ran);
    if (news === 0) continue;
    const asMuch = async (each: Buffer): Promise<boolean> => reached.news(await ranBy(each)) >= news;
    const short = input.length <= SHORT ? input : await minimise(input, asMuch, 150);
    if (short.length > LONGEST) continue;
    reached.add(ran);
    kept.push(short);
  }
  return kept;
};

/** Hunts for so long, in milliseconds. */
export const hunt = async (
  target: Target,
  options: HuntOptions,
  counters: ReturnType<typeof countBlocks>,
): Promise<Hunt> => {
  const { forMs, seed, watch, loaded } = options;
  const random = seeded(seed);
  const about = { tokens: tokensOf(target), most: target.most };
  const reached = new Reached();
  reached.add(loaded);
  const pool: Buffer[] = [];
  const found = new Map<string, { finding: Finding; input: Buffer }>();
  let runs = 0;
  let end = Number.POSITIVE_INFINITY;

  const run = async (input: Buffer): Promise<void> => {
    watch(input);
    runs += 1;
    const finding = await look(target, input);
    if (finding === null) return;
    const key = `${finding.reader} ${finding.kind} ${finding.what}`;
    if (!found.has(key) && found.size < 50) found.set(key, { finding, input });
  };
  /** Runs them, and finds those that reach something new by halves. */
  const runAll = async (inputs: readonly Buffer[]): Promise<void> => {
    counters.take();
    for (const input of inputs) {
      if (performance.now() > end) break;
      await run(input);
    }
    const ran = counters.take();
    if (!reached.isNews(ran)) return;
    const [only] = inputs;
    if (inputs.length > 1) {
      const half = inputs.length >> 1;
      await runAll(inputs.slice(0, half));
      await runAll(inputs.slice(half));
    } else if (only !== undefined) pool.push(only);
    // What ran only because of the others in its batch, such as a cache, is nobody's.
    reached.add(ran);
  };

  for (const input of knownOf(target)) await runAll([input]);
  end = performance.now() + forMs;
  while (performance.now() < end) {
    const newest = random() < 0.3 ? pool.slice(-8) : pool;
    const parents = newest.length === 0 ? [Buffer.alloc(0)] : newest;
    await runAll(
      Array.from({ length: target.slow ? BATCH / 16 : BATCH }, () =>
        random() < 0.01
          ? Buffer.alloc(whole(random, 0, 64), whole(random, 0, 255))
          : childOf(parents, random, about),
      ),
    );
  }

  const smallest = [];
  for (const { finding, input } of found.values()) {
    const stays = async (each: Buffer): Promise<boolean> => {
      watch(each);
      const now = await look(target, each);
      return now?.kind === finding.kind && now.reader === finding.reader && now.what === finding.what;
    };
    smallest.push({ finding, input: await minimise(input, stays, finding.kind === "slow" ? 60 : 2000) });
  }
  return { runs, pool, reached, found: smallest };
};
