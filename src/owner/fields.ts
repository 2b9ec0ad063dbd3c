import { signedLimits } from "../broker/signed-limits.ts";
import type { TimeOfDay } from "../model.ts";
import { isTimeZone } from "../time-zone.ts";
import { type EpochMs, fromNumericDate } from "../units.ts";
import { type Fields, isFields } from "./encodings.ts";
import { Refused } from "./refused.ts";

// Reads the members of a signed command. Members that nobody knows are refused, not ignored: they may be limits.

export const invalid = (what: string): Refused => new Refused("COMMAND_INVALID", what);

/** Throws COMMAND_INVALID for a member that is not among `known`. */
export const onlyMembers = (fields: Fields, known: readonly string[], where: string): void => {
  const other = Object.keys(fields).find((name) => !known.includes(name));
  if (other !== undefined) throw invalid(`${where} has a member that nobody knows`);
};

export const object = (value: unknown, what: string): Fields => {
  if (!isFields(value)) throw invalid(`${what} must be an object`);
  return value;
};

export const pattern = (value: unknown, form: RegExp, what: string): string => {
  if (typeof value !== "string" || !form.test(value)) throw invalid(what);
  return value;
};

const NAME = new RegExp(signedLimits.name, "u");

export const readName = (value: unknown): string => {
  const name = pattern(value, NAME, "name must have 1 to 64 characters");
  if (!name.isWellFormed() || name.trim() === "") throw invalid("name must have 1 to 64 characters");
  return name;
};

const LIGHT = new RegExp(`^${signedLimits.lamp}$`);

export const readLightId = (value: unknown): string =>
  pattern(value, LIGHT, "light must be the id of a lamp");

/** Ids of lamps; null, for all, when missing. */
export const readLights = (value: unknown): readonly string[] | null => {
  if (value === undefined) return null;
  if (!Array.isArray(value) || value.length === 0 || value.length > signedLimits.lamps)
    throw invalid("lights must be a list of lamps");
  return value.map(readLightId);
};

/** Whole seconds since 1970, up to the year 9999. */
export const readMoment = (value: unknown, what: string): EpochMs => {
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0 || value > signedLimits.latestMoment)
    throw invalid(`${what} must be whole seconds since 1970`);
  return fromNumericDate(value);
};

/** 1 to 255 as 0..1; null when missing. */
export const readBrightness = (value: unknown, what: string): number | null => {
  if (value === undefined) return null;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 1 || value > 255)
    throw invalid(`${what} must be a whole number from 1 to 255`);
  return value / 255;
};

const TIME = new RegExp(`^${signedLimits.time}$`);

export const readTime = (value: unknown, what: string): TimeOfDay =>
  pattern(value, TIME, `${what} must be a time of day such as 18:00`);

/** Two different times of day, in the members of these names, and their zone. */
export const readTimes = (
  fields: Fields,
  first: string,
  second: string,
): { readonly begin: TimeOfDay; readonly end: TimeOfDay; readonly timeZone: string } => {
  const begin = readTime(fields[first], first);
  const end = readTime(fields[second], second);
  if (begin === end) throw invalid(`${first} and ${second} are the same`);
  return { begin, end, timeZone: readTimeZone(fields.timeZone) };
};

export const readTimeZone = (value: unknown): string => {
  if (typeof value !== "string" || !isTimeZone(value)) throw invalid("timeZone must be an IANA time zone");
  return value;
};
