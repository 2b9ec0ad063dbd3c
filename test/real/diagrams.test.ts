// Every sequence diagram of the documents, read by mermaid itself in a browser: it needs one, and is too large (80 MB) for
// the project's dependencies, so its one file is taken from its package.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { expect, test } from "vitest";
import { scratchFolder } from "./peers/scratch.ts";

const root = join(import.meta.dirname, "..", "..");
const run = promisify(execFile);
const version = "12.3.0";
const sha512 = "4113TdXeLAsMruJ79OpFL5O8+LTFXhQqZ260rF3tgUmiNAtRm4Uume04I+65PRN6yZ69J4f8rVYWW8zRk65UYw==";

/** mermaid's file for browsers, fetched once; the package must be the one that is known. */
const mermaid = async (): Promise<string> => {
  const kept = join(root, ".cache", `mermaid-${version}.min.js`);
  if (existsSync(kept)) return kept;
  using scratch = scratchFolder();
  await run("npm", ["pack", `mermaid@${version}`, "--pack-destination", scratch.path]);
  const packed = join(scratch.path, `mermaid-${version}.tgz`);
  expect(createHash("sha512").update(readFileSync(packed)).digest("base64")).toBe(sha512);
  const inside = "package/dist/mermaid.min.js";
  await run("tar", ["-xzf", packed, "-C", scratch.path, inside]);
  mkdirSync(join(root, ".cache"), { recursive: true });
  const half = `${kept}.${process.pid}`;
  await run("cp", [join(scratch.path, inside), half]);
  renameSync(half, kept);
  return kept;
};

const pages = readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" }).filter((file) =>
  file.endsWith(".md"),
);
const diagrams = pages.flatMap((page) =>
  [...readFileSync(join(root, "docs", page), "utf8").matchAll(/^```mermaid\n([\s\S]*?)^```$/gm)].map(
    ([, text = ""], index) => ({ name: `${page}#${index + 1}`, text }),
  ),
);

test("every diagram of the documents is one that mermaid draws", async () => {
  expect(diagrams.length).toBeGreaterThan(9);
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"],
  });
  try {
    const page = await browser.newPage();
    await page.addScriptTag({ path: await mermaid() });
    const drawn = await page.evaluate(async (all) => {
      const { mermaid: library } = globalThis as unknown as {
        mermaid: { render(id: string, text: string): Promise<{ svg: string }> };
      };
      const results: Record<string, string> = {};
      for (const [index, { name, text }] of all.entries())
        results[name] = await library.render(`d${index}`, text).then(
          ({ svg }) => (svg.includes("actor") ? "drawn" : "empty"),
          (error: unknown) => String(error),
        );
      return results;
    }, diagrams);
    expect(drawn).toEqual(Object.fromEntries(diagrams.map(({ name }) => [name, "drawn"])));
  } finally {
    await browser.close();
  }
});
