// `npm run chaos -- --seeds 100`: lives many days in which everything goes wrong, and says what came of it. With `--seed N` it tells the
// story of one. Exits with 1 when a bar does not hold.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { type DayReport, liveDay } from "./day.ts";
import { inWords, summarise } from "./summary.ts";

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const number = (text: string, least: number): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < least)
    throw new RangeError(`"${text}" is no whole number from ${least} on`);
  return value;
};

/** A day that came to no end, because the agent or the world around it threw. */
const brokenDay = (seed: number, cause: unknown): DayReport => ({
  seed,
  findings: {
    lostSignIns: [],
    lostCommands: [],
    obeyedTwice: [],
    forgotten: [],
    stuck: [`came to no end: ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}`],
    commands: { due: 0, sent: 0, inPeace: 0, done: 0 },
    codes: 0,
    powerCuts: 0,
    recoveriesMs: [],
    worstHour: { polls: 0, others: 0 },
  },
  trace: "",
  story: [],
});

// One thread more than there are cores: a day waits for the threads that sign and check.
const JOBS = availableParallelism() + 1;

const lead = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "100" },
      from: { type: "string", default: "1" },
      hours: { type: "string", default: "24" },
      jobs: { type: "string", default: String(JOBS) },
      seed: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    print(
      "npm run chaos -- [--seeds N | --seed N] [--from N] [--hours N] [--jobs N]; docs/chaos.md tells more",
    );
    return 0;
  }
  const hours = number(values.hours, 1);
  if (values.seed !== undefined) {
    const day = await liveDay({ seed: number(values.seed, 0), hours, tell: true });
    print(day.story.join("\n"));
    const summary = summarise([day]);
    print(inWords(summary, hours));
    return summary.failed.length === 0 ? 0 : 1;
  }
  const seeds = number(values.seeds, 1);
  const from = number(values.from, 0);
  const days: DayReport[] = [];
  const started = performance.now();
  let nextSeed = from;
  let failed = 0;
  const tell = (): void => {
    const perDay = (performance.now() - started) / days.length;
    const left = Math.round(((seeds - days.length) * perDay) / 1000);
    const line = `${days.length} of ${seeds} days, ${failed} failed, ${left} s to go`;
    if (process.stderr.isTTY) process.stderr.write(`\r${line.padEnd(78)}`);
    else if (days.length % 100 === 0) process.stderr.write(`${line}\n`);
  };
  // Whoever has waited long enough is told what came of the days so far. A second time ends it at once.
  let enough = false;
  process.once("SIGINT", () => {
    enough = true;
  });
  const lived = (day: DayReport): void => {
    days.push(day);
    for (const { seed, seen } of summarise([day]).failed) {
      failed += 1;
      process.stderr.write(`${process.stderr.isTTY ? "\r" : ""}seed ${seed}: ${seen[0]}\n`);
    }
    tell();
  };
  /** Lives one day after the other in a thread of its own; a day that breaks the thread is told with the others, and the next gets a new one. */
  const work = async (): Promise<void> => {
    while (!enough && nextSeed < from + seeds) {
      const worker = new Worker(new URL(import.meta.url), {
        workerData: { hours },
        // A day throws away a lot soon: with room for it, it takes a tenth less.
        resourceLimits: { maxYoungGenerationSizeMb: 128 },
      });
      try {
        for (let sound = true; sound && !enough && nextSeed < from + seeds; ) {
          const seed = nextSeed++;
          const day = await new Promise<DayReport>((resolve) => {
            worker.once("message", resolve);
            worker.once("error", (cause) => {
              sound = false;
              resolve(brokenDay(seed, cause));
            });
            worker.postMessage(seed);
          });
          worker.removeAllListeners("error");
          lived(day);
        }
      } finally {
        await worker.terminate();
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(number(values.jobs, 1), seeds) }, work));
  if (process.stderr.isTTY) process.stderr.write("\r".padEnd(79));
  const summary = summarise(days);
  print(inWords(summary, hours));
  if (enough) print(`  ended after seed ${nextSeed - 1}; --from ${nextSeed} goes on`);
  return summary.failed.length === 0 ? 0 : 1;
};

if (isMainThread) process.exitCode = await lead();
else {
  const { hours } = workerData as { hours: number };
  parentPort?.on("message", async (seed: number) => {
    parentPort?.postMessage(await liveDay({ seed, hours }));
  });
}
