// What the lamp shows while a code waits for approval, worked out from the code alone: whoever holds the code (the board,
// a companion app, an approving page) can say how the right lamp blinks, without asking anybody.

import type { Rgb, Signal, SignalColour } from "./model.ts";

/**
 * Three colours that people with any of the common colour blindnesses tell apart: they differ along blue and yellow as
 * well as in how white they are. Red, green and amber would be one colour to one man in twelve.
 */
const colours: readonly SignalColour[] = ["blue", "orange", "white"];

/** More flashes than four have to be counted; up to four are seen. */
const MOST_FLASHES = 4;

/** Each part 0..1 as the eye sees it. */
export const signalRgb: Readonly<Record<SignalColour, Rgb>> = {
  blue: [0, 0.1, 1],
  orange: [1, 0.6, 0],
  white: [1, 1, 1],
};

/**
 * The signal of a user code: one of 12, always the same for the same code. Case and everything but the letters A to Z and
 * digits are left out first, as people type codes with and without marks. FNV-1a (32 bits) of what is left, its halves
 * folded into one by XOR, is h; the colour is number h mod 3 of blue, orange, white; the flashes are 1 + (h div 3) mod 4.
 *
 * No cryptography is needed here: who compares knows the code, and nobody can choose it.
 */
export const signalOf = (userCode: string): Signal & { readonly colour: SignalColour } => {
  let hash = 0x811c9dc5;
  for (const sign of userCode.toUpperCase().replace(/[^A-Z0-9]/g, ""))
    hash = Math.imul(hash ^ sign.charCodeAt(0), 0x01000193) >>> 0;
  const folded = (hash >>> 16) ^ (hash & 0xffff);
  return {
    colour: colours[folded % colours.length] ?? "white",
    count: 1 + (Math.floor(folded / colours.length) % MOST_FLASHES),
  };
};

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

/** Of a lamp whose colours are known: `blinks blue, 3 times`, `blinks once`. */
export const signalWords = ({ colour, count }: Signal): string =>
  `blinks${colour === null ? "" : ` ${colour},`} ${times(count)}`;

/** Of a lamp that is only known by its code: `blinks 3 times (blue, if it has colours)`. */
export const signalWordsUnseen = ({ colour, count }: Signal): string =>
  `blinks ${times(count)}${colour === null ? "" : ` (${colour}, if it has colours)`}`;
