// `npm run fuzz -- --target NAME --seconds 60`: makes inputs for the readers of what comes from outside, guided by what
// they reach in the program, and keeps those that break something. With `--input FILE` it replays one.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { Worker } from "node:worker_threads";
import { inLine, writeCorpus } from "./corpus.ts";
import { countBlocks, type Ran } from "./coverage.ts";
import { fewest, hunt } from "./engine.ts";
import { escaped, look } from "./oracles.ts";
import type { Target } from "./target.ts";
import type { Watched } from "./watchdog.ts";

/** A reader that takes so long has hung, in milliseconds. */
const HUNG_MS = 20_000;
const MOST = 2 * 1024 * 1024;

const root = fileURLToPath(new URL("../..", import.meta.url));
const crashes = join(root, ".cache/fuzz");

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

const watchdog = (file: string): { readonly watch: (input: Buffer) => void } & AsyncDisposable => {
  const watched: Watched = {
    state: new SharedArrayBuffer(8),
    input: new SharedArrayBuffer(MOST),
    file,
    limitMs: HUNG_MS,
  };
  const [numbers, bytes] = [new Int32Array(watched.state), new Uint8Array(watched.input)];
  const worker = new Worker(new URL("watchdog.ts", import.meta.url), { workerData: watched });
  return {
    watch(input) {
      bytes.set(input.subarray(0, MOST));
      Atomics.store(numbers, 1, Math.min(input.length, MOST));
      Atomics.add(numbers, 0, 1);
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
};

/** What one target has come to; the number of its findings. */
const fuzz = async (
  target: Target,
  options: { readonly forMs: number; readonly seed: number; readonly keep: boolean; readonly loaded: Ran },
  counters: ReturnType<typeof countBlocks>,
): Promise<number> => {
  await using guard = watchdog(join(crashes, `${target.name}-hung.bin`));
  const begun = performance.now();
  const { runs, pool, reached, found } = await hunt(target, { ...options, watch: guard.watch }, counters);
  const seconds = (performance.now() - begun) / 1000;
  const lines = target.sources.map((source) => reached.lines(pathToFileURL(join(root, source)).href));
  const [ran, all] = [
    lines.reduce((sum, { ran }) => sum + ran, 0),
    lines.reduce((sum, { all }) => sum + all, 0),
  ];
  print(
    `${target.name.padEnd(20)} ${String(runs).padStart(9)} read in ${seconds.toFixed(0)} s, ${String(ran).padStart(4)} of ${String(all).padStart(4)} lines (${((100 * ran) / all).toFixed(1)} %), ${pool.length} inputs in the pool, ${found.length} findings`,
  );
  if (options.keep)
    writeCorpus(target.name, await fewest(target, pool, counters, { ...options, watch: guard.watch }));
  found.forEach(({ finding, input }, index) => {
    const file = join(crashes, `${target.name}-${index + 1}.bin`);
    writeFileSync(file, input);
    print(
      `  ${finding.kind}, ${finding.reader}: ${finding.what}\n    ${inLine(input).slice(0, 300)}\n    npm run fuzz -- --target ${target.name} --input ${file}`,
    );
  });
  return found.length;
};

const main = async (): Promise<number> => {
  const { values } = parseArgs({
    options: {
      target: { type: "string", multiple: true },
      seconds: { type: "string", default: "60" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      input: { type: "string" },
      keep: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  mkdirSync(crashes, { recursive: true });
  // Before the readers are loaded, so that V8 counts them from their first line.
  using counters = countBlocks();
  const { targets } = await import("./targets.ts");
  const loaded = counters.take();
  for (const event of ["uncaughtException", "unhandledRejection"])
    process.on(event, (error) => escaped.push(error));
  const chosen = targets.filter(({ name }) => values.target?.includes(name) ?? true);
  if (values.help || chosen.length === 0) {
    print(
      `npm run fuzz -- [--target NAME] [--seconds N] [--seed N] [--keep] [--input FILE]\n${targets.map(({ name, what }) => `  ${name.padEnd(20)} ${what}`).join("\n")}`,
    );
    return values.help ? 0 : 64;
  }
  if (values.input !== undefined) {
    const input = readFileSync(values.input);
    let wrong = 0;
    for (const target of chosen) {
      const finding = await look(target, input);
      wrong += finding === null ? 0 : 1;
      print(
        `${target.name}: ${finding === null ? `takes ${basename(values.input)} as it should` : `${finding.kind}, ${finding.reader}: ${finding.what}`}`,
      );
    }
    return wrong === 0 ? 0 : 1;
  }
  print(`seed ${values.seed}`);
  let findings = 0;
  const options = {
    forMs: Number(values.seconds) * 1000,
    seed: Number(values.seed),
    keep: values.keep,
    loaded,
  };
  for (const target of chosen) findings += await fuzz(target, options, counters);
  return findings === 0 ? 0 : 1;
};

// Servers that some targets have opened would keep the process.
process.exit(await main());
