// SECURITY.md and docs/flows.md promise nothing without a test: every row of their tables of what holds names at least one, as
// `file`: "sentence", and the file has a test (or a group of tests) with that sentence. `npm run check` runs this.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { conclude, type Finding } from "./report.ts";
import { root } from "./source-files.ts";

const PAGES = ["SECURITY.md", "docs/flows.md"];
const HEAD = "| What holds | Shown by |";
const CLAIM = /`(test\/[^`]+)`: "((?:[^"\\]|\\.)+)"/g;

/** Rows below the head of a table of what holds, with their line numbers. */
const rowsOf = (lines: readonly string[]): readonly { readonly line: number; readonly text: string }[] => {
  let within = false;
  return lines.flatMap((text, index) => {
    if (text.trim() === HEAD) within = true;
    else if (!text.startsWith("|")) within = false;
    else if (within && !/^\|[\s|-]+$/.test(text)) return [{ line: index + 1, text }];
    return [];
  });
};

const hasTest = (file: string, sentence: string): boolean => {
  const source = readFileSync(join(root, file), "utf8");
  return ['"', "'", "`"].some((quote) => source.includes(quote + sentence + quote));
};

const rows = PAGES.flatMap((page) =>
  rowsOf(readFileSync(join(root, page), "utf8").split("\n")).map((row) => ({ ...row, page })),
);

const findings: Finding[] = rows.flatMap(({ page, line, text }) => {
  const where = `${page}:${line}`;
  const claims = [...text.matchAll(CLAIM)];
  if (claims.length === 0)
    return [{ where, what: "says that something holds, and names no test that shows it" }];
  return claims.flatMap(([, file = "", sentence = ""]) => {
    if (!existsSync(join(root, file))) return [{ where, what: `there is no ${file}` }];
    return hasTest(file, sentence) ? [] : [{ where, what: `${file} has no test "${sentence}"` }];
  });
});

for (const where of PAGES)
  if (!rows.some(({ page }) => page === where)) findings.push({ where, what: `has no table "${HEAD}"` });

conclude("check-claims", findings);
