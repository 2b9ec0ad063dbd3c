import { describe, expect, it } from "vitest";
import { mistakesView } from "../../../src/agent/mistakes-view.ts";
import {
  displayIn,
  filesBeside,
  judgeTakeOver,
  secretFilesBeside,
} from "../../../src/agent/settings-take-over.ts";
import { board, withSettings } from "./given.ts";

const path = "/boot/firmware/porchlight.json";

/** The card's files, by path, with these settings on its boot partition. */
const judge = (
  settings: object,
  texts: Readonly<Record<string, string>> = {},
  inForce: string | null = null,
) =>
  judgeTakeOver(
    { path, text: JSON.stringify(settings) },
    {
      folder: "/etc/porchlight",
      secrets: "/etc/porchlight/secrets",
      board,
      inForce,
      read: (named) => {
        const text = texts[named];
        return text === undefined ? { ok: false, problem: "does not exist" } : { ok: true, text };
      },
    },
  );
const plan = (...given: Parameters<typeof judge>) => {
  const judged = judge(...given);
  if (!judged.ok) throw new Error(JSON.stringify(judged.mistakes));
  return judged.plan;
};

describe("settings that leave the boot partition", () => {
  it.each<[what: string, change: object, texts: Readonly<Record<string, string>>, expected: object]>([
    [
      "a secret as it stands there",
      { broker: { password: "sesame", auth: "password" } },
      {},
      {
        secrets: [{ path: "/etc/porchlight/secrets/broker.password", text: "sesame" }],
        left: { broker: { password: { credential: "secret_broker.password" } } },
      },
    ],
    [
      "a secret in a file beside them",
      { org: { clientSecret: { file: "secret.txt" } } },
      { "/boot/firmware/secret.txt": "sesame\n" },
      {
        secrets: [{ path: "/etc/porchlight/secrets/org.clientSecret", text: "sesame\n" }],
        left: { org: { clientSecret: { credential: "secret_org.clientSecret" } } },
      },
    ],
    [
      "certificates beside them, by a relative or an absolute path",
      { org: { ca: "org.crt" }, broker: { ca: { file: "/boot/firmware/pem/broker.pem" } } },
      { "/boot/firmware/org.crt": "org", "/boot/firmware/pem/broker.pem": "broker" },
      {
        files: [
          { path: "/etc/porchlight/org.ca.crt", text: "org" },
          { path: "/etc/porchlight/broker.ca.pem", text: "broker" },
        ],
        left: {
          org: { ca: "/etc/porchlight/org.ca.crt" },
          broker: { ca: "/etc/porchlight/broker.ca.pem" },
        },
      },
    ],
    [
      "a certificate whose name has no ending",
      { broker: { ca: "authority" } },
      { "/boot/firmware/authority": "broker" },
      { files: [{ path: "/etc/porchlight/broker.ca", text: "broker" }] },
    ],
    [
      "keys of the org beside them",
      { assetToken: { verify: { jwks: "keys.json" } } },
      { "/boot/firmware/keys.json": "{}" },
      {
        files: [{ path: "/etc/porchlight/assetToken.verify.jwks.json", text: "{}" }],
        left: { assetToken: { verify: { jwks: "/etc/porchlight/assetToken.verify.jwks.json" } } },
      },
    ],
  ])("take along %s", (_, change, texts, expected) => {
    const { settings, secrets, files } = plan(withSettings(change as never), texts);
    expect({ secrets, files, left: JSON.parse(settings) }).toMatchObject(expected);
  });

  it("leave alone what is kept elsewhere already", () => {
    const elsewhere = {
      org: { clientSecret: { credential: "secret_org" }, ca: "/etc/ssl/org.pem" },
      assetToken: { verify: { jwks: "https://keys.example/jwks" } },
      broker: { password: null, key: { credential: "secret_key" }, cert: "/etc/porchlight/board.pem" },
      state: { dir: "/srv/porchlight" },
    };
    const settings = withSettings(elsewhere);
    const made = plan(settings, { "/etc/porchlight/secrets/org": "sesame" });
    expect(made).toMatchObject({ secrets: [], files: [], stale: [] });
    expect(JSON.parse(made.settings)).toEqual(settings);
  });

  it("never write over a file that the settings in force name, unless it holds the same", () => {
    const settings = withSettings({ org: { clientSecret: "new" } });
    const old = "/etc/porchlight/secrets/org.clientSecret";
    const inForce = '{"org":{"clientSecret":{"credential":"secret_org.clientSecret"}}}';
    const other = plan(settings, { [old]: "old" }, inForce);
    expect(other.secrets).toEqual([{ path: `${old}-2`, text: "new" }]);
    expect(other.stale).toEqual([old]);
    const same = plan(settings, { [old]: "new" }, inForce);
    expect(same.secrets).toEqual([{ path: old, text: "new" }]);
    expect(same.stale).toEqual([]);
    expect(plan(withSettings({}), { [old]: "old" }, inForce).stale).toEqual([old]);
  });
});

it.each<[change: object, key: string, problem: RegExp]>([
  [{ broker: { ca: "../ca.pem" } }, "broker.ca", /without \.\./],
  [{ broker: { ca: "ca.pem" } }, "broker.ca", /does not exist/],
  [{ state: { dir: "state" } }, "state.dir", /not on the boot partition/],
  [{ state: { dir: "/boot/firmware/state" } }, "state.dir", /not on the boot partition/],
  [{ org: { clientSecret: { file: "secret.txt" } } }, "org.clientSecret", /does not exist/],
  [{ org: { clientSecret: { credential: "mine" } } }, "org.clientSecret", /must begin with secret_/],
  [{ org: { clientId: 7 } }, "org.clientId", /is not a text/],
])("%j cannot be taken over", (change, key, problem) => {
  const judged = judge(withSettings(change as never));
  expect(judged).toEqual({
    ok: false,
    mistakes: [expect.objectContaining({ key, problem: expect.stringMatching(problem) })],
  });
});

it("the files beside the settings are known, and which of them are secret", () => {
  const text = JSON.stringify(
    withSettings({
      org: { clientSecret: { file: "secret.txt" } },
      broker: { ca: "ca.pem", cert: "c.pem", key: "k.pem", password: "sesame" },
    }),
  );
  expect(filesBeside({ path, text })).toEqual([
    "/boot/firmware/secret.txt",
    "/boot/firmware/ca.pem",
    "/boot/firmware/c.pem",
    "/boot/firmware/k.pem",
  ]);
  expect(secretFilesBeside({ path, text })).toEqual(["/boot/firmware/secret.txt", "/boot/firmware/k.pem"]);
  expect(secretFilesBeside({ path, text: "\n\n\n7}" })).toEqual([]);
});

it.each([
  ['{ "display": "oled:/dev/i2c-1", "lights": 7 }', "oled:/dev/i2c-1"],
  ['{ "display": "paper" }', undefined],
  ['{ "display": "oled:', undefined],
  ["[]", undefined],
])("the display named in %s is %s", (text, display) => {
  expect(displayIn(text)).toBe(display);
});

it("the picture of mistakes tells the first of them, how many more there are, and where to look", () => {
  const device = { id: "porch-1", name: "Porch", serial: "1" };
  const mistakes = ["a", "b", "c", "d", "e"].map((key) => ({
    key,
    value: key === "a" ? "7" : null,
    origin: path,
    problem: "is wrong; allowed is 8. Such numbers are even.",
  }));
  const whole = { key: "", value: null, origin: path, problem: "is no JSON" };
  const link = "https://help.example";
  const view = mistakesView(device, mistakes, link);
  expect(view.detail).toBe("a = 7 is wrong. b is wrong. c is wrong. And 2 more.");
  expect(view.problem).toMatchObject({ code: "SETTINGS_INVALID", retryAt: null, link });
  expect(mistakesView(device, [whole], link).detail).toBe("is no JSON.");
});
