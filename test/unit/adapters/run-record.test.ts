import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import {
  ENDED,
  endOf,
  lastRun,
  parseRun,
  type RunEnd,
  recordRuns,
  startedOf,
} from "../../../src/adapters/run-record.ts";
import { endedWords, startedWords } from "../../../src/cli/run-words.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Ending } from "../../../src/model.ts";
import { epochMs } from "../../../src/units.ts";

const forever = new AbortController().signal;
const say = (moment: string): string => `<${moment}>`;
let dir = "";
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "porchlight-run-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

let nowMs = Date.parse("2026-12-01T12:00:00Z");
const wall = () => {
  nowMs += 1000;
  return epochMs(nowMs);
};
const vaultOf = (boot: string, at = dir, runtimeDir?: string) =>
  recordRuns(openMemoryVault(), { dir: at, version: "1.2.3", boot, runtimeDir }, wall);

const run = (boot: string, work: () => Promise<number>, signal = forever): Promise<Ending> =>
  vaultOf(boot).locked("agent", async () => ({ exitCode: await work(), error: null }), signal);

/** A run that is cut off: what is on the disk while it runs stays. */
const cutOff = async (boot: string): Promise<void> => {
  let left = "";
  const { startedAt } = lastRun(dir) ?? { startedAt: "" };
  await run(boot, async () => {
    while ((lastRun(dir)?.startedAt ?? startedAt) === startedAt) await new Promise(setImmediate);
    left = await readFile(join(dir, "last-run.json"), "utf8");
    return 0;
  });
  await writeFile(join(dir, "last-run.json"), left);
};

describe("the record of runs", () => {
  it("says of the first run that there was none before", async () => {
    expect(await run("a", async () => 0)).toEqual({ exitCode: 0, error: null });
    expect(lastRun(dir)).toMatchObject({ version: "1.2.3", before: { how: "first" }, end: { exitCode: 0 } });
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toContain("after no other run");
  });

  it("tells an orderly stop, a fault with its code, and one that it was told to stop in", async () => {
    await run("a", async () => 0);
    const fails = run("a", async () => {
      throw new AgentError("STATE_LOCKED");
    });
    await expect(fails).rejects.toThrow();
    expect(lastRun(dir)).toMatchObject({
      before: { how: "stopped", exitCode: 0 },
      end: { code: "STATE_LOCKED" },
    });
    expect(endedWords(lastRun(dir) ?? expect.fail(), say)).toMatch(/exit code \d+ \(STATE_LOCKED\)/);
    const told = new AbortController();
    const stopped = run(
      "a",
      async () => {
        told.abort();
        throw new AgentError("ORG_BUSY");
      },
      told.signal,
    );
    await expect(stopped).rejects.toThrow();
    const last = lastRun(dir);
    expect(last).toMatchObject({ before: { code: "STATE_LOCKED" }, end: { exitCode: 0, code: null } });
    expect(startedWords(last ?? expect.fail(), say)).toContain("(STATE_LOCKED)");
  });

  it("tells a cut of power from a kill by the kernel's boot", async () => {
    await cutOff("a");
    expect(endedWords(lastRun(dir) ?? expect.fail(), say)).toContain("without a word");
    await cutOff("a");
    expect(lastRun(dir)?.before.how).toBe("killed");
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toContain("a kill");
    await run("b", async () => 0);
    expect(lastRun(dir)?.before.how).toBe("power");
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toContain("a cut of power");
    await run("b", async () => 3);
    await run("b", async () => 0);
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toMatch(/by itself at .* exit code 3$/);
    expect(endedWords(lastRun(dir) ?? expect.fail(), say)).toMatch(/ exit code 0$/);
  });

  it("waits for the start that it is of, and is there at the end all the same", async () => {
    const started = Promise.withResolvers<void>();
    const begun: string[] = [];
    const vault = recordRuns(
      openMemoryVault(),
      {
        dir,
        version: "1",
        boot: "a",
        after: started.promise,
        began: ({ before }) => void begun.push(before.how),
      },
      wall,
    );
    const over = Promise.withResolvers<Ending>();
    const first = vault.locked("agent", () => over.promise, forever);
    await new Promise(setImmediate);
    expect([begun, lastRun(dir)]).toEqual([[], undefined]);
    started.resolve();
    while (lastRun(dir) === undefined) await new Promise(setImmediate);
    expect([begun, lastRun(dir)?.end]).toEqual([["first"], null]);
    over.resolve({ exitCode: 0, error: null });
    await first;
    const neverStarted = recordRuns(
      openMemoryVault(),
      { dir, version: "1", boot: "a", after: new Promise(() => {}) },
      wall,
    );
    await neverStarted.locked("agent", async (): Promise<Ending> => ({ exitCode: 7, error: null }), forever);
    expect(lastRun(dir)).toMatchObject({ before: { how: "stopped" }, end: { exitCode: 7 } });
  });

  it("is told to others in short", () => {
    const of = (before: RunEnd) =>
      startedOf({ startedAt: "now", version: "1", boot: "b", before, restarts: 2, end: null });
    const stopped = { how: "stopped", code: null, at: "then" } as const;
    const told = { at: "now", code: null, restarts: 2 };
    expect(of({ how: "power", startedAt: "then" })).toEqual({ ...told, after: "power" });
    expect(of({ ...stopped, exitCode: 0 }).after).toBe("stopped");
    expect(of({ ...stopped, exitCode: 75, code: "ALREADY_RUNNING" })).toEqual({
      ...told,
      after: "error",
      code: "ALREADY_RUNNING",
    });
    const crash = { name: "TypeError", message: "" };
    expect(of({ how: "crashed", crash, at: "then" })).toEqual({ ...told, after: "crashed" });
  });

  it.each<[told: string, end: object, words: RegExp]>([
    ["oom-kill killed KILL\n", { how: "memory" }, /memory ran out/],
    ["watchdog dumped ABRT\n", { how: "watchdog" }, /hung.*watchdog/],
    ["signal killed KILL\n", { how: "killed", signal: "KILL" }, /signal KILL/],
    ["core-dump dumped SEGV\n", { how: "killed", signal: "SEGV" }, /signal SEGV/],
    ["signal killed $(id)\n", { how: "killed", signal: null }, /a kill/],
    ["success exited 0\n", { how: "killed", signal: null }, /a kill/],
    ["", { how: "killed", signal: null }, /a kill/],
  ])("takes %j of the service manager's for what ended a run, once", async (told, end, words) => {
    const runtime = join(dir, "runtime");
    await mkdir(runtime);
    await cutOff("a");
    await writeFile(join(runtime, ENDED), told);
    const start = () => vaultOf("a", dir, runtime).locked("agent", async () => 0, forever);
    await start();
    expect(lastRun(dir)?.before).toMatchObject(end);
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toMatch(words);
    expect(await readdir(runtime)).toEqual([]);
    await cutOff("a");
    await start();
    expect(lastRun(dir)?.before).toMatchObject({ how: "killed", signal: null });
  });

  it("counts the starts in a row that nobody asked for, as long as they come within a day", async () => {
    const restarts: (number | undefined)[] = [];
    const start = async (exitCode: number): Promise<void> => {
      await run("a", async () => exitCode);
      restarts.push(lastRun(dir)?.restarts);
    };
    for (const exitCode of [3, 3, 3, 0, 3]) await start(exitCode);
    nowMs += 25 * 3_600_000;
    await start(3);
    await start(0);
    expect(restarts).toEqual([0, 1, 2, 3, 0, 1, 2]);
  });

  it("tells a bug that the agent ended by, with its class", async () => {
    const error = new AgentError("BUG", "x", { cause: new RangeError("so many") });
    await vaultOf("a").locked("agent", async () => ({ exitCode: 70, error }), forever);
    const crash = { name: "RangeError", message: "so many" };
    expect(lastRun(dir)?.end).toMatchObject({ exitCode: 70, code: "BUG", crash });
    expect(endedWords(lastRun(dir) ?? expect.fail(), say)).toContain("it crashed: RangeError: so many");
    await run("a", async () => 0);
    expect(lastRun(dir)?.before).toMatchObject({ how: "crashed", crash });
    expect(startedWords(lastRun(dir) ?? expect.fail(), say)).toContain("it crashed: RangeError: so many");
    await vaultOf("a")
      .locked("agent", () => Promise.reject("hunter2 alone"), forever)
      .catch(() => undefined);
    expect(lastRun(dir)?.end?.crash).toEqual({ name: "string", message: "" });
    expect(endedWords(lastRun(dir) ?? expect.fail(), say)).toMatch(/it crashed: string$/);
  });

  it.each([
    ["thrown", "SyntaxError", /not valid JSON/],
    ["rejected", "TypeError", /^token \[secret\]$/],
    ["text", "UnhandledPromiseRejection", /reason \[cited\]/],
    ["atOnce", "SyntaxError", /not valid JSON/],
  ])("tells a crash of a process: %s", async (way, name, message) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, "crashing.ts"), dir, way], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
    const [exitCode] = await once(child, "close");
    expect(exitCode).toBe(70);
    const last = lastRun(dir) ?? expect.fail();
    expect(last.end).toMatchObject({
      exitCode: 70,
      code: "BUG",
      crash: { name, message: expect.stringMatching(message) },
    });
    expect(said + (await readFile(join(dir, "last-run.json"), "utf8"))).not.toMatch(/hunter2-is|eyJ/);
    if (way !== "text") expect(said).toMatch(/\n +at .*crashing\.ts/);
    await run("b", async () => 0);
    expect(startedOf(lastRun(dir) ?? expect.fail())).toMatchObject({ after: "crashed", restarts: 1 });
  });

  it("is not touched by other locks, and costs no run where the disk takes nothing", async () => {
    const vault = vaultOf("a");
    expect(await vault.locked("grant", async () => 1, forever)).toBe(1);
    expect(lastRun(dir)).toBeUndefined();
    expect(await vaultOf("a", join(dir, "missing")).locked("agent", async () => "done", forever)).toBe(
      "done",
    );
    const real = recordRuns(openMemoryVault(), { dir, version: "1" }, () => epochMs(nowMs));
    await real.locked("agent", async () => 0, forever);
    expect(lastRun(dir)?.boot).toMatch(/^[\w-]*$/);
  });

  it("leaves the vault what it is", async () => {
    const vault = vaultOf("a");
    await vault.write("home", Buffer.from("x"));
    expect(Buffer.from((await vault.read("home")) ?? []).toString()).toBe("x");
    await vault.settle(true);
    await vault.setAside("home");
  });

  it.each([
    "",
    "null",
    "{}",
    '{"startedAt":"x","version":"1","boot":"b","before":{"how":"magic"}}',
    '{"startedAt":"x","version":"1","boot":"b","before":{"how":"stopped"}}',
    '{"startedAt":"x","version":"1","boot":"b","before":7}',
    '{"startedAt":"x","version":"1","boot":"b","before":{"how":"crashed","at":"y"}}',
    '{"startedAt":"x","version":"1","boot":"b","before":{"how":"killed"}}',
    '{"startedAt":"x","version":"1","boot":"b","before":{"how":"watchdog"}}',
    '{"startedAt":"x","version":"1\\u001b[2J","boot":"b","before":{"how":"first"}}',
    `{"startedAt":"${"x".repeat(100)}","version":"1","boot":"b","before":{"how":"first"}}`,
  ])("%j is none", (text) => {
    expect(parseRun(text)).toBeUndefined();
  });

  it.each(["-1", "1e400", "0.5", '"7"'])("counts no restarts where the file says %s", (restarts) => {
    const text = `{"startedAt":"x","version":"1","boot":"b","before":{"how":"first"},"restarts":${restarts}}`;
    expect(parseRun(text)?.restarts).toBe(0);
  });

  it("lets what the file says of a crash move no cursor", () => {
    const crash = '{"name":"Error","message":"\\u001b[2Jgone"}';
    const before = `{"how":"crashed","at":"x","crash":${crash}}`;
    const found = parseRun(`{"startedAt":"x","version":"1","boot":"b","before":${before}}`);
    expect(startedWords(found ?? expect.fail(), say)).toMatch(/crashed: Error: \[2Jgone$/);
  });

  it("does not follow a link, and takes an end that makes no sense for none", async () => {
    await writeFile(join(dir, "other"), "{}");
    await symlink(join(dir, "other"), join(dir, "last-run.json"));
    expect(lastRun(dir)).toBeUndefined();
    expect(lastRun("/dev/null")).toBeUndefined();
    const odd = parseRun(
      '{"startedAt":"x","version":"1","boot":"b","before":{"how":"killed","startedAt":"y"},"end":{"exitCode":"0"}}',
    );
    expect(odd?.end).toBeNull();
    expect(odd?.restarts).toBe(0);
    expect(endOf(odd, "c").how).toBe("power");
  });
});
