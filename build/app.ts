// The companion app as the files that any web server can hand out: bundled, minified, icons drawn. Used by the build,
// and by the simulator in a checkout.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { initWasm, Resvg } from "@resvg/resvg-wasm";
import { type BuildOptions, build } from "esbuild";
import { notices, packageFolderOf } from "./notices.ts";
import { root } from "./source-files.ts";

const source = join(root, "companion/app");

const shared = {
  absWorkingDir: root,
  bundle: true,
  write: false,
  format: "esm",
  platform: "browser",
  // The first with AbortSignal.any; WebCrypto, Web Locks and :has() are older.
  target: ["chrome116", "safari17.4", "firefox124"],
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  define: { "process.env.NODE_ENV": '"production"' },
} as const satisfies BuildOptions;

let drawing: Promise<void> | undefined;

/** An icon as PNG, `size` pixels wide and high. */
const drawn = async (svg: string, size: number): Promise<Uint8Array> => {
  drawing ??= initWasm(readFileSync(join(root, "node_modules/@resvg/resvg-wasm/index_bg.wasm")));
  await drawing;
  return new Resvg(readFileSync(join(source, svg), "utf8"), { fitTo: { mode: "width", value: size } })
    .render()
    .asPng();
};

export interface BuiltApp {
  /** By their names. `index.html` and `worker.js` lack what depends on org and broker: see src/adapters/app-files.ts. */
  readonly files: ReadonlyMap<string, Uint8Array>;
  /** Folders of the packages in it. */
  readonly packages: readonly string[];
  /** All files that it was made of, relative to the root. */
  readonly inputs: readonly string[];
}

export const buildApp = async (): Promise<BuiltApp> => {
  const { outputFiles, metafile } = await build({
    ...shared,
    entryPoints: [join(source, "main.tsx"), join(source, "app.css")],
    outdir: join(root, "dist/app"),
    splitting: true,
    chunkNames: "part-[hash]",
    jsx: "automatic",
    jsxImportSource: "preact",
    metafile: true,
  });
  const files = new Map<string, Uint8Array>(
    outputFiles.map(({ path, contents }) => [path.slice(join(root, "dist/app").length + 1), contents]),
  );
  for (const name of ["manifest.webmanifest", "icon.svg"]) files.set(name, readFileSync(join(source, name)));
  const arrival = await build({ ...shared, format: "iife", entryPoints: [join(source, "arrival.ts")] });
  const page = readFileSync(join(source, "index.html"), "utf8");
  const script = arrival.outputFiles.map(({ text }) => text.trim()).join("");
  // Within the page, so that it waits for nothing and cannot be missing.
  const [before = "", after, ...more] = page.split('<script src="arrival.js"></script>');
  if (after === undefined || more.length > 0) throw new Error("index.html has no place for arrival.ts");
  files.set("index.html", Buffer.from(`${before}<script>${script}</script>${after}`));
  for (const [name, svg, size] of [
    ["icon-180.png", "icon-maskable.svg", 180],
    ["icon-192.png", "icon.svg", 192],
    ["icon-512.png", "icon.svg", 512],
    ["icon-maskable-512.png", "icon-maskable.svg", 512],
  ] as const)
    files.set(name, await drawn(svg, size));
  const inputs = Object.keys(metafile.inputs);
  const packages = [...new Set(inputs.map(packageFolderOf))].filter((folder) => folder !== undefined).sort();
  files.set("licences.txt", Buffer.from(notices(packages, inputs)));
  const names = [...files.keys()].sort();
  const hash = createHash("sha256");
  for (const name of names) hash.update(name).update(files.get(name) ?? "");
  const worker = await build({
    ...shared,
    entryPoints: [join(source, "worker.ts")],
    define: {
      ...shared.define,
      // Without icons that only an installer looks at.
      FILES: JSON.stringify(
        names.filter((name) => name !== "index.html" && !/icon.*512|licences/.test(name)),
      ),
      VERSION: JSON.stringify(`${hash.digest("hex").slice(0, 12)}-{{set-up}}`),
    },
  });
  for (const { contents } of worker.outputFiles) files.set("worker.js", contents);
  return { files, packages, inputs };
};

/** All files in one, as the program carries them: JSON of names with texts, or with base64 for pictures; Brotli. */
export const packed = (files: ReadonlyMap<string, Uint8Array>): Uint8Array => {
  const entries = [...files].map(([name, bytes]) => {
    const encoding = name.endsWith(".png") ? "base64" : "utf8";
    return [name, { encoding, data: Buffer.from(bytes).toString(encoding) }];
  });
  return brotliCompressSync(JSON.stringify(Object.fromEntries(entries)), {
    params: { [constants.BROTLI_PARAM_LGWIN]: 22, [constants.BROTLI_PARAM_QUALITY]: 11 },
  });
};
