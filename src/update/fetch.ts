// The first half of an update, as the service's own account: look at what the maker offers, check that it is the maker's,
// and fetch the program, from where it was cut off the last time. What is fetched is checked again by the second half
// (apply.ts), which trusts nothing that this account can write.

import { createHash } from "node:crypto";
import { open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { AgentError, asAgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { type Choice, choose, type Here, type Wish } from "./choice.ts";
import { checkRoom, diskFault, hashOfFile, syncFolder, writeWhole } from "./disk.ts";
import { checkSignature, type MakerKey } from "./minisign.ts";
import type { Place } from "./place.ts";
import {
  MAX_RELEASE,
  MAX_SIGNATURE,
  MAX_SUMS,
  parseRelease,
  parseSums,
  RELEASE,
  type Release,
  type ReleaseFile,
  SIGNATURE,
  SUMS,
} from "./release.ts";

/** Pauses before a download that was cut off goes on, in milliseconds; after the last one it is given up. */
const PAUSES_MS = [1_000, 5_000, 20_000, 60_000];

export interface FetchParts {
  readonly place: Place;
  readonly maker: MakerKey;
  readonly here: Here;
  /** `linux-arm64` */
  readonly platform: string;
  /** Where what is fetched goes; it is there. */
  readonly folder: string;
  readonly clock: Clock;
  readonly progress: (version: string, bytes: number, of: number) => void;
}

/** A release and the texts that prove it. */
export interface Offer {
  readonly release: Release;
  readonly texts: Readonly<Record<typeof SUMS | typeof SIGNATURE | typeof RELEASE, Buffer>>;
}

/** Checks the three texts of a release. Throws UPDATE_SIGNATURE, UPDATE_DAMAGED. */
export const readOffer = (texts: Offer["texts"], maker: MakerKey): Release => {
  checkSignature(texts[SUMS], texts[SIGNATURE].toString("utf8"), maker);
  const sums = parseSums(texts[SUMS].toString("utf8"));
  const hash = createHash("sha256").update(texts[RELEASE]).digest("hex");
  if (sums.get(RELEASE) !== hash)
    throw new AgentError("UPDATE_DAMAGED", `${RELEASE} is not the one that is signed`);
  return parseRelease(texts[RELEASE].toString("utf8"), sums);
};

/** What the maker offers. Throws UPDATE_UNREACHABLE, UPDATE_SIGNATURE, UPDATE_DAMAGED. */
export const askForOffer = async (place: Place, maker: MakerKey, signal: AbortSignal): Promise<Offer> => {
  const texts = {
    [SUMS]: await place.read(SUMS, MAX_SUMS, signal),
    [SIGNATURE]: await place.read(SIGNATURE, MAX_SIGNATURE, signal),
    [RELEASE]: await place.read(RELEASE, MAX_RELEASE, signal),
  };
  return { release: readOffer(texts, maker), texts };
};

/** The program of a release for this board. Throws UPDATE_UNFIT where there is none. */
export const fileFor = (release: Release, platform: string): ReleaseFile => {
  const file = Object.hasOwn(release.files, platform) ? release.files[platform] : undefined;
  if (file === undefined)
    throw new AgentError(
      "UPDATE_UNFIT",
      `version ${release.version} is for ${Object.keys(release.files).join(", ") || "nothing"}, and this board is ${platform}`,
    );
  return file;
};

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  );

/** One go at the rest of a file: what comes is added to `part`. */
const continueDownload = async (
  { place, progress }: FetchParts,
  version: string,
  { name, bytes }: ReleaseFile["packed"],
  part: string,
  signal: AbortSignal,
): Promise<void> => {
  const have = await sizeOf(part);
  const answer = await place.open(name, have, signal);
  await using file = await open(part, "a", 0o600);
  if (answer.from !== have) await file.truncate(answer.from);
  let size = answer.from;
  for await (const chunk of answer.chunks) {
    size += chunk.length;
    if (size > bytes) throw new AgentError("UPDATE_DAMAGED", `${name} is longer than the release says`);
    await file.writeFile(chunk);
    progress(version, size, bytes);
  }
  await file.sync();
  if (size < bytes) throw new AgentError("UPDATE_UNREACHABLE", `${place.name}: ${name} was cut off`);
};

/** Fetches a file to `path` and checks its hash; goes on where an earlier try was cut off. */
const download = async (
  parts: FetchParts,
  version: string,
  file: ReleaseFile["packed"],
  path: string,
  signal: AbortSignal,
): Promise<void> => {
  // Named by its hash, so that what is left of another file is never continued.
  const part = join(parts.folder, `${file.sha256}.part`);
  let attempt = 0;
  for (;;) {
    const begun = await sizeOf(part);
    try {
      if (begun < file.bytes) await continueDownload(parts, version, file, part, signal);
      const { hash } = await hashOfFile(part);
      if (hash.digest("hex") === file.sha256) break;
      await rm(part, { force: true });
      throw new AgentError("UPDATE_DAMAGED", `${file.name} is not the one that is signed`);
    } catch (error) {
      signal.throwIfAborted();
      const fault = asAgentError(diskFault(part, error));
      // A bad line that brings a little each time still brings all.
      if ((await sizeOf(part)) > begun) attempt = 0;
      const pauseMs = PAUSES_MS[attempt++];
      // What was left of an earlier try may be what is wrong; then once more from the start.
      const again = fault.code === "UPDATE_UNREACHABLE" || (fault.code === "UPDATE_DAMAGED" && begun > 0);
      if (fault.code === "UPDATE_DAMAGED") await rm(part, { force: true });
      if (!again || pauseMs === undefined) throw fault;
      await parts.clock.sleep(pauseMs, signal);
    }
  }
  await rename(part, path);
  await syncFolder(parts.folder);
};

/** What came of a look at the maker's place. */
export interface Fetched {
  readonly version: string;
  /** `take`: the program is in the folder, and the second half may begin. */
  readonly choice: Choice["kind"];
}

/**
 * Looks for a release and, when this board takes it, fetches it into the folder. Throws UPDATE_UNREACHABLE,
 * UPDATE_SIGNATURE, UPDATE_DAMAGED, UPDATE_UNFIT, UPDATE_CANNOT_WRITE.
 */
export const fetchRelease = async (parts: FetchParts, wish: Wish, signal: AbortSignal): Promise<Fetched> => {
  const { place, maker, here, platform, folder } = parts;
  const { release, texts } = await askForOffer(place, maker, signal);
  const { version } = release;
  const choice = choose(release, here, wish).kind;
  if (choice !== "take") return { version, choice };
  const { packed } = fileFor(release, platform);
  const path = join(folder, packed.name);
  try {
    const wanted: readonly string[] = [packed.name, `${packed.sha256}.part`];
    for (const name of await readdir(folder))
      if (!wanted.includes(name)) await rm(join(folder, name), { recursive: true, force: true });
    const there = await hashOfFile(path).then(
      ({ hash }) => hash.digest("hex") === packed.sha256,
      () => false,
    );
    if (!there) {
      await checkRoom(folder, packed.bytes - (await sizeOf(join(folder, `${packed.sha256}.part`))));
      await download(parts, version, packed, path, signal);
    }
    for (const [name, text] of Object.entries(texts)) await writeWhole(join(folder, name), text, 0o600);
  } catch (error) {
    throw diskFault(folder, error);
  }
  return { version, choice };
};
