// `npm run build && npm run bench`: figures that compare, measured in one run on one machine. docs/bench.md explains.
// Arguments: any of start, memory, latency, imports, signed, report (these when none is named), board, drivers; --quick, --json.

import { existsSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { measureBoard } from "./board.ts";
import { measureDrivers } from "./drivers.ts";
import { measureImports } from "./imports.ts";
import { measureLatency } from "./latency.ts";
import { measureMemory } from "./memory.ts";
import { startYesOrg } from "./org.ts";
import { measureReport } from "./report.ts";
import { measureSignedCommands } from "./signed-commands.ts";
import { measureStart } from "./start.ts";
import { benchFolder, startBroker } from "./surroundings.ts";

/** Measured unless something is named; `board` and `drivers` need QEMU and root, as `npm run test:board` does. */
const usual = ["start", "memory", "latency", "imports", "signed", "report"] as const;
const names = [...usual, "board", "drivers"] as const;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { quick: { type: "boolean", default: false }, json: { type: "boolean", default: false } },
});
const wanted = new Set<string>(positionals.length > 0 ? positionals : usual);
const unknown = [...wanted].filter((name) => !names.some((each) => each === name));
if (unknown.length > 0) throw new Error(`${unknown.join(", ")}: choose among ${names.join(", ")}`);
const command = join(import.meta.dirname, "..", "dist", `porchlight-linux-${process.arch}`);
if ([...wanted].some((name) => name !== "signed" && name !== "report") && !existsSync(command))
  throw new Error(`${command} is missing: npm run build`);
const quick = values.quick;

/** People read stderr, so that `--json` alone is on stdout. */
const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
const row = (name: string, ...cells: readonly string[]): void =>
  say(`  ${name.padEnd(30)}${cells.map((cell) => cell.padStart(13)).join("")}`);
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
const times = (value: number): string => `${value.toFixed(2)} x`;

using folder = benchFolder();
await using org = await startYesOrg();
await using broker = await startBroker(folder.path);

const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
say(`${machine.cpu}, ${machine.cores} cores, Node ${machine.node}, ${broker.name}`);

const start = wanted.has("start") ? await measureStart(command, folder.path, org, quick ? 5 : 21) : undefined;
if (start) {
  say(`\nStart to first request (medians of ${start.rounds} interleaved rounds)`);
  row("node -e 0, to its end", ms(start.bareMs), times(1));
  row("node, one request", ms(start.requestMs), times(start.requestMs / start.bareMs));
  row("porchlight version", ms(start.versionMs), times(start.versionMs / start.bareMs));
  row("porchlight run", ms(start.agentMs), times(start.agentMs / start.bareMs));
}

const memory = wanted.has("memory")
  ? await measureMemory(command, folder.path, org, broker, quick ? 5 : 60)
  : undefined;
if (memory) {
  const { settleS, transport, cold, bare } = memory;
  say(
    `\nMemory, idle for ${settleS} s, signed in, online over ${transport}${cold ? "" : " (file cache not dropped)"}`,
  );
  row("", "PSS", "RSS", "anonymous", "PSS ratio", "RSS ratio");
  for (const [name, of] of [
    ["node, idle", bare],
    ["node, connected", memory.connected],
    ["porchlight run", memory.agent],
  ] as const)
    row(
      name,
      megabytes(of.pss),
      megabytes(of.rss),
      megabytes(of.anonymous),
      times(of.pss / bare.pss),
      times(of.rss / bare.rss),
    );
}

const latency = wanted.has("latency")
  ? await measureLatency(command, folder.path, org, broker, quick ? 200 : 2000)
  : undefined;
if (latency) {
  const { echo, agent, signed } = latency;
  say(`\nCommand to report, QoS 1, ${latency.commands} each in turns, over ${latency.broker}`);
  row("", "p50", "p99", "p50 ratio", "p99 ratio");
  row("bare MQTT.js echo, no delay", ms(echo.p50), ms(echo.p99), times(1), times(1));
  row(
    "porchlight run",
    ms(agent.p50),
    ms(agent.p99),
    times(agent.p50 / echo.p50),
    times(agent.p99 / echo.p99),
  );
  row(
    "porchlight run, signed",
    ms(signed.p50),
    ms(signed.p99),
    times(signed.p50 / echo.p50),
    times(signed.p99 / echo.p99),
  );
  row("signed to plain", "", "", times(signed.p50 / agent.p50), times(signed.p99 / agent.p99));
}

const imports = wanted.has("imports") ? await measureImports(folder.path, quick ? 3 : 9) : undefined;
if (imports) {
  say("\nLoading a part into a fresh process, as one minified file (medians)");
  row("", "time", "anonymous", "size");
  for (const { part, ms: loadMs, anonymous, size } of imports)
    row(part, ms(loadMs), megabytes(anonymous), `${(size / 1000).toFixed(1)} kB`);
}

const signed = wanted.has("signed") ? await measureSignedCommands(quick ? 5 : 31) : undefined;
if (signed) {
  const { bareMs, firstMs, nextMs } = signed;
  say(`\nProving a signed command (medians of ${signed.rounds} rounds)`);
  row("bare ES256 verification", ms(bareMs), times(1));
  row("first of a sign-in", ms(firstMs), times(firstMs / bareMs));
  row("each further one", ms(nextMs), times(nextMs / bareMs));
  row("further ones in a second", (1000 / nextMs).toFixed(0), times(bareMs / nextMs));
}

const report = wanted.has("report") ? await measureReport(quick ? 1 : 5) : undefined;
const [few] = report ?? [];
if (report && few) {
  say("\nA report, from the org's first answer to the last line of its files (medians)");
  row("", "time", "by lamp", "page");
  for (const { lamps, ms: took, page } of report)
    row(
      `${lamps} lamps`,
      ms(took),
      times(took / lamps / (few.ms / few.lamps)),
      `${(page / 1e6).toFixed(1)} MB`,
    );
}

const board = wanted.has("board") ? await measureBoard(quick ? 5 : 31) : undefined;
if (board) {
  say(`\nOn an emulated board, to the edge of the pin (medians of ${board.rounds})`);
  row("gpioset in a shell", ms(board.shellMs), times(1));
  row("command over MQTT", ms(board.commandMs), times(board.commandMs / board.shellMs));
  say("  share of one emulated processor");
  row("idle, online", `${(board.idleShare * 100).toFixed(1)} %`);
  row("fade at 50 frames a second", `${(board.fadeShare * 100).toFixed(1)} %`);
}

const drivers = wanted.has("drivers") ? await measureDrivers(quick ? 3 : 20) : undefined;
const [plain] = drivers ?? [];
if (drivers && plain) {
  say("\nMemory on an emulated board, online and idle, with a lamp of each driver");
  row("", "PSS", "anonymous", "PSS ratio");
  for (const { driver, memory: of } of drivers)
    row(`${driver}:`, megabytes(of.pss), megabytes(of.anonymous), times(of.pss / plain.memory.pss));
}

if (values.json)
  process.stdout.write(
    `${JSON.stringify({ machine, broker: broker.name, start, memory, latency, imports, signed, report, board, drivers })}\n`,
  );
