// What a board writes into its Asset record at the org, and when. Pure. Many boards share an org's daily limit of requests,
// so changes are merged, and a record that is up to date is written again only to tell that the board lives.

import type { ErrorCode } from "../errors.ts";
import type { LightState, RecordFields } from "../model.ts";
import { type EpochMs, epochMs, iso } from "../units.ts";

/** How a board is. */
export interface AssetFacts {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly version: string;
  readonly online: boolean;
  readonly lights: readonly {
    readonly name: string;
    readonly state: LightState;
    readonly fault: ErrorCode | null;
  }[];
  /** Until when it stays signed in though it reaches no network, or null when no end is known. */
  readonly signedInUntil: EpochMs | null;
}

/** Values by the org's field names (settings `org.assetState.fields`). */
export type FieldTemplate = Readonly<Record<string, unknown>>;

/** The custom fields of org-template. */
export const templateFields = {
  Porchlight_DeviceId__c: "{device.id}",
  Porchlight_Online__c: "{online}",
  Porchlight_Lights__c: "{lights}",
  Porchlight_Fault__c: "{fault}",
  Porchlight_LastSeen__c: "{lastSeen}",
  Porchlight_Firmware__c: "{firmware}",
  Porchlight_TokenExpires__c: "{signedInUntil}",
} as const satisfies FieldTemplate;

/** The template of the settings, or the usual one where they have none. */
export const chosenFields = (fields: FieldTemplate): FieldTemplate =>
  Object.keys(fields).length === 0 ? templateFields : fields;

/** What fits into a text field of the org as org-template makes them, in characters. */
const LONGEST = 255;
const MOST_FIELDS = 32;
const PLACEHOLDER = /\{([\w.]+)\}/g;
const DAY_MS = 86_400_000;

const lightWords = ({ on, brightness }: LightState): string =>
  on ? `on ${Math.max(1, Math.round(brightness * 100))} %` : "off";

const lightsText = (lights: AssetFacts["lights"]): string =>
  lights
    .map(({ name, state }) => `${name}: ${lightWords(state)}`)
    .join(", ")
    .slice(0, LONGEST)
    .toWellFormed();

type Value = string | number | boolean | null;

const placeholders: Readonly<Record<string, (facts: AssetFacts, now: EpochMs) => Value>> = {
  "device.id": ({ device }) => device.id,
  "device.name": ({ device }) => device.name,
  "device.serial": ({ device }) => device.serial,
  online: ({ online }) => online,
  lights: ({ lights }) => lightsText(lights),
  fault: ({ lights }) => lights.find(({ fault }) => fault !== null)?.fault ?? null,
  lastSeen: (_facts, now) => iso(now),
  firmware: ({ version }) => version,
  // By the day: it moves with every renewal of the sign-in, which is no news.
  signedInUntil: ({ signedInUntil }) =>
    signedInUntil === null ? null : iso(epochMs(Math.floor(signedInUntil / DAY_MS) * DAY_MS)),
};

const isKnown = (name: string): boolean => Object.hasOwn(placeholders, name);

/** What is wrong with a template, to complete the sentence "org.assetState.fields …"; null when nothing is. */
export const templateMistake = (template: FieldTemplate): string | null => {
  const entries = Object.entries(template);
  if (entries.length > MOST_FIELDS) return `has more than ${MOST_FIELDS} fields`;
  for (const [field, value] of entries) {
    if (!/^[A-Za-z]\w{0,79}$/.test(field)) return `has ${JSON.stringify(field)}, which is no name of a field`;
    if (value !== null && !["string", "number", "boolean"].includes(typeof value))
      return `has something other than a text, a number, true, false or null for ${field}`;
    const names = typeof value === "string" ? [...value.matchAll(PLACEHOLDER)].map(([, name]) => name) : [];
    const unknown = names.find((name) => !isKnown(name ?? ""));
    if (unknown !== undefined)
      return `has {${unknown}} for ${field}; there are ${Object.keys(placeholders)
        .map((name) => `{${name}}`)
        .join(", ")}`;
  }
  return null;
};

const fill = (value: unknown, facts: AssetFacts, now: EpochMs): Value => {
  if (typeof value !== "string") return value as Value;
  const alone = /^\{([\w.]+)\}$/.exec(value)?.[1];
  // By itself a placeholder keeps its kind: a checkbox wants true or false, an empty field null.
  if (alone !== undefined) return placeholders[alone]?.(facts, now) ?? null;
  const filled = value.replace(PLACEHOLDER, (_whole, name: string) =>
    String(placeholders[name]?.(facts, now) ?? ""),
  );
  return filled.slice(0, LONGEST).toWellFormed();
};

/** The record's fields as the template says; the template is one without mistakes. */
export const assetFields = (template: FieldTemplate, facts: AssetFacts, now: EpochMs): RecordFields =>
  Object.fromEntries(Object.entries(template).map(([field, value]) => [field, fill(value, facts, now)]));

/** True when `after` says something new; the time at which it is written is nothing new. */
export const isNews = (template: FieldTemplate, before: RecordFields | null, after: RecordFields): boolean =>
  before === null ||
  Object.keys(before).length !== Object.keys(after).length ||
  Object.entries(after).some(
    ([field, value]) => before[field] !== value && !String(template[field]).includes("{lastSeen}"),
  );

/** When to write, on the monotonic clock. */
export const dueAt = (
  known: {
    /** Since when the record is not up to date; null while it is. */
    readonly newsSince: number | null;
    /** When it was last written, or null. */
    readonly writtenAt: number | null;
    /** The org, or a failure, asks to wait until then. */
    readonly notBefore: number;
  },
  pauses: {
    /** The least time between two writes. */
    readonly intervalMs: number;
    readonly heartbeatMs: number;
    /** How long news waits for more of it. */
    readonly settleMs: number;
  },
): number => {
  const { newsSince, writtenAt, notBefore } = known;
  const interval = writtenAt === null ? 0 : writtenAt + pauses.intervalMs;
  const news =
    newsSince === null ? Number.POSITIVE_INFINITY : Math.max(newsSince + pauses.settleMs, interval);
  const beat = writtenAt === null ? Number.POSITIVE_INFINITY : writtenAt + pauses.heartbeatMs;
  return Math.max(notBefore, interval, Math.min(news, beat));
};
