// What a board tells of itself (docs/topics.md), as the phone reads it. Pure.

import type { LightEffect, LightTraits } from "../../src/model.ts";
import { type Evening, readEvening } from "./evening.ts";
import { type BoardHealth, readHealth } from "./health.ts";
import { membersOf, readMembers, textOf } from "./http.ts";
import { readName } from "./name.ts";

export interface LampInfo {
  readonly id: string;
  readonly name: string;
  readonly traits: LightTraits;
  /** Where it takes unsigned commands, and where it reports. */
  readonly set: string;
  readonly state: string;
}

export interface BoardInfo {
  readonly id: string;
  readonly name: string;
  readonly version: string | null;
  /** Whom it obeys: signed commands of its owner and guests, or whatever the broker lets through. */
  readonly trust: "owner" | "broker";
  readonly lamps: readonly LampInfo[];
  readonly owner: { readonly userId: string; readonly name: string } | null;
  readonly evening: Evening | null;
  /** Who gave it; the phone also says that there is none. Null: nobody. */
  readonly eveningFrom: "phone" | "settings" | null;
  /** The board's own, whether it counts or not. */
  readonly eveningSettings: Evening | null;
  /** Why it cannot follow the evening as it stands: a code of the documents' table of errors, or null. */
  readonly eveningFault: string | null;
  /** How it knows where home is, as far as the evening needs it: `settings`, `org` or `timeZone`. */
  readonly homeFrom: string | null;
  /** When its sign-in at the org ends, in milliseconds since 1970, as far as it knows. */
  readonly signedInUntil: number | null;
  /** How many sign-ins its owner has with boards' app, and how many the org keeps. */
  readonly approvals: { readonly used: number; readonly limit: number } | null;
  /** When its program started, in milliseconds since 1970; null and missing as with `health`. */
  readonly startedAt?: number | null;
  /** How it is; null where it does not say, missing from what an earlier version of this app has kept. */
  readonly health?: BoardHealth | null;
}

const MAX_LAMPS = 64;

/** The payload of an `about` topic; null when it is none. */
export const readAbout = (text: string): BoardInfo | null => {
  const about = readMembers(text);
  const device = membersOf(about?.device);
  const id = textOf(device?.id, 64);
  if (about === null || id === null || !Array.isArray(about.lights)) return null;
  const owner = membersOf(about.owner);
  const userId = textOf(owner?.userId, 255);
  const approvals = membersOf(about.approvals);
  const [used, limit] = [approvals?.used, approvals?.limit];
  return {
    id,
    name: readName(device?.name, 128) ?? id,
    version: textOf(about.version, 64),
    trust: about.trust === "owner" ? "owner" : "broker",
    lamps: about.lights.slice(0, MAX_LAMPS).flatMap(lampOf),
    owner: userId === null ? null : { userId, name: readName(owner?.name, 256) ?? userId },
    evening: readEvening(about.evening),
    eveningFrom: about.eveningFrom === "phone" || about.eveningFrom === "settings" ? about.eveningFrom : null,
    eveningSettings: readEvening(about.eveningSettings),
    eveningFault: textOf(about.eveningFault, 64),
    homeFrom: textOf(about.homeFrom, 64),
    signedInUntil: momentOf(about.signedInUntil),
    approvals: typeof used === "number" && typeof limit === "number" ? { used, limit } : null,
    startedAt: momentOf(membersOf(about.started)?.at),
    health: readHealth(about.health),
  };
};

const momentOf = (value: unknown): number | null => {
  const at = typeof value === "string" ? Date.parse(value) : value;
  return typeof at === "number" && Number.isFinite(at) ? at : null;
};

const lampOf = (value: unknown): LampInfo[] => {
  const light = membersOf(value);
  const topics = membersOf(light?.topics);
  const id = textOf(light?.id, 64);
  const set = textOf(topics?.set, 256);
  const state = textOf(topics?.state, 256);
  if (id === null || set === null || state === null) return [];
  return [{ id, name: readName(light?.name, 128) ?? id, traits: traitsOf(light?.traits), set, state }];
};

const effects: readonly LightEffect[] = ["blink", "identify"];

const traitsOf = (value: unknown): LightTraits => {
  const traits = membersOf(value);
  const white = membersOf(traits?.temperature);
  const [minKelvin, maxKelvin] = [white?.minKelvin, white?.maxKelvin];
  const has: unknown = traits?.effects;
  return {
    dims: traits?.dims === true,
    temperature:
      typeof minKelvin === "number" && typeof maxKelvin === "number" && minKelvin < maxKelvin
        ? { minKelvin, maxKelvin }
        : null,
    rgb: traits?.rgb === true,
    effects: Array.isArray(has) ? effects.filter((effect) => has.includes(effect)) : [],
  };
};
