// How a board is while it tries a version, held against how it was before. That is kept on the disk as long as the trial
// lasts: whoever goes on with it after a cut of power asks no more and no less than who began it.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { writeWhole } from "./disk.ts";

/** How the running agent is, as far as an update asks. */
export interface Health {
  /** The version that answers; null where it does not say. */
  readonly version: string | null;
  readonly online: boolean;
  readonly lights: readonly { readonly id: string; readonly on: boolean; readonly available: boolean }[];
}

/** How a board was before a trial, as far as the trial asks. */
export interface Before {
  readonly online: boolean;
  /** Ids of lamps that did not answer. */
  readonly silent: readonly string[];
}

/** The file of the folder of programs that holds it, beside the link `trial`. */
export const BEFORE = "trial-before.json";
const MAX_BEFORE = 64 * 1024;

const silentOf = ({ lights }: Health): readonly string[] =>
  lights.filter(({ available }) => !available).map(({ id }) => id);

export const beforeOf = (health: Health): Before => ({ online: health.online, silent: silentOf(health) });

/** Whether `version` does what it has to; `before` is null where nobody knows how the board was. */
export const healthy = (health: Health | null, version: string, before: Before | null): boolean => {
  if (health === null || health.version !== version) return false;
  // A board that waits for an approval, or whose broker is away, need not do better with the new version.
  if (!health.online && before?.online !== false) return false;
  // A lamp that did not answer before need not answer now.
  return before === null || silentOf(health).every((id) => before.silent.includes(id));
};

/** What makes no sense, or is of another trial, is as if it was not there. */
const parseBefore = (text: string, version: string): Before | null => {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch {
    return null;
  }
  const { trial, online, silent } = Object(raw) as Record<string, unknown>;
  if (trial !== version || typeof online !== "boolean" || !Array.isArray(silent)) return null;
  return silent.every((id) => typeof id === "string") ? { online, silent } : null;
};

/** How the board was before the trial of `version` that is under way in that folder. */
export const readBefore = async (folder: string, version: string): Promise<Before | null> => {
  const text = await readFile(join(folder, BEFORE), "utf8").catch(() => "");
  return text.length > MAX_BEFORE ? null : parseBefore(text, version);
};

/** Keeps it, to be called before the link `trial` leads to the version. */
export const keepBefore = (folder: string, version: string, before: Before): Promise<void> =>
  writeWhole(join(folder, BEFORE), `${JSON.stringify({ trial: version, ...before })}\n`, 0o644);
