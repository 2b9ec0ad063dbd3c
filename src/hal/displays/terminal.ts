import type { View } from "../../model.ts";
import type { Clock, Display } from "../../ports.ts";
import { type QrMatrix, qrMatrix } from "./qr.ts";
import { repaint } from "./repaint.ts";
import { type Look, screenOf } from "./screen.ts";
import { isLive, SHOW_CURSOR, set, termOf } from "./terminal-kind.ts";
import { deadlineOf, linksOf } from "./words.ts";

/** The stream that a terminal display writes to, as `process.stdout` and `process.stderr` are. */
export interface TerminalStream {
  write(text: string): boolean;
  readonly columns?: number;
  readonly rows?: number;
  readonly isTTY?: boolean;
  on?(event: "resize", listener: () => void): unknown;
  off?(event: "resize", listener: () => void): unknown;
}

/** Environment variables that say what a terminal can do. */
export type TerminalEnvironment = Readonly<
  Partial<Record<"LANG" | "LC_ALL" | "LC_CTYPE" | "TERM" | "NO_COLOR" | "WT_SESSION", string>>
>;

export interface TerminalPorts {
  readonly clock: Clock;
  readonly out: TerminalStream;
  readonly env: TerminalEnvironment;
}

const HIDE_CURSOR = "\x1b[?25l";
const CLEAR = "\x1b[2J\x1b[H";

/** Width of lines that go to a file or a journal. */
const LOG_COLUMNS = 120;

class Terminal implements Display {
  readonly #clock: Clock;
  readonly #out: TerminalStream;
  readonly #live: boolean;
  readonly #colour: boolean;
  readonly #unicode: boolean;
  readonly #inks: boolean;
  readonly #closing = new AbortController();
  readonly #codes = new Map<string, QrMatrix | null>();
  readonly #loop: Promise<void>;
  #nap = new AbortController();
  #view: View | undefined;
  #lines: readonly string[] | undefined;
  #resized = false;
  #failed = false;

  constructor({ clock, out, env }: TerminalPorts) {
    this.#clock = clock;
    this.#out = out;
    this.#live = isLive({ out, env });
    // vt220 and its like are what a serial console calls itself: cursor moves, but no 256 colours to rely on.
    this.#colour = this.#live && !/^vt\d/.test(termOf(env));
    const locale = set(env.LC_ALL) ?? set(env.LC_CTYPE) ?? set(env.LANG);
    this.#unicode = locale === undefined ? set(env.WT_SESSION) !== undefined : /utf-?8/i.test(locale);
    this.#inks = set(env.NO_COLOR) === undefined;
    if (this.#live) out.on?.("resize", this.#onResize);
    this.#loop = this.#run();
  }

  show(view: View): void {
    this.#view = view;
    this.#nap.abort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    this.#nap.abort();
    await this.#loop;
    this.#out.off?.("resize", this.#onResize);
    if (this.#live && this.#lines !== undefined) this.#write(SHOW_CURSOR);
    this.#lines = undefined;
  }

  readonly #onResize = (): void => {
    this.#resized = true;
    this.#nap.abort();
  };

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    let printed: View | undefined;
    while (!signal.aborted) {
      this.#nap = new AbortController();
      const view = this.#view;
      if (view !== undefined && (this.#live || view !== printed)) this.#draw(view, await this.#codesOf(view));
      printed = view;
      // A view, resize or close during the await has aborted the nap: draw again at once.
      await this.#sleep(view);
    }
  }

  #draw(view: View, codes: readonly QrMatrix[]): void {
    const look = this.#look();
    const lines = screenOf(view, this.#live ? this.#clock.mono() : null, look, codes);
    if (!this.#live) {
      const same =
        this.#lines?.length === lines.length && lines.every((line, row) => line === this.#lines?.[row]);
      if (!same) this.#write(`${lines.join("\n")}\n\n`);
    } else {
      const old = this.#resized ? undefined : this.#lines;
      const start = this.#resized ? CLEAR : old === undefined ? HIDE_CURSOR : "";
      this.#resized = false;
      const text = start + repaint(old ?? [], lines);
      if (text !== "") this.#write(text);
    }
    this.#lines = lines;
  }

  #look(): Look {
    const abilities = { unicode: this.#unicode, colour: this.#colour, inks: this.#inks };
    if (!this.#live)
      return { ...abilities, columns: this.#out.columns || LOG_COLUMNS, rows: Number.POSITIVE_INFINITY };
    // A serial console says 0 columns and 0 rows.
    const columns = this.#out.columns || 80;
    const rows = this.#out.rows || 24;
    // The last column stays free: a full line leaves the cursor on it, where clearing the rest would eat a character.
    // The last row too: the cursor rests on the line below.
    return { ...abilities, columns: Math.max(columns - 1, 2), rows: Math.max(rows - 1, 1) };
  }

  async #codesOf(view: View): Promise<readonly QrMatrix[]> {
    const links = new Set(linksOf(view));
    // A board that nobody signs in has another code every few minutes.
    for (const known of this.#codes.keys()) if (!links.has(known)) this.#codes.delete(known);
    const found: QrMatrix[] = [];
    for (const link of links) {
      const matrix = this.#codes.get(link) ?? (await qrMatrix(link));
      this.#codes.set(link, matrix);
      if (matrix !== null) found.push(matrix);
    }
    return found;
  }

  /** Sleeps until the countdown shows another second, or until there is something else to draw. */
  async #sleep(view: View | undefined): Promise<void> {
    const { signal } = this.#nap;
    if (signal.aborted || this.#closing.signal.aborted) return;
    const deadline = view !== undefined && this.#live ? deadlineOf(view) : null;
    const leftMs = deadline === null ? 0 : deadline - this.#clock.mono();
    if (leftMs > 0) await this.#clock.sleep(leftMs % 1000 || 1000, signal).catch(() => undefined);
    else await new Promise<void>((wake) => signal.addEventListener("abort", () => wake(), { once: true }));
  }

  #write(text: string): void {
    if (this.#failed) return;
    try {
      this.#out.write(text);
    } catch {
      // A terminal that has gone away is no reason for the lamp to go out.
      this.#failed = true;
    }
  }
}

/**
 * A display in a terminal. On a TTY it draws in place and counts down, one small write a second; elsewhere it prints each
 * new view once, without escape codes. Unicode by LC_ALL, LC_CTYPE, LANG; NO_COLOR is respected for words. Closing it
 * gives the cursor back and leaves the last picture on the screen.
 */
export const openTerminal = (ports: TerminalPorts): Display => new Terminal(ports);
