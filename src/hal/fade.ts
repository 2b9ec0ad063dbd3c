import type { LightColour, LightState, Rgb } from "../model.ts";
import { kelvinToRgb, mired } from "./colour.ts";

const between = (from: number, to: number, t: number): number => from + (to - from) * t;

const asRgb = (colour: LightColour): Rgb =>
  colour.mode === "rgb" ? colour.rgb : colour.mode === "temperature" ? kelvinToRgb(colour.kelvin) : [1, 1, 1];

/** The colour at `t01` of the way: in mired between temperatures, else in rgb as the eye sees it. */
const colourAt = (from: LightColour, to: LightColour, t01: number): LightColour => {
  if (from.mode === "none" || to.mode === "none") return to;
  if (from.mode === "temperature" && to.mode === "temperature")
    return { mode: "temperature", kelvin: 1e6 / between(mired(from.kelvin), mired(to.kelvin), t01) };
  const [a, b] = [asRgb(from), asRgb(to)];
  return {
    mode: "rgb",
    rgb: [between(a[0], b[0], t01), between(a[1], b[1], t01), between(a[2], b[2], t01)],
  };
};

/**
 * The state at `t01` (0..1) of a fade: exactly `from` at 0 and `to` at 1; between them brightness is linear to the eye.
 * From off and to off go through brightness 0, in the colour of the side that is lit. Effects play no part.
 */
export const stateAt = (from: LightState, to: LightState, t01: number): LightState => {
  if (!(t01 > 0)) return from;
  if (t01 >= 1 || (!from.on && !to.on)) return to;
  const brightness = between(from.on ? from.brightness : 0, to.on ? to.brightness : 0, t01);
  const colour = !from.on ? to.colour : !to.on ? from.colour : colourAt(from.colour, to.colour, t01);
  return { on: true, brightness, colour, effect: null };
};
