// The evening schedule as it goes over the wire (docs/signed-commands.md). Pure.

import { membersOf, textOf } from "./http.ts";

export interface Evening {
  /** `HH:MM`; or `dusk`, `dusk+30`, `dusk-15`: minutes after or before it gets dark. */
  readonly on: string;
  /** `HH:MM`. */
  readonly off: string;
  /** IANA name. */
  readonly timeZone: string;
  /** Ids of lamps; null: all. */
  readonly lights: readonly string[] | null;
  /** 1..255; null: as it was. */
  readonly brightness: number | null;
  /** Nobody is at home: the lamps look as if somebody were. */
  readonly away: boolean;
}

const timeOfDay = /^([01]\d|2[0-3]):[0-5]\d$/;
const dusk = /^dusk(?:([+-])([1-9]\d{0,2}))?$/;

/** How many minutes after dusk it begins, below 0 before it; null for a time of day. */
export const afterDusk = (on: string): number | null => {
  const found = dusk.exec(on);
  if (found === null) return null;
  const [, sign, minutes = "0"] = found;
  return sign === "-" ? -Number(minutes) : Number(minutes);
};

/** The other way round; 0 is dusk itself. */
export const duskAnd = (minutes: number): string =>
  `dusk${minutes === 0 ? "" : minutes < 0 ? minutes : `+${minutes}`}`;

/** `18:30`, `dusk`, `30 minutes after dusk`. */
export const beginWords = (on: string): string => {
  const minutes = afterDusk(on);
  if (minutes === null) return on;
  if (minutes === 0) return "dusk";
  return `${Math.abs(minutes)} minutes ${minutes < 0 ? "before" : "after"} dusk`;
};

/** A schedule as `about` has it; null when there is none. */
export const readEvening = (value: unknown): Evening | null => {
  const evening = membersOf(value);
  const timeZone = textOf(evening?.timeZone, 64);
  const { on, off, lights, brightness, away } = evening ?? {};
  if (typeof on !== "string" || typeof off !== "string" || timeZone === null) return null;
  if (!(timeOfDay.test(on) || dusk.test(on)) || !timeOfDay.test(off)) return null;
  return {
    on,
    off,
    timeZone,
    lights: Array.isArray(lights) ? lights.filter((light) => typeof light === "string") : null,
    brightness: typeof brightness === "number" ? brightness : null,
    away: away === true,
  };
};

/** The schedule as the command carries it: members without a value are left out, and `away` where somebody is at home. */
export const eveningFields = (evening: Evening): Record<string, unknown> =>
  Object.fromEntries(Object.entries(evening).filter(([, value]) => value !== null && value !== false));

/** What is asked of the board: a schedule, none, or the one in its settings again. */
export const eveningAsked = (
  evening: Evening | null | "settings",
): { readonly do: "evening"; readonly evening: Readonly<Record<string, unknown>> | null | "settings" } => ({
  do: "evening",
  evening: evening === null || evening === "settings" ? evening : eveningFields(evening),
});

/** The schedule in words: `On at dusk, off at 23:00 (Europe/Berlin), Porch and Hall, at 60 %`. */
export const eveningWords = (
  { on, off, timeZone, lights, brightness, away }: Evening,
  lamps: readonly { readonly id: string; readonly name: string }[],
): string =>
  [
    `On at ${beginWords(on)}, off at ${off} (${timeZone})`,
    ...(lights === null || lamps.length < 2
      ? []
      : [lights.map((id) => lamps.find((lamp) => lamp.id === id)?.name ?? id).join(" and ")]),
    ...(brightness === null ? [] : [`at ${Math.round((brightness / 255) * 100)} %`]),
    ...(away ? ["as if somebody were at home"] : []),
  ].join(", ");
