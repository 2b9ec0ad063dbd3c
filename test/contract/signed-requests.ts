// Contents of signed commands as a phone writes them (docs/signed-commands.md), every kind of request.

import fc from "fast-check";
import { signedLimits } from "../../src/broker/signed-limits.ts";
import { guestMays } from "../../src/model.ts";

const level = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const lamp = fc.stringMatching(/^[a-z0-9_-]{1,64}$/);
const lamps = fc.uniqueArray(lamp, { minLength: 1, maxLength: 4 });
const name = fc.stringMatching(/^[\x21-\x7e](?:[\x20-\x7e]{0,62}[\x21-\x7e])?$/);
const brightness = fc.integer({ min: 1, max: 255 });
/** Two different times of day. */
const times = fc
  .uniqueArray(fc.stringMatching(/^(?:[01]\d|2[0-3]):[0-5]\d$/), { minLength: 2, maxLength: 2 })
  .map(([first, second]) => ({ first, second }));
const timeZone = fc.constantFrom("Europe/Berlin", "America/New_York", "UTC", "Asia/Kathmandu");

/** 1 December 2026, in seconds. */
const NOW = 1_796_083_200;

const optional = <T extends Record<string, fc.Arbitrary<unknown>>>(
  required: readonly (keyof T & string)[],
  all: T,
): fc.Arbitrary<Record<string, unknown>> =>
  fc.record(all as Record<string, fc.Arbitrary<unknown>>, { requiredKeys: [...required] });

const to = fc.oneof(
  fc.record({ user: fc.stringMatching(/^005[A-Za-z0-9]{15}$/) }),
  fc.constantFrom(
    {
      key: {
        kty: "EC",
        crv: "P-256",
        x: "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        y: "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
      },
    },
    { key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" } },
  ),
);

export const guestPass = fc
  .tuple(
    to,
    optional(["id", "name", "may", "until"], {
      id: level,
      name,
      lights: lamps,
      may: fc.subarray([...guestMays], { minLength: 1 }),
      maxBrightness: brightness,
      from: fc.integer({ min: NOW - 86_400, max: NOW }),
      until: fc.integer({ min: NOW + 60, max: NOW + (signedLimits.passDays - 1) * 86_400 }),
      daily: fc
        .tuple(times, timeZone)
        .map(([{ first, second }, zone]) => ({ from: first, to: second, timeZone: zone })),
    }),
  )
  .map(([who, pass]) => ({ ...pass, ...who }));

const dusk = fc.constantFrom("dusk", "dusk+1", "dusk-99", "dusk+180");

export const evening = fc
  .tuple(
    times,
    fc.option(dusk),
    optional(["timeZone"], { timeZone, lights: lamps, brightness, away: fc.boolean() }),
  )
  .map(([{ first, second }, begin, rest]) => ({ on: begin ?? first, off: second, ...rest }));

const set = fc.constantFrom(
  { state: "ON" },
  { state: "OFF", transition: 2 },
  { brightness: 153 },
  { color: { r: 255, g: 136, b: 0 } },
  { color_temp: 2700, effect: "none" },
);

/** Every kind of request, by its word. */
const requests = {
  light: optional(["set"], { light: lamp, set }),
  admit: fc.record({ pass: guestPass }),
  guests: fc.constant({}),
  revoke: fc.record({ pass: level }),
  rename: optional(["name"], { light: lamp, name }),
  evening: fc.record({ evening: fc.oneof(evening, fc.constantFrom(null, "settings")) }),
  signOut: fc.constant({}),
  update: fc.constant({}),
};

/** The content of a signed command that is right in form, for the board `device`, made a moment before `now` (in seconds). */
export const signedContent = (device = "porch-1", now = NOW): fc.Arbitrary<Record<string, unknown>> =>
  fc
    .tuple(
      fc.oneof(
        ...Object.entries(requests).map(([word, rest]) =>
          (rest as fc.Arbitrary<object>).map((members) => ({ do: word, ...members })),
        ),
      ),
      fc.stringMatching(/^[\x20-\x7e]{1,128}$/),
      fc.double({ min: 0, max: 20, noNaN: true }),
      fc.double({ min: 30, max: signedLimits.lifeS - 1, noNaN: true }),
    )
    .map(([request, id, age, lifeS]) => {
      const iat = now - age;
      return { porchlight: "command", device, id, iat, exp: iat + lifeS, ...request };
    });

/** Changes that make a right content wrong in form. */
export const mutations: readonly (readonly [
  what: string,
  change: (content: Record<string, unknown>) => object,
])[] = [
  ["no purpose", ({ porchlight: _, ...rest }) => rest],
  ["another purpose", (content) => ({ ...content, porchlight: "login" })],
  ["no board", ({ device: _, ...rest }) => rest],
  ["a board that is no text", (content) => ({ ...content, device: 7 })],
  ["no id", ({ id: _, ...rest }) => rest],
  ["an empty id", (content) => ({ ...content, id: "" })],
  ["an id that is too long", (content) => ({ ...content, id: "x".repeat(129) })],
  ["an id with a line break", (content) => ({ ...content, id: "a\nb" })],
  ["no beginning", ({ iat: _, ...rest }) => rest],
  ["a time in words", (content) => ({ ...content, exp: "tomorrow" })],
  ["nothing to do", ({ do: _, ...rest }) => rest],
  ["something unknown to do", (content) => ({ ...content, do: "explode" })],
  ["a light without a change", (content) => ({ ...content, do: "light", set: undefined })],
  ["a change that changes nothing", (content) => ({ ...content, do: "light", set: {} })],
  [
    "an end for the change itself",
    (content) => ({ ...content, do: "light", set: { state: "ON", expiresAt: 1 } }),
  ],
  ["a member that nobody knows", (content) => ({ ...content, urgent: true })],
  ["a time after all times", (content) => ({ ...content, exp: 1e12 })],
  ["a lamp that no board has", (content) => ({ ...content, do: "rename", name: "Porch", light: "Porch!" })],
  ["a name of spaces", (content) => ({ ...content, do: "rename", name: "  " })],
  ["a name with a line break", (content) => ({ ...content, do: "rename", name: "a\nb" })],
  ["a name that is too long", (content) => ({ ...content, do: "rename", name: "x".repeat(65) })],
  ["a pass that is no id", (content) => ({ ...content, do: "revoke", pass: "a b" })],
  [
    "a pass to nobody",
    (content) => ({ ...content, do: "admit", pass: { id: "p", name: "Bob", may: ["switch"], until: NOW } }),
  ],
  [
    "a pass for nothing",
    (content) => ({
      ...content,
      do: "admit",
      pass: { id: "p", name: "Bob", user: "005", may: [], until: NOW },
    }),
  ],
  [
    "a pass without an end",
    (content) => ({ ...content, do: "admit", pass: { id: "p", name: "Bob", user: "005", may: ["switch"] } }),
  ],
  [
    "an evening at a time that there is not",
    (content) => ({ ...content, do: "evening", evening: { on: "24:00", off: "01:00", timeZone: "UTC" } }),
  ],
  ["an evening by another's settings", (content) => ({ ...content, do: "evening", evening: "phone" })],
  [
    "an evening without a time zone",
    (content) => ({ ...content, do: "evening", evening: { on: "20:00", off: "01:00" } }),
  ],
];
