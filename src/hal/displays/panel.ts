// A view on a panel of pixels: which picture fits, and where its parts go. Pure; framebuffer and OLED only copy it.

import type { View, ViewCode } from "../../model.ts";
import { signalWords } from "../../signal.ts";
import type { MonoMs } from "../../units.ts";
import { GLYPH_PITCH, GLYPH_ROWS, lettering } from "./font.ts";
import { withQuietZone } from "./layout.ts";
import type { QrMatrix } from "./qr.ts";
import { clean, wrap } from "./text.ts";
import { countdown, groupCode, type WordLine, type WordStyle, wordsOf } from "./words.ts";

/** What a pixel is, by its number; the panel decides on its colour. */
export const inkNames = ["back", "plain", "strong", "dim", "good", "bad", "paper", "module"] as const;
export type Ink = (typeof inkNames)[number];

export const inks: Readonly<Record<Ink, number>> = {
  back: 0,
  plain: 1,
  strong: 2,
  dim: 3,
  good: 4,
  bad: 5,
  paper: 6,
  module: 7,
};

/** A picture for a panel: one of `inks` a pixel, row by row. */
export interface Panel {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;
  /** What carries the code: the QR of the whole link, of the link without it (the code is beside it), words, or nothing. */
  readonly shows: "link" | "shortLink" | "code" | "words";
}

/** The codes that a view may show. Null where there is none, or none that holds so much. */
export interface Codes {
  readonly link: QrMatrix | null;
  readonly shortLink: QrMatrix | null;
}

/** A module smaller than this is lost between a panel's pixels and a phone's camera. */
const LEAST_MODULE_PX = 2;
/** Larger modules only take room from the words. */
const MOST_MODULE_PX = 12;
const MARGIN_PX = 4;
const LINE_ROWS = GLYPH_ROWS + 3;
/** Narrower text is torn apart too much to be read. */
const LEAST_COLUMNS = 9;

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

interface Words {
  readonly lines: readonly WordLine[];
  readonly scale: number;
}

/** A line of large letters among the words. */
interface Large extends WordLine {
  readonly times: number;
}

const timesOf = (line: WordLine | Large): number => ("times" in line ? line.times : 1);

const heightOf = ({ lines, scale }: Words): number =>
  lines.reduce((sum, line) => sum + LINE_ROWS * scale * timesOf(line), 0);

type MakeLines = (columns: number) => readonly WordLine[];

/** The first of the texts that fits into a box, as large as it does, `least` or larger; undefined when none does. */
const fitWords = (texts: readonly MakeLines[], box: Box, least: number): Words | undefined => {
  for (const text of texts)
    for (let scale = 6; scale >= least; scale -= 1) {
      const columns = Math.floor((box.width - 2 * MARGIN_PX) / (GLYPH_PITCH * scale));
      if (columns < LEAST_COLUMNS) continue;
      const lines = text(columns);
      if (heightOf({ lines, scale }) + 2 * MARGIN_PX <= box.height) return { lines, scale };
    }
  return undefined;
};

class Canvas {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint8Array;

  constructor(width: number, height: number) {
    this.width = width;
    this.height = height;
    this.pixels = new Uint8Array(width * height);
  }

  fill({ x, y, width, height }: Box, ink: number): void {
    for (let row = y; row < y + height; row += 1)
      this.pixels.fill(ink, row * this.width + x, row * this.width + x + width);
  }

  code(code: QrMatrix, { x, y }: Box, module: number): void {
    for (let row = 0; row < code.size; row += 1)
      for (let column = 0; column < code.size; column += 1) {
        const ink = code.get(column, row) ? inks.module : inks.paper;
        this.fill({ x: x + column * module, y: y + row * module, width: module, height: module }, ink);
      }
  }

  words(words: Words, box: Box, centred: boolean): void {
    let y = box.y + Math.max(MARGIN_PX, Math.floor((box.height - heightOf(words)) / 2));
    for (const line of words.lines) {
      const scale = words.scale * timesOf(line);
      const letters = lettering(line.text);
      const x =
        box.x + (centred ? Math.max(0, Math.floor((box.width - letters.columns * scale) / 2)) : MARGIN_PX);
      for (let row = 0; row < GLYPH_ROWS; row += 1)
        for (let column = 0; column < letters.columns; column += 1)
          if (letters.get(column, row))
            this.fill(
              { x: x + column * scale, y: y + row * scale, width: scale, height: scale },
              inks[line.style satisfies WordStyle],
            );
      y += LINE_ROWS * scale;
    }
  }
}

/** What may stand beside a code, the most telling first. The last one is what a person needs in any case. */
const textsOf = (view: View, now: MonoMs): readonly MakeLines[] => {
  const all = (columns: number, tight: boolean): readonly WordLine[] =>
    wordsOf(view, { columns, tight, now });
  const { code } = view;
  const texts: readonly MakeLines[] = [(columns) => all(columns, false), (columns) => all(columns, true)];
  if (code === null) return texts;
  const least =
    (first: string, words: readonly string[]): MakeLines =>
    (columns) => [
      ...wrap(first, columns).map((text): WordLine => ({ text, style: "strong" })),
      ...words.flatMap((each) => wrap(each, columns)).map((text): WordLine => ({ text, style: "plain" })),
      { text: countdown(code.expiresAt - now), style: "dim" },
    ];
  if (code.kind === "link")
    return [...texts, least(code.start, ["or porchlight sign-in"]), least("porchlight sign-in", [])];
  const { signal } = code;
  const userCode = groupCode(clean(code.userCode));
  return [
    ...texts,
    ...(signal === null ? [] : [least(userCode, [signalWords(signal)])]),
    least(userCode, []),
  ];
};

/** Places for a square of `side` pixels and for the words: beside each other, or one above the other. */
const arrangements = (
  width: number,
  height: number,
  side: number,
): readonly { square: Box; words: Box }[] => {
  const beside = {
    square: { x: 0, y: Math.floor((height - side) / 2), width: side, height: side },
    words: { x: side, y: 0, width: width - side, height },
  };
  const above = {
    square: { x: Math.floor((width - side) / 2), y: 0, width: side, height: side },
    words: { x: 0, y: side, width, height: height - side },
  };
  return width >= height ? [beside, above] : [above, beside];
};

/** How large letters should at least be on such a panel, to be read at arm's length. */
const goodScale = (width: number, height: number): number =>
  Math.max(1, Math.min(3, Math.round(Math.min(width, height) / 160)));

const drawCode = (
  view: View,
  code: QrMatrix,
  shows: "link" | "shortLink",
  size: { readonly width: number; readonly height: number },
  now: MonoMs,
): Panel | undefined => {
  const { width, height } = size;
  const framed = withQuietZone(code);
  const most = Math.min(MOST_MODULE_PX, Math.floor(Math.min(width, height) / framed.size));
  const canvas = new Canvas(width, height);
  const texts = textsOf(view, now);
  // What is wrong says more than a large code for a page that helps: all of it first, however small the code.
  for (const wanted of view.code === null ? texts.map((text) => [text]) : [texts])
    for (const least of new Set([goodScale(width, height), 1]))
      for (let module = most; module >= LEAST_MODULE_PX; module -= 1)
        for (const { square, words: box } of arrangements(width, height, framed.size * module)) {
          const words = fitWords(wanted, box, least);
          if (words === undefined) continue;
          canvas.code(framed, square, module);
          canvas.words(words, box, square.y === 0 && square.x > 0);
          return { ...canvas, shows };
        }
  // Without words only the whole link will do: nobody could type a code that is not there.
  if (shows === "shortLink" || most < LEAST_MODULE_PX) return undefined;
  const side = framed.size * most;
  const left = Math.floor((width - side) / 2);
  const top = Math.floor((height - side) / 2);
  canvas.fill({ x: 0, y: 0, width, height }, inks.paper);
  canvas.code(framed, { x: left, y: top, width: side, height: side }, most);
  return { ...canvas, shows };
};

/** The code in letters as large as fit, with the page to type it on, and how the lamp blinks, where there is room. */
const drawLetters = (
  shown: Extract<ViewCode, { kind: "code" }>,
  size: { readonly width: number; readonly height: number },
): Panel => {
  const { width, height } = size;
  const canvas = new Canvas(width, height);
  const whole = { x: 0, y: 0, width, height };
  const text = groupCode(clean(shown.userCode));
  const code = (times: number): Large => ({ text, style: "strong", times });
  const signal = shown.signal ? signalWords(shown.signal) : "";
  const page = clean(shown.verificationUri).replace(/^https?:\/\//, "");
  const most = Math.max(1, Math.floor(width / ([...text].length * GLYPH_PITCH)));
  const room = Math.max(1, Math.floor((width - 2 * MARGIN_PX) / GLYPH_PITCH));
  const pieces = page.match(new RegExp(`.{1,${room}}`, "gu")) ?? [];
  // A smaller code is a fair price for saying how the lamp blinks, down to half its size.
  for (const [more, least] of [
    [signal === "" ? [] : wrap(signal, room), Math.ceil(most / 2)],
    [[], 1],
  ] as const)
    for (let times = most; times >= least; times -= 1) {
      const lines: readonly WordLine[] = [
        code(times),
        ...[...pieces, ...more].map((piece): WordLine => ({ text: piece, style: "plain" })),
      ];
      if (heightOf({ lines, scale: 1 }) + 2 * MARGIN_PX > height) continue;
      canvas.words({ lines, scale: 1 }, whole, true);
      return { ...canvas, shows: "code" };
    }
  canvas.words({ lines: [code(most)], scale: 1 }, whole, true);
  return { ...canvas, shows: "code" };
};

/**
 * The best picture of a view for a panel of `size` pixels: the QR code of the link with words beside or below it, in
 * whole pixels a module (2 at least) and with its quiet zone; else that of the link without the code, and the code in
 * words; else the code in large letters. Without a code, words alone, as large as fit, or beside the QR of a page that helps.
 */
export const panelOf = (
  view: View,
  codes: Codes,
  size: { readonly width: number; readonly height: number },
  now: MonoMs,
): Panel => {
  if (view.code?.kind === "code")
    return (
      (codes.link && drawCode(view, codes.link, "link", size, now)) ??
      (codes.shortLink && drawCode(view, codes.shortLink, "shortLink", size, now)) ??
      drawLetters(view.code, size)
    );
  const help = view.problem?.link && codes.link && drawCode(view, codes.link, "link", size, now);
  if (help) return help;
  const canvas = new Canvas(size.width, size.height);
  const whole = { x: 0, y: 0, ...size };
  // A strip of a panel has room for the first lines of what matters most.
  const first: MakeLines = (columns) =>
    wordsOf(view, { columns, tight: true, now })
      .slice(1)
      .slice(0, Math.max(1, Math.floor((size.height - 2 * MARGIN_PX) / LINE_ROWS)));
  const words = fitWords([...textsOf(view, now), first], whole, 1);
  if (words !== undefined) canvas.words(words, whole, true);
  return { ...canvas, shows: "words" };
};
