import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import type { BuildOptions, Plugin } from "esbuild";
import { packageOf } from "./notices.ts";
import { root } from "./source-files.ts";

const dist = join(root, "dist");
/** Where what is built goes: $BUILD_DIR, else dist. What is built is the same in any place. */
export const outDir = resolve(root, process.env.BUILD_DIR || dist);

const manifest: { version: string; homepage: string } = JSON.parse(
  readFileSync(join(root, "package.json"), "utf8"),
);
/** The version that the program says it is: $BUILD_VERSION (a trial of an update needs a newer one), else package.json's. */
export const version = process.env.BUILD_VERSION || manifest.version;

/**
 * In the bundle every module has the bundle's own `import.meta`. A file of ours that looks for something beside itself
 * is given the place where it lay in the source, relative to dist.
 */
const keepPlaces: Plugin = {
  name: "keep-places",
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      if (!/\bimport\.meta\.(?:dirname|filename|url)\b/.test(source)) return undefined;
      const joined = `process.getBuiltinModule("node:path").join`;
      const file = JSON.stringify(relative(dist, path));
      const folder = JSON.stringify(relative(dist, dirname(path)));
      const contents = source
        .replaceAll("import.meta.dirname", `(${joined}(import.meta.dirname, ${folder}))`)
        .replaceAll("import.meta.filename", `(${joined}(import.meta.dirname, ${file}))`)
        .replaceAll("import.meta.url", `(new URL(${file}, import.meta.url).href)`);
      return { contents, loader: "ts" };
    });
  },
};

/** The program needs its version and its maker's site; the bundle need not carry the rest of package.json. */
const onlyWhatIsTold: Plugin = {
  name: "only-what-is-told",
  setup({ onLoad }) {
    onLoad({ filter: /package\.json$/ }, ({ path }) =>
      path === join(root, "package.json")
        ? { contents: JSON.stringify({ version, homepage: manifest.homepage }), loader: "json" }
        : undefined,
    );
  },
};

/**
 * Parts of johnny-five that no lamp is made of, and whose terms are not ours: the compass has lines under the GPL, the
 * loudspeaker a timer without any licence. Whoever asks for one finds nothing there.
 */
const leftOut: Plugin = {
  name: "left-out",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\.\/(?:compass|piezo)$/ }, ({ path, importer }) =>
      packageOf(importer) === "johnny-five" ? { path: path.slice(2), namespace: "left-out" } : undefined,
    );
    onLoad({ filter: /.*/, namespace: "left-out" }, () => ({ contents: "", loader: "js" }));
  },
};

/** A text that may be the name of a variable. */
const isName = (key: string): boolean => /^[\w$]+$/.test(key) && key !== "default";

/** A module of Node's own of which a name is read only where somebody imports that name. */
const readByName = (path: string): string => {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter(isName);
  const exported = names.map(
    (name, index) =>
      `const name${index} = /* @__PURE__ */ read(${JSON.stringify(name)}); export { name${index} as ${name} };`,
  );
  return [
    `const module = process.getBuiltinModule(${JSON.stringify(path)});`,
    "const read = (name) => module[name];",
    "export default module;",
    ...exported,
  ].join("\n");
};

/**
 * Node's own modules, where and when they are used, and no more of them than is used.
 *
 * `import "node:tls"` in a module behind an `import()` would become an import of the whole bundle, at every start. And
 * Node's modules have members that load more of Node when somebody looks at them: `http.WebSocket` all of `fetch`,
 * `util.diff` and its like worker threads. A real `import` looks at every member, and so does esbuild's stand-in.
 */
const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^node:/ }, ({ path, kind }) => ({
      path,
      namespace: kind === "import-statement" ? "builtin-names" : "builtin",
      sideEffects: false,
    }));
    onLoad({ filter: /.*/, namespace: "builtin-names" }, ({ path }) => ({
      contents: readByName(path),
      loader: "js",
    }));
    onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`,
      loader: "js",
    }));
  },
};

/**
 * What packages in CommonJS call for Node's own modules. Everything else they need is in the file: what is not (parts of
 * ws that are optional) is not looked for in folders beside the program, where it could be anybody's.
 */
const requireBuiltins = [
  "const require=id=>{",
  "const found=process.getBuiltinModule(id);",
  "if(found)return found;",
  "throw Object.assign(new Error('Cannot find module '+id),{code:'MODULE_NOT_FOUND'})",
  "};",
].join("");

/** One minified ESM file for Node 26 in which lazy parts stay lazy. */
export const bundleOptions = {
  absWorkingDir: root,
  bundle: true,
  // johnny-five would look for an Arduino with it when it is given none; it always is given one.
  external: ["serialport"],
  format: "esm",
  platform: "node",
  target: "node26",
  minify: true,
  lineLimit: 160, // an uncaught error prints the whole source line
  charset: "ascii", // one character beyond Latin-1 doubles the memory that the source takes
  legalComments: "none", // THIRD-PARTY-NOTICES.txt has them in full
  metafile: true,
  logLevel: "warning",
  banner: { js: requireBuiltins },
  plugins: [keepPlaces, onlyWhatIsTold, leftOut, lazyBuiltins],
} as const satisfies BuildOptions;
