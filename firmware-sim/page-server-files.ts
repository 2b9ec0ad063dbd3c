import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { stripTypeScriptTypes } from "node:module";

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

const types: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml; charset=utf-8",
  ts: "text/javascript; charset=utf-8",
};

/**
 * The page's files by their path, ready to be served: types are stripped from the TypeScript, nothing is bundled. The
 * single binary carries them; elsewhere they lie beside this file, or in the package that a bundled program came with.
 */
export const readPage = async (): Promise<ReadonlyMap<string, PageFile>> => {
  const source = carried() ?? (await lying());
  const files = new Map<string, PageFile>();
  for (const [name, read] of source) {
    const type = types[name.split(".").at(-1) ?? ""];
    if (type !== undefined) files.set(name === "index.html" ? "/" : `/${name}`, { type, text: await read() });
  }
  return files;
};

type Source = readonly (readonly [name: string, read: () => Promise<string>])[];

/** The files in the single binary; undefined elsewhere. */
const carried = (): Source | undefined => {
  const sea = process.getBuiltinModule("node:sea");
  if (!sea.isSea()) return undefined;
  const prefix = "page/";
  return sea
    .getAssetKeys()
    .filter((key) => key.startsWith(prefix))
    .map((key) => [key.slice(prefix.length), async () => sea.getAsset(key, "utf8")]);
};

const lying = async (): Promise<Source> => {
  const places = ["./page/", "../firmware-sim/page/"].map((place) => new URL(place, import.meta.url));
  const folder = places.find((place) => existsSync(new URL("index.html", place)));
  if (folder === undefined)
    throw new Error(
      "the page's files are missing: run the simulator from the porchlight package or checkout",
    );
  return (await readdir(folder)).map((name) => [
    name,
    async () => {
      const text = await readFile(new URL(name, folder), "utf8");
      return name.endsWith(".ts") ? withoutTypes(text) : text;
    },
  ]);
};

/** Node says once that stripping types is experimental; a person who only wants to see a lamp need not read that. */
const withoutTypes = (text: string): string => {
  const warn = process.emitWarning;
  process.emitWarning = () => {};
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = warn;
  }
};
