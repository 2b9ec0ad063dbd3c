import type { Channel, DriverTraits, Frame, LightColour, LightState, Rgb } from "../model.ts";
import { unreachable } from "../units.ts";
import { extractWhite, kelvinToRgb, warmCold } from "./colour.ts";
import { duty } from "./curve.ts";
import { lightTraits } from "./traits.ts";

/** Share of full light each channel has at full brightness, each 0..1. A channel not named is dark. */
type Shares = Partial<Record<Exclude<Channel, "switch">, number>>;

const WHITE: Rgb = [1, 1, 1];

/** All white channels alike: a lamp that has no way to choose its white. */
const plainWhite: Shares = { white: 1, warm: 1, cold: 1 };

/** Red, green and blue, their common part moved to the one white channel where the lamp has one. */
const colourShares = (rgb: Rgb, channels: readonly Channel[]): Shares => {
  const white = (["white", "warm", "cold"] as const).filter((channel) => channels.includes(channel));
  const [only] = white;
  if (white.length !== 1 || only === undefined) return { red: rgb[0], green: rgb[1], blue: rgb[2] };
  const [red, green, blue, common] = extractWhite(rgb);
  return { red, green, blue, [only]: common };
};

const shares = (colour: LightColour, driver: DriverTraits): Shares => {
  const traits = lightTraits(driver);
  const encode = driver.perceptual === true ? (x: number): number => Math.min(Math.max(x, 0), 1) : duty;
  const light = (rgb: Rgb): Rgb => [encode(rgb[0]), encode(rgb[1]), encode(rgb[2])];
  const tunable = driver.channels.includes("warm") && driver.channels.includes("cold");
  switch (colour.mode) {
    case "none":
      return traits.rgb && !tunable ? colourShares(WHITE, driver.channels) : plainWhite;
    case "temperature": {
      if (traits.temperature === null) return plainWhite;
      if (!tunable) return colourShares(light(kelvinToRgb(colour.kelvin)), driver.channels);
      const [warm, cold] = warmCold(colour.kelvin, traits.temperature);
      return { warm, cold };
    }
    case "rgb":
      return traits.rgb ? colourShares(light(colour.rgb), driver.channels) : plainWhite;
    default:
      return unreachable(colour);
  }
};

/**
 * The frame a driver shows for a state: duty 0..1 per channel in the driver's order, exactly 0 when off, and
 * never less when brightness rises. The light of each channel is its share of the colour times the light of the
 * brightness, so that dimming keeps the colour. Hardware that is linear to the eye by itself gets no curve.
 */
export const frameOf = (state: LightState, driver: DriverTraits): Frame => {
  const level = state.on ? state.brightness : 0;
  if (!(level > 0)) return driver.channels.map(() => 0);
  const light = driver.perceptual === true ? Math.min(level, 1) : duty(level);
  const share = shares(state.colour, driver);
  return driver.channels.map((channel) => (channel === "switch" ? 1 : (share[channel] ?? 0) * light));
};
