// What hangs on the board, in characters: its lines with level or duty, its bulb, and its panel's pixels as Braille dots.

import type { HardwarePicture, PanelPicture, PinPicture } from "../page/state.ts";

const BAR = 12;

const bar = (level: number, unicode: boolean): string => {
  const lit = Math.round(level * BAR);
  const [full, empty] = unicode ? ["█", "░"] : ["#", "."];
  return full.repeat(lit) + empty.repeat(BAR - lit);
};

const says = ({ kind, level, inUse }: PinPicture): string => {
  if (!inUse) return "free";
  if (kind === "pwm") return `${(level * 100).toFixed(level > 0 && level < 0.1 ? 1 : 0)} %`;
  return level === 1 ? "high" : "low";
};

/** A line for each pin and for the bulb, cut to `columns`. */
export const hardwareLines = (
  { pins, bulb }: HardwarePicture,
  columns: number,
  unicode: boolean,
): string[] => {
  const lines = pins.map((pin) =>
    [pin.name.padEnd(7), pin.use.padEnd(15), bar(pin.level, unicode), says(pin).padStart(6)].join(" "),
  );
  if (bulb !== null) {
    const indent = " ".repeat(8);
    lines.push(
      `${"air".padEnd(7)} ${"window, bulb".padEnd(15)} ${bar(bulb.light.seen, unicode)}`,
      `${indent}${bulb.connected ? bulb.light.words : "not connected"}`,
      `${indent}${bulb.name}  ${bulb.address}`,
    );
    if (bulb.written !== "") lines.push(`${indent}was written ${bulb.written}`);
  }
  return lines.map((line) => line.slice(0, columns));
};

/** Inks that are light: a pixel of one is a dot. */
const lightInks = "bcdefg";
/** Bits of the dots of a Braille cell, by row and column: Unicode chapter 21.1. */
const dots = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** The panel's pixels as Braille, made smaller by a whole number until they fit; none where that would be too small. */
export const panelLines = (panel: PanelPicture, columns: number, rows: number): string[] => {
  const { width, height } = panel;
  const scale = Math.max(1, Math.ceil(width / (2 * columns)), Math.ceil(height / (4 * rows)));
  if (!(scale <= 4)) return [];
  const lit = lightOf(panel);
  /** More than half of the pixels that a dot stands for are light. */
  const dot = (x: number, y: number): boolean => {
    let count = 0;
    for (let row = y * scale; row < Math.min((y + 1) * scale, height); row += 1)
      for (let column = x * scale; column < Math.min((x + 1) * scale, width); column += 1)
        count += lit[row * width + column] ?? 0;
    return count * 2 > scale * scale;
  };
  const cell = (x: number, y: number): string => {
    let bits = 0;
    dots.forEach((row, down) => {
      row.forEach((bit, right) => {
        if (dot(2 * x + right, 4 * y + down)) bits |= bit;
      });
    });
    return String.fromCodePoint(0x2800 + bits);
  };
  const across = Math.ceil(width / (2 * scale));
  return Array.from({ length: Math.ceil(height / (4 * scale)) }, (_, y) =>
    Array.from({ length: across }, (_, x) => cell(x, y)).join(""),
  );
};

const lightOf = ({ width, height, runs }: PanelPicture): Uint8Array => {
  const lit = new Uint8Array(width * height);
  let at = 0;
  for (const [, ink = "", length = "0"] of runs.matchAll(/([a-h])(\d+)/g)) {
    const end = at + Number(length);
    if (lightInks.includes(ink)) lit.fill(1, at, end);
    at = end;
  }
  return lit;
};
