// Words that must not be in the tree: switched-off tests, postponed work, silenced types, one machine's paths.
// `npm run check` runs this.

import { readFileSync } from "node:fs";
import { extname, join } from "node:path";
import { conclude, type Finding } from "./report.ts";
import { filesBelow, root } from "./source-files.ts";

interface Ban {
  readonly pattern: RegExp;
  readonly why: string;
  /** Only in files with these endings; everywhere when left out. */
  readonly endings?: readonly string[];
}

const code = [".ts", ".js", ".mjs"];

// A character class around one letter keeps this file from finding itself.
const bans: readonly Ban[] = [
  {
    pattern: /\.(?:skip|only|todo|fails|skipIf|runIf)[(.]/,
    why: "a test that does not run proves nothing",
    endings: [".test.ts"],
  },
  { pattern: /\b(?:TO[D]O|FI[X]ME|XX[X])\b/, why: "finish it, or write an issue" },
  {
    pattern: /@ts-(?:ignore|nocheck)/,
    why: "say what the type is instead of silencing the compiler",
    endings: code,
  },
  { pattern: /biome-ignore-[a]ll/, why: "silence one line with a reason, never a file", endings: code },
  {
    pattern: /(?<![\w.$}])\/(?:wor[k]|tm[p]|roo[t]|home\/\w+)\//,
    why: "a path of one machine: use os.tmpdir() or a path relative to the checkout",
  },
];

const binaryEndings = new Set([".png", ".jpg", ".ico", ".gz", ".woff2"]);

const bannedWords = (): Finding[] => {
  const findings: Finding[] = [];
  for (const file of filesBelow(".")) {
    if (binaryEndings.has(extname(file)) || file === "package-lock.json") continue;
    const applicable = bans.filter(({ endings }) => endings?.some((ending) => file.endsWith(ending)) ?? true);
    const lines = readFileSync(join(root, file), "utf8").split("\n");
    lines.forEach((line, index) => {
      for (const { pattern, why } of applicable) {
        const match = pattern.exec(line);
        if (match) findings.push({ where: `${file}:${index + 1}`, what: `${match[0]} - ${why}` });
      }
    });
  }
  return findings;
};

conclude("check-text", bannedWords());
