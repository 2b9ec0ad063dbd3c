import { describe, expect, test } from "vitest";
import { type Allowance, allowedFor } from "../../../companion/core/allowance.ts";
import { readApproval } from "../../../companion/core/approve.ts";
import { base64url } from "../../../companion/core/base64url.ts";
import { isDeviceId, readConfig } from "../../../companion/core/config.ts";
import { boardLink, guestLink, readBoardLink, readGuestLink } from "../../../companion/core/guest-link.ts";
import { readTopic } from "../../../companion/core/topics.ts";
import { Trouble } from "../../../companion/core/trouble.ts";

const APP = "https://app.example/lamps/";
const jwk = { alg: "ES256", crv: "P-256", kty: "EC", x: "x".repeat(43), y: "y".repeat(43) } as const;

describe("a guest's link", () => {
  test("names a user, or a key, and comes back as it was", () => {
    const user = guestLink(APP, { name: "Björn", user: "005ben" });
    expect(user.startsWith(`${APP}#guest=`)).toBe(true);
    expect(readGuestLink(user)).toEqual({ name: "Björn", user: "005ben", key: null });
    const key = guestLink(APP, { name: "Bob", key: jwk });
    const { alg: _alg, ...bare } = jwk;
    expect(readGuestLink(` ${key} `)).toEqual({ name: "Bob", user: null, key: bare });
    expect(readGuestLink(key.split("#guest=")[1] ?? "")).toMatchObject({ name: "Bob" });
  });

  test.each([
    "",
    "https://app.example/",
    "#guest=!!!",
    `#guest=${base64url("no json at all")}`,
    `#guest=${base64url('{"name":"Eve"}')}`,
    `#guest=${base64url('{"name":"Eve","key":{"kty":"oct"}}')}`,
  ])("%j is none", (text) => {
    expect(readGuestLink(text)).toBeNull();
  });

  test("without a name is a guest's", () => {
    expect(readGuestLink(`#guest=${base64url('{"user":"005"}')}`)?.name).toBe("Guest");
  });
});

describe("a board's link for guests", () => {
  const allowance: Allowance = {
    may: ["switch", "brightness"],
    maxBrightness: 128,
    until: 1_796_140_800,
    lights: ["main", "porch"],
    daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
  };

  test.each(["person", "key"] as const)("for a guest by %s comes back as it was", (as) => {
    for (const told of [null, allowance, { ...allowance, maxBrightness: null, lights: null, daily: null }]) {
      const shown = { device: "porch-1", as, allowance: told };
      expect(readBoardLink(` ${boardLink(APP, shown)} `)).toEqual(shown);
    }
    expect(readBoardLink("porch-1")).toEqual({ device: "porch-1", as: "person", allowance: null });
  });

  test.each(["#lamp=", "#lamp=a/b", "#lamp=+", `#lamp=${"x".repeat(65)}`, "a b"])("%j is none", (text) => {
    expect(readBoardLink(text)).toBeNull();
  });

  test.each([
    ["no end", "may=switch"],
    ["an end that is none", "may=switch&until=soon"],
    ["an end before everything", "may=switch&until=-1"],
    ["an end after everything", "may=switch&until=1e15"],
    ["nothing that may be done", "may=&until=1796140800"],
    ["things that nobody knows", "may=sing&until=1796140800"],
  ])("with a pass of %s shows the board alone", (_what, fields) => {
    const shown = readBoardLink(`#lamp=porch-1&${fields}`);
    expect(shown).toEqual({ device: "porch-1", as: "person", allowance: null });
  });

  test("with a limit that is none, or half a daily time, is read without", () => {
    const fields = "may=switch&until=1796140800&max=1000&daily=18:00";
    expect(readBoardLink(`#lamp=porch-1&${fields}`)?.allowance).toMatchObject({
      maxBrightness: null,
      daily: null,
    });
  });

  test("says what the screen offers: what the pass has, on its lamps, until it ends; without one, everything", () => {
    const sees = (lamp: string, now: number, of: Allowance | null = allowance) => {
      const { may, maxBrightness, refusal } = allowedFor(of, lamp, now);
      const mays = (["switch", "brightness", "colour", "effect"] as const).filter(may);
      return [mays, Math.round(maxBrightness * 100), refusal];
    };
    const end = allowance.until * 1000;
    expect(sees("main", end - 1)).toEqual([["switch", "brightness"], 50, null]);
    expect(sees("main", end)).toEqual([[], 50, "ended"]);
    expect(sees("hall", 0)).toEqual([[], 50, "another lamp"]);
    expect(sees("hall", 0, { ...allowance, lights: null, maxBrightness: null })).toEqual([
      ["switch", "brightness"],
      100,
      null,
    ]);
    expect(sees("main", end, null)).toEqual([["switch", "brightness", "colour", "effect"], 100, null]);
  });
});

describe("a board's link for its owner", () => {
  const org = "https://org.example";
  const page = "https://org.example/setup/connect";
  test.each([
    [
      "https://org.example/setup/connect?user_code=AB12CD34",
      "https://org.example/setup/connect?user_code=AB12CD34",
      "AB12CD34",
    ],
    [" https://org.example/device ", "https://org.example/device", null],
    ["ab12-cd34", "https://org.example/setup/connect?user_code=AB12CD34", "AB12CD34"],
    ["AB12 CD34", "https://org.example/setup/connect?user_code=AB12CD34", "AB12CD34"],
  ])("%j is one", (text, url, userCode) => {
    expect(readApproval(text, org, page)).toEqual({ url, userCode });
  });

  test.each([
    "https://evil.example/?user_code=AB12CD34",
    "javascript:alert(1)",
    "blob:https://org.example/4f2c",
    "abc",
    "",
    "AB12CD34AB12CD34",
  ])("%j is none", (text) => {
    expect(readApproval(text, org, page)).toBeNull();
  });

  test("may lead to the page of codes where that is elsewhere, and codes alone need one", () => {
    const elsewhere = "https://codes.example/device";
    expect(readApproval("https://codes.example/device?user_code=X", org, elsewhere)?.userCode).toBe("X");
    expect(readApproval("AB12CD34", org, null)).toBeNull();
    expect(readApproval("https://org.example/x", org, null)).not.toBeNull();
  });
});

describe("companion.json", () => {
  const config = {
    org: { url: "https://org.example/", clientId: "app" },
    broker: { url: "wss://broker.example/mqtt" },
  };
  const read = (value: unknown) => readConfig(JSON.stringify(value));

  test("needs an org, its app and a broker; the rest is as usual", () => {
    expect(read(config)).toEqual({
      org: {
        url: "https://org.example",
        dialect: "salesforce",
        clientId: "app",
        scope: "openid api refresh_token",
        signIn: "web-server",
        codePage: "https://org.example/setup/connect",
      },
      broker: { url: "wss://broker.example/mqtt", username: null, guest: null },
      boards: [],
    });
  });

  test("may say more", () => {
    const more = {
      org: {
        ...config.org,
        dialect: "rfc8628",
        scope: "openid",
        signIn: "user-agent",
        codePage: "https://org.example/device",
      },
      broker: { ...config.broker, username: "phones", guest: { username: "g", password: "p" } },
      boards: ["porch-1", "a/b", 7],
    };
    expect(read(more)).toMatchObject({
      org: {
        dialect: "rfc8628",
        scope: "openid",
        signIn: "user-agent",
        codePage: "https://org.example/device",
      },
      broker: { username: "phones", guest: { username: "g", password: "p" } },
      boards: ["porch-1"],
    });
    expect(read({ ...config, org: { ...config.org, dialect: "rfc8628" } }).org.codePage).toBeNull();
    expect(
      read({ ...config, broker: { ...config.broker, guest: { username: "g" } } }).broker.guest,
    ).toBeNull();
  });

  test("may be without encryption on this computer only", () => {
    const near = {
      org: { ...config.org, url: "http://127.0.0.1:80" },
      broker: { url: "ws://localhost:1/mqtt" },
    };
    expect(read(near).broker.url).toBe("ws://localhost:1/mqtt");
  });

  test.each([
    ["no object", []],
    ["no org", { broker: config.broker }],
    ["no client id", { ...config, org: { url: "https://org.example" } }],
    ["no broker", { org: config.org }],
    ["an org without encryption", { ...config, org: { ...config.org, url: "http://org.example" } }],
    ["a broker without encryption", { ...config, broker: { url: "ws://broker.example" } }],
    ["a broker of TCP", { ...config, broker: { url: "mqtts://broker.example" } }],
    ["no address", { ...config, org: { ...config.org, url: "org" } }],
    ["an unknown way of signing in", { ...config, org: { ...config.org, signIn: "password" } }],
    ["an unknown dialect", { ...config, org: { ...config.org, dialect: "saml" } }],
  ])("%s is a mistake", (_what, value) => {
    expect(() => read(value)).toThrow(Trouble);
  });
});

test.each([
  ["porchlight/a/about", { kind: "about", device: "a" }],
  ["porchlight/a/availability", { kind: "availability", device: "a" }],
  ["porchlight/a/light/state", { kind: "state", device: "a", topic: "porchlight/a/light/state" }],
  ["porchlight/a/lights/b/state", { kind: "state", device: "a", topic: "porchlight/a/lights/b/state" }],
  ["porchlight/a/result/me", { kind: "answer", device: "a" }],
  ["porchlight/a/light/set", null],
  ["porchlight/a/about/x", null],
  ["porchlight/+/about", null],
  ["other/a/about", null],
  ["porchlight", null],
])("%s is about %j", (topic, heard) => {
  expect(readTopic(topic)).toEqual(heard);
});

test("the id of a board is one level of a topic", () => {
  expect(["porch-1", "a_b", "", "a/b", "+", "#"].map(isDeviceId)).toEqual([
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
