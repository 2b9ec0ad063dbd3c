import { chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { readArguments } from "../../../src/cli/command.ts";
import { updateIn } from "../../../src/cli/update.ts";
import { version } from "../../../src/cli/version.ts";
import { type Maker, openMaker } from "../update/maker.ts";
import { completeSettings, openStage, type Stage } from "./stage.ts";

const newer = "99.0.0";
const platformFile = `linux-${process.arch}`;
let stage: Stage;
let maker: Maker;
beforeEach(() => {
  maker = openMaker();
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
  const command = updateIn({
    installed: join(stage.dir, "porchlight"),
    programs: join(stage.dir, "programs"),
    fetched: join(stage.dir, "fetched"),
  });
  const code = await command(readArguments(spec, args), {
    env: { PORCHLIGHT_SETTINGS: stage.settingsPath, PATH: process.env.PATH },
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

describe("porchlight update fetch", () => {
  test("fetches into the folder of the service and tells it as a line", async () => {
    await open();
    maker.release(newer);
    const release = JSON.parse(readFileSync(maker.path("release.json"), "utf8"));
    if (!(platformFile in release.files)) {
      await expect(run("fetch")).rejects.toThrow(coded("UPDATE_UNFIT"));
      expect(JSON.parse((await run("fetch", "--json")).out)).toMatchObject({
        ok: false,
        code: "UPDATE_UNFIT",
      });
      return;
    }
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

  test("takes another place than the settings'", async () => {
    await open({ url: "file:///nowhere", publicKey: maker.signing.publicText });
    maker.release(version);
    expect((await run("fetch", "--from", maker.folder)).code).toBe(0);
    await expect(run("fetch")).rejects.toThrow(coded("UPDATE_UNREACHABLE"));
  });
});
