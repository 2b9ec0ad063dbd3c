import type { View } from "../../model.ts";
import type { MonoMs } from "../../units.ts";
import { GLYPH_ROWS, lettering } from "./font.ts";
import { withQuietZone } from "./layout.ts";
import type { QrMatrix } from "./qr.ts";
import {
  choose,
  codeRoom,
  drawCode,
  GUTTER,
  halfBlockRow,
  inkRow,
  type Placement,
  type TerminalAbilities,
} from "./terminal-art.ts";
import { clean } from "./text.ts";
import { groupCode, type WordLine, type WordOptions, type WordStyle, wordsOf } from "./words.ts";

/** The terminal that a screen is made for. */
export interface Look extends TerminalAbilities {
  readonly columns: number;
  /** Infinity where the output scrolls on. */
  readonly rows: number;
  /** Words in colour: false with NO_COLOR. A code keeps its black and white, without which it cannot be read. */
  readonly inks: boolean;
}

const styles: Readonly<Record<WordStyle, string>> = {
  plain: "",
  strong: "1",
  dim: "2",
  good: "32",
  bad: "31",
};

const paint = ({ text, style }: WordLine, { colour, inks }: Look): string =>
  text === "" || style === "plain" || !colour || !inks ? text : `\x1b[${styles[style]}m${text}\x1b[0m`;

/** A small bulb beside the first three lines of words. */
const bulbs = {
  unicode: ["╭───╮", "╰┬─┬╯", " ╰─╯ "],
  ascii: [".---.", "'|_|'", " `-' "],
} as const;
const BULB_COLUMNS = 5 + 2;
/** Lamp yellow of the colour cube, for a lamp that is online. */
const LIT = "38;5;220";

const withBulb = (lines: readonly WordLine[], lit: boolean, look: Look): string[] => {
  const bulb = look.unicode ? bulbs.unicode : bulbs.ascii;
  const count = Math.max(lines.length, bulb.length);
  return Array.from({ length: count }, (_, row) => {
    const line = lines[row];
    const part = bulb[row];
    const picture =
      part === undefined
        ? " ".repeat(BULB_COLUMNS)
        : `${lit && look.colour && look.inks ? `\x1b[${LIT}m${part}\x1b[0m` : part}  `;
    return line === undefined ? picture : picture + paint(line, look);
  }).map((line) => line.trimEnd());
};

/** The words as painted lines, with the bulb where there is room for looks. */
const words = (view: View, options: WordOptions, look: Look): string[] => {
  const roomy = !options.tight && options.columns >= 34;
  if (!roomy) return wordsOf(view, options).map((line) => paint(line, look));
  return withBulb(wordsOf(view, { ...options, columns: options.columns - BULB_COLUMNS }), view.online, look);
};

/** A user code in letters four (Unicode) or seven rows high, or undefined where it is wider than `columns`. */
const largeCode = (userCode: string, { columns, unicode }: Look): string[] | undefined => {
  const letters = [groupCode(clean(userCode)), clean(userCode)]
    .map(lettering)
    .find((candidate) => candidate.columns <= columns);
  if (letters === undefined) return undefined;
  const rows = Array.from({ length: unicode ? Math.ceil(GLYPH_ROWS / 2) : GLYPH_ROWS }, (_, row) =>
    unicode ? halfBlockRow(letters.columns, 2 * row, letters.get) : inkRow(letters.columns, row, letters.get),
  );
  return rows.map((row) => row.trimEnd());
};

const withCode = (text: readonly string[], code: QrMatrix, { form, place }: Placement): string[] => {
  const art = drawCode(code, form);
  if (place === "below") return [...text, ...art];
  const { columns } = codeRoom(code.size, form);
  const count = Math.max(art.length, text.length);
  return Array.from({ length: count }, (_, row) => {
    const left = art[row] ?? " ".repeat(columns);
    const right = text[row];
    return right ? `${left}${" ".repeat(GUTTER)}${right}` : left.trimEnd();
  });
};

/** Without a QR code: the user code in letters as large as fit, else plainly, and at the least the last lines that matter. */
const withoutCode = (view: View, now: MonoMs | null, look: Look): string[] => {
  const { columns, rows } = look;
  const large = view.code?.kind === "code" ? largeCode(view.code.userCode, look) : undefined;
  for (const tight of [false, true]) {
    const options: WordOptions = { columns, tight, now };
    if (large) {
      const lines = wordsOf(view, { ...options, largeCode: large }).map((line) => paint(line, look));
      if (lines.length <= rows) return lines;
    }
    const lines = words(view, options, look);
    if (lines.length <= rows) return lines;
  }
  // Too small for everything: what counts (code, link, time left) comes last.
  return wordsOf(view, { columns, tight: true, now })
    .slice(-rows)
    .map((line) => paint(line, look));
};

/**
 * A view as lines of text, none wider and not more of them than the terminal: the QR code with the words beside or above
 * it, in the largest form that fits. `codes` are the QR codes to choose from, best first (the link with the user code
 * inside, then the shorter one without it). Where none fits, the user code is written in large letters.
 */
export const screenOf = (
  view: View,
  now: MonoMs | null,
  look: Look,
  codes: readonly QrMatrix[],
): string[] => {
  const framed = codes.map((code) => withQuietZone(code));
  const placement = choose(
    look.columns,
    look.rows,
    look,
    framed.map(({ size }) => size),
    (columns, tight) => words(view, { columns, tight, now }, look).length,
  );
  const code = placement && framed[placement.code];
  if (!placement || !code) return withoutCode(view, now, look);
  const options = { columns: placement.wordColumns, tight: placement.tight, now };
  return withCode(words(view, options, look), code, placement);
};
