import type { Grey } from "./decode-qr.ts";

interface Cell {
  readonly character: string;
  readonly ink: number;
  readonly paper: number;
}

/** Grey of the colours that are fixed in every terminal: the two ends of the 6x6x6 cube. */
const cube: Readonly<Record<string, number>> = { "16": 0, "231": 255 };

const ESC = "\x1b";
const OUTPUT = new RegExp(`${ESC}\\[([?0-9;]*)([A-Za-z])|[^]`, "gu");

/** A text without its SGR codes. */
export const withoutColours = (text: string): string =>
  text.replaceAll(new RegExp(`${ESC}\\[[0-9;]*m`, "g"), "");

/**
 * A small terminal, for tests: letters, line ends, the cursor moves CUU, CUD, EL, ED, CUP, and SGR with colours of the
 * cube. It knows nothing else, so that anything else is noticed. `dark` is the theme: light ink on dark paper.
 */
export class TerminalEmulator {
  readonly #cells: Cell[][] = [];
  readonly #theme: { readonly ink: number; readonly paper: number };
  readonly columns: number;
  readonly rows: number;
  /** Everything written, piece by piece. */
  readonly written: string[] = [];
  cursorHidden = false;
  row = 0;
  column = 0;
  #ink: number;
  #paper: number;

  constructor(theme: "dark" | "light", columns = 200, rows = 200) {
    this.#theme = theme === "dark" ? { ink: 229, paper: 20 } : { ink: 20, paper: 250 };
    this.columns = columns;
    this.rows = rows;
    this.#ink = this.#theme.ink;
    this.#paper = this.#theme.paper;
  }

  write(text: string): boolean {
    this.written.push(text);
    for (const [part, parameters = "", kind] of text.matchAll(OUTPUT)) {
      if (kind !== undefined) this.#escape(kind, parameters);
      else if (part === "\r") this.column = 0;
      else if (part === "\n") this.#newLine();
      else if (part < " ") throw new Error(`the terminal does not know ${JSON.stringify(part)}`);
      else this.#put(part);
    }
    return true;
  }

  /** The screen as text, without trailing blanks. */
  get text(): string {
    return Array.from({ length: this.rows }, (_, y) =>
      Array.from({ length: this.columns }, (_, x) => this.#cells[y]?.[x]?.character ?? " ")
        .join("")
        .trimEnd(),
    )
      .join("\n")
      .trimEnd();
  }

  /** The screen as the eye sees it: a cell is one pixel wide and two high. */
  get picture(): Grey {
    return {
      width: this.columns,
      height: 2 * this.rows,
      at: (x, y) => {
        const cell = this.#cells[y >> 1]?.[x];
        if (!cell) return this.#theme.paper;
        const inked = { "█": true, "#": true, "▀": y % 2 === 0, "▄": y % 2 === 1 }[cell.character] ?? false;
        return inked ? cell.ink : cell.paper;
      },
    };
  }

  #put(character: string): void {
    if (this.column >= this.columns) throw new Error("a line is wider than the terminal");
    let line = this.#cells[this.row];
    if (line === undefined) {
      line = [];
      this.#cells[this.row] = line;
    }
    line[this.column++] = { character, ink: this.#ink, paper: this.#paper };
  }

  #newLine(): void {
    this.column = 0;
    this.row += 1;
    if (this.row < this.rows) return;
    this.#cells.shift();
    this.row = this.rows - 1;
  }

  #escape(kind: string, parameters: string): void {
    switch (kind) {
      case "A":
        this.row -= Number(parameters);
        if (this.row < 0) throw new Error("the cursor leaves the screen");
        return;
      case "B":
        this.row += Number(parameters);
        if (this.row >= this.rows) throw new Error("the cursor leaves the screen");
        return;
      case "H":
        this.row = 0;
        this.column = 0;
        return;
      case "K":
        this.#cells[this.row]?.splice(this.column);
        return;
      case "J":
        this.#cells.splice(parameters === "2" ? 0 : this.row);
        return;
      case "h":
      case "l":
        if (parameters !== "?25") throw new Error(`the terminal does not know mode ${parameters}`);
        this.cursorHidden = kind === "l";
        return;
      case "m":
        this.#colour(parameters);
        return;
      default:
        throw new Error(`the terminal does not know ESC [ ${parameters} ${kind}`);
    }
  }

  #colour(parameters: string): void {
    const ink = /38;5;(\d+)/.exec(parameters)?.[1];
    const paper = /48;5;(\d+)/.exec(parameters)?.[1];
    if (parameters === "0") {
      this.#ink = this.#theme.ink;
      this.#paper = this.#theme.paper;
    }
    if (ink !== undefined) this.#ink = cube[ink] ?? this.#theme.ink;
    if (paper !== undefined) this.#paper = cube[paper] ?? this.#theme.paper;
  }
}
