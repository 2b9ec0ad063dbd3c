import { MAX_ID_LENGTH, parseSet } from "../broker/codec.ts";
import { signedLimits } from "../broker/signed-limits.ts";
import type { Evening, SignedRequest } from "../model.ts";
import { type EpochMs, fromNumericDate } from "../units.ts";
import { type Fields, fieldsOf } from "./encodings.ts";
import {
  invalid,
  object,
  onlyMembers,
  readBrightness,
  readLightId,
  readLights,
  readName,
  readTime,
  readTimes,
  readTimeZone,
} from "./fields.ts";
import { readNewPass, readPassId } from "./passes.ts";
import { Refused } from "./refused.ts";

/** A signed command's content. */
export interface SignedContent {
  readonly device: string;
  readonly id: string;
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly request: SignedRequest;
}

export const isId = (value: unknown): value is string =>
  typeof value === "string" && value.length <= MAX_ID_LENGTH && /^[\x20-\x7e]+$/.test(value);

const readNumericDate = (value: unknown, what: string): EpochMs => {
  if (typeof value !== "number" || !(value >= 0 && value <= signedLimits.latestTime))
    throw invalid(`${what} must be a time`);
  return fromNumericDate(value);
};

const DUSK = new RegExp(`^${signedLimits.dusk}$`);

const readBegin = (fields: Fields): Pick<Evening, "on" | "off" | "timeZone"> => {
  const { on, off, timeZone } = fields;
  if (typeof on === "string" && DUSK.test(on))
    return { on, off: readTime(off, "off"), timeZone: readTimeZone(timeZone) };
  const times = readTimes(fields, "on", "off");
  return { on: times.begin, off: times.end, timeZone: times.timeZone };
};

/** Reads a schedule. Throws COMMAND_INVALID. */
export const readEvening = (value: unknown): Evening => {
  const fields = object(value, "evening");
  onlyMembers(fields, ["on", "off", "timeZone", "lights", "brightness", "away"], "evening");
  const { away = false } = fields;
  if (typeof away !== "boolean") throw invalid("away must be true or false");
  return {
    ...readBegin(fields),
    lights: readLights(fields.lights),
    brightness: readBrightness(fields.brightness, "brightness"),
    away,
  };
};

const optionalLight = ({ light }: Fields): string | null => (light === undefined ? null : readLightId(light));

/** By `do`: the members beside the common ones, and how they are read. */
const readers: Readonly<
  Record<
    SignedRequest["do"],
    { readonly members: readonly string[]; readonly read: (fields: Fields, at: EpochMs) => SignedRequest }
  >
> = {
  light: {
    members: ["light", "set"],
    read(fields) {
      const set = parseSet(fields.set);
      if (!set.ok) throw invalid(set.detail);
      return { do: "light", light: optionalLight(fields), change: set.change, fadeMs: set.fadeMs };
    },
  },
  admit: { members: ["pass"], read: ({ pass }, at) => ({ do: "admit", pass: readNewPass(pass, at) }) },
  guests: { members: [], read: () => ({ do: "guests" }) },
  revoke: { members: ["pass"], read: ({ pass }) => ({ do: "revoke", pass: readPassId(pass) }) },
  rename: {
    members: ["name", "light"],
    read: (fields) => ({ do: "rename", light: optionalLight(fields), name: readName(fields.name) }),
  },
  evening: {
    members: ["evening"],
    read: ({ evening }) => ({
      do: "evening",
      evening: evening === null || evening === "settings" ? evening : readEvening(evening),
    }),
  },
  signOut: { members: [], read: () => ({ do: "signOut" }) },
  update: { members: [], read: () => ({ do: "update" }) },
};

const isDo = (value: unknown): value is SignedRequest["do"] =>
  typeof value === "string" && Object.hasOwn(readers, value);

const common = ["porchlight", "device", "id", "iat", "exp", "do"];

/** Reads the content of a signed message. Throws COMMAND_INVALID. */
export const readContent = (text: string): SignedContent => {
  let fields: Fields;
  try {
    fields = fieldsOf(text, "the content");
  } catch (error) {
    throw error instanceof Refused ? invalid(error.detail) : error;
  }
  const { porchlight, device, id, iat, exp, do: what } = fields;
  if (porchlight !== "command") throw invalid("it is not signed as a command");
  if (typeof device !== "string") throw invalid("device is missing");
  if (!isId(id)) throw invalid(`id must have 1 to ${MAX_ID_LENGTH} printable ASCII characters`);
  const issuedAt = readNumericDate(iat, "iat");
  const expiresAt = readNumericDate(exp, "exp");
  if (expiresAt <= issuedAt || expiresAt > issuedAt + signedLimits.lifeS * 1000)
    throw invalid("exp must be after iat, by 300 s at most");
  if (!isDo(what)) throw invalid("do is nothing that this board knows");
  const { members, read } = readers[what];
  onlyMembers(fields, [...common, ...members], "it");
  return { device, id, issuedAt, expiresAt, request: read(fields, issuedAt) };
};
