// What an examination found, for people.

import { plainLine, redact } from "../adapters/redact.ts";
import type { Check, Verdict } from "../doctor/check.ts";
import { wrap } from "../hal/displays/text.ts";

const marks: Readonly<Record<Verdict, readonly [word: string, colour: number]>> = {
  ok: ["ok", 32],
  warning: ["warning", 33],
  wrong: ["wrong", 31],
  notTried: ["not tried", 90],
};

const MARK_COLUMNS = 11;
const TITLE_COLUMNS = 26;
const WIDTH = 110;

/** One check, with its lines ended. The words are safe for a terminal: from outside comes nothing that moves a cursor. */
export const checkText = (check: Check, colour: boolean): string => {
  const [word, ink] = marks[check.verdict];
  const mark = word.padEnd(MARK_COLUMNS);
  const head = colour ? `\u001b[${ink}m${mark}\u001b[0m` : mark;
  const indent = " ".repeat(MARK_COLUMNS + TITLE_COLUMNS);
  const clean = (text: string): string => plainLine(redact(text));
  const todo = check.todo === null ? [] : wrap(`> ${clean(check.todo)}`, WIDTH - indent.length);
  const lines = [
    ...wrap(clean(check.saw), WIDTH - indent.length),
    ...(check.means === null ? [] : wrap(clean(check.means), WIDTH - indent.length)),
    ...todo.map((line, index) => (index === 0 ? line : `  ${line}`)),
    ...(check.code === null ? [] : [`docs/errors.md, ${check.code}`]),
  ];
  const [first = "", ...more] = lines;
  const title = check.title.padEnd(TITLE_COLUMNS);
  return `${head}${title}${first}\n${more.map((line) => `${indent}${line}\n`).join("")}`;
};

/** True when nothing is wrong; warnings and what was not tried are no faults. */
export const isWell = (checks: readonly Check[]): boolean =>
  checks.every(({ verdict }) => verdict !== "wrong");

/** The last line. */
export const sumText = (checks: readonly Check[]): string => {
  const count = (verdict: Verdict): number => checks.filter((each) => each.verdict === verdict).length;
  const [bad, odd] = [count("wrong"), count("warning")];
  if (bad > 0) return `${bad} ${bad === 1 ? "thing is" : "things are"} wrong.\n`;
  return odd === 0 ? "All well.\n" : `Nothing is wrong; ${odd} ${odd === 1 ? "warning" : "warnings"}.\n`;
};
