// What the board is asked, as JSON Schemas. Plain commands may have members that the board does not know, as hubs send
// some; what is signed is exact.

import { type Evening, type GuestPass, guestMays, type SignedRequest } from "../model.ts";
import { MAX_COMMAND_BYTES, MAX_ID_LENGTH } from "./codec.ts";
import {
  colourForms,
  MOMENT,
  type Ranged,
  ranges,
  rgbModes,
  TEMPERATURE_MODE,
  words,
} from "./codec-limits.ts";
import { about, anyCase, between, exactly, listOf, oneOf, orNull, type Schema } from "./contract-shapes.ts";
import { signedLimits } from "./signed-limits.ts";
import { LEVEL } from "./topics.ts";

/** Null counts as not there. */
const ranged = (name: Ranged): Schema => orNull(between(ranges[name]));

/** The member is there, and not null. */
const has = (...names: readonly string[]): Schema => ({
  required: names,
  properties: Object.fromEntries(names.map((name) => [name, { not: { type: "null" } }])),
});

const changeMembers: Readonly<Record<string, Schema>> = {
  state: about(orNull(anyCase(words.state)), '`"ON"`, `"OFF"`'),
  brightness: about(ranged("brightness"), "0 to 255 as the eye sees it; alone it means on, 0 means off"),
  color_temp: about(
    ranged("color_temp"),
    "kelvin; outside of what the lamp has it is taken as the nearest it has; below 1000 it is taken as mireds",
  ),
  color: about(
    {
      type: ["object", "null"],
      properties: Object.fromEntries(colourForms.flat().map((name) => [name, ranged(name)])),
      anyOf: colourForms.map((names) => has(...names)),
    },
    '`{"r":255,"g":136,"b":0}` (0 to 255), or `{"h":32,"s":100}` (degrees, percent), or `{"x":0.6,"y":0.38}` (CIE 1931)',
  ),
  color_mode: {
    description:
      '`"color_temp"`, or `"rgb"`, `"hs"`, `"xy"`: which one counts where `color_temp` and `color` are both there',
  },
  effect: about(
    orNull(anyCase(words.effect)),
    '`"blink"`, `"identify"` (five seconds), `"none"`; null is `"none"`',
  ),
  flash: about(
    { anyOf: [anyCase(words.flash), between(ranges.flash), { type: "null" }] },
    '`"short"` (as effect `blink`), `"long"` (as `identify`), or seconds, as Home Assistant sends it (as `identify`, five seconds whatever the number)',
  ),
  transition: about(ranged("transition"), `seconds, ${ranges.transition.join(" to ")}`),
};

export const lightChange: Schema = {
  type: "object",
  properties: changeMembers,
  allOf: [
    {
      anyOf: [
        has("state"),
        has("brightness"),
        has("color_temp"),
        has("color"),
        { required: ["effect"] },
        has("flash"),
      ],
    },
    {
      if: has("color", "color_temp"),
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: {
        required: ["color_mode"],
        properties: { color_mode: { enum: [TEMPERATURE_MODE, ...rgbModes] } },
      },
    },
  ],
};

const safe = Number.MAX_SAFE_INTEGER;

const ownMembers: Readonly<Record<string, Schema>> = {
  id: about(
    {
      anyOf: [
        { type: "string", minLength: 1, maxLength: MAX_ID_LENGTH },
        between([-safe, safe], "integer"),
        { type: "null" },
      ],
    },
    `up to ${MAX_ID_LENGTH} characters; a second command with the same id is refused. Without it, MQTT 5 correlation data counts`,
  ),
  expiresAt: about(
    { anyOf: [{ type: "string", pattern: MOMENT }, { type: "number", minimum: 0 }, { type: "null" }] },
    "ISO 8601 with its zone, or milliseconds since 1970: not obeyed later than this",
  ),
};

export const command: Schema = { allOf: [{ $ref: "light-change" }], properties: ownMembers };

/** Every member of a command, in the order of the documents. */
export const commandMembers = { ...changeMembers, ...ownMembers };

const base64url = "[A-Za-z0-9_-]+";
const jws = `${base64url}\\.${base64url}\\.${base64url}`;
const compact = (pattern: string): Schema => ({ type: "string", maxLength: MAX_COMMAND_BYTES, pattern });

export const signedEnvelope: Schema = exactly(
  {
    pkt: about(
      compact(`^${Array.from({ length: 5 }, () => base64url).join(":")}(?:\\.${jws})?$`),
      "the PK token in its compact form; missing where a guest has a key alone",
    ),
    osm: about(compact(`^${jws}$`), "the signed message, a compact JWS; its payload is a signed command"),
  },
  ["pkt"],
);

const printable = { type: "string", pattern: `^[\\x20-\\x7e]{1,${MAX_ID_LENGTH}}$` };
const level: Schema = { type: "string", pattern: `^${LEVEL}$` };
const lamp: Schema = { type: "string", pattern: `^${signedLimits.lamp}$` };
const name = about({ type: "string", pattern: signedLimits.name }, "1 to 64 characters that can be shown");
const seconds: Schema = { type: "number", minimum: 0, maximum: signedLimits.latestTime };
const moment = about(
  { type: "integer", minimum: 0, maximum: signedLimits.latestMoment },
  "whole seconds since 1970",
);
const timeOfDay: Schema = { type: "string", pattern: `^${signedLimits.time}$` };
const timeZone = about({ type: "string", pattern: "^[A-Za-z][\\w+/-]{0,63}$" }, "IANA name");
const lamps = about(
  { ...listOf(lamp), minItems: 1, maxItems: signedLimits.lamps },
  "ids of lamps, or missing for all",
);
const brightness = between([1, ranges.brightness[1]], "integer");
const nothing = {};

// 32 bytes in base64url, in the one way to write them
const coordinate: Schema = { type: "string", pattern: "^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$" };
const publicKey = (members: Readonly<Record<string, Schema>>): Schema => ({
  type: "object",
  // The private half has no place here.
  properties: { ...members, d: false },
  required: Object.keys(members),
});

const passMembers = {
  id: about(level, "a pass with the id of another replaces it"),
  name,
  user: about(
    { type: "string", pattern: "^[\\x21-\\x7e]{1,255}$" },
    "the org's user id of the guest, who signs in as the owner does",
  ),
  key: {
    description: "a public key as a JWK (EC P-256 or OKP Ed25519), for a guest without an account",
    anyOf: [
      publicKey({ kty: { const: "EC" }, crv: { const: "P-256" }, x: coordinate, y: coordinate }),
      publicKey({ kty: { const: "OKP" }, crv: { const: "Ed25519" }, x: coordinate }),
    ],
  },
  lights: lamps,
  may: about(
    { ...listOf(oneOf(guestMays)), minItems: 1, maxItems: guestMays.length },
    "what the guest may change",
  ),
  maxBrightness: about(brightness, "for lamps that dim, others come on in full; missing: no limit"),
  from: about(moment, "whole seconds since 1970; before `until`"),
  until: about(moment, `whole seconds since 1970, at most ${signedLimits.passDays} days ahead`),
  daily: about(
    exactly({ from: timeOfDay, to: timeOfDay, timeZone }),
    "only between these two times of day; over midnight when `to` is before `from`",
  ),
} as const satisfies Readonly<Record<Exclude<keyof GuestPass, "to"> | "user" | "key", Schema>>;

const passOptional = ["user", "key", "lights", "maxBrightness", "from", "daily"];

export const guestPass: Schema = {
  ...exactly(passMembers, passOptional),
  oneOf: [{ required: ["user"] }, { required: ["key"] }],
};

export const evening: Schema = exactly(
  {
    on: about(
      { type: "string", pattern: `^(?:${signedLimits.time}|${signedLimits.dusk})$` },
      "a time of day; or `dusk`, `dusk+30`, `dusk-15`: minutes after or before it gets dark, up to 180",
    ),
    off: about(timeOfDay, "another than `on`"),
    timeZone,
    lights: lamps,
    brightness: about(brightness, "missing: as it was"),
    away: about(
      { type: "boolean" },
      "nobody is at home: the lamps go on and off in between as if somebody were; missing: no",
    ),
  } satisfies Readonly<Record<keyof Evening, Schema>>,
  ["lights", "brightness", "away"],
);

/** A change as in a plain command, whose own id and end do not count here. */
const set: Schema = {
  allOf: [{ $ref: "light-change" }],
  properties: { id: false, expiresAt: false },
};

/** What each `do` has beside its name, and which of it may be missing. */
const requests = {
  light: [{ light: about(lamp, "the first lamp when missing"), set }, "light"],
  admit: [{ pass: { $ref: "guest-pass" } }],
  guests: [nothing],
  revoke: [{ pass: level }],
  rename: [{ light: about(lamp, "missing: the board itself"), name }, "light"],
  evening: [{ evening: { anyOf: [{ $ref: "evening" }, { enum: ["settings", null] }] } }],
  signOut: [nothing],
  update: [nothing],
} as const satisfies Readonly<
  Record<SignedRequest["do"], readonly [Readonly<Record<string, Schema>>, ...string[]]>
>;

const head: Readonly<Record<string, Schema>> = {
  porchlight: { const: "command" },
  device: about({ type: "string" }, "`device.id` of the board"),
  id: about(printable, "new for each command; random ones are best"),
  iat: seconds,
  exp: about(seconds, `after \`iat\`, at most ${signedLimits.lifeS} s later`),
};

export const signedCommand: Schema = {
  oneOf: Object.entries(requests).map(([word, [members, ...optional]]) =>
    exactly({ ...head, do: { const: word }, ...members }, optional),
  ),
};
