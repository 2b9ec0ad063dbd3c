import type { Channel, DriverTraits, Frame, LightColour, LightState, Rgb } from "../model.ts";
import { unreachable } from "../units.ts";
import { extractWhite, kelvinToRgb, warmCold } from "./colour.ts";
import { duty, seen } from "./curve.ts";
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

/** Two steps of eight bits. */
const ROUNDING = 2 / 255;

const channelOf = (frame: Frame, { channels }: DriverTraits, name: Channel): number => {
  const value = frame[channels.indexOf(name)] ?? 0;
  return value > 0 ? Math.min(value, 1) : 0;
};

/**
 * The state that a frame shows, for hardware that was changed by another hand: `frameOf` turned round. What a frame
 * cannot tell (the colour of a dark lamp, the temperature of mixed whites) stays as in `last`; an effect has ended.
 */
export const stateOf = (frame: Frame, driver: DriverTraits, last: LightState): LightState => {
  const still = { ...last, effect: null };
  if (frame.every((value) => !(value > 0))) return { ...still, on: false };
  if (driver.channels.includes("switch")) return { ...still, on: true, brightness: last.brightness || 1 };
  const decode = driver.perceptual === true ? (light: number): number => light : seen;
  const [warm, cold] = [channelOf(frame, driver, "warm"), channelOf(frame, driver, "cold")];
  const white = Math.min(channelOf(frame, driver, "white") + warm + cold, 1);
  const rgb = (["red", "green", "blue"] as const).map((name) =>
    Math.min(channelOf(frame, driver, name) + white, 1),
  );
  const full = { ...still, on: true, brightness: 1 };
  // The frame of the same colour, dimmed, is that colour; anything else is another.
  const strongest = Math.max(...frame);
  const asBefore = frameOf(full, driver);
  const scale = strongest / Math.max(...asBefore);
  const sameColour =
    scale <= 1 && frame.every((value, index) => Math.abs(value - (asBefore[index] ?? 0) * scale) <= ROUNDING);
  if (sameColour) return { ...full, brightness: decode(scale) };
  if (!lightTraits(driver).rgb) return { ...full, brightness: decode(Math.max(white, strongest)) };
  const light = Math.max(...rgb);
  const [red = 0, green = 0, blue = 0] = rgb.map((part) => decode(part / light));
  return { ...full, brightness: decode(light), colour: { mode: "rgb", rgb: [red, green, blue] } };
};
