import { spawnSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import manifest from "../../../package.json" with { type: "json" };
import { catalogue, commandNames } from "../../../src/cli/catalogue.ts";
import { readArguments } from "../../../src/cli/command.ts";
import { commandHelp, programHelp } from "../../../src/cli/help.ts";
import { describeFault, exitCodeOf } from "../../../src/cli/program.ts";
import { AgentError } from "../../../src/errors.ts";
import { openStage } from "./stage.ts";

const specs = catalogue.map(({ spec }) => spec);
const own = specs.filter(({ name }) => name !== "sim");

describe("the command line", () => {
  it.each([[[]], [["--help"]], [["-h"]], [["help"]]])("shows every command for %j", async (args) => {
    await using stage = await openStage();
    const { code, out, err } = await stage.run(args);
    expect({ code, out, err }).toEqual({ code: 0, out: programHelp(), err: "" });
    for (const name of commandNames) expect(out).toContain(name);
  });

  it.each(own.map((spec) => [spec.name, spec] as const))("shows the help of %s", async (name, spec) => {
    await using stage = await openStage();
    for (const args of [
      [name, "--help"],
      [name, "-h"],
      ["help", name],
    ]) {
      const { code, out } = await stage.run(args);
      expect(code).toBe(0);
      expect(out).toBe(commandHelp(spec));
    }
    for (const option of Object.keys(spec.options)) expect(commandHelp(spec)).toContain(`--${option}`);
    for (const [line] of spec.examples) expect(commandHelp(spec)).toContain(line);
  });

  it.each(own.flatMap(({ name, examples }) => examples.map(([line]) => [name, line] as const)))(
    "takes the example of %s: %s",
    (name, line) => {
      const spec = own.find((each) => each.name === name);
      // Words as a shell takes them apart, redirections and pipes aside; root's commands begin with sudo.
      const words = [
        ...line
          .replace(/ [<|] .*/, "")
          .replace(/^sudo /, "")
          .matchAll(/'([^']*)'|(\S+)/g),
      ].map(([, quoted, bare]) => quoted ?? bare ?? "");
      expect(words[0]).toMatch(/^(?:porchlight|\.\/porchlight-linux-(?:x64|arm64))$/);
      expect(words[1]).toBe(name);
      expect(spec && (() => readArguments(spec, words.slice(2)))).not.toThrow();
    },
  );

  it.each([["version"], ["--version"], ["-V"]])("tells its version for %s", async (arg) => {
    await using stage = await openStage();
    expect((await stage.run([arg])).out).toContain(`porchlight ${manifest.version} `);
  });

  it("tells its version as JSON", async () => {
    await using stage = await openStage();
    const { out } = await stage.run(["version", "--json"]);
    expect(JSON.parse(out)).toMatchObject({ porchlight: manifest.version, node: process.versions.node });
  });

  it.each([
    [["runn"], "run"],
    [["help", "staus"], "status"],
    [["status", "--jsn"], "--json"],
    [["light", "--color", "ff0000"], "--colour"],
    [["settings", "shwo"], "show"],
    [["settings", "doc", "org.clientid"], "org.clientId"],
    [["light", "main", "blnk"], "blink"],
    [["light", "mian", "on"], "main"],
  ])("tells the nearest name for %j", async (args, near) => {
    await using stage = await openStage();
    const { code, out, err } = await stage.run(args);
    expect({ code, out }).toEqual({ code: 64, out: "" });
    expect(err).toContain(`did you mean ${near}?`);
  });

  it.each([
    [["status", "-x"]],
    [["status", "now"]],
    [["status", "--settings"]],
    [["status", "--settings", "--json"]],
    [["status", "--json=yes"]],
    [["teapot"]],
    [["help", "teapot"]],
    [["light", "a", "on", "now"]],
    [["settings", "check", "org.url"]],
    [["settings", "doc", "org.url", "org.ca"]],
    [["settings", "set", "org.url"]],
    [["settings", "set"]],
    [["settings", "unset"]],
  ])("refuses %j as a mistake on the command line", async (args) => {
    await using stage = await openStage();
    expect(await stage.run(args)).toMatchObject({ code: 64, out: "" });
  });

  it.each([
    [["--settings=x"], "x"],
    [["-s", "x"], "x"],
    [["--settings", "-"], "-"],
    [["--settings", "a", "--settings", "b"], "b"],
  ])("takes the settings file from %j", (args, file) => {
    const spec = own.find(({ name }) => name === "status");
    expect(spec && readArguments(spec, args).values.settings).toBe(file);
  });

  it("takes what stands behind -- as words", () => {
    const spec = own.find(({ name }) => name === "settings");
    expect(spec && readArguments(spec, ["set", "--", "device.id", "--x"]).words).toEqual([
      "set",
      "device.id",
      "--x",
    ]);
  });
});

describe("a fault that ends the program", () => {
  const describe_ = (error: unknown, tty = false, env = {}): string =>
    describeFault(error, { env, stderr: { isTTY: tty, write: () => true } });

  it("is told with its code, and what to do", () => {
    const text = describe_(new AgentError("STATE_UNWRITABLE", "/var/lib/x"));
    expect(text).toContain("(STATE_UNWRITABLE)");
    expect(text.trimEnd().split("\n")).toHaveLength(2);
  });

  it("that nobody foresaw tells where it happened, and no secret", () => {
    const secret = `eyJhbGciOiJSUzI1NiJ9.${"a".repeat(30)}.${"b".repeat(30)}`;
    const text = describe_(new Error(`boom ${secret}`));
    expect(text).toContain("(BUG)");
    expect(text).toContain("program.test.ts");
    expect(text).not.toContain(secret);
    expect(inspect(describe_("a text"))).toContain("(BUG)");
  });

  it("is coloured at a terminal only, and not with NO_COLOR", () => {
    const error = new AgentError("USAGE");
    expect(describe_(error, true)).toContain("\u001b[");
    expect(describe_(error, true, { NO_COLOR: "1" })).not.toContain("\u001b[");
    expect(describe_(error, false)).not.toContain("\u001b[");
  });

  it("cannot steer the terminal", () => {
    expect(describe_(new AgentError("USAGE", "a\u001b[2Jb"))).not.toContain("\u001b");
  });

  it.each([
    ["USAGE", 64],
    ["SETTINGS_INVALID", 78],
    ["ALREADY_RUNNING", 75],
    ["BUG", 70],
    ["LIGHT_CANNOT", 1],
    ["ORG_UNREACHABLE", 1],
  ] as const)("%s is exit code %d", (code, exitCode) => {
    expect(exitCodeOf(new AgentError(code))).toBe(exitCode);
  });
});

describe("the program itself", () => {
  const main = join(import.meta.dirname, "../../../src/main.ts");
  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    spawnSync(process.execPath, [main, ...args], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, ...env },
    });

  it("starts, answers on standard output, and ends by itself", () => {
    const { status, stdout, stderr } = start(["version"]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toContain(manifest.version);
  });

  it("ends with the exit code of the fault", () => {
    expect(start(["teapot"])).toMatchObject({ status: 64, stdout: "" });
    expect(start(["status", "--settings", "/nowhere/settings.json"])).toMatchObject({
      status: 66,
      stdout: "",
    });
    const wrong = start(["status"], {
      PORCHLIGHT_SETTINGS: "",
      PORCHLIGHT_DISPLAY: "hologram",
      XDG_CONFIG_HOME: "/nowhere",
    });
    expect(wrong.status).toBe(78);
  });

  it("ends with 70 and no secret where something fails that nobody waits for", () => {
    const code = `
      await import(${JSON.stringify(main)});
      setImmediate(() => { throw new Error("refresh_token=hunter2hunter2"); });
    `;
    const { status, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
      encoding: "utf8",
    });
    expect(status).toBe(70);
    expect(stderr).toContain("(BUG)");
    expect(stderr).not.toContain("hunter2");
  });
});

it.each(["sign-out", "guests"])(
  "Ctrl-C while the agent does not answer %s ends it as asked, and is no bug",
  async (name) => {
    await using stage = await openStage();
    mkdirSync(stage.stateDir, { mode: 0o700 });
    const asked = Promise.withResolvers<void>();
    const agent = createServer((socket) => void socket.on("data", () => asked.resolve()));
    await new Promise<void>((resolve) => agent.listen(join(stage.stateDir, "control.sock"), resolve));
    await using _agent = agent;
    const command = stage.start([name]);
    await Promise.race([asked.promise, command.done]);
    process.emit("SIGINT", "SIGINT");
    expect([await command.done, command.written.out]).toEqual([130, ""]);
    expect(command.written.err).toContain("Interrupted");
    expect(command.written.err).not.toContain("bug");
  },
);
