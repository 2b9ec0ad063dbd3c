import type { Rgb } from "../model.ts";
import { seen } from "./curve.ts";

/** Colour temperature in mired (micro reciprocal kelvin): equal steps look about equally large. */
export const mired = (kelvin: number): number => 1e6 / kelvin;

/** Range of the approximation below, in kelvin. */
const LOCUS_MIN = 1667;
const LOCUS_MAX = 25_000;

const cubic = (x: number, [a, b, c, d]: readonly [number, number, number, number]): number =>
  ((a * x + b) * x + c) * x + d;

/**
 * CIE 1931 chromaticity of a black body, by the cubic approximation of the Planckian locus of Kim et al.,
 * "Design of advanced color temperature control system for HDTV applications", J. Korean Phys. Soc. 41 (2002);
 * coefficients as in US patent 7024034.
 */
const chromaticity = (kelvin: number): readonly [x: number, y: number] => {
  const x = cubic(
    1000 / kelvin,
    kelvin <= 4000
      ? [-0.2661239, -0.2343589, 0.8776956, 0.17991]
      : [-3.0258469, 2.1070379, 0.2226347, 0.24039],
  );
  const y = cubic(
    x,
    kelvin <= 2222
      ? [-1.1063814, -1.3481102, 2.18555832, -0.20219683]
      : kelvin <= 4000
        ? [-0.9549476, -1.37418593, 2.09137015, -0.16748867]
        : [3.081758, -5.8733867, 3.75112997, -0.37001483],
  );
  return [x, y];
};

/**
 * The colour of white light of that temperature, for a lamp of sRGB primaries (IEC 61966-2-1); each component
 * 0..1 as the eye sees it, the strongest exactly 1. Kelvin outside 1667..25000 counts as the nearer end.
 */
export const kelvinToRgb = (kelvin: number): Rgb => {
  const [x, y] = chromaticity(Math.min(Math.max(kelvin, LOCUS_MIN), LOCUS_MAX));
  const [X, Y, Z] = [x / y, 1, (1 - x - y) / y];
  const linear = [
    3.2404542 * X - 1.5371385 * Y - 0.4985314 * Z,
    -0.969266 * X + 1.8760108 * Y + 0.041556 * Z,
    0.0556434 * X - 0.2040259 * Y + 1.0572252 * Z,
  ] as const;
  const strongest = Math.max(...linear);
  // Warmer than about 1900 K lies outside sRGB: blue would be negative, and `seen` makes it 0.
  const part = (light: number): number => seen(light / strongest);
  return [part(linear[0]), part(linear[1]), part(linear[2])];
};

/**
 * Shares of a warm and a cold channel, together 1, that make `kelvin`: linear in mired between the two, and
 * exactly one channel at and beyond either end.
 */
export const warmCold = (
  kelvin: number,
  range: { readonly minKelvin: number; readonly maxKelvin: number },
): readonly [warm: number, cold: number] => {
  const warmest = mired(range.minKelvin);
  const span = warmest - mired(range.maxKelvin);
  const cold = span > 0 ? Math.min(Math.max((warmest - mired(kelvin)) / span, 0), 1) : 0;
  return [1 - cold, cold];
};

/** Moves what red, green and blue have in common to a white channel. Components are light (linear), each 0..1. */
export const extractWhite = ([red, green, blue]: Rgb): readonly [
  red: number,
  green: number,
  blue: number,
  white: number,
] => {
  const white = Math.min(red, green, blue);
  return [red - white, green - white, blue - white, white];
};
