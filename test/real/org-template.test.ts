// The org template, read by Salesforce's own library, which is too large (72 MB) for the project's dependencies.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { promisify } from "node:util";
import { beforeAll, describe, expect, test } from "vitest";
import { scratchFolder } from "./peers/scratch.ts";

const root = join(import.meta.dirname, "..", "..");
const template = join(root, "org-template");
const tools = join(import.meta.dirname, "org-template");
const files = ["package.json", "package-lock.json", "resolve.mjs"] as const;
const run = promisify(execFile);

/** The library as locked, installed once. */
const install = async (): Promise<string> => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(readFileSync(join(tools, file)));
  const folder = join(root, ".cache", `org-template-${hash.digest("hex").slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  const half = `${folder}.${process.pid}`;
  mkdirSync(half, { recursive: true });
  for (const file of files) copyFileSync(join(tools, file), join(half, file));
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: half });
  rmSync(folder, { recursive: true, force: true });
  renameSync(half, folder);
  return folder;
};

interface Component {
  readonly type: string;
  readonly fullName: string;
  readonly file: string;
  /** Members and values that Salesforce's declarations do not have. */
  readonly faults: readonly string[];
}

const filled = {
  PORCHLIGHT_CONTACT_EMAIL: "lamps@example.com",
  PORCHLIGHT_AUDIENCE: "https://broker.example",
  PORCHLIGHT_ASSET_CERTIFICATE_ID: "0P1000000000001AAA",
  PORCHLIGHT_APP_ADDRESS: "https://lamps.example/",
  PORCHLIGHT_JWT_CERTIFICATE: "MIIC",
};

const below = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

describe("the org template, as Salesforce's own library reads it", () => {
  let components: readonly Component[] = [];
  let converted: ReadonlyMap<string, string> = new Map();
  beforeAll(async () => {
    using out = scratchFolder();
    const quiet = { SF_DISABLE_TELEMETRY: "true", SF_DISABLE_LOG_FILE: "true" };
    const env = { ...process.env, ...filled, ...quiet, SF_APPLY_REPLACEMENTS_ON_CONVERT: "true" };
    const folder = join(out.path, "converted");
    const { stdout } = await run(process.execPath, [join(await install(), "resolve.mjs"), template, folder], {
      env,
    });
    components = JSON.parse(stdout);
    converted = new Map(below(folder).map((file) => [relative(folder, file), readFileSync(file, "utf8")]));
  });

  test("every file is a component of a known type, with members and values that the type has", () => {
    const sources = below(template).filter((file) => file.endsWith(".xml"));
    expect(sources.length).toBeGreaterThan(15);
    expect(new Set(components.map(({ file }) => file))).toEqual(new Set(sources));
    expect(components.flatMap(({ faults }) => faults)).toEqual([]);
  });

  test("settings and policies belong to an app that is there, and each app has all five files", () => {
    const apps = components.filter(({ type }) => type === "ExternalClientApplication");
    expect(apps.map(({ fullName }) => fullName).sort()).toEqual([
      "Porchlight_Boards",
      "Porchlight_Fleet",
      "Porchlight_Phones",
    ]);
    for (const { fullName } of apps) {
      const named = `<externalClientApplication>${fullName}</externalClientApplication>`;
      const own = [...converted.values()].filter((text) => text.includes(named));
      expect(own).toHaveLength(4);
    }
  });

  test("whoever may read assets may read accounts and contacts, and whoever signs in may use the API", () => {
    const sets = below(template).filter((file) => file.endsWith(".permissionset-meta.xml"));
    expect(sets.map((file) => basename(file, ".permissionset-meta.xml")).sort()).toEqual([
      "Porchlight_Asset_State",
      "Porchlight_Board_User",
      "Porchlight_Report",
    ]);
    for (const file of sets) {
      const text = readFileSync(file, "utf8");
      const read = [...text.matchAll(/<allowRead>true<\/allowRead>[\s\S]*?<object>(\w+)<\/object>/g)].map(
        ([, o]) => o,
      );
      expect(read).toEqual(["Account", "Asset", "Contact"]);
      // The third one comes on top of Porchlight_Board_User.
      if (!file.includes("Asset_State")) expect(text).toContain("<name>ApiEnabled</name>");
    }
  });

  test("a deployment fills in every value that has to be replaced", () => {
    const all = [...converted.values()].join("\n");
    expect(all).not.toContain("REPLACE_");
    for (const value of Object.values(filled)) expect(all).toContain(value);
  });
});
