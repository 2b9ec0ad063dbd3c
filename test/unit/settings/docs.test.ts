import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { settingsMarkdown, settingsSchema, settingText } from "../../../src/agent/settings-docs.ts";
import { envName, lightTable, rowOf, settingKeys } from "../../../src/agent/settings-table.ts";
import { least, parse, withSettings } from "./given.ts";

interface Ajv {
  validate(schema: object, data: unknown): boolean;
}
const require = createRequire(import.meta.resolve("conf"));
const { Ajv2020 } = require("ajv/dist/2020.js") as { Ajv2020: new (options: object) => Ajv };
const ajv = new Ajv2020({ strict: true, strictTypes: false, allErrors: true });
const valid = (tree: unknown): boolean => ajv.validate(settingsSchema(), tree);

describe("the documents made from the settings table", () => {
  it.each(settingKeys)("tell key, variable and meaning of %s", (key) => {
    const text = settingText(key);
    for (const page of [text, settingsMarkdown()]) {
      expect(page).toContain(key);
      expect(page).toContain(envName(key));
    }
  });

  it("tell every key of a lamp", () => {
    for (const name of Object.keys(lightTable)) expect(settingText("lights")).toContain(`${name}:`);
  });

  it.each(settingKeys)("give an example of %s that the parser and the schema take", (key) => {
    const tree = structuredClone<Record<string, unknown>>(least);
    const names = key.split(".");
    const last = names.pop() ?? key;
    const group = names.reduce<Record<string, unknown>>((node, name) => {
      node[name] ??= {};
      return node[name] as Record<string, unknown>;
    }, tree);
    group[last] = rowOf(key).example;
    expect(valid(tree)).toBe(true);
    const result = parse({
      file: tree,
      env: { CREDENTIALS_DIRECTORY: "/c" },
      texts: {
        "credential org-client-secret": "x",
        "credential org-key.pem": "x",
        "/etc/porchlight/broker-password": "x",
      },
    });
    // A client certificate alone, or a key alone, is only half of an example.
    const wrong = result.ok ? [] : result.mistakes.filter((mistake) => mistake.key === key);
    expect(wrong).toEqual([]);
  });

  it.each([
    ["the least", least],
    ["a secret kept elsewhere", withSettings({ org: { clientSecret: { file: "x" } } })],
    ["null where it may be", withSettings({ org: { ca: null }, broker: { discovery: null } })],
    ["all groups", withSettings({ device: { id: "a" }, commands: { trust: "owner" }, state: { dir: "/x" } })],
  ])("have a schema that takes what the parser takes: %s", (_, tree) => {
    expect(valid(tree)).toBe(true);
    expect(parse({ file: tree, texts: { "/etc/porchlight/x": "y" } }).ok).toBe(true);
  });

  it.each([
    ["an unknown key", withSettings({ org: { clientid: "x" } })],
    ["a wrong word", withSettings({ broker: { auth: "token" } })],
    ["a wrong scheme", withSettings({ broker: { url: "http://x" } })],
    ["a name in the URL", withSettings({ broker: { url: "mqtts://me:x@y" } })],
    ["no lamp", withSettings({ lights: [] })],
    ["a lamp without driver", withSettings({ lights: [{ id: "a" }] })],
    ["null where it may not be", withSettings({ org: { clientId: null } as never })],
    ["no whole number", withSettings({ org: { idleDays: 1.5 } as never })],
    ["a number as a text", withSettings({ org: { idleDays: "30" } as never })],
    ["a number too small", withSettings({ org: { approvals: 0 } as never })],
    ["a number too large", withSettings({ org: { idleDays: 100_000 } as never })],
    ["a number kept elsewhere", withSettings({ org: { idleDays: { file: "x" } } as never })],
    ["no lamp in the evening", withSettings({ evening: { lights: [] } })],
    ["a lamp in the evening that is no name", withSettings({ evening: { lights: ["a b"] } })],
    ["one lamp in the evening that is no list", withSettings({ evening: { lights: "main" } })],
    ["an evening long before dusk", withSettings({ evening: { on: "dusk-181" } })],
    ["a bad id", withSettings({ device: { id: "a b" } })],
  ])("have a schema that refuses what the parser refuses: %s", (_, tree) => {
    expect(valid(tree)).toBe(false);
    expect(parse({ file: tree }).ok).toBe(false);
  });
});
