// `npm run bundle`, the first half of `npm run build`: src/main.ts and everything it can reach, as one minified file dist/porchlight.mjs for Node 26.
//
// Modules behind an `import()` are in the file but stay unevaluated until somebody asks for them; the build fails when
// a heavy package would be evaluated at every start. The file runs alone. Only `porchlight sim` needs more: the page it
// serves is read from firmware-sim/page in the folder above dist, as in a checkout or in the npm package; and `porchlight
// app`, which finds the companion app in dist/app.br.

import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { build, type Metafile, transform } from "esbuild";
import { buildApp, packed } from "./app.ts";
import { bundleOptions, outDir, version } from "./bundle-options.ts";
import { heavyPackages, startFiles } from "./import-table.ts";
import { notices, packageFolderOf, packageOf } from "./notices.ts";
import { say } from "./report.ts";
import { root } from "./source-files.ts";
import { writeStamp } from "./stamp.ts";
import { calledAtStart, inParentheses } from "./start-functions.ts";

const outFile = join(outDir, "porchlight.mjs");

/** The part of the program an input belongs to: a package's name, or the first folders of ours. */
const groupOf = (input: string): string => {
  const name = packageOf(input);
  if (name !== undefined) return name;
  if (/^builtin(?:-names)?:/.test(input)) return "(Node's own)";
  return input.startsWith("src/") && input.split("/").length > 2
    ? input.split("/").slice(0, 2).join("/")
    : (input.split("/")[0] ?? input);
};

const kilobytes = (bytes: number): string => `${(bytes / 1000).toFixed(1).padStart(8)} kB`;

/** Inputs that are evaluated when `entries` are: reached by plain imports and `require`, not by `import()`. */
const evaluatedWith = (entries: readonly string[], inputs: Metafile["inputs"]): Map<string, string> => {
  const cameFrom = new Map(entries.map((entry) => [entry, ""]));
  for (const input of cameFrom.keys())
    for (const { path, kind, external } of inputs[input]?.imports ?? [])
      if (!external && kind !== "dynamic-import" && !cameFrom.has(path)) cameFrom.set(path, input);
  return cameFrom;
};

const { metafile } = await build({
  ...bundleOptions,
  entryPoints: ["src/main.ts"],
  outfile: outFile,
});
const called = await calledAtStart(outFile);
const bundle = inParentheses(readFileSync(outFile, "utf8"), called);
// One character beyond ASCII would double the memory that the source takes.
if (/[^\0-\x7f]/.test(bundle)) throw new Error("the bundle has a character that is not ASCII");
// Refused here, should a parenthesis ever stand where none can.
await transform(bundle, { loader: "js" });
writeFileSync(outFile, bundle);
chmodSync(outFile, 0o755);

const app = await buildApp();
const appPack = packed(app.files);
writeFileSync(join(outDir, "app.br"), appPack);

const output = metafile.outputs[relative(root, outFile)];
if (output === undefined) throw new Error("esbuild reports no output");

const folders = new Set<string>(app.packages);
const groups = new Map<string, { bytes: number; early: number }>();
const early = evaluatedWith(
  startFiles.filter((file) => file in metafile.inputs),
  metafile.inputs,
);
for (const [input, { bytesInOutput }] of Object.entries(output.inputs)) {
  const name = groupOf(input);
  const group = groups.get(name) ?? { bytes: 0, early: 0 };
  group.bytes += bytesInOutput;
  if (early.has(input)) group.early += bytesInOutput;
  groups.set(name, group);
  const folder = packageFolderOf(input);
  if (folder !== undefined) folders.add(folder);
}
const nodeFolder = `node_modules/node-linux-${process.arch}`;
const inputs = new Set([...app.inputs, ...Object.keys(output.inputs)]);
writeFileSync(
  join(outDir, "THIRD-PARTY-NOTICES.txt"),
  notices([...[...folders].sort(), nodeFolder], [...inputs]),
);
// For whoever makes more of the bundle, and has to say what is in it.
writeFileSync(join(outDir, "packages.json"), JSON.stringify([...folders].sort()));
const made = [
  outFile,
  ...["THIRD-PARTY-NOTICES.txt", "packages.json", "app.br"].map((name) => join(outDir, name)),
];

say(`${"part".padEnd(24)}${"in the file".padStart(12)}${"at start".padStart(14)}`);
for (const [name, { bytes, early: atStart }] of [...groups].sort(([, a], [, b]) => b.bytes - a.bytes))
  say(`${name.padEnd(24)}${kilobytes(bytes)}${atStart ? `   ${kilobytes(atStart)}` : ""}`);
say(`${"total".padEnd(24)}${kilobytes(output.bytes)}   dist/porchlight.mjs, version ${version}`);
const appBytes = [...app.files.values()].reduce((sum, { length }) => sum + length, 0);
say(
  `${"companion app".padEnd(24)}${kilobytes(appBytes)}   dist/app.br, ${kilobytes(appPack.length).trim()} packed`,
);
say(`${called.length} functions that a start calls are compiled with the file`);

const tooEarly = [...early.keys()].filter((input) => heavyPackages.includes(packageOf(input) ?? ""));
for (const input of tooEarly)
  say(`${input} would be evaluated at every start, because of ${early.get(input)}: import() it there`);
if (tooEarly.length > 0) process.exitCode = 1;
else writeStamp("bundle", made);
