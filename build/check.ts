// `npm run check`: everything that can be judged without running the program, in under a minute. Steps run two at a
// time; a step that fails prints what it said. Exit code 1 when any failed.

import { spawn } from "node:child_process";
import { join } from "node:path";
import { say, sayStep } from "./report.ts";
import { root } from "./source-files.ts";

interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome {
  readonly step: Step;
  readonly ok: boolean;
  readonly output: string;
}

const LIMIT_MS = 120_000;

const bin = (name: string): string => join(root, "node_modules", ".bin", name);
const script = (file: string, ...args: string[]): string[] => [
  process.execPath,
  join(root, "build", file),
  ...args,
];

const browserProjects = [
  ["the page", "firmware-sim/page/tsconfig.json"],
  ["the app", "companion/app/tsconfig.json"],
  ["the app's service worker", "companion/app/tsconfig.worker.json"],
] as const;
const steps: readonly Step[] = [
  { name: "format and lint (biome)", command: [bin("biome"), "check", "--error-on-warnings"] },
  { name: "types (tsc)", command: [bin("tsc"), "-p", "."] },
  ...browserProjects.map(([what, project]) => ({
    name: `types of ${what} (tsc)`,
    command: [bin("tsc"), "-p", project],
  })),
  { name: "who imports whom", command: script("check-imports.ts") },
  { name: "banned words", command: script("check-text.ts") },
  { name: "dependencies are pinned and argued for", command: script("check-dependencies.ts") },
  { name: "promises of SECURITY.md have tests", command: script("check-claims.ts") },
  { name: "generated documents are current", command: script("docs.ts", "--check") },
];

const run = (step: Step): Promise<Outcome> =>
  new Promise((resolve) => {
    const [file = "", ...args] = step.command;
    const startedAt = performance.now();
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], timeout: LIMIT_MS });
    let output = "";
    const collect = (chunk: Buffer): void => {
      output += chunk.toString();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const finish = (ok: boolean): void => {
      sayStep(step.name, ok, performance.now() - startedAt);
      resolve({ step, ok, output });
    };
    child.on("error", (error) => {
      output += `${error.message}\n`;
      finish(false);
    });
    child.on("close", (code, signal) => {
      if (signal) output += `ended by ${signal} after at most ${LIMIT_MS / 1000} s\n`;
      finish(code === 0);
    });
  });

const waiting = [...steps];
const outcomes: Outcome[] = [];
const worker = async (): Promise<void> => {
  for (let step = waiting.shift(); step; step = waiting.shift()) outcomes.push(await run(step));
};
await Promise.all([worker(), worker()]);

const failed = outcomes.filter(({ ok }) => !ok);
for (const { step, output } of failed) say(`\n--- ${step.name}\n${output.trimEnd()}`);
say(failed.length === 0 ? "\nAll checks passed." : `\n${failed.length} of ${steps.length} checks failed.`);
process.exitCode = failed.length === 0 ? 0 : 1;
