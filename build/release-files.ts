// The files that make a folder a release: the programs packed, release.json, SHA256SUMS and its signature. What
// src/update/ reads, and what a maker puts on a web server.

import { createHash } from "node:crypto";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { constants, zstdCompressSync } from "node:zlib";
import { RELEASE, SIGNATURE, SUMS } from "../src/update/release.ts";
import { type SigningKey, signature } from "./sign.ts";

/** Bytes that unpacking keeps at hand (2^24): a board has little memory. */
const WINDOW_LOG = 24;

/** Packs `program` beside itself; the path of what came out. */
export const packProgram = (program: string, level: number): string => {
  const output = `${program}.zst`;
  const bytes = readFileSync(program);
  writeFileSync(
    output,
    zstdCompressSync(bytes, {
      pledgedSrcSize: bytes.length,
      params: {
        [constants.ZSTD_c_compressionLevel]: level,
        [constants.ZSTD_c_windowLog]: WINDOW_LOG,
        [constants.ZSTD_c_checksumFlag]: 1,
      },
    }),
  );
  return output;
};

/** Lines of sha256sum(1). */
export const sumsOf = (files: readonly string[]): string =>
  files
    .map((file) => `${createHash("sha256").update(readFileSync(file)).digest("hex")}  ${basename(file)}\n`)
    .join("");

export interface ReleaseParts {
  readonly folder: string;
  readonly version: string;
  /** Share of the boards that take it, 0 to 100. */
  readonly rollout: number;
  /** Program by platform (`linux-arm64`), each with its packed form beside it. */
  readonly programs: Readonly<Record<string, string>>;
  /** Whatever else belongs to it. */
  readonly others: readonly string[];
  readonly key: SigningKey;
}

/**
 * Writes release.json, SHA256SUMS and the signature into the folder, the signature only after `check` has seen it and not
 * thrown: what did not pass must not look as if it were given out, however it ended.
 */
export const writeRelease = (
  { folder, version, rollout, programs, others, key }: ReleaseParts,
  check: (signed: Buffer) => void = () => undefined,
): void => {
  // The one from before is of other sums.
  rmSync(join(folder, SIGNATURE), { force: true });
  const size = (path: string): number => readFileSync(path).length;
  const files = Object.fromEntries(
    Object.entries(programs).map(([platform, path]) => [
      platform,
      {
        name: basename(path),
        bytes: size(path),
        packed: `${basename(path)}.zst`,
        packedBytes: size(`${path}.zst`),
      },
    ]),
  );
  const release = join(folder, RELEASE);
  writeFileSync(release, `${JSON.stringify({ version, rollout, files }, null, 2)}\n`);
  const paths = Object.values(programs);
  const sums = sumsOf([...paths, ...paths.map((path) => `${path}.zst`), ...others, release]);
  writeFileSync(join(folder, SUMS), sums);
  const comment = `porchlight ${version}, for ${rollout} % of the boards`;
  const signed = Buffer.from(signature(Buffer.from(sums), key, comment));
  check(signed);
  writeFileSync(join(folder, SIGNATURE), signed);
};
