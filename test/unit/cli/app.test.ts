import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { packed } from "../../../build/app.ts";
import { readConfig } from "../../../companion/core/config.ts";
import { readApp, setUpApp } from "../../../src/adapters/app-files.ts";
import { appCommand } from "../../../src/cli/app.ts";
import { systemIo } from "../../../src/cli/system-io.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "porchlight-app-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const given = {
  org: "https://example.my.salesforce.com/",
  "client-id": "3MVG9",
  broker: "wss://broker.example/mqtt",
};

const run = async (
  values: Readonly<Record<string, string>>,
  words: readonly string[] = [join(folder, "www")],
  flags: readonly string[] = [],
) => {
  const said: string[] = [];
  const stdout = { write: (text: string) => said.push(text) > 0 };
  await appCommand({ words, values, flags: new Set(flags) }, { ...systemIo, stdout });
  return {
    said: said.join(""),
    read: (name: string): string => readFileSync(join(folder, "www", name), "utf8"),
  };
};

describe("porchlight app", () => {
  test("writes an app that knows its org and its broker, and talks to nobody else", async () => {
    const { said, read } = await run(given);
    expect(readConfig(read("companion.json"))).toMatchObject({
      org: { url: "https://example.my.salesforce.com", dialect: "salesforce", clientId: "3MVG9" },
      broker: { url: "wss://broker.example/mqtt", guest: null },
    });
    const policy = "connect-src 'self' https://example.my.salesforce.com wss://broker.example;";
    expect(read("index.html")).toContain(policy);
    expect(said).toContain(policy);
    expect(read("index.html")).not.toContain("{{");
    expect(read("worker.js")).not.toContain("{{");
    for (const [, name] of read("index.html").matchAll(/(?:src|href)="([^"]+)"/g))
      expect(existsSync(join(folder, "www", name ?? ""))).toBe(true);
    const { icons } = JSON.parse(read("manifest.webmanifest"));
    for (const { src } of icons) expect(existsSync(join(folder, "www", src))).toBe(true);
    expect(read("licences.txt")).toContain("preact");
  });

  test("lets one script stand in the page, by its hash, which takes sign-ins out of the address first", async () => {
    const { said, read } = await run(given);
    const [, script = ""] = /<script>(.*?)<\/script>/s.exec(read("index.html")) ?? [];
    expect(script).toContain("replaceState");
    const source = `script-src 'self' 'sha256-${createHash("sha256").update(script).digest("base64")}';`;
    expect(read("index.html")).toContain(source);
    expect(said).toContain(source);
    // Only the policy, the encoding and the referrer rule come before it.
    expect(read("index.html").split("<script>")[0]).not.toMatch(/src=|href=/);
  });

  test("has people sign in by web server flow unless it is told to be legacy, and says until when that is", async () => {
    const usual = await run(given);
    expect(readConfig(usual.read("companion.json")).org.signIn).toBe("web-server");
    expect(usual.said).not.toContain("Legacy");
    const legacy = await run(given, undefined, ["legacy-user-agent"]);
    expect(readConfig(legacy.read("companion.json")).org.signIn).toBe("user-agent");
    expect(legacy.said).toMatch(/Legacy: .* ends it on 20 February 2027/);
  });

  test("takes another kind of org, guests and boards by name", async () => {
    const { read } = await run({
      ...given,
      dialect: "rfc8628",
      origins: "https://tokens.example/x,https://users.example",
      "code-page": "https://example.org/device",
      "broker-username": "phones",
      "broker-guest": "guest:a:b",
      boards: "porch-1,shop",
    });
    expect(readConfig(read("companion.json"))).toMatchObject({
      org: {
        dialect: "rfc8628",
        scope: "openid profile offline_access",
        codePage: "https://example.org/device",
      },
      broker: { username: "phones", guest: { username: "guest", password: "a:b" } },
      boards: ["porch-1", "shop"],
    });
    expect(read("index.html")).toContain(
      "https://tokens.example https://users.example wss://broker.example;",
    );
  });

  test.each([
    ["no folder", given, [] as string[]],
    ["no org", { ...given, org: "" }],
    ["an org without encryption", { ...given, org: "http://org.example" }],
    ["no address", { ...given, broker: "broker" }],
    ["a broker of TCP", { ...given, broker: "mqtts://broker.example" }],
    ["no client id", { org: given.org, broker: given.broker }],
    ["another dialect", { ...given, dialect: "saml" }],
    ["a guest without a password", { ...given, "broker-guest": "guest" }],
    ["another origin without encryption", { ...given, origins: "http://tokens.example" }],
    ["a board that cannot be", { ...given, boards: "a/b" }],
  ])("does nothing with %s", async (_what, values, words?: readonly string[]) => {
    await expect(run(values, words ?? [folder])).rejects.toMatchObject({ code: "USAGE" });
  });
});

describe("the app's files", () => {
  const files = new Map([
    ["index.html", Buffer.from("<p>ä{{policy}}")],
    ["worker.js", Buffer.from("v={{set-up}}")],
    ["icon.png", Buffer.from([0, 1, 254, 255])],
  ]);

  test("come out of the package as they went in", async () => {
    mkdirSync(join(folder, "dist"));
    writeFileSync(join(folder, "dist/app.br"), packed(files));
    const back = await readApp(pathToFileURL(`${folder}/`));
    expect([...back].map(([name, bytes]) => [name, Buffer.from(bytes).toString("hex")])).toEqual(
      [...files].map(([name, bytes]) => [name, bytes.toString("hex")]),
    );
  });

  test("are missed where there are none", async () => {
    await expect(readApp(pathToFileURL(`${folder}/`))).rejects.toThrow("missing");
  });

  test("differ in the worker with every set-up, so that phones notice", () => {
    const config = {
      org: { url: "https://a.example", dialect: "salesforce", clientId: "a", scope: "openid" },
      broker: { url: "wss://b.example/" },
    } as const;
    const worker = (clientId: string): string =>
      Buffer.from(
        setUpApp(files, { ...config, org: { ...config.org, clientId } }).get("worker.js") ?? "",
      ).toString();
    expect(worker("a")).toMatch(/^v=[0-9a-f]{8}$/);
    expect(worker("a")).toBe(worker("a"));
    expect(worker("a")).not.toBe(worker("b"));
    expect(Buffer.from(setUpApp(new Map(), config).get("index.html") ?? "").toString()).toBe("");
  });
});
