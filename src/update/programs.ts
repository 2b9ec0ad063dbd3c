// The folder of the versions that updates brought, root's own. `current` leads to the one that runs, `trial` to one that
// has yet to prove itself, `previous` to the one before the current one, `failed` to a trial that the service's script gave
// up, `damaged` to a current one that it found unable to run; without a link it is the program that was installed. The service's scripts (src/service/programs.ts) read the same links.

import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { type ErrorCode, errorTable } from "../errors.ts";
import type { UpdateOutcome } from "../model.ts";
import { linkIn, setLink, syncFolder, writeWhole } from "./disk.ts";
import { BEFORE } from "./health.ts";

/** A link to a version. */
export type ProgramLink = "current" | "trial" | "previous" | "failed";

/** How often the service was started with the version of `trial`; counted by the service's own script. */
const TRIAL_STARTS = "trial-starts";
/** Where the service's script puts the link of a current version that cannot even say its version. */
const DAMAGED = "damaged";
const RECORD = "record.json";
const MAX_RECORD = 64 * 1024;
const VERSION = /^\d+\.\d+\.\d+$/;
/** Versions whose failures are remembered. */
const MOST_REMEMBERED = 16;

export interface UpdateRecord {
  readonly last: UpdateOutcome | null;
  /** How often this board went back from a version. */
  readonly failures: Readonly<Record<string, number>>;
}

export interface Programs {
  readonly folder: string;
  /** Path of the program of a version. */
  path(version: string): string;
  link(name: ProgramLink): Promise<string | null>;
  /** In one step; null takes the link away. */
  setLink(name: ProgramLink, version: string | null): Promise<void>;
  /** Takes away every version that no link leads to, what is half made, and how the board was before a trial that is over. */
  prune(): Promise<void>;
  record(): Promise<UpdateRecord>;
  /** Keeps what became of an update; one that did not work counts for `failures`, once unless said otherwise. */
  note(outcome: UpdateOutcome, failures?: number): Promise<void>;
  /** No start was counted yet. */
  forgetStarts(): Promise<void>;
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCode = (text: string): text is ErrorCode => Object.hasOwn(errorTable, text);

const parseOutcome = (raw: unknown): UpdateOutcome | null => {
  if (!isRecord(raw)) return null;
  const { version, outcome, code, message, at } = raw;
  if (typeof version !== "string" || !VERSION.test(version) || typeof at !== "string") return null;
  if (outcome !== "installed" && outcome !== "wentBack" && outcome !== "refused") return null;
  return {
    version,
    outcome,
    code: typeof code === "string" && isCode(code) ? code : null,
    message: typeof message === "string" ? message.slice(0, 1000) : null,
    at: at.slice(0, 40),
  };
};

/** The record as its file holds it; what makes no sense is as if it was not there: it decides about nothing but tries. */
const parseRecord = (text: string): UpdateRecord => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    raw = null;
  }
  if (!isRecord(raw)) return { last: null, failures: {} };
  const failures = isRecord(raw.failures) ? Object.entries(raw.failures) : [];
  const counted = failures.filter(
    (entry): entry is [string, number] => VERSION.test(entry[0]) && Number.isSafeInteger(entry[1]),
  );
  return { last: parseOutcome(raw.last), failures: Object.fromEntries(counted.slice(-MOST_REMEMBERED)) };
};

/** The record in a folder of programs; anybody may read it. */
export const readRecord = async (folder: string): Promise<UpdateRecord> => {
  const text = await readFile(join(folder, RECORD), "utf8").catch(() => "");
  return parseRecord(text.slice(0, MAX_RECORD));
};

export const programsIn = (folder: string): Programs => {
  const link = async (name: ProgramLink): Promise<string | null> => {
    const target = await linkIn(folder, name);
    return target !== null && VERSION.test(target) ? target : null;
  };
  return {
    folder,
    path: (version) => join(folder, version, "porchlight"),
    link,
    async setLink(name, version) {
      if (version !== null) return setLink(folder, name, version);
      await rm(join(folder, name), { force: true });
      await syncFolder(folder);
    },
    async prune() {
      const kept = await Promise.all((["current", "trial", "previous"] as const).map(link));
      const over = kept[1] === null ? [DAMAGED, BEFORE] : [DAMAGED];
      for (const name of await readdir(folder))
        if (over.includes(name) || (/^\d/.test(name) && !kept.includes(name)))
          await rm(join(folder, name), { recursive: true, force: true });
    },
    record: () => readRecord(folder),
    async note(last, failed = 1) {
      const { failures } = await readRecord(folder);
      const { [last.version]: before = 0, ...others } = failures;
      // What is refused as damaged or unwritable says nothing about the version.
      const itsFault = last.outcome === "wentBack" || last.code === "UPDATE_UNFIT";
      const now = itsFault
        ? { ...others, [last.version]: before + failed }
        : last.outcome === "installed"
          ? others
          : failures;
      await writeWhole(join(folder, RECORD), `${JSON.stringify({ last, failures: now })}\n`, 0o644);
    },
    async forgetStarts() {
      await rm(join(folder, TRIAL_STARTS), { force: true });
      await syncFolder(folder);
    },
  };
};
