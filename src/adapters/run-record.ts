// How the last run of the agent ended, in a small file of the state folder: `last-run.json`. Not in the vault: it is no
// loss, and a start does not wait for it: it is written after the first request to the org. Who ends in an orderly way says
// so, and who crashes, too; a file that still says "running" was left behind by a cut of power, where the kernel has
// started anew since, or else by a kill. Of that the service manager knows more (src/service/files.ts: ExecStopPost=).

import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { AgentError, asAgentError, type ErrorCode, entryOf, errorTable } from "../errors.ts";
import type { Ending, Started } from "../model.ts";
import type { Vault } from "../ports.ts";
import { type EpochMs, iso } from "../units.ts";
import { type Disk, disk as realDisk } from "./files.ts";
import { crashLine, plainLine } from "./redact.ts";

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
  /** By an error that nobody had expected. */
  | { readonly how: "crashed"; readonly crash: Crash; readonly at: string }
  /** Without a word, and the kernel has started anew since. */
  | { readonly how: "power"; readonly startedAt: string }
  /**
   * Without a word, while the kernel ran on: by a signal, where the service manager has told which; by its watchdog, because the
   * program hung; by the kernel, because memory ran out.
   */
  | { readonly how: "killed"; readonly startedAt: string; readonly signal: string | null }
  | { readonly how: "watchdog" | "memory"; readonly startedAt: string };

/** An error that nobody had expected. */
export interface Crash {
  /** Its class. */
  readonly name: string;
  /** The first line of its message, without what may be secret: at most 200 characters. */
  readonly message: string;
}

export interface RunRecord {
  readonly startedAt: string;
  readonly version: string;
  /** The kernel's id of this boot; empty where it has none. */
  readonly boot: string;
  /** What ended the run before. */
  readonly before: RunEnd;
  /** Starts in a row that nobody asked for, this one among them, each within a day of the one before. */
  readonly restarts: number;
  /** Null while it runs, or where it has ended without a word. */
  readonly end: {
    readonly exitCode: number;
    readonly code: ErrorCode | null;
    readonly at: string;
    /** Left out where it was none, so that an older version reads the rest. */
    readonly crash?: Crash;
  } | null;
}

const MOST_BYTES = 4096;
const DAY_MS = 24 * 3_600_000;
/** Of a program that ends by a mistake of its own (sysexits.h: EX_SOFTWARE). */
const EX_SOFTWARE = 70;

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

/** Shown on terminals as it is: no control characters. */
const word = (value: unknown): value is string =>
  typeof value === "string" && value.length <= 64 && plainLine(value) === value;

const known = (value: unknown): ErrorCode | null =>
  typeof value === "string" && Object.hasOwn(errorTable, value) ? (value as ErrorCode) : null;

const readCrash = (raw: unknown): Crash | null =>
  isRecord(raw) && word(raw.name) && typeof raw.message === "string" && raw.message.length <= 200
    ? { name: raw.name, message: plainLine(raw.message) }
    : null;

const readEnd = (raw: unknown): RunEnd | undefined => {
  if (!isRecord(raw)) return undefined;
  const { how, exitCode, code, at, startedAt, signal } = raw;
  const crash = readCrash(raw.crash);
  switch (how) {
    case "first":
      return { how };
    case "stopped":
      return typeof exitCode === "number" && word(at) ? { how, exitCode, code: known(code), at } : undefined;
    case "crashed":
      return crash !== null && word(at) ? { how, crash, at } : undefined;
    case "killed":
      return word(startedAt) ? { how, startedAt, signal: word(signal) ? signal : null } : undefined;
    case "power":
    case "watchdog":
    case "memory":
      return word(startedAt) ? { how, startedAt } : undefined;
    default:
      return undefined;
  }
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
  const restarts = Number.isSafeInteger(raw.restarts) ? Math.max(0, Number(raw.restarts)) : 0;
  const run = { startedAt, version, boot, before, restarts };
  const ended = isRecord(end) ? readEnd({ ...end, how: "stopped" }) : undefined;
  if (ended?.how !== "stopped") return { ...run, end: null };
  const { exitCode, code, at } = ended;
  const crash = isRecord(end) ? readCrash(end.crash) : null;
  return { ...run, end: { exitCode, code, at, ...(crash === null ? {} : { crash }) } };
};

/** What the service manager says of an end without a word: `$SERVICE_RESULT $EXIT_CODE $EXIT_STATUS` (systemd.exec(5)). */
const withoutWord = (told: string, startedAt: string): RunEnd => {
  const [result = "", , status = ""] = told.trim().split(" ");
  switch (result) {
    case "oom-kill":
      return { how: "memory", startedAt };
    case "watchdog":
      return { how: "watchdog", startedAt };
    case "signal":
    case "core-dump":
      return { how: "killed", startedAt, signal: /^[A-Z0-9]{1,10}$/.test(status) ? status : null };
    default:
      return { how: "killed", startedAt, signal: null };
  }
};

/** How the run of a record ended, for the one that begins in this boot. `told` is what the service manager left, or nothing. */
export const endOf = (last: RunRecord | undefined, boot: string, told = ""): RunEnd => {
  if (last === undefined) return { how: "first" };
  const { end, startedAt } = last;
  if (end === null) return last.boot === boot ? withoutWord(told, startedAt) : { how: "power", startedAt };
  const { exitCode, code, at, crash } = end;
  return crash === undefined ? { how: "stopped", exitCode, code, at } : { how: "crashed", crash, at };
};

/** Whether nobody had asked for the end, and so for the start after it. */
const isUnasked = (end: RunEnd): boolean =>
  end.how !== "first" && !(end.how === "stopped" && end.exitCode === 0);

/** The restarts that count at a start at `now`, after such an end of the last run. */
const restartsOf = (last: RunRecord | undefined, before: RunEnd, now: EpochMs): number => {
  if (last === undefined || !isUnasked(before)) return 0;
  const longAgo = Math.abs(now - Date.parse(last.startedAt)) > DAY_MS;
  return (longAgo ? 0 : last.restarts) + 1;
};

/** What others are told of a run. */
export const startedOf = ({ startedAt, before, restarts }: RunRecord): Started => {
  const told = { at: startedAt, code: null, restarts };
  if (before.how !== "stopped") return { ...told, after: before.how };
  return { ...told, after: before.exitCode === 0 ? "stopped" : "error", code: before.code };
};

/** The newest record of a state folder; undefined where there is none that can be read. */
export const lastRun = (dir: string): RunRecord | undefined => parseRun(readSmall(pathOf(dir)) ?? "");

const bootId = (): string => (readSmall("/proc/sys/kernel/random/boot_id") ?? "").trim();

/** On the disk when it resolves; what the disk does not take is told elsewhere. */
const write = async (dir: string, record: RunRecord, disk: Disk): Promise<void> => {
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

/** The same before it returns: nothing runs after it. Under another name, for the record of the start may be half written. */
const writeNow = (dir: string, record: RunRecord): void => {
  const path = pathOf(dir);
  try {
    const fd = openSync(`${path}.crash`, "w", 0o600);
    try {
      writeSync(fd, JSON.stringify(record));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(`${path}.crash`, path);
  } catch {
    // The run before is then what is known.
  }
};

/** Where the service manager leaves a word of how the service ended. */
export const ENDED = "ended";

/** Reads that word, once: it must not be told of a later run. */
const takeWord = (runtimeDir: string | undefined): string => {
  if (runtimeDir === undefined) return "";
  const path = join(runtimeDir, ENDED);
  const told = readSmall(path) ?? "";
  try {
    rmSync(path, { force: true });
  } catch {
    // Then it is read again, and says the same of one more run.
  }
  return told;
};

/** Of whatever runs under the lock: the agent says how it ended. */
const endingOf = (value: unknown): Ending =>
  isRecord(value) && typeof value.exitCode === "number"
    ? { exitCode: value.exitCode, error: value.error instanceof AgentError ? value.error : null }
    : { exitCode: EX_SOFTWARE, error: null };

const crashOf = (error: unknown): Crash => {
  const name = error instanceof Error ? error.constructor.name : typeof error;
  return {
    name: plainLine(name.slice(0, 64)),
    message: crashLine(error instanceof Error ? String(error.message) : ""),
  };
};

/**
 * The vault, and a record in its folder of each run that has the agent's lock: another agent that finds it taken leaves no
 * word. `work` under that lock gives an `Ending`.
 */
export const recordRuns = (
  vault: Vault,
  about: {
    readonly dir: string;
    readonly version: string;
    readonly boot?: string;
    /** $RUNTIME_DIRECTORY of the service. */
    readonly runtimeDir?: string | undefined;
    /** Told of the run that begins. */
    readonly began?: (run: RunRecord) => void;
    readonly disk?: Disk;
    /** The record is looked at and written when this has resolved: a start has better things to do. */
    readonly after?: Promise<void>;
  },
  wall: () => EpochMs,
): Vault => ({
  read: (key, least) => vault.read(key, least),
  write: (key, value, generations) => vault.write(key, value, generations),
  ready: () => vault.ready(),
  setAside: (key) => vault.setAside(key),
  settle: (proven) => vault.settle(proven),
  locked: (name, work, signal) => {
    if (name !== "agent") return vault.locked(name, work, signal);
    const recorded: typeof work = async () => {
      const { dir, version, after, disk = realDisk } = about;
      const now = wall();
      let made: RunRecord | undefined;
      const record = (): RunRecord => {
        if (made !== undefined) return made;
        const { boot = bootId() } = about;
        const last = lastRun(dir);
        const before = endOf(last, boot, takeWord(about.runtimeDir));
        made = {
          startedAt: iso(now),
          version,
          boot,
          before,
          restarts: restartsOf(last, before, now),
          end: null,
        };
        about.began?.(made);
        return made;
      };
      const over = Promise.withResolvers<void>();
      const begin = async (): Promise<void> => {
        await Promise.race([after, over.promise]);
        await write(dir, record(), disk);
      };
      const begun = begin();
      const endBy = (exitCode: number, error: AgentError | null): RunRecord => {
        const [code, at] = [error?.code ?? null, iso(wall())];
        const crash = error?.code === "BUG" ? { crash: crashOf(error.cause ?? error) } : {};
        return { ...record(), end: { exitCode, code, at, ...crash } };
      };
      const crashed = (error: unknown): void => {
        writeNow(dir, endBy(EX_SOFTWARE, new AgentError("BUG", undefined, { cause: error })));
      };
      // Only listens in: who handles it, or that nobody does, decides what becomes of the process.
      process.on("uncaughtExceptionMonitor", crashed);
      let ended: RunRecord | undefined;
      try {
        const value = await work();
        const { exitCode, error } = endingOf(value);
        ended = endBy(exitCode, error);
        return value;
      } catch (thrown) {
        const error = asAgentError(thrown);
        ended = signal.aborted ? endBy(0, null) : endBy(entryOf(error.code).exitCode ?? EX_SOFTWARE, error);
        throw thrown;
      } finally {
        process.off("uncaughtExceptionMonitor", crashed);
        over.resolve();
        await begun;
        await write(dir, ended ?? record(), disk);
      }
    };
    return vault.locked(name, recorded, signal);
  },
});
