import type { LightChange, LightColour, LightState, LightTraits, Rgb } from "../model.ts";
import { unreachable } from "../units.ts";

/** A change that was worked out: the new target, or why this lamp cannot do it. */
export type Merged =
  | { readonly ok: true; readonly target: LightState }
  | { readonly ok: false; readonly code: "LIGHT_CANNOT"; readonly detail: string };

const cannot = (detail: string): Merged => ({ ok: false, code: "LIGHT_CANNOT", detail });

const clamp = (value: number, low: number, high: number): number => Math.min(Math.max(value, low), high);

/** What an ordinary bulb shows where nobody chose: warm white, in kelvin. */
const HOMELY_KELVIN = 2700;

/** Colour of a lamp nobody has given one: warm white where the lamp can, else none. */
const plainColour = (traits: LightTraits): LightColour =>
  traits.temperature === null
    ? { mode: "none" }
    : {
        mode: "temperature",
        kelvin: clamp(HOMELY_KELVIN, traits.temperature.minKelvin, traits.temperature.maxKelvin),
      };

/** The colour within the lamp's range, or null when the lamp has no such colours. */
const fitColour = (colour: LightColour, traits: LightTraits): LightColour | null => {
  switch (colour.mode) {
    case "none":
      return plainColour(traits);
    case "temperature": {
      if (traits.temperature === null) return null;
      const { minKelvin, maxKelvin } = traits.temperature;
      return { mode: "temperature", kelvin: clamp(colour.kelvin, minKelvin, maxKelvin) };
    }
    case "rgb": {
      if (!traits.rgb) return null;
      const [red, green, blue] = colour.rgb;
      const rgb: Rgb = [clamp(red, 0, 1), clamp(green, 0, 1), clamp(blue, 0, 1)];
      return { mode: "rgb", rgb };
    }
    default:
      return unreachable(colour);
  }
};

/** A lamp out of the box: off; full and warm white when it is first switched on. */
export const firstState = (traits: LightTraits): LightState => ({
  on: false,
  brightness: 1,
  colour: plainColour(traits),
  effect: null,
});

/** The nearest state this lamp can be in: for states from elsewhere, such as a disk or another lamp. */
export const fitState = (state: LightState, traits: LightTraits): LightState => ({
  on: state.on,
  brightness: traits.dims && state.brightness > 0 ? Math.min(state.brightness, 1) : 1,
  colour: fitColour(state.colour, traits) ?? plainColour(traits),
  effect: state.effect !== null && traits.effects.includes(state.effect) ? state.effect : null,
});

const finiteColour = (colour: LightColour): boolean =>
  colour.mode === "temperature"
    ? Number.isFinite(colour.kelvin)
    : colour.mode === "none" || colour.rgb.every(Number.isFinite);

/**
 * Merges a change into a state. As users of Home Assistant expect:
 *
 * - a brightness above 0 means on, unless the change says `on: false` (then it is kept for later);
 * - brightness 0 means off, whatever `on` says, and the last brightness is kept;
 * - `on: true` never leaves the lamp dark: without a brightness to come back to, it is full;
 * - a lamp that cannot dim takes any brightness above 0 as on;
 * - kelvin, brightness and rgb beyond the range are clamped; the new state tells what came of it;
 * - a colour alone does not switch on; the effect `blink` does, `identify` leaves on and off alone;
 * - switching off ends an effect.
 *
 * Refused (LIGHT_CANNOT): a colour the lamp does not have, an unknown effect, a number that is not finite.
 */
export const mergeChange = (state: LightState, change: LightChange, traits: LightTraits): Merged => {
  const asked = change.brightness;
  if (asked !== undefined && !Number.isFinite(asked)) return cannot("brightness is not a number");
  if (change.effect !== undefined && change.effect !== null && !traits.effects.includes(change.effect))
    return cannot(`it has no effect ${change.effect}`);
  if (change.colour !== undefined && !finiteColour(change.colour))
    return cannot("the colour is not a number");

  // `none` is no wish for another colour: the lamp keeps the one it has.
  const wanted = change.colour === undefined || change.colour.mode === "none" ? state.colour : change.colour;
  const colour = fitColour(wanted, traits);
  if (colour === null)
    return cannot(wanted.mode === "rgb" ? "it has no colours" : "its colour temperature is fixed");

  const dark = asked !== undefined && asked <= 0;
  const on = dark ? false : (change.on ?? (asked !== undefined || change.effect === "blink" || state.on));
  const brightness = asked === undefined || dark ? state.brightness : Math.min(asked, 1);
  const endsEffect = state.on && !on && change.effect === undefined;
  const effect = endsEffect ? null : change.effect === undefined ? state.effect : change.effect;
  return {
    ok: true,
    target: {
      on,
      brightness: traits.dims && brightness > 0 ? brightness : 1,
      colour,
      effect: !on && effect === "blink" ? null : effect,
    },
  };
};
