import type { JSONWebKeySet } from "jose";
import type { Vault } from "../ports.ts";
import { readKeySet } from "./key-set.ts";

// The last good keys of each address, on disk, so that a board without its org still knows them after a restart.

/** An address, the issuer whose keys are there, and the last good ones. */
export interface KeptSet {
  readonly url: string;
  /** Null where only an address is known, as for pinned asset token keys. */
  readonly issuer: string | null;
  readonly set: JSONWebKeySet;
}

/** A board has one org, and perhaps another address for asset tokens; more are of orgs it has left. */
const MAX_SETS = 4;
const MAX_BYTES = 512 * 1024;
const MAX_ADDRESS = 2048;
const VERSION = 1;

const isAddress = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_ADDRESS;

const readOne = (one: unknown): readonly KeptSet[] => {
  if (typeof one !== "object" || one === null || !("url" in one) || !("issuer" in one)) return [];
  const { url, issuer } = one;
  const set = readKeySet(JSON.stringify(one));
  if (set === undefined || !isAddress(url) || !(issuer === null || isAddress(issuer))) return [];
  return [{ url, issuer, set }];
};

/** What is kept, newest first; a file that is damaged, or cannot be read, is as good as none. */
export const readKeptSets = async (vault: Vault): Promise<readonly KeptSet[]> => {
  try {
    const bytes = await vault.read("org-keys");
    if (bytes === undefined || bytes.length > MAX_BYTES) return [];
    const kept: unknown = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof kept !== "object" || kept === null || !("version" in kept) || kept.version !== VERSION)
      return [];
    return "sets" in kept && Array.isArray(kept.sets) ? kept.sets.slice(0, MAX_SETS).flatMap(readOne) : [];
  } catch {
    return [];
  }
};

/** Keeps the newest few. Throws STATE_UNWRITABLE. */
export const writeKeptSets = async (vault: Vault, sets: readonly KeptSet[]): Promise<void> => {
  const kept = sets.slice(0, MAX_SETS).map(({ url, issuer, set }) => ({ url, issuer, keys: set.keys }));
  await vault.write("org-keys", new TextEncoder().encode(JSON.stringify({ version: VERSION, sets: kept })));
};
