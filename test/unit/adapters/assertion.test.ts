import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, describe, expect, it } from "vitest";
import { fetchAssertion } from "../../../src/adapters/assertion.ts";
import { AgentError } from "../../../src/errors.ts";

const folder = mkdtempSync(join(tmpdir(), "assertion-"));
afterAll(() => rmSync(folder, { recursive: true }));

const never = new AbortController().signal;
const env = { PATH: process.env.PATH, HOME: "/root", PORCHLIGHT_ORG_CLIENT_SECRET: "hidden" };

const fromFile = (file: string) => fetchAssertion({ file, command: null }, env, never);
const fromShell = (script: string, limitMs = 10_000, signal = never) =>
  fetchAssertion({ file: null, command: ["/bin/sh", "-c", script] }, env, signal, limitMs);

const faultOf = async (work: Promise<unknown>): Promise<AgentError> => {
  const fault = await work.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (!(fault instanceof AgentError)) throw new Error(`no fault: ${String(fault)}`);
  return fault;
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie of a container without a reaper has ended, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
};

describe("an assertion in a file", () => {
  it("is read as it is at that moment", async () => {
    const file = join(folder, "assertion");
    for (const text of ["<one/>", "<another/>"]) {
      writeFileSync(file, text);
      expect(Buffer.from(await fromFile(file)).toString()).toBe(text);
    }
  });

  const pipe = join(folder, "pipe");
  execFileSync("mkfifo", [pipe]);
  writeFileSync(join(folder, "large"), Buffer.alloc(96 * 1024 + 1));
  it.each([
    ["is not there", join(folder, "missing"), /does not exist/],
    ["is a folder", folder, /folder/],
    ["is a pipe that nobody writes to", pipe, /no plain file/],
    ["is a device that never ends", "/dev/zero", /no plain file/],
    ["is too large", join(folder, "large"), /96 KiB/],
    ["the kernel does not let be read", "/proc/self/pagemap", /cannot be read|may not be read/],
  ])("that %s is told as unreadable", async (_name, file, words) => {
    const fault = await faultOf(fromFile(file));
    expect(fault).toMatchObject({ code: "ASSERTION_UNREADABLE", message: expect.stringMatching(words) });
  });
});

describe("an assertion from a program", () => {
  it("is what it prints, without a shell, with a small environment and nothing to read", async () => {
    const command = ["/bin/echo", "$HOME;", "*"];
    expect(Buffer.from(await fetchAssertion({ file: null, command }, env, never)).toString()).toBe(
      "$HOME; *\n",
    );
    const told = Buffer.from(await fromShell("env; cat; pwd")).toString();
    expect(told).toContain("HOME=/root");
    expect(told).not.toContain("hidden");
    expect(told).toMatch(/\n\/\n$/);
  });

  const key = Buffer.alloc(60, 7).toString("base64");
  it.each([
    [
      "ends with a fault",
      "echo 'no route to the provider' >&2; echo more >&2; exit 3",
      /ended with 3 and said: no route to the provider(?!.*more)/,
    ],
    ["says nothing", "exit 1", /ended with 1(?! and said)/],
    ["is ended", "kill -9 $$", /was ended by SIGKILL/],
    ["prints without end", "yes '<saml:Assertion>'", /prints more than 96 KiB/],
    ["complains without end", "yes >&2", /says more than 1 MiB/],
    ["says a secret", `echo 'bad key ${key}' >&2; exit 1`, /said: bad key \[secret\]/],
  ])("that %s is told with its reason", async (_name, script, words) => {
    const fault = await faultOf(fromShell(script));
    expect(fault).toMatchObject({ code: "ASSERTION_COMMAND_FAILED", message: expect.stringMatching(words) });
  });

  it("that cannot be started is told", async () => {
    const plain = join(folder, "not-executable");
    writeFileSync(plain, "");
    chmodSync(plain, 0o600);
    for (const program of [join(folder, "missing"), plain, folder, join(plain, "behind-a-file")]) {
      const fault = await faultOf(fetchAssertion({ file: null, command: [program] }, env, never));
      expect(fault).toMatchObject({
        code: "ASSERTION_COMMAND_FAILED",
        message: expect.stringContaining("started"),
      });
    }
  });

  it("is ended with all that it has started, when it takes too long or nobody waits any more", async () => {
    const pids = join(folder, "pids");
    const forks = `sh -c 'echo $$ >> ${pids}; sleep 60 & echo $! >> ${pids}; wait' & echo $$ >> ${pids}; wait`;
    const late = await faultOf(fromShell(forks, 300));
    expect(late).toMatchObject({
      code: "ASSERTION_COMMAND_FAILED",
      message: expect.stringContaining("longer than 0.3 s"),
    });
    const stop = new AbortController();
    const stopped = fromShell(forks, 10_000, stop.signal);
    setTimeout(() => stop.abort(new Error("stopped")), 200);
    await expect(stopped).rejects.toThrow("stopped");
    await expect(fromShell("true", 100, stop.signal)).rejects.toThrow("stopped");
    const started = readFileSync(pids, "utf8").trim().split("\n").map(Number);
    expect(started).toHaveLength(6);
    for (let tries = 0; started.some(isAlive) && tries < 100; tries++) await sleep(20);
    expect(started.filter(isAlive)).toEqual([]);
  });

  it("counts though something that it has left behind holds on to its output", async () => {
    const pids = join(folder, "left");
    const script = `setsid sh -c 'echo $$ > ${pids}; exec sleep 30' & echo '<done/>'; sleep 0.2`;
    const began = performance.now();
    expect(Buffer.from(await fromShell(script)).toString()).toBe("<done/>\n");
    expect(performance.now() - began).toBeLessThan(5_000);
    process.kill(Number(readFileSync(pids, "utf8")), "SIGKILL");
  });
});
