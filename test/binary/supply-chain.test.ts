// What goes out with the programs, and that anybody can make the same files again.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { filesBelow, root } from "../../build/source-files.ts";
import { billSchema } from "../unit/build/bill-schema.ts";

const dist = join(root, "dist");
const programs = ["porchlight-linux-x64", "porchlight-linux-arm64"];
const sum = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What a Debian package unpacks to, as sums: how hard it was packed does not matter. */
const unpacked = (path: string): readonly string[] =>
  ["--fsys-tarfile", "--ctrl-tarfile"].map((part) =>
    sum(execFileSync("dpkg-deb", [part, path], { maxBuffer: 1 << 30 })),
  );

/** A file of the package, as text. */
const inPackage = (path: string, file: string): string =>
  execFileSync("tar", ["-xO", file], {
    input: execFileSync("dpkg-deb", ["--fsys-tarfile", path], { maxBuffer: 1 << 30 }),
    maxBuffer: 1 << 30,
  }).toString("utf8");

const packages = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith(".deb"))
    .sort();

it("comes out the same, byte by byte, from another folder, on another day, in another language and with other rights", () => {
  const cache = join(root, ".cache");
  mkdirSync(cache, { recursive: true });
  const again = mkdtempSync(join(cache, "an other folder "));
  try {
    for (const file of filesBelow(".")) cpSync(join(root, file), join(again, file));
    for (const folder of ["node_modules", ".cache/node"]) {
      mkdirSync(join(again, folder, ".."), { recursive: true });
      execFileSync("cp", ["-al", join(root, folder), join(again, folder)]);
    }
    execFileSync("sh", ["-c", "umask 077; npm run --silent build && npm run --silent deb"], {
      cwd: again,
      // Where it is a day later than here for most of the day.
      env: { ...process.env, TZ: "Pacific/Kiritimati", LC_ALL: "tr_TR.UTF-8", DEB_LEVEL: "0" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const made = ["porchlight.mjs", "app.br", "SHA256SUMS"];
    for (const name of made)
      expect(sum(readFileSync(join(again, "dist", name))), name).toBe(sum(readFileSync(join(dist, name))));
    expect(packages(join(again, "dist"))).toEqual(packages(dist));
    for (const name of packages(dist))
      expect(unpacked(join(again, "dist", name)), name).toEqual(unpacked(join(dist, name)));
  } finally {
    rmSync(again, { recursive: true });
  }
});

describe("the bill of materials", () => {
  const valid = billSchema();

  it.each(programs)("of %s is one by CycloneDX' own schema, and of that very file", (name) => {
    const bill: {
      metadata: { component: { hashes: { content: string }[] } };
      components: { name: string; version: string; hashes: unknown[]; licenses: unknown[] }[];
    } = JSON.parse(readFileSync(join(dist, `${name}.cdx.json`), "utf8"));
    expect(valid(bill), JSON.stringify(valid.errors)).toBe(true);
    expect(bill.metadata.component.hashes[0]?.content).toBe(sum(readFileSync(join(dist, name))));
    const names = bill.components.map((each) => each.name);
    expect(names).toEqual(expect.arrayContaining([name.replace("porchlight", "node"), "mqtt"]));
    for (const { version, hashes, licenses } of bill.components) {
      expect(version).toMatch(/^\d+\./);
      expect(hashes).toHaveLength(1);
      expect(licenses).toHaveLength(1);
    }
  });

  it("lists what esbuild put into the bundle, and what is not there any more it does not", () => {
    const folders: string[] = JSON.parse(readFileSync(join(dist, "packages.json"), "utf8"));
    const bill: { components: { name: string }[] } = JSON.parse(
      readFileSync(join(dist, `${programs[0]}.cdx.json`), "utf8"),
    );
    const names = bill.components.map(({ name }) => name);
    expect(names.slice(1)).toEqual(folders.map((folder) => folder.replace(/^.*node_modules\//, "")));
    // Brought by johnny-five for its loudspeaker, which is left out.
    expect(names).not.toContain("nanotimer");
  });

  it("and the licences are in the Debian package, too", () => {
    const path = join(dist, packages(dist).find((name) => name.includes("amd64")) ?? "");
    expect(inPackage(path, "./usr/share/doc/porchlight/porchlight.cdx.json")).toBe(
      readFileSync(join(dist, "porchlight-linux-x64.cdx.json"), "utf8"),
    );
    const copyright = inPackage(path, "./usr/share/doc/porchlight/copyright");
    expect(copyright).toContain(readFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), "utf8"));
    expect(copyright).toContain(readFileSync(join(root, "LICENSE"), "utf8"));
  });
});

it("no package is in the programs whose licence the notices do not tell", () => {
  const notices = readFileSync(join(dist, "THIRD-PARTY-NOTICES.txt"), "utf8");
  const bill: { components: { name: string; version: string; licenses: { license: { id: string } }[] }[] } =
    JSON.parse(readFileSync(join(dist, "porchlight-linux-x64.cdx.json"), "utf8"));
  const heads = new Set(notices.split("\n"));
  const wanted = bill.components.map(
    ({ name, version, licenses }) => `${name} ${version} (${licenses[0]?.license.id})`,
  );
  expect(wanted.filter((head) => !heads.has(head))).toEqual([]);
});
