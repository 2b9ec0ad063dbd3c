// Which packages are in what was bundled, and the licences that ask to be told.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { licenceOf } from "./licences.ts";
import { root } from "./source-files.ts";

/** The package that an input of esbuild belongs to; undefined for ours. */
export const packageOf = (input: string): string | undefined =>
  /(?:^|\/)node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(input)?.[1];

/** Its folder, relative to the root. */
export const packageFolderOf = (input: string): string | undefined => {
  const name = packageOf(input);
  return name === undefined ? undefined : input.slice(0, input.lastIndexOf(`/${name}/`) + `/${name}`.length);
};

/** What a file under other terms than its package says of itself. */
const OTHER_TERMS = /\bGNU\b|\bA?L?GPL\b|\bcreative commons\b|\bnon-?commercial\b/i;

/** Block comments, and line comments that stand below one another from the beginning of a line. */
const COMMENT = /\/\*[\s\S]*?\*\/|(?:^[ \t]*\/\/.*\n?)+/gm;

/** A comment's own words. */
const wordsOf = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => line.replace(/^\s*(?:\/\*+!?|\/\/+[-=]*|\*+(?!\/))? ?/, "").replace(/\s*\*\/\s*$/, ""))
    .join("\n")
    .replace(/^(?:[ \t]*\n)+|\s+$/g, "");

/** Comments of a source that name somebody's right to it: what a file has from elsewhere keeps its own terms. */
export const copyrightsIn = (source: string): readonly string[] =>
  (source.match(COMMENT) ?? [])
    .filter((comment) => /\bcopyright\b[\s\S]*\b(?:19|20)\d\d\b|\(c\) ?(?:19|20)\d\d/i.test(comment))
    .map(wordsOf);

/**
 * Name, version and licence text of each package, with what else its `inputs` (files of any package, relative to
 * `from` as esbuild names them) say of themselves: most licences ask for exactly that. Throws for a package that may not be shipped.
 */
export const notices = (
  packageFolders: readonly string[],
  inputs: readonly string[],
  from: string = root,
): string =>
  packageFolders
    .map((folder) => {
      const { name, version, id, text } = licenceOf(folder, from);
      const told = inputs
        .filter((input) => packageFolderOf(input) === folder)
        .sort()
        .flatMap((input) =>
          copyrightsIn(readFileSync(join(from, input), "utf8"))
            .filter((words) => !text.includes(words))
            .map((words) => ({ file: input.slice(folder.length + 1), words })),
        );
      const other = told.find(({ words }) => OTHER_TERMS.test(words));
      if (other !== undefined)
        throw new Error(
          `${name} ${version} may not be shipped with ${other.file}, which is under other terms (build/notices.ts):\n${other.words}`,
        );
      // Said in several files, it is one notice.
      const once = Map.groupBy(told, ({ words }) => words);
      const parts = [...once].map(([words, [first]]) => `In ${first?.file}:\n\n${words}`);
      return `${[`${name} ${version} (${id})`, text, ...parts].join("\n\n")}\n`;
    })
    .join(`\n${"-".repeat(80)}\n\n`);
