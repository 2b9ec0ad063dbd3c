import { unreachable } from "../../units.ts";
import type { QrMatrix } from "./qr.ts";

/**
 * How a code is drawn with characters:
 *
 * - `large`: a module is two columns of background colour. Needs colours; no font can leave gaps in it.
 * - `small`: half blocks, two modules above each other in one character, black on white. Needs colours and Unicode.
 * - `blocks`: half blocks without colours; light modules are ink, so that it is right on a dark background.
 * - `ascii`: `##` is a light module and two spaces a dark one: no colours, no Unicode, right on a dark background.
 *
 * The first two set both colours and look the same on any background. The last two come out inverted on a light
 * background; most phones read that too, but not all.
 */
export type CodeForm = "large" | "small" | "blocks" | "ascii";

/** What a terminal understands. */
export interface TerminalAbilities {
  readonly unicode: boolean;
  /** Escape codes with 256 colours. */
  readonly colour: boolean;
}

/** Columns and rows that a code of `size` modules (quiet zone included) takes. */
export const codeRoom = (
  size: number,
  form: CodeForm,
): { readonly columns: number; readonly rows: number } =>
  form === "large" || form === "ascii"
    ? { columns: 2 * size, rows: size }
    : { columns: size, rows: Math.ceil(size / 2) };

// 16 and 231 are black and white of the fixed 6x6x6 colour cube. The first 16 colours are for themes to change.
const BLACK = 16;
const WHITE = 231;
const RESET = "\x1b[0m";

const range = (length: number): number[] => Array.from({ length }, (_, index) => index);

const largeRow = (code: QrMatrix, y: number): string => {
  let line = "";
  for (let x = 0, ink = -1; x < code.size; x++) {
    const wanted = code.get(x, y) ? BLACK : WHITE;
    line += wanted === ink ? "  " : `\x1b[48;5;${wanted}m  `;
    ink = wanted;
  }
  return line + RESET;
};

/** Two rows of cells in one row of characters; `inked` says which cells are drawn in the foreground colour. */
export const halfBlockRow = (columns: number, y: number, inked: (x: number, y: number) => boolean): string =>
  range(columns)
    .map((x) => {
      const [upper, lower] = [inked(x, y), inked(x, y + 1)];
      return upper && lower ? "█" : upper ? "▀" : lower ? "▄" : " ";
    })
    .join("");

/** One row of cells in one row of characters, `#` for ink. */
export const inkRow = (columns: number, y: number, inked: (x: number, y: number) => boolean): string =>
  range(columns)
    .map((x) => (inked(x, y) ? "#" : " "))
    .join("");

/** The code (quiet zone included) as lines of text, each complete in itself. */
export const drawCode = (code: QrMatrix, form: CodeForm): string[] => {
  const rows = range(codeRoom(code.size, form).rows);
  switch (form) {
    case "large":
      return rows.map((row) => largeRow(code, row));
    case "small":
      // An odd last row is completed with light modules, which only widens the quiet zone.
      return rows.map(
        (row) => `\x1b[38;5;${BLACK};48;5;${WHITE}m${halfBlockRow(code.size, 2 * row, code.get)}${RESET}`,
      );
    case "blocks":
      return rows.map((row) => halfBlockRow(code.size, 2 * row, (x, y) => y >= code.size || !code.get(x, y)));
    case "ascii":
      return rows.map((y) =>
        range(code.size)
          .map((x) => (code.get(x, y) ? "  " : "##"))
          .join(""),
      );
    default:
      return unreachable(form);
  }
};

const formsFor = ({ unicode, colour }: TerminalAbilities): readonly CodeForm[] =>
  colour ? (unicode ? ["large", "small"] : ["large"]) : unicode ? ["blocks"] : ["ascii"];

/** Columns between a code and the words beside it. */
export const GUTTER = 3;
/** Fewer columns make words beside a code unreadable. */
const NARROWEST_WORDS = 28;
const WIDEST_WORDS = 60;

/** Where a code goes, and how wide the words are. */
export interface Placement {
  /** Which of the offered codes. */
  readonly code: number;
  readonly form: CodeForm;
  readonly place: "beside" | "below";
  readonly wordColumns: number;
  /** Words with blank lines and details between, or only what is needed. */
  readonly tight: boolean;
}

/**
 * Picks what fits into `columns` x `rows`: the first of `sizes` (in modules, quiet zone included, best first) that can
 * be drawn in any form with the words beside it or above it; null when none fits. `wordRows` tells how many lines the
 * words take at a width.
 */
export const choose = (
  columns: number,
  rows: number,
  abilities: TerminalAbilities,
  sizes: readonly number[],
  wordRows: (columns: number, tight: boolean) => number,
): Placement | null => {
  for (const [code, size] of sizes.entries())
    for (const form of formsFor(abilities)) {
      const room = codeRoom(size, form);
      if (room.columns > columns || room.rows > rows) continue;
      const left = Math.min(columns - room.columns - GUTTER, WIDEST_WORDS);
      for (const tight of [false, true]) {
        if (left >= NARROWEST_WORDS && wordRows(left, tight) <= rows)
          return { code, form, place: "beside", wordColumns: left, tight };
        if (wordRows(columns, tight) + room.rows <= rows)
          return { code, form, place: "below", wordColumns: columns, tight };
      }
    }
  return null;
};
