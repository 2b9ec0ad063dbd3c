// `npm run audit`: asks the registry for known weaknesses of every package in the lock file. Exit code 1 for one that is not
// answered here, 2 when the registry keeps no such list. Not part of `npm run check`: the same tree gets other answers.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Answered, judge } from "./advisories.ts";
import { outDir } from "./bundle-options.ts";
import { say } from "./report.ts";
import { root } from "./source-files.ts";

/** None so far. */
const answered: Answered = {};

const bundled = join(outDir, "packages.json");
if (!existsSync(bundled)) throw new Error("npm run bundle says what is in the programs: run it first");
const { stdout, stderr } = spawnSync("npm", ["audit", "--json"], {
  cwd: root,
  encoding: "utf8",
  maxBuffer: 1 << 26,
  timeout: 120_000,
});
const judgement = judge(stdout || stderr, JSON.parse(readFileSync(bundled, "utf8")), answered);
if (judgement.kind === "unanswered") {
  say(`audit: the registry tells nothing about weaknesses: ${judgement.reason}`);
  process.exitCode = 2;
} else {
  for (const line of judgement.lines) say(line);
  say(`audit: ${judgement.lines.length} open, ${Object.keys(answered).length} answered`);
  if (judgement.lines.length > 0) process.exitCode = 1;
}
