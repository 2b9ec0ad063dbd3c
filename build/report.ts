import { styleText } from "node:util";

/** One thing that is wrong, and where: `src/agent/agent.ts:12`. */
export interface Finding {
  readonly where: string;
  readonly what: string;
}

const colour = (format: "red" | "green" | "dim", text: string): string =>
  styleText(format, text, { stream: process.stdout });

export const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

/** One line for a step: its mark, its name and how long it took. */
export const sayStep = (name: string, ok: boolean, ms: number): void => {
  const mark = ok ? colour("green", "ok  ") : colour("red", "FAIL");
  say(`${mark}  ${name.padEnd(34)} ${colour("dim", `${(ms / 1000).toFixed(1)} s`)}`);
};

/** Prints the findings of one check, a line each, and sets the exit code; silent and 0 when there are none. */
export const conclude = (check: string, findings: readonly Finding[]): void => {
  for (const { where, what } of findings) say(`${where}: ${what}`);
  if (findings.length > 0) {
    say(`${check}: ${findings.length} ${findings.length === 1 ? "finding" : "findings"}`);
    process.exitCode = 1;
  }
};
