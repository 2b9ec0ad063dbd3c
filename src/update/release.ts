// What a release says about itself. SHA256SUMS is signed and holds the hash of every other file, release.json among them;
// so everything here is the maker's word. Pure.

import { AgentError } from "../errors.ts";

/** Names of a release's own files. */
export const SUMS = "SHA256SUMS";
export const SIGNATURE = "SHA256SUMS.minisig";
export const RELEASE = "release.json";

/** Largest of each, in bytes. */
export const MAX_SUMS = 64 * 1024;
export const MAX_SIGNATURE = 4 * 1024;
export const MAX_RELEASE = 64 * 1024;
/** Largest program and packed program that are taken, in bytes. */
const MAX_PROGRAM = 512 * 1024 * 1024;

/** `1.2.3`: three numbers, as releases of Porchlight have. */
const VERSION = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})$/;
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/;

/** The program for one processor. */
export interface ReleaseFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
  /** The same, packed with Zstandard (RFC 8878). */
  readonly packed: { readonly name: string; readonly bytes: number; readonly sha256: string };
}

export interface Release {
  readonly version: string;
  /** Share of the boards that take it now, 0 to 100. */
  readonly rollout: number;
  /** By platform: `linux-arm64`, `linux-x64`. */
  readonly files: Readonly<Record<string, ReleaseFile>>;
}

const damaged = (problem: string): AgentError => new AgentError("UPDATE_DAMAGED", problem);

/** Hashes by file name, out of the lines that sha256sum(1) writes. Throws UPDATE_DAMAGED. */
export const parseSums = (text: string): ReadonlyMap<string, string> => {
  const sums = new Map<string, string>();
  for (const line of text.split("\n").filter((each) => each !== "")) {
    const [, hash = "", name = ""] = /^([0-9a-f]{64}) [ *](.+)$/.exec(line) ?? [];
    if (!FILE_NAME.test(name) || sums.has(name)) throw damaged(`${SUMS} has a line that makes no sense`);
    sums.set(name, hash);
  }
  return sums;
};

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && Number(value) > 0 && Number(value) <= MAX_PROGRAM;

/** Reads release.json; the hashes come from the signed sums. Throws UPDATE_DAMAGED. */
export const parseRelease = (text: string, sums: ReadonlyMap<string, string>): Release => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new AgentError("UPDATE_DAMAGED", `${RELEASE} is no JSON`, { cause: error });
  }
  if (!isRecord(raw) || !isRecord(raw.files)) throw damaged(`${RELEASE} does not describe a release`);
  const { version, rollout } = raw;
  if (typeof version !== "string" || !VERSION.test(version))
    throw damaged(`${RELEASE} names no version such as 1.2.3`);
  if (typeof rollout !== "number" || !(rollout >= 0 && rollout <= 100))
    throw damaged(`${RELEASE} must say for which share of the boards it is: 0 to 100`);
  const hashOf = (name: unknown): { name: string; sha256: string } => {
    const sha256 = typeof name === "string" ? sums.get(name) : undefined;
    if (typeof name !== "string" || sha256 === undefined)
      throw damaged(`${RELEASE} names a file that ${SUMS} does not`);
    return { name, sha256 };
  };
  const files = Object.entries(raw.files).map(([platform, file]): readonly [string, ReleaseFile] => {
    if (!isRecord(file) || !isSize(file.bytes) || !isSize(file.packedBytes))
      throw damaged(`${RELEASE} tells no sizes for ${JSON.stringify(platform.slice(0, 32))}`);
    const { bytes, packedBytes } = file;
    return [
      platform,
      { ...hashOf(file.name), bytes, packed: { ...hashOf(file.packed), bytes: packedBytes } },
    ];
  });
  return { version, rollout, files: Object.fromEntries(files) };
};

/** Below zero when `a` is older than `b`, above when newer. Versions that are no three numbers are older than all. */
export const compareVersions = (a: string, b: string): number => {
  const [left, right] = [a, b].map((version) => VERSION.exec(version)?.slice(1).map(Number) ?? [-1, 0, 0]);
  for (const place of [0, 1, 2]) {
    const difference = (left?.[place] ?? 0) - (right?.[place] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};
