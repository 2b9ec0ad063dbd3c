// Home Assistant's JSON light schema, from the sender's side. Pure.

import type { LightChange, LightColour, LightState } from "../src/model.ts";

/** What the board said about a command. */
export interface PhoneResult {
  readonly outcome: "done" | "refused" | "failed";
  readonly code: string | null;
  readonly message: string | null;
}

/** A command as the phone sends it. */
export const encodeChange = (change: LightChange): string =>
  JSON.stringify({
    ...(change.on === undefined ? {} : { state: change.on ? "ON" : "OFF" }),
    ...(change.brightness === undefined ? {} : { brightness: Math.round(change.brightness * 255) }),
    ...(change.colour === undefined ? {} : encodeColour(change.colour)),
    ...(change.effect === undefined ? {} : { effect: change.effect ?? "none" }),
    transition: 0.4,
  });

const encodeColour = (colour: LightColour): Record<string, unknown> => {
  switch (colour.mode) {
    case "none":
      return {};
    case "temperature":
      return { color_temp: Math.round(colour.kelvin) };
    case "rgb": {
      const [r, g, b] = colour.rgb.map((part) => Math.round(part * 255));
      return { color: { r, g, b } };
    }
  }
};

/** A lamp's retained state; null when it is none. */
export const decodeState = (text: string): LightState | null => {
  const state = readObject(text);
  if (state === null || (state.state !== "ON" && state.state !== "OFF")) return null;
  const { brightness, effect } = state;
  return {
    on: state.state === "ON",
    brightness: typeof brightness === "number" ? brightness / 255 : 1,
    colour: decodeColour(state),
    effect: effect === "blink" || effect === "identify" ? effect : null,
  };
};

const decodeColour = (state: Record<string, unknown>): LightColour => {
  const kelvin = state.color_temp;
  const color = state.color;
  if (typeof kelvin === "number") return { mode: "temperature", kelvin };
  if (typeof color !== "object" || color === null) return { mode: "none" };
  const { r, g, b } = { r: 0, g: 0, b: 0, ...color };
  return { mode: "rgb", rgb: [r / 255, g / 255, b / 255] };
};

/** The answer to a command; null when it is none. */
export const decodeResult = (text: string): PhoneResult | null => {
  const result = readObject(text);
  const outcome = result?.outcome;
  if (outcome !== "done" && outcome !== "refused" && outcome !== "failed") return null;
  const textOf = (value: unknown): string | null => (typeof value === "string" ? value : null);
  return { outcome, code: textOf(result?.code), message: textOf(result?.message) };
};

/** A lamp of a board, as its `about` document tells of it. */
export interface KnownLamp {
  readonly id: string;
  readonly name: string;
  readonly dims: boolean;
  readonly temperature: boolean;
  readonly rgb: boolean;
  /** Where it takes commands, and where it reports. */
  readonly set: string;
  readonly state: string;
}

/** The lamps in a board's `about` document; null when it is none. */
export const decodeLamps = (text: string): readonly KnownLamp[] | null => {
  const lights = readObject(text)?.lights;
  if (!Array.isArray(lights)) return null;
  return lights.flatMap((light: unknown) => {
    const { id, name, ...rest } = membersOf(light);
    const traits = membersOf(rest.traits);
    const { set, state } = membersOf(rest.topics);
    const whole =
      typeof id === "string" &&
      typeof name === "string" &&
      typeof set === "string" &&
      typeof state === "string";
    if (!whole) return [];
    const { dims, temperature, rgb } = traits;
    const can = { dims: dims === true, temperature: temperature != null, rgb: rgb === true };
    return [{ id, name, set, state, ...can }];
  });
};

const membersOf = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};

const readObject = (text: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;
  } catch {
    return null;
  }
};
