// The last words of .ci/run: what failed, by name, and one line with the numbers of all suites together.
// node build/test-summary.ts FOLDER [FAILED STEP ...]: FOLDER holds vitest's JSON reports.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { say } from "./report.ts";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  /** Tests that were not run: nothing here may be left out. */
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

const [folder = ".", ...failedSteps] = process.argv.slice(2);
const reports = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .map((name): Report => JSON.parse(readFileSync(join(folder, name), "utf8")));

let passed = 0;
let failed = 0;
say("");
for (const report of reports) {
  passed += report.numPassedTests;
  failed += report.numFailedTests + report.numPendingTests + report.numTodoTests;
  for (const { assertionResults } of report.testResults)
    for (const { status, fullName } of assertionResults)
      if (status !== "passed") say(`${status}: ${fullName}`);
}
// A step can fail without a failed test: the check, the build, the story, a threshold, a file that does not load.
for (const step of failedSteps) say(`failed step: ${step}`);
if (failed === 0) failed = failedSteps.length;
if (reports.length === 0) {
  say("no test has reported anything");
  failed = Math.max(failed, 1);
}
say(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;
