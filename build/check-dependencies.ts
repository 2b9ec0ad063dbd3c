// Every dependency is a decision: pinned to one version, with a checksum in the lock file, and argued for in a table of
// docs/decisions/0002-dependencies.md. None is older than docs/supply-chain.md says it has to be. `npm run check` runs this.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { dependencyFindings } from "./dependencies.ts";
import { conclude } from "./report.ts";
import { soundnessFindings } from "./sound-versions.ts";
import { filesBelow, root } from "./source-files.ts";

const PAGE = "docs/decisions/0002-dependencies.md";
const WEAKNESSES = "docs/supply-chain.md";

const read = (file: string): string => readFileSync(join(root, file), "utf8");
const manifests = filesBelow(".")
  .filter((file) => /(?:^|\/)package\.json$/.test(file))
  .map((file) => {
    const lock = join(dirname(file), "package-lock.json");
    return { file, manifest: JSON.parse(read(file)), lock, locked: JSON.parse(read(lock)) };
  });

const rules = ["omit-lockfile-registry-resolved=true", "ignore-scripts=true"]
  .filter((rule) => !read(".npmrc").split("\n").includes(rule))
  .map((rule) => ({ where: ".npmrc", what: `has to say ${rule}` }));

conclude("check-dependencies", [
  ...dependencyFindings(manifests, PAGE, read(PAGE)),
  ...soundnessFindings(WEAKNESSES, read(WEAKNESSES), JSON.parse(read("package-lock.json"))),
  ...rules,
]);
