// systemd and the new program as the updater meets them: stand-ins as files.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openMachine, readHealth } from "../../../src/adapters/update-machine.ts";

const never = new AbortController().signal;
const account = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-machine-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const script = (name: string, text: string): string => {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return path;
};
const machine = (state = "active") =>
  openMachine(
    account,
    { PATH: process.env.PATH },
    script("systemctl", `echo "$@" >> ${folder}/asked; echo ${state}`),
  );
const asked = (): string => readFileSync(join(folder, "asked"), "utf8");

describe("a new program that is probed", () => {
  test("says its version, and takes the settings of the service that runs", async () => {
    const program = script(
      "program",
      `echo "$@" >> ${folder}/asked; case $1 in version) echo '{"porchlight":"1.0.1"}';; esac`,
    );
    expect(await machine().probe(program, never)).toEqual({ version: "1.0.1" });
    expect(asked()).toMatch(/version --json\n(?:.*\n)*settings check\n/);
  });

  test("is not asked for the settings while the service is stopped: their secrets are not there", async () => {
    const program = script("program", `echo "$@" >> ${folder}/asked; echo '{"porchlight":"1.0.1"}'`);
    await machine("inactive").probe(program, never);
    expect(asked()).not.toContain("settings");
  });

  test.each([
    ["cannot run", "\u007fELF", /does not run here/],
    ["ends with a fault", "#!/bin/sh\necho 'no such library' >&2\nexit 127", /no such library/],
    ["says nothing", "#!/bin/sh\nexit 1", /ended with 1/],
    ["is ended by a signal", "#!/bin/sh\nkill -9 $$", /SIGKILL/],
    ["says something else", "#!/bin/sh\necho hello", /does not say which version/],
    [
      "does not take the settings",
      `#!/bin/sh\n[ "$1" = version ] && echo '{"porchlight":"1"}' || { echo 'no such key' >&2; exit 78; }`,
      /settings: no such key/,
    ],
  ])("is refused when it %s", async (_, text, message) => {
    const path = join(folder, "program");
    writeFileSync(path, text, { mode: 0o755 });
    const failed = machine().probe(path, never);
    await expect(failed).rejects.toThrow(expect.objectContaining({ code: "UPDATE_UNFIT" }));
    await expect(failed).rejects.toThrow(message);
  });
});

describe("how the agent is", () => {
  const good = {
    running: true,
    state: "online",
    version: "1.0.1",
    lights: [{ id: "main", state: { on: true }, available: true }],
  };

  test("is what its own status command says", async () => {
    const program = script("program", `echo '${JSON.stringify(good)}'`);
    expect(await machine().health(program, never)).toEqual({
      version: "1.0.1",
      online: true,
      lights: [{ id: "main", on: true, available: true }],
    });
  });

  test("is nothing when the command fails", async () => {
    expect(await machine().health(script("program", "exit 1"), never)).toBeNull();
  });

  test("is not asked any more when somebody stops it", async () => {
    const stop = new AbortController();
    stop.abort(new Error("stopped"));
    await expect(machine().health(script("program", "sleep 10"), stop.signal)).rejects.toThrow("stopped");
  });

  test.each([
    ["no JSON", "hello"],
    ["a list", "[]"],
    ["nobody running", '{"running":false}'],
    ["no lamps", '{"running":true}'],
  ])("is nothing: %s", (_, text) => {
    expect(readHealth(text)).toBeNull();
  });

  test("has no version from a program that tells none, and odd lamps count as off", () => {
    expect(readHealth('{"running":true,"state":"pausing","lights":[{"id":1},5]}')).toEqual({
      version: null,
      online: false,
      lights: [{ id: "1", on: false, available: false }],
    });
  });
});

describe("the service", () => {
  test.each([
    ["active", true],
    ["activating", true],
    ["inactive", false],
    ["failed", false],
  ])("that is %s counts as running: %s", async (state, running) => {
    expect(await machine(state).active()).toBe(running);
  });

  test("is restarted, and a start that fails is no fault of the update", async () => {
    await machine().restart();
    expect(asked()).toContain("restart porchlight.service");
    await openMachine(account, {}, script("failing", "exit 1")).restart();
  });
});
