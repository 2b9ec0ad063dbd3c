import { execFileSync } from "node:child_process";
import { Script } from "node:vm";
import { expect, it } from "vitest";
import { admitOptions } from "../../../build/code-cache.ts";

const options = ["--invocation-count-for-maglev=2000"];
const source = "(() => 1)()";

/** Whether a Node with the options takes this cache of `source`. */
const isTaken = (cache: Buffer): boolean =>
  execFileSync(process.execPath, [
    ...options,
    "-p",
    `!new (require("node:vm").Script)(${JSON.stringify(source)}, { cachedData: Buffer.from("${cache.toString("hex")}", "hex") }).cachedDataRejected`,
  ])
    .toString()
    .trim() === "true";

it("code caches in a file are taken by a Node with other options, wherever they are", () => {
  const cache = new Script(source).createCachedData();
  expect(isTaken(cache)).toBe(false);
  const file = Buffer.concat([Buffer.from("before"), cache, Buffer.from("between"), cache]);
  expect(admitOptions(file, [process.execPath], options)).toBe(2);
  expect(isTaken(file.subarray(6, 6 + cache.length))).toBe(true);
  expect(isTaken(file.subarray(-cache.length))).toBe(true);
});

it("a file without any stays as it is", () => {
  const file = Buffer.alloc(100, 7);
  expect(admitOptions(file, [process.execPath], options)).toBe(0);
  expect(file.equals(Buffer.alloc(100, 7))).toBe(true);
});
