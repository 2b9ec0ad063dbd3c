// Holds the tree to build/import-table.ts. esbuild's parser reads the imports and resolves the globals, so a local
// variable called `fetch` or an import inside a string is not mistaken for the real thing. `npm run check` runs this.

import { readFileSync } from "node:fs";
import { isBuiltin, SourceMap } from "node:module";
import { dirname, join, matchesGlob, relative } from "node:path";
import { build, type ImportKind, type Plugin, transform } from "esbuild";
import {
  ambientGlobals,
  bannedGlobals,
  documentsOnly,
  heavyPackages,
  importTable,
  type Row,
  startFiles,
} from "./import-table.ts";
import { conclude, type Finding } from "./report.ts";
import { filesBelow, root } from "./source-files.ts";

interface Import {
  readonly from: string;
  /** As written. */
  readonly to: string;
  readonly kind: ImportKind | "type";
}

const matches = (file: string, globs: readonly string[]): boolean =>
  globs.some((glob) => matchesGlob(file, glob));

/** `import type` and `export type … from` as plain ones: esbuild drops the former before it reports imports. */
const withTypesAsValues = (source: string): string =>
  source.replace(/^(import|export) type (?=[{*]|[\w$]+ from )/gm, "$1 ");

const loaderOf = (path: string): "ts" | "tsx" => (path.endsWith("x") ? "tsx" : "ts");

/** Every import of `files`, as esbuild's parser sees them; with `types`, the type-only ones too. */
const readImports = async (files: readonly string[], types: boolean): Promise<Import[]> => {
  const found: Import[] = [];
  const reader: Plugin = {
    name: "read-imports",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /.*/ }, ({ kind, path, importer }) => {
        if (kind === "entry-point") return undefined;
        found.push({ from: relative(root, importer), to: path, kind });
        return { path, external: true };
      });
      onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        const source = readFileSync(path, "utf8");
        return { contents: types ? withTypesAsValues(source) : source, loader: loaderOf(path) };
      });
    },
  };
  await build({
    entryPoints: files.map((file) => join(root, file)),
    bundle: true,
    write: false,
    outdir: join(root, "dist"),
    format: "esm",
    platform: "node",
    logLevel: "silent",
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, jsx: "preserve" } },
    plugins: [reader],
  });
  return found;
};

/** A project file for a relative specifier, else undefined. */
const projectFile = ({ from, to }: Import): string | undefined =>
  to.startsWith(".") ? relative(root, join(root, dirname(from), to)) : undefined;

const packageOf = (specifier: string): string =>
  specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");

const refusal = (edge: Import, row: Row): string | undefined => {
  const target = projectFile(edge);
  if (target !== undefined) {
    const allowed =
      edge.kind === "type" ? [...row.files, ...row.may, ...(row.types ?? [])] : [...row.files, ...row.may];
    return matches(target, allowed) ? undefined : `may not import ${target}`;
  }
  if (isBuiltin(edge.to)) {
    const name = edge.to.replace(/^node:/, "");
    const allowed = row.node === "any" || row.node?.includes(name);
    return allowed ? undefined : `may not import node:${name}`;
  }
  const name = packageOf(edge.to);
  return row.packages?.includes(name) ? undefined : `may not import the package ${name}`;
};

/** Imports that the table does not allow. */
const againstTheTable = (files: readonly string[], imports: readonly Import[]): Finding[] => {
  const findings: Finding[] = [];
  for (const file of files) {
    const row = importTable.find((candidate) => matches(file, candidate.files));
    if (row === undefined) {
      findings.push({ where: file, what: "no row of build/import-table.ts covers this file" });
      continue;
    }
    for (const edge of imports.filter(({ from }) => from === file)) {
      const refused = refusal(edge, row);
      if (refused) findings.push({ where: file, what: `${refused} (${row.why})` });
    }
  }
  return findings;
};

/** Loads of what is for documents and tests only. */
const documentsLoaded = (imports: readonly Import[]): Finding[] =>
  imports.flatMap((edge) => {
    const target = projectFile(edge);
    return target !== undefined && matches(target, documentsOnly) && !matches(edge.from, documentsOnly)
      ? [{ where: edge.from, what: `${target} is for documents and tests: the program does not need it` }]
      : [];
  });

/** Heavy packages that a start would load before it has asked the org anything. */
const heavyAtStart = (imports: readonly Import[]): Finding[] => {
  const findings: Finding[] = [];
  const cameFrom = new Map<string, string | undefined>(startFiles.map((file) => [file, undefined]));
  for (const file of cameFrom.keys())
    for (const edge of imports) {
      if (edge.from !== file || edge.kind !== "import-statement") continue;
      const target = projectFile(edge);
      if (target !== undefined) {
        if (!cameFrom.has(target)) cameFrom.set(target, file);
      } else if (heavyPackages.includes(packageOf(edge.to))) {
        const way: string[] = [];
        for (let step: string | undefined = file; step; step = cameFrom.get(step)) way.unshift(step);
        findings.push({
          where: file,
          what: `${edge.to} is loaded at every start, by ${way.join(" > ")}: import() it`,
        });
      }
    }
  return findings;
};

const marker = (name: string): string => `__reaches_around_${name.replace(".", "_")}__`;

/** Uses of globals that reach around the ports. */
const ambientUses = async (file: string): Promise<Finding[]> => {
  const row = importTable.find((candidate) => matches(file, candidate.files));
  const refused = { ...bannedGlobals, ...(row?.ambient ? {} : ambientGlobals) };
  const { code, map } = await transform(readFileSync(join(root, file), "utf8"), {
    loader: loaderOf(file),
    sourcemap: true,
    sourcefile: file,
    define: Object.fromEntries(
      Object.keys(refused).flatMap((name) => [
        [name, marker(name)],
        [`globalThis.${name}`, marker(name)],
      ]),
    ),
    tsconfigRaw: { compilerOptions: { verbatimModuleSyntax: true, jsx: "preserve" } },
  });
  const sourceMap = new SourceMap(JSON.parse(map));
  return code.split("\n").flatMap((line, index) =>
    Object.entries(refused)
      .filter(([name]) => line.includes(marker(name)))
      .map(([name, instead]) => {
        const entry = sourceMap.findEntry(index, line.indexOf(marker(name)));
        const at = "originalLine" in entry ? entry.originalLine + 1 : "?";
        return { where: `${file}:${at}`, what: `${name} - use ${instead}` };
      }),
  );
};

const files = [...filesBelow("src"), ...filesBelow("firmware-sim"), ...filesBelow("companion")].filter(
  (file) => /(?<!\.d)\.tsx?$/.test(file),
);
const [values, all] = await Promise.all([readImports(files, false), readImports(files, true)]);
const isValue = ({ from, to }: Import): boolean =>
  values.some((edge) => edge.from === from && edge.to === to);
const typeOnly = all.filter((edge) => !isValue(edge)).map((edge): Import => ({ ...edge, kind: "type" }));

conclude("check-imports", [
  ...againstTheTable(files, [...values, ...typeOnly]),
  ...heavyAtStart(values),
  ...documentsLoaded(values),
  ...(await Promise.all(files.map(ambientUses))).flat(),
]);
