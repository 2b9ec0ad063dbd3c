// What the board says, as JSON Schemas: exact, so that whatever it says is in here. Their members are held to the types
// that the code sends (model.ts) by the compiler, and to what it does send by the tests.

import { errorTable } from "../errors.ts";
import {
  type About,
  type Approvals,
  type CommandResult,
  type Health,
  type HealthProblem,
  type HomeSource,
  type Identity,
  type LightTraits,
  lightEffects,
  type Started,
  type UpdateOutcome,
} from "../model.ts";
import { MAX_ID_LENGTH } from "./codec.ts";
import { ranges, TEMPERATURE_MODE, words } from "./codec-limits.ts";
import { about, between, exactly, listOf, namesOf, oneOf, orNull, type Schema } from "./contract-shapes.ts";
import { FLASH_S } from "./discovery.ts";
import { OFFLINE, ONLINE } from "./payloads.ts";
import { LEVEL } from "./topics.ts";

const text: Schema = { type: "string" };
const flag: Schema = { type: "boolean" };
const count: Schema = { type: "integer", minimum: 0 };
const level: Schema = { type: "string", pattern: `^${LEVEL}$` };
const errorCode: Schema = { $ref: "error-code" };

export const availability: Schema = oneOf([ONLINE, OFFLINE]);

export const errorCodes: Schema = oneOf(Object.keys(errorTable));

/** A lamp's state as a result carries it; the retained state says more. */
const lampMembers: Readonly<Record<string, Schema>> = {
  state: about(oneOf(["ON", "OFF"]), "whether it is on"),
  brightness: about(
    between([1, ranges.brightness[1]], "integer"),
    "1 to 255 as the eye sees it; kept while off; missing for a lamp that only switches",
  ),
  color_mode: about(
    oneOf(["rgb", TEMPERATURE_MODE, "brightness", "onoff"]),
    "which of the other members tells the light's colour",
  ),
  color: about(
    exactly({
      r: between(ranges.r, "integer"),
      g: between(ranges.g, "integer"),
      b: between(ranges.b, "integer"),
    }),
    "with `color_mode` `rgb`",
  ),
  color_temp: about({ type: "integer", minimum: 1 }, "kelvin, with `color_mode` `color_temp`"),
  effect: about(oneOf(words.effect), "the effect that runs, or `none`; missing for a lamp without effects"),
};

const mayMiss = ["brightness", "color", "color_temp", "effect"];

export const lightState: Schema = exactly(
  {
    ...lampMembers,
    available: about(flag, "false while the hardware does not answer"),
    fault: about(orNull({ anyOf: [errorCode] }), "why it does not, or null"),
  },
  mayMiss,
);

const resultMembers = {
  id: about(
    orNull({ type: "string", minLength: 1, maxLength: MAX_ID_LENGTH }),
    "the command's, else its correlation data as text, else null",
  ),
  outcome: about(
    oneOf(namesOf<CommandResult["outcome"]>({ done: true, refused: true, failed: true })),
    "`done`; `refused` (with a `code` from [errors.md](errors.md); the lamp was not touched); `failed` (the hardware did not take it)",
  ),
  code: about(orNull({ anyOf: [errorCode] }), "why not, or null"),
  message: about(orNull(text), "the same in words, or null"),
  light: about(level, "the lamp it was for; the first when the command named none"),
  state: about(
    orNull(exactly(lampMembers, mayMiss)),
    "the lamp's state after it, or null where there is no such lamp",
  ),
  guests: about(
    listOf({ $ref: "guest-pass" }),
    "only after `admit`, `guests` and `revoke`: the [guest passes](signed-commands.md#guest-passes) that the board keeps",
  ),
} as const satisfies Readonly<Record<keyof CommandResult, Schema>>;

export const result: Schema = exactly(resultMembers, ["guests"]);

const kelvin: Schema = { type: "number", exclusiveMinimum: 0 };

const traits: Schema = exactly({
  dims: about(flag, "whether it has brightness"),
  temperature: about(
    orNull(exactly({ minKelvin: kelvin, maxKelvin: kelvin })),
    "whites it can show, or null",
  ),
  rgb: about(flag, "whether it shows colours"),
  effects: listOf(oneOf(lightEffects)),
} satisfies Readonly<Record<keyof LightTraits, Schema>>);

const lamp: Schema = exactly({
  id: level,
  name: text,
  traits,
  topics: exactly({ set: text, state: text }),
} satisfies Readonly<Record<keyof About["lights"][number] | "topics", Schema>>);

// The user name stays out of it, as it often is a mail address.
const owner: Schema = exactly({
  userId: text,
  name: text,
  orgId: orNull(text),
} satisfies Readonly<Record<Exclude<keyof Identity, "username">, Schema>>);

// The message stays out of it, as it may name paths of the board.
const update: Schema = exactly({
  version: text,
  outcome: oneOf(namesOf<UpdateOutcome["outcome"]>({ installed: true, wentBack: true, refused: true })),
  code: orNull({ anyOf: [errorCode] }),
  at: about(text, "ISO 8601"),
} satisfies Readonly<Record<Exclude<keyof UpdateOutcome, "message">, Schema>>);

const started: Schema = exactly({
  at: about(text, "ISO 8601"),
  after: oneOf(
    namesOf<Started["after"]>({
      first: true,
      stopped: true,
      error: true,
      crashed: true,
      power: true,
      watchdog: true,
      memory: true,
      killed: true,
    }),
  ),
  code: orNull({ anyOf: [errorCode] }),
} satisfies Readonly<Record<Exclude<keyof Started, "restarts">, Schema>>);

const problem: Schema = exactly({
  code: { $ref: "error-code" },
  light: about(orNull(level), "the lamp it is about, or null"),
  since: about(orNull(text), "ISO 8601, as far as this run knows; null while the clock is not known"),
} satisfies Readonly<Record<keyof HealthProblem, Schema>>);

const health: Schema = exactly({
  status: oneOf(namesOf<Health["status"]>({ pass: true, warn: true, fail: true })),
  problems: about(listOf(problem), "what is wrong now, the worst first"),
  upSince: about(
    orNull(text),
    "when the program started (ISO 8601), by the clock as it is known by now; null while it is not",
  ),
  restarts: about(
    count,
    "starts in a row that nobody asked for, each within a day of the one before; 0 after a day without one",
  ),
  lastDay: about(
    exactly({
      reconnects: count,
      refused: count,
      faults: count,
    } satisfies Readonly<Record<keyof Health["lastDay"], Schema>>),
    "in the last 24 hours of this run, to the hour",
  ),
} satisfies Readonly<Record<keyof Health, Schema>>);

/** A member of `About` is a line here; the compiler asks for it. Schema, AsyncAPI and docs/topics.md follow. */
export const aboutMembers = {
  device: about(exactly({ id: level, name: text, serial: text }), "which board it is"),
  version: about(text, "of the program"),
  trust: about(
    oneOf(namesOf<About["trust"]>({ owner: true, broker: true })),
    "whose commands count: `owner` (signed ones only) or `broker` (whatever the broker lets through)",
  ),
  lights: about(
    listOf(lamp),
    "the lamps in the order of the settings, with what they can do and their topics",
  ),
  keyThumbprint: about(orNull(text), "of the board's own key (RFC 7638, SHA-256), or null before it has one"),
  owner: about(orNull(owner), "who approved it, as far as the org tells, or null"),
  evening: about(
    orNull({ anyOf: [{ $ref: "evening" }] }),
    "the [schedule](signed-commands.md#evening) by which the lamps go on and off, or null",
  ),
  eveningFrom: about(
    orNull(oneOf(namesOf<NonNullable<About["eveningFrom"]>>({ phone: true, settings: true }))),
    "who gave it: the owner's `phone`, also where that said that there is none, or the board's `settings`; null while nobody has",
  ),
  eveningSettings: about(
    orNull({ anyOf: [{ $ref: "evening" }] }),
    "the schedule of the board's settings, whether it counts or not, or null",
  ),
  eveningFault: about(
    orNull({ anyOf: [errorCode] }),
    "why the schedule cannot be followed as it stands (`HOME_UNKNOWN`, `HOME_BY_TIME_ZONE`, `NO_DUSK`, `CLOCK_UNSET`, `TIME_ZONE_UNKNOWN`), or null",
  ),
  homeFrom: about(
    orNull(oneOf(namesOf<HomeSource>({ settings: true, org: true, timeZone: true }))),
    "how the board knows where home is, which is never told itself: by its `settings`, by the `org`, or roughly, by the city of its `timeZone`; null while no schedule needs it, or nobody has told",
  ),
  signedInUntil: about(
    orNull(text),
    "until when the board stays signed in without a network (ISO 8601), or null when no end is known",
  ),
  approvals: about(
    orNull(exactly({ used: count, limit: count } satisfies Readonly<Record<keyof Approvals, Schema>>)),
    "how many of the approvals that the org allows a user for this app are used; at the limit the next sign-in signs out the oldest; null while the org has not told",
  ),
  update: about(
    orNull(update),
    "what became of the last [update](update.md) of the program: `installed`, `wentBack` or `refused`; null before the first",
  ),
  started: about(
    orNull(started),
    "when the program started, and what had ended the run before: `first` (none is known of), `stopped` (in order), `error` (by itself, with the error's `code` where it is known), `crashed` (by a bug), `power` (a cut of power or a reset), `watchdog` (it hung), `memory` (there was none left), `killed` (a signal, or one of these two where nobody told), perhaps others one day; null where the board does not keep that",
  ),
  health: about(
    health,
    "how the board is: `pass`; `warn` (something is wrong, and lamps obey; with STATE_UNWRITABLE perhaps no signed commands); `fail` (no lamp can be moved now). What is wrong, with codes from [errors.md](errors.md), and how often the broker had to be found anew (`reconnects`), commands were not obeyed (`refused`) and faults were told, passing ones as well (`faults`). Missing from boards of earlier versions",
  ),
} as const satisfies Readonly<Record<keyof About, Schema>>;

export const aboutBoard: Schema = exactly(aboutMembers);

const component: Schema = exactly(
  {
    platform: { const: "light" },
    schema: { const: "json" },
    unique_id: text,
    name: orNull(text),
    command_topic: text,
    state_topic: text,
    availability_mode: { const: "all" },
    availability: listOf(exactly({ topic: text, value_template: text }, ["value_template"])),
    qos: { const: 1 },
    supported_color_modes: listOf(oneOf(["rgb", TEMPERATURE_MODE, "brightness", "onoff"])),
    brightness: flag,
    brightness_scale: { const: ranges.brightness[1] },
    color_temp_kelvin: { const: true },
    min_kelvin: { type: "integer", minimum: 1 },
    max_kelvin: { type: "integer", minimum: 1 },
    effect: flag,
    effect_list: listOf(oneOf(words.effect)),
    flash: flag,
    flash_time_short: { const: FLASH_S },
    flash_time_long: { const: FLASH_S },
    transition: flag,
  },
  [
    ...["brightness_scale", "color_temp_kelvin", "min_kelvin", "max_kelvin", "effect_list"],
    ...["flash_time_short", "flash_time_long"],
  ],
);

export const discovery: Schema = exactly({
  device: exactly({
    identifiers: listOf(text),
    name: text,
    serial_number: text,
    sw_version: text,
    manufacturer: text,
    model: text,
  }),
  origin: exactly({ name: text, sw_version: text }),
  components: {
    type: "object",
    propertyNames: level,
    additionalProperties: component,
  },
});
