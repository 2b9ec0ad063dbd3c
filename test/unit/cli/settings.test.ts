import { chmod, readFile, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { settingsSchema } from "../../../src/agent/settings-docs.ts";
import { settingKeys } from "../../../src/agent/settings-table.ts";
import { openStage, type Stage } from "./stage.ts";

const fileOf = async ({ settingsPath }: Stage): Promise<unknown> =>
  JSON.parse(await readFile(settingsPath, "utf8"));

describe("porchlight settings show", () => {
  it("tells every value and where it comes from", async () => {
    await using stage = await openStage();
    const { code, out } = await stage.run(["settings", "show"], { env: { PORCHLIGHT_ORG_SCOPE: "openid" } });
    expect(code).toBe(0);
    expect(out).toContain(`org.clientId = "client"  (${stage.settingsPath})\n`);
    expect(out).toContain('org.scope = "openid"  ($PORCHLIGHT_ORG_SCOPE)\n');
    expect(out).toContain('org.dialect = "salesforce"  (default)\n');
    for (const key of [...settingKeys, "lights"]) expect(out).toContain(`${key} = `);
    expect((await stage.run(["settings"])).code).toBe(0);
  });

  it.each([[[]], [["--json"]]])("hides secrets, also with %j", async (more) => {
    await using stage = await openStage();
    const env = { PORCHLIGHT_ORG_CLIENT_SECRET: "hunter2", PORCHLIGHT_BROKER_PASSWORD: "hunter3" };
    const { out } = await stage.run(["settings", "show", ...more], { env });
    expect(out).toContain("[secret]");
    expect(out).not.toMatch(/hunter/);
  });

  it("is JSON for programs", async () => {
    await using stage = await openStage();
    const { out } = await stage.run(["settings", "show", "--json"]);
    expect(JSON.parse(out)).toMatchObject({
      "org.clientId": { value: "client", origin: stage.settingsPath },
    });
  });
});

describe("porchlight settings check", () => {
  it("is content with good settings", async () => {
    await using stage = await openStage();
    expect(await stage.run(["settings", "check"])).toMatchObject({ code: 0, out: "" });
  });

  it("says that Home Assistant cannot sign commands where only signed ones count", async () => {
    await using stage = await openStage();
    for (const trust of ["owner", "broker"]) {
      const env = { PORCHLIGHT_BROKER_DISCOVERY: "homeassistant", PORCHLIGHT_COMMANDS_TRUST: trust };
      const { code, err } = await stage.run(["settings", "check"], { env });
      expect(code).toBe(0);
      expect(err.includes("Home Assistant")).toBe(trust === "owner");
    }
  });

  it("says by which client id phones have to sign in where nobody said so", async () => {
    await using stage = await openStage();
    for (const [id, noted] of [
      ["", true],
      ["the-app", false],
    ] as const) {
      const { err } = await stage.run(["settings", "check"], { env: { PORCHLIGHT_COMMANDS_CLIENT_ID: id } });
      expect(err.includes("commands.clientId")).toBe(noted);
    }
  });

  it("warns of what the settings give up, and of nothing else", async () => {
    await using stage = await openStage();
    for (const [trust, plain] of [
      ["owner", "false"],
      ["broker", "false"],
      ["owner", "true"],
      ["broker", "true"],
    ] as const) {
      const env = { PORCHLIGHT_COMMANDS_TRUST: trust, PORCHLIGHT_BROKER_ALLOW_PLAIN: plain };
      const { code, err } = await stage.run(["settings", "check"], { env });
      expect(code).toBe(0);
      expect(err.includes("TRUST_BROKER")).toBe(trust === "broker");
      expect(err.includes("BROKER_PLAIN")).toBe(plain === "true");
      expect(err.includes("Warning: ")).toBe(trust === "broker" || plain === "true");
    }
  });

  it("says of an evening at dusk how the board comes to know where home is, unless the settings say it", async () => {
    await using stage = await openStage();
    const dusk = { PORCHLIGHT_EVENING_ON: "dusk", PORCHLIGHT_EVENING_TIME_ZONE: "Europe/Berlin" };
    const standard = { PORCHLIGHT_ORG_DIALECT: "rfc8628", PORCHLIGHT_ASSET_TOKEN_AUDIENCE: "broker" };
    const home = { PORCHLIGHT_HOME_LATITUDE: "52.5", PORCHLIGHT_HOME_LONGITUDE: "13.4" };
    for (const [env, words] of [
      [dusk, "unless the org tells after the sign-in, dusk is that of the time zone's city"],
      [{ ...dusk, ...standard }, "such an org knows no coordinates"],
      [{ ...dusk, ...home }, null],
      [{ ...dusk, PORCHLIGHT_EVENING_ON: "18:30" }, null],
    ] as const) {
      const { code, err } = await stage.run(["settings", "check"], { env });
      expect(code).toBe(0);
      if (words === null) expect(err).not.toContain("dusk");
      else expect(err).toContain(words);
    }
  });

  it("names a driver that does not come with Porchlight, which a program of one's own may have", async () => {
    await using stage = await openStage();
    const lights = (driver: string) => ({ PORCHLIGHT_LIGHTS: JSON.stringify([{ driver }]) });
    for (const [driver, noted] of [["gpoi:GPIO17", true] as const, ["gpio:GPIO17", false] as const]) {
      const { code, err } = await stage.run(["settings", "check"], { env: lights(driver) });
      expect(code).toBe(0);
      expect(err.includes("needs a driver gpoi of your own")).toBe(noted);
    }
  });

  it("takes credentials unread where there are none, as in the unit of updates, and says which", async () => {
    await using stage = await openStage();
    const settings = JSON.parse(await readFile(stage.settingsPath, "utf8"));
    const broker = {
      ...settings.broker,
      auth: "password",
      password: { credential: "secret_broker.password" },
    };
    await writeFile(stage.settingsPath, JSON.stringify({ ...settings, broker }));
    const { code, err } = await stage.run(["settings", "check"]);
    expect([code, err]).toEqual([0, expect.stringContaining("Not looked at: secret_broker.password.")]);
    // A file is read, and so are credentials where there are some.
    const beside = { ...broker, password: { file: "password" } };
    await writeFile(stage.settingsPath, JSON.stringify({ ...settings, broker: beside }));
    expect((await stage.run(["settings", "check"])).code).toBe(78);
    await writeFile(join(stage.dir, "password"), "hunter2\n");
    expect((await stage.run(["settings", "check"])).err).not.toContain("Not looked at");
    await writeFile(stage.settingsPath, JSON.stringify({ ...settings, broker }));
    const env = { CREDENTIALS_DIRECTORY: stage.dir };
    expect((await stage.run(["settings", "check"], { env })).code).toBe(78);
    await writeFile(join(stage.dir, "secret_broker.password"), "hunter2\n");
    expect((await stage.run(["settings", "check"], { env })).err).not.toContain("Not looked at");
  });

  it("tells every mistake, with exit code 78", async () => {
    await using stage = await openStage({ display: "hologram", org: {} });
    const { code, err } = await stage.run(["settings", "check"]);
    expect(code).toBe(78);
    for (const key of ["display", "org.clientId", "broker.url", "lights"]) expect(err).toContain(`  ${key} `);
  });

  it("tells where a file is no JSON", async () => {
    await using stage = await openStage("{\n  oops\n}");
    const { code, err } = await stage.run(["settings", "check"]);
    expect(code).toBe(78);
    expect(err).toContain("line 2, column 3");
  });
});

describe("porchlight settings set and unset", () => {
  it("change one value and leave the others", async () => {
    await using stage = await openStage();
    expect((await stage.run(["settings", "set", "broker.auth", "access-token"])).code).toBe(0);
    expect(await fileOf(stage)).toMatchObject({
      org: { clientId: "client" },
      broker: { auth: "access-token" },
    });
    expect((await stage.run(["settings", "unset", "broker.auth"])).code).toBe(0);
    expect(await fileOf(stage)).not.toHaveProperty("broker.auth");
  });

  it.each([
    ["broker.allowPlain", "true", true],
    ["assetToken.actorClaims", '{"did":"{device.id}"}', { did: "{device.id}" }],
    ["org.ca", "null", null],
    ["device.name", "true", "true"],
    ["lights", '[{"driver":"memory:"}]', [{ driver: "memory:" }]],
    ["assetToken.verify.jwks", "https://keys.example/x", "https://keys.example/x"],
  ])("take %s from the command line as what it is: %s", async (key, text, value) => {
    await using stage = await openStage();
    expect(await stage.run(["settings", "set", key, text])).toMatchObject({ code: 0 });
    expect(await fileOf(stage)).toHaveProperty(key, value);
  });

  it("take a place to look instead of a secret", async () => {
    await using stage = await openStage();
    await writeFile(join(stage.dir, "secret"), "s\n");
    const run = await stage.run(["settings", "set", "org.clientSecret", '{"file":"secret"}']);
    expect(run).toMatchObject({ code: 0 });
    expect(await fileOf(stage)).toMatchObject({ org: { clientSecret: { file: "secret" } } });
  });

  it("take a secret from standard input, and do not say it", async () => {
    await using stage = await openStage();
    const { code, out, err } = await stage.run(["settings", "set", "org.clientSecret", "-"], {
      input: "hunter2\n",
    });
    expect({ code, out }).toEqual({ code: 0, out: "" });
    expect(err).not.toContain("hunter2");
    expect(await fileOf(stage)).toMatchObject({ org: { clientSecret: "hunter2" } });
  });

  it("do not wait for somebody to type the secret, nor take a whole film for one", async () => {
    await using stage = await openStage();
    const typed = stage.start(["settings", "set", "org.clientSecret", "-"]);
    Object.assign(typed.stdin, { isTTY: true });
    expect(await typed.done).toBe(64);
    const film = await stage.run(["settings", "set", "org.clientSecret", "-"], {
      input: "x".repeat(100_000),
    });
    expect(film.code).toBe(64);
  });

  it.each([
    [["set", "broker.url", "mqtt://broker.example"], 78],
    [["set", "broker.auth", "password"], 78],
    [["set", "org.dialect", "sf"], 78],
    [["set", "lights", "[]"], 78],
    [["set", "lights", "nope"], 64],
    [["set", "lights.0.driver", "memory:"], 64],
    [["set", "org", "{}"], 64],
    [["unset", "broker.url"], 78],
  ])("refuse what would be a mistake, and change nothing: %j", async (args, code) => {
    await using stage = await openStage();
    const before = await readFile(stage.settingsPath, "utf8");
    expect(await stage.run(["settings", ...args])).toMatchObject({ code });
    expect(await readFile(stage.settingsPath, "utf8")).toBe(before);
  });

  it("begin a file, private, and tell what is still to do", async () => {
    await using stage = await openStage(null);
    const path = join(stage.dir, "new", "folder", "settings.json");
    const env = { PORCHLIGHT_SETTINGS: path };
    const first = await stage.run(["settings", "set", "org.clientId", "client"], { env });
    expect(first.code).toBe(0);
    expect(first.err).toContain("broker.url");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    await stage.run(["settings", "set", "broker.url", "mqtts://broker.example", "--settings", path]);
    const last = await stage.run(["settings", "set", "lights", '[{"driver":"memory:"}]', "-s", path]);
    expect(last.err).not.toContain("lights");
    expect((await stage.run(["settings", "check", "-s", path])).code).toBe(0);
  });

  it.each(["--settings", "PORCHLIGHT_SETTINGS"])(
    "hold old mistakes against nobody whose %s is a path from where they are",
    async (by) => {
      await using stage = await openStage({ org: { clientId: "client" } });
      const path = relative(process.cwd(), stage.settingsPath);
      const set = ["settings", "set", "device.name", "Hall"];
      const { code, err } =
        by === "--settings"
          ? await stage.run([...set, by, path])
          : await stage.run(set, { env: { [by]: path } });
      expect([code, err]).toEqual([0, expect.stringContaining("broker.url")]);
      expect(await fileOf(stage)).toMatchObject({ device: { name: "Hall" } });
    },
  );

  it("keep the mode of the file", async () => {
    await using stage = await openStage();
    await chmod(stage.settingsPath, 0o640);
    await stage.run(["settings", "set", "device.name", "Hall"]);
    expect((await stat(stage.settingsPath)).mode & 0o777).toBe(0o640);
  });

  it("do not lose comments unasked", async () => {
    await using stage = await openStage('{\n  // mine\n  "org": { "clientId": "a" },\n}');
    const before = await readFile(stage.settingsPath, "utf8");
    expect((await stage.run(["settings", "set", "org.clientId", "b"])).code).toBe(64);
    expect(await readFile(stage.settingsPath, "utf8")).toBe(before);
    expect((await stage.run(["settings", "set", "org.clientId", "b", "--drop-comments"])).code).toBe(0);
    expect(await fileOf(stage)).toEqual({ org: { clientId: "b" } });
  });

  it.each(["{ oops", "[]"])("do not touch a file that is no settings file: %s", async (text) => {
    await using stage = await openStage(text);
    expect((await stage.run(["settings", "set", "org.clientId", "b"])).code).toBe(78);
    expect(await readFile(stage.settingsPath, "utf8")).toBe(text);
  });

  it("tell when the environment wins over the file", async () => {
    await using stage = await openStage();
    const env = { PORCHLIGHT_DEVICE_NAME: "Other" };
    expect((await stage.run(["settings", "set", "device.name", "Hall"], { env })).err).toContain(
      "$PORCHLIGHT_DEVICE_NAME",
    );
  });

  it("tell when the file cannot be read or written", async () => {
    await using stage = await openStage();
    expect((await stage.run(["settings", "set", "device.name", "x", "-s", stage.dir])).code).toBe(66);
    const below = join(stage.settingsPath, "x.json");
    expect((await stage.run(["settings", "set", "device.name", "x", "-s", below])).code).toBe(66);
    expect((await stage.run(["settings", "set", "device.name", "x", "-s", "/proc/x/y.json"])).code).toBe(66);
  });
});

describe("porchlight settings doc and schema", () => {
  it("explain one setting, or all", async () => {
    await using stage = await openStage(null);
    const env = { PORCHLIGHT_SETTINGS: "" };
    expect((await stage.run(["settings", "doc", "lights"], { env })).out).toContain("PORCHLIGHT_LIGHTS");
    const { out } = await stage.run(["settings", "doc"], { env });
    for (const key of [...settingKeys, "lights"]) expect(out).toContain(`${key}: `);
  });

  it("explain a group of settings, and nothing beside it", async () => {
    await using stage = await openStage(null);
    const { out } = await stage.run(["settings", "doc", "commands"], { env: { PORCHLIGHT_SETTINGS: "" } });
    const told = settingKeys.filter((key) => out.includes(`${key}: `));
    expect(told).toEqual(settingKeys.filter((key) => key.startsWith("commands.")));
    expect((await stage.run(["settings", "doc", "command"])).code).toBe(64);
  });

  it("give the schema for editors", async () => {
    await using stage = await openStage(null);
    const { out } = await stage.run(["settings", "schema"]);
    expect(JSON.parse(out)).toEqual(settingsSchema());
  });
});
