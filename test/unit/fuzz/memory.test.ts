import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const COUNT = 1500;
/** For one kind of input, in milliseconds. */
const MOST_MS = 120;
/** Caches, code and what V8 notes of both; a thousand inputs that stay are more. In bytes. */
const MOST = 768 * 1024;

it("nothing stays in memory of inputs that were read, good or bad", { timeout: 120_000 }, async () => {
  const program = fileURLToPath(new URL("../../fuzz/memory.ts", import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [
    "--expose-gc",
    program,
    String(COUNT),
    String(MOST_MS),
  ]);
  const grown = Object.entries<{ inputs: number; warm: number; end: number }>(JSON.parse(stdout));
  expect(grown.length).toBeGreaterThan(30);
  expect(grown.filter(([, { warm, end }]) => end - warm > MOST)).toEqual([]);
});
