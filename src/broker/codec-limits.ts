// The words and bounds of the light schema: what the reader of commands holds to, and what the written contract says.

import { lightEffects } from "../model.ts";

/** Members that are numbers, each with the least and the most it may be. Those of one letter are parts of `color`. */
export const ranges = {
  brightness: [0, 255],
  /** Kelvin; below 1000 it can only be mireds. */
  color_temp: [50, 20_000],
  /** Seconds. */
  transition: [0, 3600],
  /** Seconds. */
  flash: [0, 3600],
  r: [0, 255],
  g: [0, 255],
  b: [0, 255],
  /** Degrees. */
  h: [0, 360],
  /** Percent. */
  s: [0, 100],
  x: [0, 1],
  y: [0, 1],
} as const satisfies Readonly<Record<string, readonly [low: number, high: number]>>;

export type Ranged = keyof typeof ranges;

/** Members that are words, in upper or lower case. */
export const words = {
  state: ["on", "off"],
  effect: [...lightEffects, "none"],
  flash: ["short", "long"],
} as const;

/** What makes a colour: all parts of one of these. */
export const colourForms = [
  ["r", "g", "b"],
  ["h", "s"],
  ["x", "y"],
] as const satisfies readonly (readonly Ranged[])[];

/** Words of `color_mode` that let `color` count where `color_temp` is there as well. */
export const rgbModes: readonly unknown[] = ["rgb", "hs", "xy"];
/** The word that lets `color_temp` count. */
export const TEMPERATURE_MODE = "color_temp";

/**
 * A moment (RFC 3339 section 5.6) after 1970; without a zone it would depend on the board's own. Every text that fits is
 * one that `Date.parse` reads.
 */
export const MOMENT =
  "^(?:197[1-9]|19[89]\\d|[2-9]\\d{3})-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\\d|3[01])" +
  "[Tt](?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d)$";
