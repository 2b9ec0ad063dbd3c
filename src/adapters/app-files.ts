import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";

/** The companion app's files by their names, as a web server is to hand them out. */
export type AppFiles = ReadonlyMap<string, Uint8Array>;

/** companion.json (docs/app.md): the org and the broker that an app is for. */
export interface AppConfig {
  readonly org: {
    readonly url: string;
    readonly dialect: "salesforce" | "rfc8628";
    readonly clientId: string;
    readonly scope: string;
    /** `web-server` unless given. */
    readonly signIn?: "user-agent";
    readonly codePage?: string;
    /** Where else than at `url` its endpoints are. */
    readonly origins?: readonly string[];
  };
  readonly broker: {
    readonly url: string;
    readonly username?: string;
    readonly guest?: { readonly username: string; readonly password: string };
  };
  readonly boards?: readonly string[];
}

const pageOf = (files: AppFiles): string => Buffer.from(files.get("index.html") ?? "").toString("utf8");

/** What the page may load and whom it may talk to: itself, its own first script, the org and the broker. */
export const appPolicy = (files: AppFiles, { org, broker }: AppConfig): string =>
  [
    "default-src 'none'",
    ["script-src 'self'", ...[...pageOf(files).matchAll(/<script>(.*?)<\/script>/gs)].map(hashSource)].join(
      " ",
    ),
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "manifest-src 'self'",
    "worker-src 'self'",
    [
      "connect-src 'self'",
      ...[org.url, ...(org.origins ?? []), broker.url].map((url) => new URL(url).origin),
    ].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

/** The source expression for a script that stands in the page itself (CSP Level 3, section 2.3.1). */
const hashSource = ([, script = ""]: readonly string[]): string =>
  `'sha256-${createHash("sha256").update(script).digest("base64")}'`;

/** The app's files made for one org and one broker. */
export const setUpApp = (files: AppFiles, config: AppConfig): AppFiles => {
  const worker = Buffer.from(files.get("worker.js") ?? "").toString("utf8");
  const json = `${JSON.stringify(config, null, 2)}\n`;
  // An app that is on phones already notices another set-up by its worker.
  const mark = createHash("sha256").update(json).digest("hex").slice(0, 8);
  return new Map([
    ...files,
    ["index.html", Buffer.from(pageOf(files).replace("{{policy}}", appPolicy(files, config)))],
    ["worker.js", Buffer.from(worker.replace("{{set-up}}", mark))],
    ["companion.json", Buffer.from(json)],
  ]);
};

/**
 * The app as it was built. The single binary carries it; elsewhere it is built now, in a checkout, or lies in `dist` of
 * the package, whose folder is given. Throws when there is none.
 */
export const readApp = async (folder?: URL): Promise<AppFiles> => {
  const sea = process.getBuiltinModule("node:sea");
  if (sea.isSea()) return unpack(new Uint8Array(sea.getRawAsset("app")));
  // Not before: the single binary is nowhere.
  const place = folder ?? new URL("../../", import.meta.url);
  const builder = new URL("build/app.ts", place);
  if (existsSync(builder) && existsSync(new URL("node_modules/esbuild", place))) {
    const { buildApp }: { buildApp: () => Promise<{ files: AppFiles }> } = await import(builder.href);
    return (await buildApp()).files;
  }
  const built = new URL("dist/app.br", place);
  if (existsSync(built)) return unpack(await readFile(built));
  throw new Error("the companion app's files are missing: run it from the porchlight package or checkout");
};

const unpack = (bytes: Uint8Array): AppFiles => {
  const { brotliDecompressSync } = process.getBuiltinModule("node:zlib");
  const files: Record<string, { encoding: "utf8" | "base64"; data: string }> = JSON.parse(
    brotliDecompressSync(bytes).toString("utf8"),
  );
  return new Map(
    Object.entries(files).map(([name, { encoding, data }]) => [name, Buffer.from(data, encoding)]),
  );
};

/** Media types by the end of a name. */
export const appTypes: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  webmanifest: "application/manifest+json",
  txt: "text/plain; charset=utf-8",
  svg: "image/svg+xml; charset=utf-8",
  png: "image/png",
};
