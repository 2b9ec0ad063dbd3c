import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join, relative } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { tryFileLock } from "../../../src/adapters/file-lock.ts";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { readArguments } from "../../../src/cli/command.ts";
import { type UpdateSurroundings, updateIn } from "../../../src/cli/update.ts";
import { version } from "../../../src/cli/version.ts";
import { createHastyClock } from "../update/hasty-clock.ts";
import { type Maker, openMaker } from "../update/maker.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";

const newer = "99.0.0";
const platformFile = `linux-${process.arch}`;
let stage: Stage;
let maker: Maker;
beforeEach(() => {
  maker = openMaker(platformFile);
});
afterEach(async () => {
  await stage[Symbol.asyncDispose]();
  maker[Symbol.dispose]();
});

const open = async (update: object | null = null): Promise<void> => {
  const base = await openStage(null);
  stage = base;
  const settings = {
    ...completeSettings(base.stateDir),
    update: update ?? { url: `file://${maker.folder}`, publicKey: maker.signing.publicText },
  };
  writeFileSync(base.settingsPath, JSON.stringify(settings));
  mkdirSync(base.stateDir, { mode: 0o700 });
};

/** The machine of the test, on which this account counts as root; undefined: the real one. */
let around: UpdateSurroundings | undefined;
let clock: ReturnType<typeof createHastyClock>;
/** $PORCHLIGHT_SETTINGS; undefined: the stage's. */
let settingsNamed: string | undefined;
beforeEach(() => {
  around = undefined;
  settingsNamed = undefined;
  clock = createHastyClock();
});

/** The service is installed: a program that fetches nothing anew, and a systemctl. */
const install = async (status = "", fetchSays = `{"ok":true,"version":"${newer}","ready":true}`) => {
  const script = (name: string, text: string): string => {
    const path = join(stage.dir, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
    return path;
  };
  // What root runs as another account, that account has to reach.
  chmodSync(stage.dir, 0o755);
  if (process.getuid?.() === 0) chownSync(stage.stateDir, 65_534, 65_534);
  around = {
    uid: 0,
    program: [
      script(
        "porchlight",
        `case $1 in update) echo '${fetchSays}'; echo progress >&2; echo "$@" >&2; echo "by $PORCHLIGHT_SETTINGS" >&2;; status) echo '${status}';; esac`,
      ),
    ],
    systemctl: script("systemctl", "echo active"),
    clock,
    becomeOwnerOf: () => {},
  };
};

const lampOn = JSON.stringify({
  running: true,
  state: "online",
  version,
  lights: [{ id: "main", state: { on: true }, available: true }],
});

/** A program that is the newer version and works. */
const working = `#!/bin/sh
case $1 in
  version) echo '{"porchlight":"${newer}"}' ;;
  status) echo '{"running":true,"state":"online","version":"${newer}","lights":[]}' ;;
esac
`;

const fetched = async (program = working): Promise<void> => {
  maker.release(newer, program);
  around = { ...(around as UpdateSurroundings), uid: 1 };
  expect(JSON.parse((await run("fetch", "--json")).out)).toMatchObject({ ready: true });
  around = { ...around, uid: 0 };
};

/** Runs the command with all its places in the stage's folder. */
const run = async (...args: readonly string[]) => {
  const written = { out: "", err: "" };
  const sink = (name: "out" | "err") => ({
    isTTY: false,
    write: (text: string) => {
      written[name] += text;
      return true;
    },
  });
  const spec = catalogue.find((entry) => entry.spec.name === "update")?.spec;
  if (spec === undefined) throw new Error("there is no such command");
  const command = updateIn(
    {
      installed: join(stage.dir, "porchlight"),
      programs: join(stage.dir, "programs"),
      fetched: join(stage.dir, "fetched"),
    },
    around,
  );
  const code = await command(readArguments(spec, args), {
    env: { PORCHLIGHT_SETTINGS: settingsNamed ?? stage.settingsPath, PATH: process.env.PATH },
    stdin: new PassThrough(),
    keys: null,
    stdout: sink("out"),
    stderr: sink("err"),
  });
  return { code, ...written };
};
const coded = (code: string) => expect.objectContaining({ code });

describe("porchlight update", () => {
  test("--check tells whether there is a newer version, and changes nothing", async () => {
    await open();
    maker.release(newer);
    expect((await run("--check")).out).toContain(`${newer} is newer than ${version}`);
    expect(JSON.parse((await run("--check", "--json")).out)).toEqual({
      running: version,
      offered: newer,
      rollout: 100,
      choice: "take",
    });
    expect(readdirSync(stage.dir).sort()).toEqual(["settings.json", "state"]);
  });

  test.each([
    [version, 100, "there is nothing to do"],
    ["0.0.1", 100, "older"],
    [newer, 0, "not for this board yet"],
  ])("--check of %s for %i %% of the boards says: %s", async (offered, rollout, text) => {
    await open();
    maker.release(offered, "x", rollout);
    expect((await run("--check")).out).toContain(text);
  });

  test("--check of a version that failed here too often says so", async () => {
    await open();
    maker.release(newer);
    mkdirSync(join(stage.dir, "programs"));
    writeFileSync(
      join(stage.dir, "programs/record.json"),
      JSON.stringify({ last: null, failures: { [newer]: 3 } }),
    );
    expect((await run("--check")).out).toContain("did not work here three times");
  });

  test.each([
    ["no place", {}],
    ["a key that is none", { url: "file:///x", publicKey: `RW${"A".repeat(53)}=` }],
  ])("is not set up with %s", async (_, update) => {
    await open(update);
    await expect(run("--check")).rejects.toThrow(/UPDATE_NOT_SET_UP|SETTINGS_INVALID/);
  });

  test("is not set up where it is not installed as a service", async () => {
    await open();
    maker.release(newer);
    for (const words of [[], ["apply"], ["back"]])
      await expect(run(...words)).rejects.toThrow(coded("UPDATE_NOT_SET_UP"));
  });

  test("knows its words", async () => {
    await open();
    await expect(run("aply")).rejects.toThrow(/did you mean apply/);
    await expect(run("--patience", "soon")).rejects.toThrow();
  });

  test("back has nothing to go back to when nothing was updated", async () => {
    await open();
    writeFileSync(join(stage.dir, "porchlight"), "");
    if (process.getuid?.() === 0) {
      await expect(run("back")).rejects.toThrow(/belongs to root/);
      chownSync(stage.stateDir, 65_534, 65_534);
    }
    await expect(run("back")).rejects.toThrow(
      process.getuid?.() === 0 ? coded("UPDATE_UNFIT") : coded("USAGE"),
    );
  });
});

describe("porchlight update, as root", () => {
  beforeEach(async () => {
    await open();
    await install();
  });

  test("--check reads the maker's place only when it is root no more", async () => {
    const became: string[] = [];
    around = {
      ...(around as UpdateSurroundings),
      becomeOwnerOf(stateDir) {
        became.push(stateDir);
        // Until now there is nothing to read.
        maker.release(newer);
      },
    };
    expect((await run("--check")).out).toContain(`${newer} is newer`);
    expect(became).toEqual([stage.stateDir]);
  });

  test("fetches, tries out and runs the newer version, and tells each step", async () => {
    await fetched();
    const { code, err } = await run();
    expect(code).toBe(0);
    expect(err).toMatch(/progress\n(?:.|\n)*unpacking(?:.|\n)*starting(?:.|\n)*Version 99\.0\.0 runs now/);
    expect(readlinkSync(join(stage.dir, "programs/current"))).toBe(newer);
  });

  test("lets the service's account run what it brought, whatever the umask is", async () => {
    await fetched();
    const umask = process.umask(0o077);
    try {
      await run();
    } finally {
      process.umask(umask);
    }
    const modeOf = (name: string): number => statSync(join(stage.dir, "programs", name)).mode & 0o777;
    expect([modeOf(""), modeOf(newer), modeOf("record.json")]).toEqual([0o755, 0o755, 0o644]);
  });

  test("ends when there is nothing newer", async () => {
    await install("", `{"ok":true,"version":"${version}","ready":false}`);
    expect((await run()).code).toBe(0);
  });

  test("fails as the half that fetches fails", async () => {
    await install("", '{"ok":false,"code":"UPDATE_SIGNATURE","detail":"not the maker"}');
    await expect(run("--older", "--from", maker.folder, "--settings", stage.settingsPath)).rejects.toThrow(
      coded("UPDATE_SIGNATURE"),
    );
  });

  test("finds a folder and a settings file that are named from where the person is", async () => {
    await install("", `{"ok":true,"version":"${version}","ready":false}`);
    const here = (path: string): string => relative(process.cwd(), path);
    const named = await run("--from", here(maker.folder), "--settings", here(stage.settingsPath));
    expect(named.err).toContain(`--from ${maker.folder} --settings ${stage.settingsPath}\n`);
    settingsNamed = here(stage.settingsPath);
    expect((await run()).err).toContain(`by ${stage.settingsPath}\n`);
    settingsNamed = "";
    expect((await run("--settings", stage.settingsPath)).err).toContain("by \n");
    settingsNamed = undefined;
    for (const place of ["https://updates.example/a/", `file://${maker.folder}`])
      expect((await run("--from", place)).err).toContain(`--from ${place}\n`);
  });

  test("is interrupted before anything came, which is no bug", async () => {
    await install("", `{"ok":true,"version":"${version}","ready":false}`);
    const running = run();
    process.emit("SIGINT");
    await expect(running).rejects.toMatchObject({ code: "INTERRUPTED", detail: null });
  });

  test("says when it is interrupted that a trial goes on, and leaves it to systemd", async () => {
    await fetched(working.replace('"state":"online"', '"state":"connecting"'));
    const running = run();
    while (clock.pauses.length === 0) await new Promise((resolve) => setImmediate(resolve));
    process.emit("SIGTERM");
    await expect(running).rejects.toMatchObject({
      code: "INTERRUPTED",
      detail: expect.stringContaining(`the trial of ${newer} goes on`),
    });
    expect(readlinkSync(join(stage.dir, "programs/trial"))).toBe(newer);
  });

  test("waits while a lamp is on, and says how not to", async () => {
    await install(lampOn);
    await fetched();
    expect(await run()).toMatchObject({ code: 75, err: expect.stringContaining("--now installs it") });
    expect((await run("--now")).code).toBe(0);
  });

  test("does not begin while another one is under way", async () => {
    await fetched();
    await using _lock = await held();
    await expect(run()).rejects.toThrow(coded("UPDATE_BUSY"));
  });

  test("refuses an unencrypted place", async () => {
    await expect(run("--from", "http://updates.example/")).rejects.toThrow(coded("USAGE"));
  });

  test("is refused to others", async () => {
    around = { ...(around as UpdateSurroundings), uid: 1000 };
    await expect(run()).rejects.toThrow(coded("USAGE"));
  });

  test("needs a service that was started once", async () => {
    rmSync(stage.stateDir, { recursive: true });
    await expect(run()).rejects.toThrow(/never started/);
  });

  const held = async () => {
    mkdirSync(join(stage.dir, "programs"), { recursive: true });
    const lock = await tryFileLock(join(stage.dir, "programs/lock"));
    if (lock === undefined) throw new Error("it is locked");
    return lock;
  };

  test.each([
    ["a file", (path: string) => writeFileSync(path, "")],
    ["an empty folder", (path: string) => mkdirSync(path)],
  ])("apply takes the request away, be it %s, and installs what was fetched", async (_, ask) => {
    await fetched();
    ask(join(stage.dir, "fetched/apply"));
    expect((await run("apply")).err).toContain(`Version ${newer} runs now`);
    expect(readdirSync(join(stage.dir, "fetched"))).not.toContain("apply");
    expect(clock.pauses).not.toContain(60_000);
  });

  test("apply follows no link to somebody else's folder", async () => {
    mkdirSync(join(stage.dir, "victim"));
    writeFileSync(join(stage.dir, "victim/apply"), "");
    symlinkSync("victim", join(stage.dir, "fetched"));
    await run("apply");
    expect(readdirSync(join(stage.dir, "victim"))).toEqual(["apply"]);
  });

  test("apply waits for another update to end, and then leaves the rest to a new start", async () => {
    await fetched();
    const lock = await held();
    const running = run("apply");
    while (clock.pauses.length < 3) await new Promise((resolve) => setImmediate(resolve));
    await lock[Symbol.asyncDispose]();
    expect((await running).code).toBe(0);
    expect(readdirSync(join(stage.dir, "programs"))).toEqual(["lock"]);
  });

  test("apply takes its time while what makes systemd start it stays", async () => {
    await fetched();
    mkdirSync(join(stage.dir, "fetched/apply/full"), { recursive: true });
    await run("apply");
    expect(clock.pauses).toContain(60_000);
  });

  test("back runs the version before", async () => {
    await fetched();
    await run();
    expect((await run("back")).err).toContain("The version that was installed runs now");
    await expect(run("back")).rejects.toThrow(coded("UPDATE_UNFIT"));
  });

  test("fetch is not root's", async () => {
    if (process.getuid?.() === 0) chownSync(stage.dir, 65_534, 65_534);
    await expect(run("fetch")).rejects.toThrow(coded("USAGE"));
  });
});

describe("porchlight update fetch", () => {
  test("fetches into the folder of the service and tells it as a line", async () => {
    await open();
    maker.release(newer);
    expect(JSON.parse((await run("fetch", "--json")).out)).toEqual({ ok: true, version: newer, ready: true });
    expect(readdirSync(join(stage.dir, "fetched"))).toContain("SHA256SUMS");
  });

  test("says why there is nothing to fetch", async () => {
    await open();
    maker.release(version);
    const { out, err } = await run("fetch", "--json");
    expect(JSON.parse(out)).toEqual({ ok: true, version, ready: false });
    expect(err).toContain("there is nothing to do");
  });

  test("says when it was interrupted that it was", async () => {
    await open({ url: "file:///nowhere", publicKey: maker.signing.publicText });
    const running = run("fetch", "--json");
    process.emit("SIGTERM");
    expect(JSON.parse((await running).out)).toEqual({ ok: false, code: "INTERRUPTED", detail: null });
  });

  test("takes another place than the settings'", async () => {
    await open({ url: "file:///nowhere", publicKey: maker.signing.publicText });
    maker.release(version);
    expect((await run("fetch", "--from", maker.folder)).code).toBe(0);
    await expect(run("fetch")).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });
});
