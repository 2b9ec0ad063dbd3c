// What is in a program, as CycloneDX 1.6 (ECMA-424): Node and what Node is made of, and every package of the bundle with
// its version, hash and licence, and which of them brought which.

import { createHash } from "node:crypto";
import { licenceOf } from "./licences.ts";

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

/** What this reads of package-lock.json. */
export interface Lock {
  readonly packages: Readonly<Record<string, Locked | undefined>>;
}

export interface Program {
  /** The file's name. */
  readonly file: string;
  readonly version: string;
  readonly sha256: string;
  /** The package that its Node came in. */
  readonly nodePackage: string;
  /** `process.versions` of that Node. */
  readonly nodeVersions: Readonly<Record<string, string | undefined>>;
  /** Folders of the packages in the bundle, relative to the root. */
  readonly folders: readonly string[];
  readonly lock: Lock;
}

/** Vendor and product in NVD's dictionary, by Node's own words: what scanners of weaknesses look for. */
const products: Readonly<Record<string, string>> = {
  ares: "c-ares:c-ares",
  brotli: "google:brotli",
  icu: "icu-project:international_components_for_unicode",
  llhttp: "llhttp:llhttp",
  nghttp2: "nghttp2:nghttp2",
  node: "nodejs:node.js",
  openssl: "openssl:openssl",
  sqlite: "sqlite:sqlite",
  undici: "nodejs:undici",
  uv: "libuv:libuv",
  zlib: "zlib:zlib",
  zstd: "facebook:zstandard",
};

/** Parts of Node that are npm packages. */
const npmParts = new Set(["acorn", "amaro", "undici"]);

/** Numbers of interfaces, and Node itself: no parts of it. */
const noParts = new Set(["node", "modules", "napi"]);

const cpeOf = (word: string, version: string) => {
  const product = products[word];
  const [number] = /^\d+(?:\.\d+)*/.exec(version) ?? [];
  return product === undefined || number === undefined
    ? {}
    : { cpe: `cpe:2.3:a:${product}:${number}:*:*:*:*:*:*:*` };
};

const npmPurl = (name: string, version: string): string =>
  `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;

const nameOf = (folder: string): string =>
  folder.slice(folder.lastIndexOf("node_modules/") + "node_modules/".length);

const lockedAt = (folder: string, { packages }: Lock) => {
  const { version, integrity } = packages[folder] ?? {};
  const [algorithm, hash] = integrity?.split(/-(.*)/s) ?? [];
  if (version === undefined || algorithm !== "sha512" || hash === undefined)
    throw new Error(`package-lock.json does not name version and SHA-512 of ${folder}`);
  return { version, hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }] };
};

const packageAt = (folder: string, lock: Lock) => {
  const name = nameOf(folder);
  const { version, hashes } = lockedAt(folder, lock);
  const purl = npmPurl(name, version);
  const licenses = [{ license: { id: licenceOf(folder).id } }];
  return { type: "library", "bom-ref": purl, name, version, hashes, licenses, purl };
};

/** Node, with the libraries that are linked into it. */
const nodeOf = ({ nodePackage, nodeVersions, lock }: Program) => {
  const { version, hashes } = lockedAt(`node_modules/${nodePackage}`, lock);
  if (nodeVersions.node !== version)
    throw new Error(`the parts of Node ${nodeVersions.node} are not those of ${nodePackage} ${version}`);
  const purl = npmPurl(nodePackage, version);
  const components = Object.entries(nodeVersions)
    .filter((entry): entry is [string, string] => !noParts.has(entry[0]) && Boolean(entry[1]))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([word, of]) => ({
      type: "library",
      "bom-ref": `${purl}#${word}`,
      name: word,
      version: of,
      ...cpeOf(word, of),
      purl: npmParts.has(word) ? npmPurl(word, of) : `pkg:generic/${word}@${encodeURIComponent(of)}`,
    }));
  const licenses = [{ license: { id: "MIT" } }];
  return {
    type: "platform",
    "bom-ref": purl,
    name: nodePackage,
    version,
    hashes,
    licenses,
    ...cpeOf("node", version),
    purl,
    components,
  };
};

/** Where Node would find `name` from `folder` (the root is ""): in its own packages, else in those of the folders around it. */
const found = (name: string, folder: string, lock: Lock): string | undefined => {
  const path = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
  if (lock.packages[path] !== undefined) return path;
  return folder === ""
    ? undefined
    : found(name, folder.slice(0, Math.max(0, folder.lastIndexOf("/node_modules/"))), lock);
};

/** A name for this content: an RFC 9562 UUID of version 8. */
const serialNumber = (content: string): string => {
  const hex = createHash("sha256").update(content).digest("hex");
  const variant = "89ab"[Number.parseInt(hex.charAt(16), 16) % 4];
  return `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
};

/** The same for the same program: no time, no random number. */
export const billOfMaterials = (program: Program): string => {
  const { file, version, sha256, folders, lock } = program;
  const node = nodeOf(program);
  const packages = new Map(folders.map((folder) => [folder, packageAt(folder, lock)]));
  const neededBy = (folder: string): readonly string[] => {
    const { dependencies, devDependencies, peerDependencies } = lock.packages[folder] ?? {};
    const names = Object.keys({ ...dependencies, ...devDependencies, ...peerDependencies });
    const refs = names.flatMap((name) => packages.get(found(name, folder, lock) ?? "")?.["bom-ref"] ?? []);
    return [...new Set(refs)].sort();
  };
  const ref = `pkg:generic/${file}@${version}`;
  const component = {
    type: "application",
    "bom-ref": ref,
    name: file,
    version,
    hashes: [{ alg: "SHA-256", content: sha256 }],
    licenses: [{ license: { id: "Apache-2.0" } }],
    purl: ref,
  };
  const components = [...new Map([...packages.values()].map((each) => [each.purl, each])).values()];
  const parts = new Map<string, Set<string>>();
  for (const [folder, { purl }] of packages)
    parts.set(purl, new Set([...(parts.get(purl) ?? []), ...neededBy(folder)]));
  const content = {
    version: 1,
    metadata: { component },
    components: [node, ...components],
    dependencies: [
      { ref, dependsOn: [node["bom-ref"], ...neededBy("")] },
      { ref: node["bom-ref"], dependsOn: node.components.map((part) => part["bom-ref"]) },
      ...[...parts].map(([purl, needed]) => ({ ref: purl, dependsOn: [...needed].sort() })),
    ],
  };
  const head = {
    $schema: "http://cyclonedx.org/schema/bom-1.6.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: serialNumber(JSON.stringify(content)),
  };
  return `${JSON.stringify({ ...head, ...content }, null, 2)}\n`;
};
