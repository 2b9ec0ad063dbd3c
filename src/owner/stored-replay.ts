import { type EpochMs, epochMs } from "../units.ts";
import { type Era, MAX_ERAS } from "./eras.ts";

// The memory of obeyed commands as it lies on disk.

export interface StoredReplay {
  readonly floor: EpochMs;
  readonly newest: EpochMs;
  /** Null after an orderly end: then `ids` are all that may still be repeated. */
  readonly horizon: EpochMs | null;
  /** A hash of key and id of each, and when its time is over. */
  readonly ids: readonly (readonly [string, EpochMs])[];
  /** When what was obeyed by the clock as it is now was signed; and by a clock that was wrong. */
  readonly eras: readonly Era[];
  readonly banned: readonly Era[];
}

const VERSION = 2;
const MAX_BYTES = 1024 * 1024;
const MAX_IDS = 8192;
const MAX_NAME = 64;

/** The bytes to keep. */
export const encodeReplay = ({ eras, banned, ...rest }: StoredReplay): Uint8Array => {
  const spans = (of: readonly Era[]) => of.map(({ from, to }) => [from, to]);
  return new TextEncoder().encode(
    JSON.stringify({ version: VERSION, ...rest, eras: spans(eras), banned: spans(banned) }),
  );
};

const isMoment = (value: unknown): value is EpochMs => typeof value === "number" && Number.isFinite(value);

const isEntry = (value: unknown): value is readonly [string, EpochMs] =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === "string" &&
  value[0].length <= MAX_NAME &&
  isMoment(value[1]);

const readEras = (value: unknown): readonly Era[] | null => {
  if (!Array.isArray(value) || value.length > MAX_ERAS) return null;
  const eras = value.flatMap((each: unknown) =>
    Array.isArray(each) && each.length === 2 && isMoment(each[0]) && isMoment(each[1])
      ? [{ from: each[0], to: each[1] }]
      : [],
  );
  return eras.length === value.length ? eras : null;
};

/** Null when the bytes are damaged. */
export const decodeReplay = (bytes: Uint8Array): StoredReplay | null => {
  if (bytes.length > MAX_BYTES) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value !== "object" || value === null) return null;
    const { version, floor, newest, horizon, ids, ...more }: Readonly<Record<string, unknown>> = { ...value };
    // Version 1 kept no spans: everything up to the last moment it knew.
    if ((version !== 1 && version !== VERSION) || !isMoment(floor)) return null;
    if (!(newest === null || isMoment(newest))) return null;
    if (!(horizon === null || isMoment(horizon))) return null;
    if (!Array.isArray(ids) || ids.length > MAX_IDS || !ids.every(isEntry)) return null;
    const until = epochMs(Math.max(floor, newest ?? floor, horizon ?? floor));
    const eras = version === 1 ? [{ from: epochMs(0), to: until }] : readEras(more.eras);
    const banned = version === 1 ? [] : readEras(more.banned);
    if (eras === null || banned === null) return null;
    return { floor, newest: newest ?? epochMs(-Infinity), horizon, ids, eras, banned };
  } catch {
    return null;
  }
};
