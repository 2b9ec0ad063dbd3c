// A process that takes the agent's lock of the folder given, and then crashes in the way given.

import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { recordRuns } from "../../../src/adapters/run-record.ts";
import { describeFault } from "../../../src/cli/program.ts";
import { systemIo } from "../../../src/cli/system-io.ts";
import { epochMs } from "../../../src/units.ts";

const [dir = "", way = ""] = process.argv.slice(2);

// As src/main.ts does.
process.on("uncaughtException", (error) => {
  process.stderr.write(describeFault(error, systemIo));
  process.exit(70);
});

const ways: Readonly<Record<string, () => unknown>> = {
  thrown: () => setImmediate(() => JSON.parse("hunter2-is-the-password")),
  rejected: () => void Promise.reject(new TypeError("token eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln\nmore")),
  text: () => setImmediate(() => Promise.reject("only words: hunter2")),
  atOnce: () => JSON.parse("hunter2-is-the-password"),
};

const vault = recordRuns(openMemoryVault(), { dir, version: "1.2.3", boot: "b" }, () =>
  epochMs(Date.parse("2026-12-01T12:00:00Z")),
);
await vault.locked(
  "agent",
  async () => {
    ways[way]?.();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
  },
  new AbortController().signal,
);
