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
    readonly codePage?: string;
  };
  readonly broker: {
    readonly url: string;
    readonly username?: string;
    readonly guest?: { readonly username: string; readonly password: string };
  };
  readonly boards?: readonly string[];
}

/** What the page may load and whom it may talk to: itself, the org and the broker. */
export const appPolicy = ({ org, broker }: AppConfig): string =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "media-src 'self' blob:",
    "manifest-src 'self'",
    "worker-src 'self'",
    `connect-src 'self' ${new URL(org.url).origin} ${new URL(broker.url).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");

/** The app's files made for one org and one broker. */
export const setUpApp = (files: AppFiles, config: AppConfig): AppFiles => {
  const page = Buffer.from(files.get("index.html") ?? "").toString("utf8");
  const html = page.replace("{{policy}}", appPolicy(config));
  return new Map([
    ...files,
    ["index.html", Buffer.from(html)],
    ["companion.json", Buffer.from(`${JSON.stringify(config, null, 2)}\n`)],
  ]);
};

/**
 * The app as it was built. The single binary carries it; a bundled program has it beside itself; in a checkout it is
 * built now. Throws when there is none.
 */
export const readApp = async (): Promise<AppFiles> => {
  const sea = process.getBuiltinModule("node:sea");
  if (sea.isSea()) return unpack(new Uint8Array(sea.getRawAsset("app")));
  const builder = new URL("../../build/app.ts", import.meta.url);
  const built = new URL("../../dist/app.br", import.meta.url);
  if (existsSync(builder) && existsSync(new URL("../../node_modules/esbuild", import.meta.url))) {
    const { buildApp }: { buildApp: () => Promise<AppFiles> } = await import(builder.href);
    return buildApp();
  }
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
  svg: "image/svg+xml; charset=utf-8",
  png: "image/png",
};
