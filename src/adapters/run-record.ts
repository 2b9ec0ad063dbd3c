// How the last run of the agent ended, in a small file of the state folder: `last-run.json`. Not in the vault: it is no
// loss, and a start does not wait for it: it is written after the first request to the org. Who ends in an orderly way says so; a file that still says "running" was left
// behind by a cut of power, where the kernel has started anew since, or else by a kill or a crash.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { asAgentError, type ErrorCode, entryOf, errorTable } from "../errors.ts";
import type { Started } from "../model.ts";
import type { Vault } from "../ports.ts";
import { type EpochMs, iso } from "../units.ts";
import { disk } from "./files.ts";

/** How a run ended. Moments are ISO 8601, by the board's clock at that time. */
export type RunEnd =
  /** There was none before. */
  | { readonly how: "first" }
  /** It was told to stop, or stopped by itself: with this exit code, and because of this fault. */
  | {
      readonly how: "stopped";
      readonly exitCode: number;
      readonly code: ErrorCode | null;
      readonly at: string;
    }
  /** Without a word, and the kernel has started anew since. */
  | { readonly how: "power"; readonly startedAt: string }
  /** Without a word, while the kernel ran on: a signal, the watchdog, no memory, a crash. */
  | { readonly how: "killed"; readonly startedAt: string };

export interface RunRecord {
  readonly startedAt: string;
  readonly version: string;
  /** The kernel's id of this boot; empty where it has none. */
  readonly boot: string;
  /** What ended the run before. */
  readonly before: RunEnd;
  /** Null while it runs, or where it has ended without a word. */
  readonly end: { readonly exitCode: number; readonly code: ErrorCode | null; readonly at: string } | null;
}

const MOST_BYTES = 4096;

const pathOf = (dir: string): string => join(dir, "last-run.json");

const readSmall = (path: string): string | null => {
  try {
    const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!fstatSync(fd).isFile()) return null;
      const bytes = Buffer.alloc(MOST_BYTES);
      return bytes.toString("utf8", 0, readSync(fd, bytes, 0, MOST_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return null;
  }
};

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const word = (value: unknown): value is string => typeof value === "string" && value.length <= 64;

const known = (value: unknown): ErrorCode | null =>
  typeof value === "string" && Object.hasOwn(errorTable, value) ? (value as ErrorCode) : null;

const readEnd = (raw: unknown): RunEnd | undefined => {
  if (!isRecord(raw)) return undefined;
  const { how, exitCode, code, at, startedAt } = raw;
  if (how === "first") return { how };
  if (how === "stopped" && typeof exitCode === "number" && word(at))
    return { how, exitCode, code: known(code), at };
  return (how === "power" || how === "killed") && word(startedAt) ? { how, startedAt } : undefined;
};

/** Reads a record; undefined for what is none. */
export const parseRun = (text: string): RunRecord | undefined => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(raw)) return undefined;
  const { startedAt, version, boot, end } = raw;
  const before = readEnd(raw.before);
  if (!word(startedAt) || !word(version) || !word(boot) || before === undefined) return undefined;
  const ended = isRecord(end) ? readEnd({ ...end, how: "stopped" }) : undefined;
  if (ended?.how !== "stopped") return { startedAt, version, boot, before, end: null };
  const { exitCode, code, at } = ended;
  return { startedAt, version, boot, before, end: { exitCode, code, at } };
};

/** How the run of a record ended, for the one that begins in this boot. */
export const endOf = (last: RunRecord | undefined, boot: string): RunEnd => {
  if (last === undefined) return { how: "first" };
  if (last.end !== null) return { how: "stopped", ...last.end };
  return { how: last.boot === boot ? "killed" : "power", startedAt: last.startedAt };
};

/** What others are told of a run. */
export const startedOf = ({ startedAt, before }: RunRecord): Started =>
  before.how !== "stopped"
    ? { at: startedAt, after: before.how, code: null }
    : { at: startedAt, after: before.exitCode === 0 ? "stopped" : "error", code: before.code };

/** The newest record of a state folder; undefined where there is none that can be read. */
export const lastRun = (dir: string): RunRecord | undefined => parseRun(readSmall(pathOf(dir)) ?? "");

const bootId = (): string => (readSmall("/proc/sys/kernel/random/boot_id") ?? "").trim();

/** On the disk when it resolves; what the disk does not take is told elsewhere. */
const write = async (dir: string, record: RunRecord): Promise<void> => {
  const path = pathOf(dir);
  try {
    const fd = await disk.open(`${path}.new`, "w", 0o600);
    try {
      await disk.writeFile(fd, Buffer.from(JSON.stringify(record)));
      await disk.fsync(fd);
    } finally {
      await disk.close(fd);
    }
    await disk.rename(`${path}.new`, path);
  } catch {
    // The run before is then what is known.
  }
};

/**
 * The vault, and a record in its folder of each run that has the agent's lock: another agent that finds it taken leaves no
 * word. `work` under that lock gives the exit code.
 */
export const recordRuns = (
  vault: Vault,
  about: {
    readonly dir: string;
    readonly version: string;
    readonly boot?: string;
    /** Told of the run that begins. */
    readonly began?: (run: RunRecord) => void;
    /** The record is looked at and written when this has resolved: a start has better things to do. */
    readonly after?: Promise<void>;
  },
  wall: () => EpochMs,
): Vault => ({
  read: (key, least) => vault.read(key, least),
  write: (key, value, generations) => vault.write(key, value, generations),
  setAside: (key) => vault.setAside(key),
  settle: (proven) => vault.settle(proven),
  locked: (name, work, signal) => {
    if (name !== "agent") return vault.locked(name, work, signal);
    const recorded: typeof work = async () => {
      const { dir, version, after } = about;
      const startedAt = iso(wall());
      const over = Promise.withResolvers<void>();
      const begin = async (): Promise<RunRecord> => {
        await Promise.race([after, over.promise]);
        const { boot = bootId() } = about;
        const record = { startedAt, version, boot, before: endOf(lastRun(dir), boot), end: null };
        about.began?.(record);
        await write(dir, record);
        return record;
      };
      const begun = begin();
      let [exitCode, code]: [number, ErrorCode | null] = [70, null];
      try {
        const value = await work();
        if (typeof value === "number") exitCode = value;
        return value;
      } catch (error) {
        const fault = asAgentError(error);
        [exitCode, code] = signal.aborted ? [0, null] : [entryOf(fault.code).exitCode ?? 70, fault.code];
        throw error;
      } finally {
        over.resolve();
        await write(dir, { ...(await begun), end: { exitCode, code, at: iso(wall()) } });
      }
    };
    return vault.locked(name, recorded, signal);
  },
});
