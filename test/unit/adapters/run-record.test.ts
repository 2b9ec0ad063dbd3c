import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import {
  endOf,
  lastRun,
  parseRun,
  type RunEnd,
  recordRuns,
  startedOf,
} from "../../../src/adapters/run-record.ts";
import { endedWords, startedWords } from "../../../src/cli/run-words.ts";
import { AgentError } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";

const forever = new AbortController().signal;
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
const vaultOf = (boot: string, at = dir) =>
  recordRuns(openMemoryVault(), { dir: at, version: "1.2.3", boot }, wall);

const run = (boot: string, work: () => Promise<number>, signal = forever): Promise<number> =>
  vaultOf(boot).locked("agent", work, signal);

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
    expect(await run("a", async () => 0)).toBe(0);
    expect(lastRun(dir)).toMatchObject({ version: "1.2.3", before: { how: "first" }, end: { exitCode: 0 } });
    expect(startedWords(lastRun(dir) ?? expect.fail())).toContain("after no other run");
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
    expect(endedWords(lastRun(dir) ?? expect.fail())).toMatch(/exit code \d+ \(STATE_LOCKED\)/);
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
    expect(startedWords(last ?? expect.fail())).toContain("(STATE_LOCKED)");
  });

  it("tells a cut of power from a kill by the kernel's boot", async () => {
    await cutOff("a");
    expect(endedWords(lastRun(dir) ?? expect.fail())).toContain("without a word");
    await cutOff("a");
    expect(lastRun(dir)?.before.how).toBe("killed");
    expect(startedWords(lastRun(dir) ?? expect.fail())).toContain("a kill");
    await run("b", async () => 0);
    expect(lastRun(dir)?.before.how).toBe("power");
    expect(startedWords(lastRun(dir) ?? expect.fail())).toContain("a cut of power");
    await run("b", async () => 3);
    await run("b", async () => 0);
    expect(startedWords(lastRun(dir) ?? expect.fail())).toMatch(/by itself at .* exit code 3$/);
    expect(endedWords(lastRun(dir) ?? expect.fail())).toMatch(/ exit code 0$/);
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
    const over = Promise.withResolvers<number>();
    const first = vault.locked("agent", () => over.promise, forever);
    await new Promise(setImmediate);
    expect([begun, lastRun(dir)]).toEqual([[], undefined]);
    started.resolve();
    while (lastRun(dir) === undefined) await new Promise(setImmediate);
    expect([begun, lastRun(dir)?.end]).toEqual([["first"], null]);
    over.resolve(0);
    await first;
    const neverStarted = recordRuns(
      openMemoryVault(),
      { dir, version: "1", boot: "a", after: new Promise(() => {}) },
      wall,
    );
    await neverStarted.locked("agent", async () => 7, forever);
    expect(lastRun(dir)).toMatchObject({ before: { how: "stopped" }, end: { exitCode: 7 } });
  });

  it("is told to others in short", () => {
    const of = (before: RunEnd) =>
      startedOf({ startedAt: "now", version: "1", boot: "b", before, end: null });
    const stopped = { how: "stopped", code: null, at: "then" } as const;
    expect(of({ how: "power", startedAt: "then" })).toEqual({ at: "now", after: "power", code: null });
    expect(of({ ...stopped, exitCode: 0 }).after).toBe("stopped");
    expect(of({ ...stopped, exitCode: 70, code: "BUG" })).toEqual({ at: "now", after: "error", code: "BUG" });
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
    `{"startedAt":"${"x".repeat(100)}","version":"1","boot":"b","before":{"how":"first"}}`,
  ])("%j is none", (text) => {
    expect(parseRun(text)).toBeUndefined();
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
    expect(endOf(odd, "c").how).toBe("power");
  });
});
