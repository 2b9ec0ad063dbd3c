import { type EpochMs, epochMs } from "../units.ts";

// The memory of obeyed commands as it lies on disk.

export interface StoredReplay {
  readonly floor: EpochMs;
  readonly newest: EpochMs;
  /** Null after an orderly end: then `ids` are all that may still be repeated. */
  readonly horizon: EpochMs | null;
  /** A hash of key and id of each, and when its time is over. */
  readonly ids: readonly (readonly [string, EpochMs])[];
}

const VERSION = 1;
const MAX_BYTES = 1024 * 1024;
const MAX_IDS = 8192;
const MAX_NAME = 64;

/** The bytes to keep. */
export const encodeReplay = ({ floor, newest, horizon, ids }: StoredReplay): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: VERSION, floor, newest, horizon, ids }));

const isMoment = (value: unknown): value is EpochMs => typeof value === "number" && Number.isFinite(value);

const isEntry = (value: unknown): value is readonly [string, EpochMs] =>
  Array.isArray(value) &&
  value.length === 2 &&
  typeof value[0] === "string" &&
  value[0].length <= MAX_NAME &&
  isMoment(value[1]);

/** Null when the bytes are damaged. */
export const decodeReplay = (bytes: Uint8Array): StoredReplay | null => {
  if (bytes.length > MAX_BYTES) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (typeof value !== "object" || value === null) return null;
    const { version, floor, newest, horizon, ids }: Readonly<Record<string, unknown>> = { ...value };
    if (version !== VERSION || !isMoment(floor) || !(newest === null || isMoment(newest))) return null;
    if (!(horizon === null || isMoment(horizon))) return null;
    if (!Array.isArray(ids) || ids.length > MAX_IDS || !ids.every(isEntry)) return null;
    return { floor, newest: newest ?? epochMs(-Infinity), horizon, ids };
  } catch {
    return null;
  }
};
