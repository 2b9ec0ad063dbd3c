import type { VisibleLight } from "../board-light.ts";

/** Colours a terminal can show. */
export type TerminalColours = "true" | "256" | "none";

/** Columns and rows of the picture. */
export const LAMP_COLUMNS = 26;
export const LAMP_ROWS = 9;

type Rgb = readonly [number, number, number];

const DUSK: Rgb = [24, 21, 46];
const WALL: Rgb = [40, 34, 70];
const IRON: Rgb = [12, 10, 22];
const GLASS: Rgb = [62, 57, 92];

/** The lantern, two pixels to a character row: `#` iron, `o` glass. */
const lantern = [
  "             ",
  "      #      ",
  "      #      ",
  "    #####    ",
  "   #######   ",
  "   #ooooo#   ",
  "   #ooooo#   ",
  "   #ooooo#   ",
  "   #ooooo#   ",
  "    #ooo#    ",
  "    #ooo#    ",
  "    #####    ",
  "     ###     ",
  "             ",
];
const LEFT = 6;
const TOP = 2;
const CENTRE_X = 12.5;
const CENTRE_Y = 9.5;

/** The lamp as a picture of half blocks that glows, or of plain characters where there are no colours. */
export const lampArt = (light: VisibleLight, colours: TerminalColours, unicode: boolean): string[] =>
  colours === "none" || !unicode ? plainLamp(light, unicode) : glowingLamp(light, colours);

const glowingLamp = (light: VisibleLight, colours: "true" | "256"): string[] =>
  Array.from({ length: LAMP_ROWS }, (_, row) => {
    let line = "";
    for (let x = 0; x < LAMP_COLUMNS; x++) {
      const upper = colour(pixel(x, 2 * row, light), colours);
      const lower = colour(pixel(x, 2 * row + 1, light), colours);
      line += `\x1b[38;${upper};48;${lower}m▀`;
    }
    return `${line}\x1b[0m`;
  });

const pixel = (x: number, y: number, light: VisibleLight): Rgb => {
  const part = lantern[y - TOP]?.[x - LEFT];
  if (part === "#") return mix(IRON, light.rgb, light.seen * 0.12);
  if (part === "o") return mix(GLASS, mix(light.rgb, [255, 255, 255], 0.35), light.seen ** 0.5);
  const distance = Math.hypot((x - CENTRE_X) * 0.9, y - CENTRE_Y);
  const base = y > 16 ? DUSK : WALL;
  return mix(base, light.rgb, 0.92 * light.seen ** 0.7 * Math.exp(-((distance / 7) ** 2)));
};

const mix = (from: Rgb, to: Rgb, share: number): Rgb => {
  const part = (a: number, b: number): number => Math.round(a + (b - a) * Math.min(1, share));
  return [part(from[0], to[0]), part(from[1], to[1]), part(from[2], to[2])];
};

/** Parameters of SGR 38 and 48: direct colour, or the nearest of the 6x6x6 cube. */
const colour = (rgb: Rgb, colours: "true" | "256"): string => {
  if (colours === "true") return `2;${rgb.join(";")}`;
  const [red, green, blue] = rgb.map((part) => Math.round((part / 255) * 5));
  return `5;${16 + 36 * (red ?? 0) + 6 * (green ?? 0) + (blue ?? 0)}`;
};

const rays = [" ", ".", ":", "*", "#"];

const plainLamp = (light: VisibleLight, unicode: boolean): string[] => {
  const ray = light.seen === 0 ? " " : (rays[Math.ceil(light.seen * (rays.length - 1))] ?? "#");
  const [bar, glass] = unicode ? ["─", light.seen > 0 ? "█" : "░"] : ["-", light.seen > 0 ? "O" : " "];
  const shine = (count: number): string => (ray === " " ? " ".repeat(count) : `${ray} `.repeat(count / 2));
  return [
    "            |",
    `           .${bar}.`,
    `  ${shine(6)} /${bar}${bar}${bar}${bar}${bar}\\  ${shine(6)}`,
    `${shine(8)} |${glass.repeat(5)}| ${shine(8)}`,
    `${shine(8)} |${glass.repeat(5)}| ${shine(8)}`,
    `  ${shine(6)}  \\${glass.repeat(3)}/   ${shine(6)}`,
    `           '${bar}'`,
  ].map((line) => line.slice(0, LAMP_COLUMNS).padEnd(LAMP_COLUMNS));
};
