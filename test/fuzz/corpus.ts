// Inputs that are kept: one file a target, one JSON text a line with a byte a character, so that a person can read and
// compare them.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "./target.ts";

const folder = fileURLToPath(new URL("corpus", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const pathOf = (name: string): string => join(folder, `${name}.txt`);

export const inLine = (input: Buffer): string =>
  JSON.stringify(input.toString("latin1")).replace(
    /[\u007f-\u00ff]/g,
    (each) => `\\u00${each.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );

export const fromLine = (line: string): Buffer => Buffer.from(String(JSON.parse(line)), "latin1");

/** What is kept of a target; nothing where there is no file. */
export const readCorpus = (name: string): readonly Buffer[] => {
  try {
    return readFileSync(pathOf(name), "utf8").split("\n").filter(Boolean).map(fromLine);
  } catch {
    return [];
  }
};

export const writeCorpus = (name: string, inputs: readonly Buffer[]): void => {
  mkdirSync(folder, { recursive: true });
  const lines = inputs.map(inLine).sort((one, other) => one.length - other.length || (one < other ? -1 : 1));
  writeFileSync(pathOf(name), lines.map((line) => `${line}\n`).join(""));
};

export const seedsOf = ({ seeds }: Target): readonly Buffer[] => seeds.map((seed) => Buffer.from(seed));

const always = [
  "{",
  "}",
  "[",
  "]",
  '"',
  ":",
  ",",
  "=",
  "&",
  "?",
  "#",
  ".",
  "-",
  "_",
  "\n",
  "null",
  "true",
  "1",
];

/** Words out of the readers' own sources and the seeds: what stands in quotes, and what looks like a name. */
export const tokensOf = (target: Target): readonly string[] => {
  const tokens = new Set(always);
  for (const source of target.sources) {
    const code = readFileSync(join(root, source), "utf8").replace(/^\s*(?:\/\/|\*|\/\*).*$/gm, "");
    for (const [, text = ""] of code.matchAll(/"((?:[^"\\\n]|\\.){1,60})"/g)) tokens.add(text);
    for (const [, text = ""] of code.matchAll(/\{ ([\w, ]+) \}/g))
      for (const name of text.split(", ")) tokens.add(name);
    for (const [word] of code.matchAll(/\b[a-z]+_[a-z_]+\b/g)) tokens.add(word);
  }
  for (const seed of seedsOf(target))
    for (const [word] of seed.toString("latin1").matchAll(/[\w.:/+-]{2,60}/g)) tokens.add(word);
  return [...tokens];
};
