import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { settingsError } from "../../../src/agent/settings-parse.ts";
import { describeMistake } from "../../../src/agent/settings-written.ts";
import { least, mistakesOf, parse, settingsOf, withSettings } from "./given.ts";

const keysOf = (given: Parameters<typeof mistakesOf>[0]) => mistakesOf(given).map(({ key }) => key);

describe("settings", () => {
  it("ask a board that signs in by itself for no lasting sign-in, and count none", () => {
    const org = { clientId: "c", url: "https://id.example", dialect: "rfc8628", signIn: "jwt-bearer" };
    const own = { ...org, username: "porch@example.com", key: "pem" };
    const given = { ...least, org: own, assetToken: { audience: "broker" } };
    expect(settingsOf({ file: given }).org).toMatchObject({
      scope: "openid",
      idleDays: null,
      approvals: null,
    });
    const atSalesforce = { ...own, dialect: "salesforce" };
    expect(settingsOf({ file: { ...given, org: atSalesforce } }).org).toMatchObject({
      idleDays: null,
      approvals: null,
    });
  });

  it("need little: the rest comes from the board and the table", () => {
    expect(settingsOf({})).toEqual({
      device: { id: "porch-0123456789ab", name: "raspberrypi", serial: "100000003d1d1c36" },
      org: {
        dialect: "salesforce",
        url: "https://login.salesforce.com",
        clientId: "client",
        clientSecret: null,
        scope: "api openid refresh_token",
        signIn: "device",
        callback: "http://localhost:7878/callback",
        username: null,
        key: null,
        audience: null,
        assertion: { file: null, command: null },
        signal: true,
        idleDays: 30,
        approvals: 5,
        assetState: { minutes: null, heartbeatHours: 24, fields: {} },
        ca: null,
      },
      assetToken: {
        mode: "exchange",
        audience: null,
        verify: { jwks: "auto", certificate: null },
        actorClaims: {},
        algorithm: "RS256",
      },
      broker: {
        url: "mqtts://broker.example",
        auth: "asset-token",
        username: null,
        password: null,
        ca: null,
        cert: null,
        key: null,
        protocol: "auto",
        allowPlain: false,
        discovery: null,
      },
      commands: { trust: "owner", clientId: "client", signInHours: 24 },
      lights: [{ id: "main", name: "raspberrypi", driver: "memory:", powerOn: "last" }],
      button: null,
      display: "terminal",
      home: { latitude: null, longitude: null, timeZone: null },
      evening: { on: null, off: "23:00", timeZone: null, lights: null, brightness: null, away: false },
      update: { url: null, publicKey: null, automatic: true, window: "03:00-05:00" },
      state: { dir: "/var/lib/porchlight", encrypt: true },
    });
  });

  it("follow the dialect in what they assume", () => {
    const settings = settingsOf({
      file: withSettings({
        org: { dialect: "rfc8628", url: "https://id.example/realms/home/" },
        assetToken: { audience: "broker" },
      }),
    });
    expect(settings.org.scope).toBe("openid offline_access");
    expect(settings.org).toMatchObject({ idleDays: null, approvals: null });
    expect(settings.assetToken.mode).toBe("self");
    // An issuer is compared letter by letter (RFC 8414 section 3.3): its slash stays.
    expect(settings.org.url).toBe("https://id.example/realms/home/");
  });

  it("take a Salesforce address with or without the slash", () => {
    expect(settingsOf({ file: withSettings({ org: { url: "https://x.my.salesforce.com/" } }) }).org.url).toBe(
      "https://x.my.salesforce.com",
    );
  });

  it("have an evening by the clock of home, else of the board", () => {
    const evening = { on: "dusk+15", lights: ["main", "main"], brightness: 60, away: true };
    const zoneOf = (home: object, timeZone: string | undefined) =>
      settingsOf({ file: withSettings({ evening, home }), board: { timeZone } }).evening.timeZone;
    expect(zoneOf({ timeZone: "Europe/London" }, "Europe/Berlin")).toBe("Europe/London");
    expect(zoneOf({}, "Europe/Berlin")).toBe("Europe/Berlin");
    expect(zoneOf({ timeZone: "Europe/London" }, undefined)).toBe("Europe/London");
    expect(settingsOf({ file: withSettings({ evening }) }).evening).toEqual({
      ...evening,
      off: "23:00",
      timeZone: "Europe/Berlin",
      lights: ["main"],
    });
    expect(settingsOf({ board: { timeZone: undefined } }).evening.timeZone).toBeNull();
  });

  it("look for no keys when a certificate is pinned", () => {
    const { verify } = settingsOf({
      file: withSettings({ assetToken: { verify: { certificate: "asset.pem" } } }),
    }).assetToken;
    expect(verify).toEqual({ jwks: null, certificate: "/etc/porchlight/asset.pem" });
  });

  it("can come from the environment alone", () => {
    const settings = settingsOf({
      file: null,
      env: {
        PORCHLIGHT_ORG_CLIENT_ID: "client",
        PORCHLIGHT_BROKER_URL: "mqtt://10.0.0.1",
        PORCHLIGHT_BROKER_ALLOW_PLAIN: "true",
        PORCHLIGHT_BROKER_DISCOVERY: "null",
        PORCHLIGHT_ORG_IDLE_DAYS: "90",
        PORCHLIGHT_ORG_APPROVALS: "null",
        PORCHLIGHT_ORG_SIGNAL: "false",
        PORCHLIGHT_ASSET_TOKEN_VERIFY_JWKS: "keys/jwks.json",
        PORCHLIGHT_ASSET_TOKEN_ACTOR_CLAIMS: '{"did":"{device.id}"}',
        PORCHLIGHT_LIGHTS: '[{"driver":"memory:","powerOn":"off"}]',
        PORCHLIGHT_COMMANDS_SIGN_IN_HOURS: "168",
        PORCHLIGHT_EVENING_ON: "dusk",
        PORCHLIGHT_EVENING_LIGHTS: '["main"]',
        PATH: "/bin",
      },
    });
    expect(settings.org).toMatchObject({ idleDays: 90, approvals: null, signal: false });
    expect(settings.broker).toMatchObject({ url: "mqtt://10.0.0.1", allowPlain: true, discovery: null });
    expect(settings.commands.signInHours).toBe(168);
    expect(settings.evening).toMatchObject({ on: "dusk", lights: ["main"], timeZone: "Europe/Berlin" });
    expect(settings.assetToken.verify.jwks).toBe("keys/jwks.json");
    expect(settings.assetToken.actorClaims).toEqual({ did: "{device.id}" });
    expect(settings.lights[0]?.powerOn).toBe("off");
  });

  it("from the environment win over the file, empty ones do not", () => {
    const env = { PORCHLIGHT_ORG_CLIENT_ID: "other", PORCHLIGHT_BROKER_URL: "" };
    const result = parse({ env });
    expect(result).toMatchObject({ ok: true, settings: { org: { clientId: "other" } } });
    if (!result.ok) return;
    expect(result.settings.broker.url).toBe("mqtts://broker.example");
    expect(result.origins.get("org.clientId")).toBe("$PORCHLIGHT_ORG_CLIENT_ID");
    expect(result.origins.get("broker.url")).toBe("/etc/porchlight/settings.json");
    expect(result.origins.get("broker.auth")).toBe("default");
    expect(result.origins.get("device.id")).toBe("board");
    expect(result.origins.get("lights")).toBe("/etc/porchlight/settings.json");
  });

  it("may be kept elsewhere: in files, credentials, and files named by the environment", () => {
    const settings = settingsOf({
      file: withSettings({
        org: { clientId: { file: "client" }, clientSecret: { credential: "org-secret" } },
        broker: { key: { credential: "board.pem" }, cert: { file: "/run/board.pem" } },
      }),
      env: { CREDENTIALS_DIRECTORY: "/run/credentials", PORCHLIGHT_BROKER_PASSWORD_FILE: "secrets/mqtt" },
      texts: { "/etc/porchlight/client": "id", "credential org-secret": "s3cret", "secrets/mqtt": "pass" },
    });
    expect(settings.org.clientId).toBe("id");
    expect(settings.org.clientSecret?.reveal()).toBe("s3cret");
    expect(settings.broker.password?.reveal()).toBe("pass");
    // A path setting is the path, not what the file holds.
    expect(settings.broker).toMatchObject({ cert: "/run/board.pem", key: "/run/credentials/board.pem" });
  });

  it("take an object that names a file from the environment, too", () => {
    const env = { PORCHLIGHT_ORG_CLIENT_SECRET: '{"file":"/s"}', PORCHLIGHT_ORG_CLIENT_ID: "null" };
    const settings = settingsOf({ env, texts: { "/s": "x" } });
    expect(settings.org.clientSecret?.reveal()).toBe("x");
    expect(settings.org.clientId).toBe("null");
  });

  it("may name a schema for editors", () => {
    expect(parse({ file: withSettings({ $schema: "./settings.schema.json" }) }).ok).toBe(true);
  });

  it("name several lamps", () => {
    const lights = [
      { id: "porch", driver: "memory:" },
      { id: "hall", name: "Hall", driver: "memory:x" },
    ];
    expect(settingsOf({ file: withSettings({ lights }) }).lights).toEqual([
      { id: "porch", name: "porch", driver: "memory:", powerOn: "last" },
      { id: "hall", name: "Hall", driver: "memory:x", powerOn: "last" },
    ]);
  });

  it("take the serial number's place with the id where the board has none", () => {
    expect(settingsOf({ board: { serial: undefined } }).device.serial).toBe("porch-0123456789ab");
    const file = withSettings({ device: { id: "mine" } });
    expect(settingsOf({ file, board: { serial: undefined, deviceId: undefined } }).device.serial).toBe(
      "mine",
    );
  });
});

describe("mistakes in the settings", () => {
  it("are all told at once, each with its key, value and origin", () => {
    const mistakes = mistakesOf({
      file: {
        device: { id: "porch 1" },
        org: { dialect: "sf", clientId: 7 },
        broker: { url: "http://broker", allowPlain: "yes", auth: null },
        display: "hologram",
        state: [],
      },
      env: { PORCHLIGHT_COMMANDS_TRUST: "everybody" },
    });
    expect(mistakes.map(({ key, value, origin }) => [key, value, origin])).toEqual([
      ["state", null, "/etc/porchlight/settings.json"],
      ["device.id", '"porch 1"', "/etc/porchlight/settings.json"],
      ["org.dialect", '"sf"', "/etc/porchlight/settings.json"],
      ["org.clientId", "7", "/etc/porchlight/settings.json"],
      ["broker.url", '"http://broker"', "/etc/porchlight/settings.json"],
      ["broker.auth", "null", "/etc/porchlight/settings.json"],
      ["broker.allowPlain", '"yes"', "/etc/porchlight/settings.json"],
      ["commands.trust", '"everybody"', "$PORCHLIGHT_COMMANDS_TRUST"],
      ["display", '"hologram"', "/etc/porchlight/settings.json"],
      ["lights", null, "/etc/porchlight/settings.json"],
    ]);
  });

  it("become one error with the code SETTINGS_INVALID", () => {
    const mistakes = mistakesOf({ file: { display: "hologram" } });
    const error = settingsError(mistakes);
    expect(error.code).toBe("SETTINGS_INVALID");
    for (const mistake of mistakes) expect(error.message).toContain(describeMistake(mistake));
    expect(error.message).not.toContain("no settings file");
  });

  it("say how to name a file where there is none", () => {
    expect(settingsError(mistakesOf({ file: null })).message).toContain("--settings FILE names one");
  });

  it("name what is missing", () => {
    expect(keysOf({ file: null })).toEqual(["org.clientId", "broker.url", "lights"]);
    expect(keysOf({ board: { deviceId: undefined, serial: undefined } })).toEqual([
      "device.id",
      "device.serial",
    ]);
    expect(
      keysOf({ file: withSettings({ org: { dialect: "rfc8628" }, assetToken: { audience: "a" } }) }),
    ).toEqual(["org.url"]);
  });

  it.each([
    ["a key", { org: { clientID: "x" } }, "org.clientID", "org.clientId"],
    ["a group", { brokr: {} }, "brokr", "broker"],
    [
      "a key in a group of a group",
      { assetToken: { verify: { jwk: "auto" } } },
      "assetToken.verify.jwk",
      "assetToken.verify.jwks",
    ],
    ["a lamp's key", { lights: [{ driver: "memory:", poweron: "on" }] }, "lights[0].poweron", "powerOn"],
  ])("suggest the nearest name for %s", (_, change, key, near) => {
    const mistake = mistakesOf({ file: withSettings(change) }).find((each) => each.key === key);
    expect(mistake?.problem).toContain(near);
  });

  it("are found in names of the environment", () => {
    const [mistake] = mistakesOf({ env: { PORCHLIGHT_ORG_CLIENTID: "x" } });
    expect(mistake).toMatchObject({ key: "PORCHLIGHT_ORG_CLIENTID", value: null });
    expect(mistake?.problem).toContain("PORCHLIGHT_ORG_CLIENT_ID");
    expect(parse({ env: { PORCHLIGHT_SETTINGS: "/x" } }).ok).toBe(true);
    expect(keysOf({ env: { PORCHLIGHT_TEAPOT_FILE: "/x" } })).toEqual(["PORCHLIGHT_TEAPOT_FILE"]);
  });

  it("tell the place where the file is no JSON, and nothing besides", () => {
    expect(mistakesOf({ file: '{\n "org": { ]' })).toMatchObject([
      { key: "", origin: "/etc/porchlight/settings.json, line 2, column 11" },
    ]);
    expect(mistakesOf({ file: "[]" })).toMatchObject([{ key: "" }]);
  });

  const secret = "hunter2-hunter2";
  it.each([
    ["of a secret of the wrong form", { org: { clientSecret: { text: secret } } }, {}],
    ["of a misspelt secret", { org: { clientSecert: secret } }, {}],
    ["of a misspelt variable", {}, { PORCHLIGHT_BROKER_PASWORD: secret }],
    ["of a list that is no JSON", {}, { PORCHLIGHT_LIGHTS: "{" }],
    ["inside a URL", { broker: { url: `mqtts://me:${secret}@broker` } }, {}],
    ["inside a URL from the environment", {}, { PORCHLIGHT_ORG_URL: `https://me:${secret}@org` }],
    ["inside the address of keys", { assetToken: { verify: { jwks: `https://me:${secret}@org/keys` } } }, {}],
    ["that does not fit another setting", { broker: { auth: "token", password: secret } }, {}],
  ])("never show the value %s", (_, change, env) => {
    const mistakes = mistakesOf({ file: withSettings(change), env });
    expect(mistakes.length).toBeGreaterThan(0);
    expect(inspect([mistakes, settingsError(mistakes)], { depth: 9 })).not.toContain(secret);
  });

  it("show long values shortened", () => {
    const [mistake] = mistakesOf({ file: withSettings({ device: { id: "x".repeat(5000) } }) });
    expect(mistake?.value?.length).toBeLessThan(120);
  });

  it.each([
    ["a file that is not there", { org: { clientSecret: { file: "gone" } } }, {}],
    ["an empty file", { org: { clientSecret: { file: "empty" } } }, {}],
    ["a credential without systemd", { org: { clientSecret: { credential: "x" } } }, {}],
    [
      "a credential outside its folder",
      { org: { clientSecret: { credential: "../x" } } },
      { CREDENTIALS_DIRECTORY: "/c" },
    ],
    ["two places at once", { org: { clientSecret: { file: "a", credential: "b" } } }, {}],
    ["a place that is no text", { org: { clientSecret: { file: 1 } } }, {}],
    ["more than a text may hold", { org: { clientSecret: { file: "large" } } }, {}],
  ])("refuse %s", (_, change, env) => {
    const texts = { "/etc/porchlight/empty": "", "/etc/porchlight/large": "x".repeat(20_000) };
    expect(keysOf({ file: withSettings(change), env, texts })).toEqual(["org.clientSecret"]);
  });

  it.each([
    ["device.id", { device: { id: "a b" } }],
    ["device.id", { device: { id: "" } }],
    ["device.name", { device: { name: "a\nb" } }],
    ["org.url", { org: { url: "login.salesforce.com" } }],
    ["org.url", { org: { url: "https://x?y" } }],
    ["org.url", { org: { url: "https://x#y" } }],
    ["org.url", { org: { url: "ftp://x" } }],
    ["org.ca", { org: { ca: "a\0b" } }],
    ["org.ca", { org: { ca: true } }],
    ["broker.url", { broker: { url: "mqtts://" } }],
    ["assetToken.actorClaims", { assetToken: { actorClaims: [] } }],
    ["assetToken.verify.jwks", { assetToken: { verify: { jwks: "http://keys.example" } } }],
    ["assetToken.verify.jwks", { assetToken: { verify: { jwks: "ftp://keys.example" } } }],
    ["broker.protocol", { broker: { protocol: 5 } }],
    ["commands.signInHours", { commands: { signInHours: 0 } }],
    ["commands.signInHours", { commands: { signInHours: 8761 } }],
    ["commands.signInHours", { commands: { signInHours: 1.5 } }],
    ["commands.signInHours", { commands: { signInHours: "24" } }],
    ["display", { display: "file:" }],
    ["lights", { lights: [] }],
    ["lights", { lights: Array.from({ length: 33 }, () => ({ driver: "memory:" })) }],
    ["lights[0]", { lights: ["memory:"] }],
    ["lights[0].driver", { lights: [{}] }],
    ["lights[0].driver", { lights: [{ driver: "Memory" }] }],
    ["lights[0].powerOn", { lights: [{ driver: "memory:", powerOn: null }] }],
    [
      "lights[1].id",
      {
        lights: [
          { id: "a", driver: "memory:" },
          { id: "a", driver: "memory:" },
        ],
      },
    ],
    ["lights[1].id", { lights: [{ id: "a", driver: "memory:" }, { driver: "memory:" }] }],
  ])("are found in %s: %j", (key, change) => {
    expect(keysOf({ file: withSettings(change as Record<string, object>) })).toEqual([key]);
  });

  it("are an evening on a board that does not know its time zone", () => {
    const file = withSettings({ evening: { on: "dusk" } });
    expect(mistakesOf({ file, board: { timeZone: undefined } })).toMatchObject([
      { key: "evening.timeZone", problem: expect.stringContaining("is needed") },
    ]);
  });

  it.each([
    "PORCHLIGHT_LIGHTS",
    "PORCHLIGHT_BROKER_ALLOW_PLAIN",
    "PORCHLIGHT_ASSET_TOKEN_ACTOR_CLAIMS",
    "PORCHLIGHT_EVENING_LIGHTS",
  ])("are found in %s when it is no JSON", (name) => {
    const keys = keysOf({ env: { [name]: "nope" } });
    expect(keys.length).toBeGreaterThan(0);
  });
});
