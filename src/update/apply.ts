// The second half of an update, as root and without the network: what the service's account fetched is checked once more,
// unpacked to where only root writes, tried out, and made the running version; if that one does not come online and stay
// healthy within its time, the one before it runs again. A cut of power at any point leaves a board that starts: the links
// in the folder of programs are changed in one step each, and the service's own script gives a trial two starts.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";
import { AgentError, asAgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";
import { iso } from "../units.ts";
import { choose, MOST_TRIES, type Wish } from "./choice.ts";
import { checkRoom, diskFault, syncFolder } from "./disk.ts";
import { fileFor, readOffer } from "./fetch.ts";
import { type Before, beforeOf, type Health, healthy, keepBefore, readBefore } from "./health.ts";
import type { MakerKey } from "./minisign.ts";
import type { Programs } from "./programs.ts";
import {
  MAX_RELEASE,
  MAX_SIGNATURE,
  MAX_SUMS,
  RELEASE,
  type Release,
  type ReleaseFile,
  SIGNATURE,
  SUMS,
} from "./release.ts";

/** What an update needs of the machine around it. */
export interface Machine {
  /** The version that `program` says it is, and whether it takes this board's settings. Throws UPDATE_UNFIT. */
  probe(program: string, signal: AbortSignal): Promise<{ readonly version: string }>;
  /** Asks the running agent by `program`; null when none answers. */
  health(program: string, signal: AbortSignal): Promise<Health | null>;
  /** True while the service is running or being started. */
  active(): Promise<boolean>;
  /** Starts the service anew. A start that fails is none of its business. */
  restart(): Promise<void>;
}

export interface ApplyParts {
  readonly programs: Programs;
  /** The folder that the first half fetched into. */
  readonly fetched: string;
  readonly maker: MakerKey;
  readonly platform: string;
  /** The version that runs, and its own program. */
  readonly running: { readonly version: string; readonly program: string };
  readonly machine: Machine;
  /** How long a new version may take until it has been online for a while, in milliseconds. */
  readonly trialMs: number;
  readonly clock: Clock;
  readonly say: (text: string) => void;
}

/** The usual `trialMs`, and how long a new version has to be online, in milliseconds. */
export const TRIAL_MS = 10 * 60_000;
export const SETTLED_MS = 20_000;
const LOOK_MS = 2_000;

/** What an asked-for update may do. */
export interface ApplyWish extends Wish {
  /** Also while a lamp is on. */
  readonly now: boolean;
}

export type Applied =
  | { readonly kind: "installed"; readonly version: string }
  /** Nothing was fetched, or nothing that this board takes. */
  | { readonly kind: "nothing" }
  /** A lamp is on: later. */
  | { readonly kind: "inUse"; readonly version: string };

/** A small file that somebody else wrote: no link is followed, and no more than `max` bytes are read. */
const readSmall = async (path: string, max: number): Promise<Buffer> => {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const { size } = await file.stat();
  if (size > max) throw new AgentError("UPDATE_DAMAGED", `${path} is larger than ${max} bytes`);
  const buffer = Buffer.alloc(max);
  const { bytesRead } = await file.read(buffer, 0, max, 0);
  return buffer.subarray(0, bytesRead);
};

const readFetched = async (folder: string, maker: MakerKey): Promise<Release | null> => {
  const texts = await Promise.all([
    readSmall(join(folder, SUMS), MAX_SUMS),
    readSmall(join(folder, SIGNATURE), MAX_SIGNATURE),
    readSmall(join(folder, RELEASE), MAX_RELEASE),
  ]).catch((error: unknown) => {
    if (error instanceof AgentError) throw error;
    return null;
  });
  if (texts === null) return null;
  const [sums, signature, release] = texts;
  return readOffer({ [SUMS]: sums, [SIGNATURE]: signature, [RELEASE]: release }, maker);
};

/** Writes the chunks to a new file and checks how many bytes they are, and their hash. Throws UPDATE_DAMAGED. */
const writeChecked = async (
  from: AsyncIterable<Uint8Array>,
  path: string,
  mode: number,
  wanted: { readonly name: string; readonly bytes: number; readonly sha256: string },
  signal: AbortSignal,
): Promise<void> => {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, "wx", mode);
  for await (const chunk of from) {
    signal.throwIfAborted();
    bytes += chunk.length;
    if (bytes > wanted.bytes) break;
    hash.update(chunk);
    await file.writeFile(chunk);
  }
  if (bytes !== wanted.bytes || hash.digest("hex") !== wanted.sha256)
    throw new AgentError("UPDATE_DAMAGED", `${wanted.name} is not the one that is signed`);
  await file.chmod(mode);
  await file.sync();
};

/** Unpacks the program of a release beside the others; what was checked is root's copy, not the file of the other account. */
const unpack = async (
  { programs, fetched }: ApplyParts,
  version: string,
  file: ReleaseFile,
  signal: AbortSignal,
): Promise<void> => {
  const draft = join(programs.folder, `${version}.new`);
  const copy = join(draft, "packed");
  const program = join(draft, "porchlight");
  await checkRoom(programs.folder, file.bytes + file.packed.bytes);
  await mkdir(draft, { mode: 0o755 });
  {
    await using source = await open(
      join(fetched, file.packed.name),
      constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK,
    );
    await writeChecked(source.createReadStream({ autoClose: false }), copy, 0o600, file.packed, signal);
  }
  {
    await using packed = await open(copy);
    const stream = createZstdDecompress();
    const feeding = pipeline(packed.createReadStream({ autoClose: false }), stream);
    // A failure of the feeding also ends the stream that is read, with its own error.
    feeding.catch(() => undefined);
    await writeChecked(stream, program, 0o755, file, signal).catch((error: unknown) => {
      stream.destroy();
      throw error instanceof Error && "code" in error && String(error.code).startsWith("ZSTD_")
        ? new AgentError("UPDATE_DAMAGED", `${file.packed.name} cannot be unpacked`, { cause: error })
        : error;
    });
  }
  await rm(copy);
  await syncFolder(draft);
  await rm(join(programs.folder, version), { recursive: true, force: true });
  await rename(draft, join(programs.folder, version));
  await syncFolder(programs.folder);
};

const gaveUp = (version: string): AgentError =>
  new AgentError("UPDATE_WENT_BACK", `${version} was started twice and did not come online`);

/** Watches a version that is being tried: it becomes the current one, or throws UPDATE_WENT_BACK when it is not. */
const tryOut = async (
  { programs, machine, trialMs, clock, say }: ApplyParts,
  version: string,
  before: Before | null,
  signal: AbortSignal,
): Promise<void> => {
  const until = clock.mono() + trialMs;
  let wellSince: number | null = null;
  for (;;) {
    if ((await programs.link("trial")) !== version) throw gaveUp(version);
    const well = healthy(await machine.health(programs.path(version), signal), version, before);
    if (!well) wellSince = null;
    else if (wellSince === null) {
      wellSince = clock.mono();
      say(`${version} answers as it should; looking whether it stays so`);
    } else if (clock.mono() - wellSince >= SETTLED_MS) return;
    if (clock.mono() > until) {
      await programs.setLink("trial", null);
      await machine.restart();
      throw new AgentError(
        "UPDATE_WENT_BACK",
        `${version} was not online and healthy within ${Math.round(trialMs / 1000)} s`,
      );
    }
    await clock.sleep(LOOK_MS, signal);
  }
};

/** Makes the version that was tried the current one. Each step may be the last before a cut of power. */
const promote = async ({ programs }: ApplyParts, version: string): Promise<void> => {
  const before = await programs.link("current");
  if (before !== version) {
    await programs.setLink("previous", before);
    await programs.setLink("current", version);
  }
  await programs.setLink("trial", null);
  await programs.forgetStarts();
  await programs.prune();
};

const install = async (
  parts: ApplyParts,
  release: Release,
  wish: ApplyWish,
  signal: AbortSignal,
): Promise<Applied> => {
  const { programs, machine, running, platform, say } = parts;
  const { version } = release;
  const file = fileFor(release, platform);
  const inUse = (health: Health | null): boolean =>
    !wish.now && health !== null && health.lights.some(({ on }) => on);
  if (inUse(await machine.health(running.program, signal))) return { kind: "inUse", version };
  await programs.prune();
  say(`unpacking ${version}`);
  await unpack(parts, version, file, signal);
  const program = programs.path(version);
  const found = await machine.probe(program, signal);
  if (found.version !== version)
    throw new AgentError("UPDATE_UNFIT", `the program of ${version} says that it is ${found.version}`);
  signal.throwIfAborted();
  const active = await machine.active();
  // Unpacking takes a while: perhaps somebody has come home.
  const health = active ? await machine.health(running.program, signal) : null;
  if (inUse(health)) return { kind: "inUse", version };
  if (active) {
    const before = health === null ? null : beforeOf(health);
    if (before !== null) await keepBefore(programs.folder, version, before);
    await programs.forgetStarts();
    await programs.setLink("trial", version);
    say(`starting ${version}`);
    await machine.restart();
    await tryOut(parts, version, before, signal);
  }
  await promote(parts, version);
  return { kind: "installed", version };
};

/**
 * Puts what was fetched in its place, or goes on with a trial that a cut of power interrupted. What comes of it is noted
 * for `porchlight status`. An aborted signal leaves a trial to the next call. Throws UPDATE_SIGNATURE, UPDATE_DAMAGED,
 * UPDATE_UNFIT, UPDATE_CANNOT_WRITE; UPDATE_WENT_BACK when the version before runs again.
 */
export const applyUpdate = async (
  parts: ApplyParts,
  wish: ApplyWish,
  signal: AbortSignal,
): Promise<Applied> => {
  const { programs, clock, running } = parts;
  const note = (version: string, outcome: "installed" | "wentBack" | "refused", error: AgentError | null) =>
    programs.note({
      version,
      outcome,
      code: error?.code ?? null,
      message: error?.message ?? null,
      at: iso(clock.wall()),
    });
  let version: string | null = null;
  try {
    version = await programs.link("failed");
    if (version !== null) throw gaveUp(version);
    version = await programs.link("trial");
    if (version !== null) {
      await tryOut(parts, version, await readBefore(programs.folder, version), signal);
      await promote(parts, version);
      await note(version, "installed", null);
      return { kind: "installed", version };
    }
    const release = await readFetched(parts.fetched, parts.maker);
    if (release === null) return { kind: "nothing" };
    const { failures } = await programs.record();
    // For which share of the boards it is was asked when it was fetched.
    const choice = choose(
      { ...release, rollout: 100 },
      { running: running.version, deviceId: "", failures },
      wish,
    );
    if (choice.kind !== "take") return { kind: "nothing" };
    version = release.version;
    const applied = await install(parts, release, wish, signal);
    if (applied.kind === "installed") await note(version, "installed", null);
    return applied;
  } catch (error) {
    signal.throwIfAborted();
    const fault = asAgentError(diskFault(programs.folder, error));
    // A disk that cannot be written cannot take the note either; then the message has to do.
    if (version !== null)
      await note(version, fault.code === "UPDATE_WENT_BACK" ? "wentBack" : "refused", fault).catch(
        () => undefined,
      );
    await programs.setLink("failed", null).catch(() => undefined);
    await programs.prune().catch(() => undefined);
    throw fault;
  }
};

/**
 * Makes the version before the current one run again, as somebody asked; the one that is left is not taken again by
 * itself. Throws UPDATE_UNFIT when there is none.
 */
export const goBack = async ({ programs, machine, clock, say }: ApplyParts): Promise<string | null> => {
  const [current, previous] = [await programs.link("current"), await programs.link("previous")];
  if (current === null)
    throw new AgentError("UPDATE_UNFIT", "the version that was installed runs; there is none before it");
  const message = `somebody asked for the version before ${current}`;
  await programs.note(
    { version: current, outcome: "wentBack", code: null, message, at: iso(clock.wall()) },
    MOST_TRIES,
  );
  await programs.setLink("trial", null);
  await programs.setLink("current", previous);
  await programs.setLink("previous", null);
  await programs.prune();
  if (await machine.active()) {
    say("starting the version before");
    await machine.restart();
  }
  return previous;
};
