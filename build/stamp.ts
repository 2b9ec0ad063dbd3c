// What is in dist/, and what it was made from: a suite that needs it makes only what is not there, or is not of these sources.

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { outDir } from "./bundle-options.ts";
import { sumsOf } from "./release-files.ts";
import { filesBelow, root } from "./source-files.ts";

/** What a script of package.json makes, by the script's name. */
export type Product = "bundle" | "build" | "deb";

/** A hash of every file and every word that what is built depends on; its packages are named by npm's own list of them. */
const sources = (): string => {
  const hash = createHash("sha256");
  const files = [
    ...["src", "firmware-sim", "companion", "build"].flatMap(filesBelow),
    ...["package.json", "node_modules/.package-lock.json", "LICENSE", "CHANGELOG.md"],
  ];
  for (const file of files) {
    const content = readFileSync(join(root, file));
    hash.update(`${file} ${content.length}\n`).update(content);
  }
  for (const word of [process.version, process.env.BUILD_TARGETS, process.env.BUILD_VERSION])
    hash.update(`\n${word}`);
  return hash.digest("hex");
};

const stampOf = (product: Product): string => join(outDir, `${product}.stamp`);

/** Notes that `files` of dist/ have been made of the sources as they are. */
export const writeStamp = (product: Product, files: readonly string[]): void =>
  writeFileSync(stampOf(product), `${sources()}\n${sumsOf(files)}`);

/** True when the files of that product are there, as they were made, and the sources are still those. */
export const isCurrent = (product: Product): boolean => {
  if (!existsSync(stampOf(product))) return false;
  const [from, ...lines] = readFileSync(stampOf(product), "utf8").trimEnd().split("\n");
  const files = lines.map((line) => join(outDir, basename(line.replace(/^\S+ {2}/, ""))));
  return from === sources() && files.every(existsSync) && sumsOf(files).trimEnd() === lines.join("\n");
};
