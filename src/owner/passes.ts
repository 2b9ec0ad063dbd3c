import { signedLimits } from "../broker/signed-limits.ts";
import {
  type GuestMay,
  type GuestPass,
  guestMays,
  type LightChange,
  type LightState,
  type SignedRequest,
} from "../model.ts";
import { after, type EpochMs } from "../units.ts";
import type { Fields } from "./encodings.ts";
import {
  invalid,
  object,
  onlyMembers,
  pattern,
  readBrightness,
  readLights,
  readMoment,
  readName,
  readTimes,
} from "./fields.ts";
import { phoneKeyOf } from "./phone-key.ts";

/** A pass ends at the latest so long after the command that admits it, in milliseconds. */
const LONGEST_MS = signedLimits.passDays * 24 * 3_600_000;

const PASS = /^[\w-]{1,64}$/;

export const readPassId = (value: unknown): string =>
  pattern(value, PASS, "the pass must have an id of 1 to 64 letters, digits, _ and -");

const readHolder = ({ user, key }: Fields): GuestPass["to"] => {
  if ((user === undefined) === (key === undefined)) throw invalid("a pass has either user or key");
  if (user !== undefined)
    return {
      kind: "user",
      userId: pattern(user, /^[\x21-\x7e]{1,255}$/, "user must be a user id of the org"),
    };
  const members = object(key, "key");
  const read = phoneKeyOf(members);
  // RSA keys are read from a phone that signs in; a pass is to stay small.
  if (read === undefined || read.alg === "RS256" || Object.hasOwn(members, "d"))
    throw invalid("key must be a public JWK: EC P-256 or OKP Ed25519");
  return { kind: "key", thumbprint: read.thumbprint, jwk: read.jwk };
};

const isMay = (value: unknown): value is GuestMay => guestMays.some((each) => each === value);

const readMay = (value: unknown): readonly GuestMay[] => {
  if (!Array.isArray(value) || value.length === 0 || value.length > guestMays.length || !value.every(isMay))
    throw invalid(`may must be a list of ${guestMays.join(", ")}`);
  return value;
};

const readDaily = (value: unknown): GuestPass["daily"] => {
  if (value === undefined) return null;
  const fields = object(value, "daily");
  onlyMembers(fields, ["from", "to", "timeZone"], "daily");
  const { begin, end, timeZone } = readTimes(fields, "from", "to");
  return { from: begin, to: end, timeZone };
};

const members = ["id", "name", "user", "key", "lights", "may", "maxBrightness", "from", "until", "daily"];

/** Reads a pass as it crosses the wire and lies on disk. Throws COMMAND_INVALID. */
export const readPass = (value: unknown): GuestPass => {
  const fields = object(value, "pass");
  onlyMembers(fields, members, "the pass");
  const from = fields.from === undefined ? null : readMoment(fields.from, "from");
  const until = readMoment(fields.until, "until");
  if (from !== null && from >= until) throw invalid("the pass ends before it begins");
  return {
    id: readPassId(fields.id),
    name: readName(fields.name),
    to: readHolder(fields),
    lights: readLights(fields.lights),
    may: readMay(fields.may),
    maxBrightness: readBrightness(fields.maxBrightness, "maxBrightness"),
    from,
    until,
    daily: readDaily(fields.daily),
  };
};

/** A pass out of a command signed at `at`: it has not ended, and does so within a year. Throws COMMAND_INVALID. */
export const readNewPass = (value: unknown, at: EpochMs): GuestPass => {
  const pass = readPass(value);
  if (pass.until <= at) throw invalid("the pass has ended");
  if (pass.until > after(at, LONGEST_MS))
    throw invalid(`until is more than ${signedLimits.passDays} days ahead`);
  return pass;
};

/** Minutes since midnight by the clocks of a zone. */
const minuteOfDay = (at: EpochMs, timeZone: string): number => {
  const { hour, minute } = Temporal.Instant.fromEpochMilliseconds(Math.floor(at)).toZonedDateTimeISO(
    timeZone,
  );
  return hour * 60 + minute;
};

const minutesOf = (time: string): number => Number(time.slice(0, 2)) * 60 + Number(time.slice(3));

const countsAt = ({ from, until, daily }: GuestPass, at: EpochMs): boolean => {
  if ((from !== null && at < from) || at >= until) return false;
  if (daily === null) return true;
  const [begin, end, now] = [minutesOf(daily.from), minutesOf(daily.to), minuteOfDay(at, daily.timeZone)];
  return begin < end ? begin <= now && now < end : begin <= now || now < end;
};

const DAY_MINUTES = 24 * 60;
const MINUTE_MS = 60_000;

/** When a pass that counts at `at` counts no more: at its daily end or at its end, whichever comes first. */
export const endOf = (pass: GuestPass, at: EpochMs): EpochMs => {
  const { daily, until } = pass;
  if (daily === null) return until;
  const { to, timeZone } = daily;
  const left = (minutesOf(to) - minuteOfDay(at, timeZone) + DAY_MINUTES) % DAY_MINUTES;
  const thisMinute = after(at, -(at % MINUTE_MS));
  const end = after(thisMinute, left * MINUTE_MS);
  // Where the clocks are changed in between, that is an hour off.
  const off = (minutesOf(to) - minuteOfDay(end, timeZone) + 1.5 * DAY_MINUTES) % DAY_MINUTES;
  const exact = after(end, (off - DAY_MINUTES / 2) * MINUTE_MS);
  // All day long, from a time to the same.
  return exact >= until || countsAt(pass, exact) ? until : exact;
};

/** What of `may` a change needs. A brightness alone says `on` as well, which is the lamp's matter: see `limited`. */
const needs = (change: LightChange): readonly GuestMay[] => [
  ...(change.on === false || (change.on === true && change.brightness === undefined)
    ? ["switch" as const]
    : []),
  ...(change.brightness === undefined ? [] : ["brightness" as const]),
  ...(change.colour === undefined ? [] : ["colour" as const]),
  ...(change.effect === undefined ? [] : ["effect" as const]),
];

export type GuestVerdict = "ok" | "COMMAND_FORBIDDEN" | "GUEST_LIMIT" | "GUEST_TIME";

/** Holds a guest's request against the pass at a moment, as far as that can be said without the lamp; `first` is the main lamp. */
export const judgeGuest = (
  pass: GuestPass,
  request: SignedRequest,
  first: string,
  at: EpochMs,
): GuestVerdict => {
  if (request.do !== "light") return "COMMAND_FORBIDDEN";
  const { change } = request;
  const { lights, may, maxBrightness } = pass;
  if (lights !== null && !lights.includes(request.light ?? first)) return "GUEST_LIMIT";
  if (!needs(change).every((each) => may.includes(each))) return "GUEST_LIMIT";
  if (maxBrightness !== null && (change.brightness ?? 0) > maxBrightness) return "GUEST_LIMIT";
  // It flashes at full brightness, whatever the lamp's own is.
  if (maxBrightness !== null && change.effect === "identify") return "GUEST_LIMIT";
  // A fade moves the lamp until its end.
  return countsAt(pass, at) && countsAt(pass, after(at, request.fadeMs)) ? "ok" : "GUEST_TIME";
};

/**
 * A guest's change for a lamp in this state: one that was brighter comes on no brighter than the pass allows, and none
 * comes on by a brightness or an effect for a guest who may not switch it.
 */
export const limited = (
  pass: GuestPass,
  change: LightChange,
  state: LightState,
): LightChange | "GUEST_LIMIT" => {
  const comesOn = !state.on && (change.on ?? (change.brightness !== undefined || change.effect === "blink"));
  if (!comesOn) return change;
  if (!pass.may.includes("switch")) return "GUEST_LIMIT";
  const { maxBrightness } = pass;
  if (maxBrightness === null || change.brightness !== undefined) return change;
  // A lamp without a brightness to come back to would be full.
  const isWithin = state.brightness > 0 && state.brightness <= maxBrightness;
  return isWithin ? change : { ...change, brightness: maxBrightness };
};
