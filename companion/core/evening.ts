// The evening schedule as it goes over the wire (docs/signed-commands.md). Pure.

import { membersOf, textOf } from "./http.ts";

export interface Evening {
  /** `HH:MM`. */
  readonly on: string;
  readonly off: string;
  /** IANA name. */
  readonly timeZone: string;
  /** Ids of lamps; null: all. */
  readonly lights: readonly string[] | null;
  /** 1..255; null: as it was. */
  readonly brightness: number | null;
}

const timeOfDay = /^([01]\d|2[0-3]):[0-5]\d$/;

/** A schedule as `about` has it; null when there is none. */
export const readEvening = (value: unknown): Evening | null => {
  const evening = membersOf(value);
  const timeZone = textOf(evening?.timeZone, 64);
  const { on, off, lights, brightness } = evening ?? {};
  if (typeof on !== "string" || typeof off !== "string" || timeZone === null) return null;
  if (!timeOfDay.test(on) || !timeOfDay.test(off)) return null;
  return {
    on,
    off,
    timeZone,
    lights: Array.isArray(lights) ? lights.filter((light) => typeof light === "string") : null,
    brightness: typeof brightness === "number" ? brightness : null,
  };
};

/** The schedule as the command carries it: members without a value are left out. */
export const eveningFields = (evening: Evening): Record<string, unknown> =>
  Object.fromEntries(Object.entries(evening).filter(([, value]) => value !== null));
