import { readdirSync } from "node:fs";
import { join, relative, sep } from "node:path";

/** The folder of package.json. */
export const root = join(import.meta.dirname, "..");

/** Made by tools or fetched by npm: nobody writes in these by hand. */
const notOurs = new Set(["node_modules", "dist", "coverage", ".git", ".cache"]);

/** Every file below `folder` (relative to the root), as paths with `/` relative to the root, sorted. */
export const filesBelow = (folder: string): string[] => {
  const found: string[] = [];
  const walk = (directory: string): void => {
    for (const entry of readdirSync(directory, { withFileTypes: true })) {
      if (notOurs.has(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (entry.isFile()) found.push(relative(root, path).split(sep).join("/"));
    }
  };
  walk(join(root, folder));
  return found.sort();
};
