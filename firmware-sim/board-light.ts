import type { Channel, Frame } from "../src/model.ts";

/** What an eye in front of the lamp gets, ready for a screen. */
export interface VisibleLight {
  /** Hue of the light as full-scale sRGB, 0..255; the brightest of the three is 255 unless the lamp is dark. */
  readonly rgb: readonly [number, number, number];
  /** Light that leaves the lamp, linear, 0..1 of what one full white channel gives; capped at 1. */
  readonly luminance: number;
  /** How bright that looks, 0..1: CIE 1931 lightness of `luminance`. */
  readonly seen: number;
}

type Linear = readonly [red: number, green: number, blue: number];

/** A lamp that gives no light. */
export const darkness: VisibleLight = { rgb: [0, 0, 0], luminance: 0, seen: 0 };

/** The colour temperatures of the simulated white channels, in kelvin. */
export const whitePoints = { warm: 2200, white: 4000, cold: 6500 } as const;

/** The light of a driver's frame: duty 0..1 per channel, where duty is proportional to light (linear). */
export const visibleLight = (channels: readonly Channel[], frame: Frame): VisibleLight => {
  let red = 0;
  let green = 0;
  let blue = 0;
  channels.forEach((channel, index) => {
    const duty = Math.min(1, Math.max(0, frame[index] ?? 0));
    const light = channelLight[channel];
    red += duty * light[0];
    green += duty * light[1];
    blue += duty * light[2];
  });
  const luminance = Math.min(1, luminanceOf([red, green, blue]));
  const peak = Math.max(red, green, blue);
  if (peak <= 0) return darkness;
  return {
    rgb: [toByte(red / peak), toByte(green / peak), toByte(blue / peak)],
    luminance,
    seen: lightness(luminance),
  };
};

/** `#rrggbb`, as style sheets and terminals take it. */
export const hex = (light: VisibleLight): string =>
  `#${light.rgb.map((part) => part.toString(16).padStart(2, "0")).join("")}`;

/** What a person would call it: "off", "warm white, 60 %", "violet, 20 %". */
export const inWords = (light: VisibleLight): string =>
  light.luminance === 0 ? "off" : `${hueInWords(light.rgb)}, ${Math.max(1, Math.round(light.seen * 100))} %`;

const hueInWords = ([red, green, blue]: VisibleLight["rgb"]): string => {
  const low = Math.min(red, green, blue);
  if (red === 255 && blue < 150 && green > 120 && green < 225 && blue > 20) return "warm white";
  if (low >= 150) return blue > red ? "cold white" : "white";
  const high = Math.max(red, green, blue);
  const spread = high - low;
  const sixth =
    high === red
      ? (((green - blue) / spread) % 6) + 6
      : high === green
        ? (blue - red) / spread + 8
        : (red - green) / spread + 10;
  return hues[Math.floor((((sixth % 6) * 60 + 15) % 360) / 30)] ?? "coloured";
};

const hues = [
  "red",
  "orange",
  "yellow",
  "lime",
  "green",
  "mint",
  "cyan",
  "azure",
  "blue",
  "violet",
  "magenta",
  "pink",
] as const;

// Weights of the sRGB primaries in luminance: IEC 61966-2-1.
const luminanceOf = ([red, green, blue]: Linear): number => 0.2126 * red + 0.7152 * green + 0.0722 * blue;

/** CIE 1931 lightness L*, scaled to 0..1. */
const lightness = (luminance: number): number =>
  luminance <= 216 / 24389 ? (luminance * 24389) / 2700 : (116 * Math.cbrt(luminance) - 16) / 100;

/** Linear 0..1 to an sRGB byte: IEC 61966-2-1. */
const toByte = (linear: number): number =>
  Math.round(255 * (linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055));

/**
 * Linear sRGB of a glowing body of that temperature, scaled to luminance 1.
 * Chromaticity by the cubic fit of Kim et al. (US patent 7024034), 1667..25 000 K.
 */
const planck = (kelvin: number): Linear => {
  const t = 1000 / kelvin;
  const x =
    kelvin <= 4000
      ? ((-0.2661239 * t - 0.2343589) * t + 0.8776956) * t + 0.17991
      : ((-3.0258469 * t + 2.1070379) * t + 0.2226347) * t + 0.24039;
  const y =
    kelvin <= 2222
      ? ((-1.1063814 * x - 1.3481102) * x + 2.18555832) * x - 0.20219683
      : kelvin <= 4000
        ? ((-0.9549476 * x - 1.37418593) * x + 2.09137015) * x - 0.16748867
        : ((3.081758 * x - 5.8733867) * x + 3.75112997) * x - 0.37001483;
  const [X, Y, Z] = [x / y, 1, (1 - x - y) / y];
  const rgb = [
    Math.max(0, 3.2406 * X - 1.5372 * Y - 0.4986 * Z),
    Math.max(0, -0.9689 * X + 1.8758 * Y + 0.0415 * Z),
    Math.max(0, 0.0557 * X - 0.204 * Y + 1.057 * Z),
  ] as const;
  const luminance = luminanceOf(rgb);
  return [rgb[0] / luminance, rgb[1] / luminance, rgb[2] / luminance];
};

const neutral: Linear = planck(whitePoints.white);

const channelLight: Readonly<Record<Channel, Linear>> = {
  switch: planck(2700),
  white: neutral,
  warm: planck(whitePoints.warm),
  cold: planck(whitePoints.cold),
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};
