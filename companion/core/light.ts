// The lamp's part of what is said with a board (docs/topics.md), from the phone's side. Pure.

import type { LightChange, LightColour, LightState } from "../../src/model.ts";
import { membersOf, readMembers } from "./http.ts";

/** A change as the members of `set`; fades take `transition` seconds. */
export const changeFields = (change: LightChange, transition = 0.4): Record<string, unknown> => ({
  ...(change.on === undefined ? {} : { state: change.on ? "ON" : "OFF" }),
  ...(change.brightness === undefined ? {} : { brightness: Math.round(change.brightness * 255) }),
  ...(change.colour === undefined ? {} : colourFields(change.colour)),
  ...(change.effect === undefined ? {} : { effect: change.effect ?? "none" }),
  transition,
});

const colourFields = (colour: LightColour): Record<string, unknown> => {
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

/** What a lamp reported. */
export interface LampReport {
  readonly state: LightState;
  /** False while the hardware does not answer, with the reason's code in `fault`. */
  readonly available: boolean;
  readonly fault: string | null;
}

/** The payload of a state topic; null when it is none. */
export const readReport = (text: string): LampReport | null => {
  const members = readMembers(text);
  const state = stateOf(members);
  if (members === null || state === null) return null;
  const fault = typeof members.fault === "string" ? members.fault.slice(0, 64) : null;
  return { state, available: members.available !== false, fault };
};

/** A lamp's state in Home Assistant's members; null when it is none. */
export const stateOf = (value: unknown): LightState | null => {
  const state = membersOf(value);
  if (state === null || (state.state !== "ON" && state.state !== "OFF")) return null;
  const { effect } = state;
  const brightness = share(state.brightness);
  return {
    on: state.state === "ON",
    brightness: brightness ?? 1,
    colour: colourOf(state),
    effect: effect === "blink" || effect === "identify" ? effect : null,
  };
};

const colourOf = (state: Readonly<Record<string, unknown>>): LightColour => {
  const { color_temp: kelvin } = state;
  if (typeof kelvin === "number" && kelvin > 0) return { mode: "temperature", kelvin };
  const color = membersOf(state.color);
  const [r, g, b] = [share(color?.r), share(color?.g), share(color?.b)];
  return r === null || g === null || b === null ? { mode: "none" } : { mode: "rgb", rgb: [r, g, b] };
};

/** 0..255 as 0..1. */
const share = (value: unknown): number | null =>
  typeof value === "number" && value >= 0 && value <= 255 ? value / 255 : null;
