// Which packages are in what was bundled, and the licences that ask to be told.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source-files.ts";

/** The package that an input of esbuild belongs to; undefined for ours. */
export const packageOf = (input: string): string | undefined =>
  /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1];

/** Its folder, relative to the root. */
export const packageFolderOf = (input: string): string | undefined => {
  const name = packageOf(input);
  return name === undefined ? undefined : input.slice(0, input.lastIndexOf(`/${name}/`) + `/${name}`.length);
};

/** Name, version and licence text of each bundled package: most licences ask for exactly that. */
export const notices = (packageFolders: readonly string[]): string =>
  packageFolders
    .map((folder) => {
      const { name, version, license }: { name: string; version: string; license?: string } = JSON.parse(
        readFileSync(join(root, folder, "package.json"), "utf8"),
      );
      const file = ["LICENSE", "LICENSE.md", "LICENSE.txt", "license", "LICENCE"]
        .map((candidate) => join(root, folder, candidate))
        .find(existsSync);
      return `${name} ${version} (${license ?? "see below"})\n\n${file ? readFileSync(file, "utf8").trim() : "(the package carries no licence text)"}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
