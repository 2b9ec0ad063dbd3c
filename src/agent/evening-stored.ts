// What a board keeps of its evening over restarts, and how it stands on the disk. Pure.

import type { Evening } from "../model.ts";
import { type EpochMs, epochMs } from "../units.ts";
import { type Person, readPerson } from "../users.ts";

/** What the owner said from the phone. */
export interface Said {
  readonly by: Person;
  /** Null: no more evenings. */
  readonly schedule: Evening | null;
  /** The settings' own schedule at that time: when that is another one by now, it is the newer wish. */
  readonly instead: Evening | null;
}

export interface Stored {
  /** Null: the settings' schedule counts. */
  readonly said: Said | null;
  /** How far the schedule has been followed; null: it begins to count now. */
  readonly done: {
    /** Of which schedule. */
    readonly of: Evening;
    /** The newest moment that was dealt with. */
    readonly at: EpochMs;
  } | null;
}

/** Largest stored evening, in bytes. */
const MAX_BYTES = 65_536;

export const nothingStored: Stored = { said: null, done: null };

export const encodeEvening = (stored: Stored): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: 1, ...stored }));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isTime = (value: unknown): value is string =>
  typeof value === "string" && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value);

/** A time of day, or dusk and the minutes after or before it. */
const isBegin = (value: unknown): value is string =>
  isTime(value) || (typeof value === "string" && /^dusk(?:[+-](?:[1-9]\d?|1[0-7]\d|180))?$/.test(value));

const readSchedule = (value: unknown): Evening | null => {
  if (!isObject(value)) return null;
  const { on, off, timeZone, lights, brightness, away } = value;
  if (!isBegin(on) || !isTime(off) || typeof timeZone !== "string") return null;
  const isLights = lights === null || (Array.isArray(lights) && lights.every((id) => typeof id === "string"));
  const isBrightness =
    brightness === null || (typeof brightness === "number" && brightness > 0 && brightness <= 1);
  if (!isLights || !isBrightness) return null;
  // A zone that this version does not know is for the keeper to tell: the schedule is not forgotten for it.
  return { on, off, timeZone, lights, brightness, away: away === true };
};

/** Throws where it is neither a schedule nor null. */
const scheduleOrNull = (value: unknown): Evening | null => {
  const schedule = readSchedule(value);
  if (schedule === null && value !== null) throw new RangeError("no schedule");
  return schedule;
};

const readSaid = (value: unknown): Said | null => {
  if (!isObject(value)) return null;
  const by = readPerson(value.by);
  return by === null
    ? null
    : { by, schedule: scheduleOrNull(value.schedule), instead: scheduleOrNull(value.instead) };
};

const readDone = (value: unknown): Stored["done"] => {
  const of = isObject(value) ? readSchedule(value.of) : null;
  return of === null || !isObject(value) || typeof value.at !== "number"
    ? null
    : { of, at: epochMs(value.at) };
};

/** What was kept; a damaged file is nothing, which a person sees in the app and can set again. */
export const decodeEvening = (bytes: Uint8Array | undefined): Stored => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return nothingStored;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1) return nothingStored;
    return { said: readSaid(value.said), done: readDone(value.done) };
  } catch {
    return nothingStored;
  }
};

/** Two that say the same, however they came about. */
export const isSameEvening = (one: Evening | null, other: Evening | null): boolean => {
  if (one === null || other === null) return one === other;
  const fields = (schedule: Evening): string => {
    const { on, off, timeZone, lights, brightness, away } = schedule;
    return JSON.stringify([on, off, timeZone, lights, brightness, away]);
  };
  return fields(one) === fields(other);
};
