import { addRow, type Row } from "../page/rows.ts";
import type { Party, WireMessage } from "../wire.ts";

const names: Readonly<Record<Party, string>> = {
  person: "person",
  phone: "phone",
  org: "org",
  board: "board",
  broker: "broker",
  lamp: "lamp",
};

/** One line of the log: who says what to whom, and what it is for. */
export interface LogLine {
  readonly way: string;
  readonly title: string;
  readonly meaning: string;
  readonly times: number;
  readonly kind: WireMessage["kind"];
  readonly ok: boolean;
}

/** Messages as lines; questions that are asked again and again stay one line. */
export interface Log {
  /** Returns the line that the message is in: `times` is above 1 when it was there already. */
  add(message: WireMessage): LogLine;
  /** Oldest first. */
  lines(): readonly LogLine[];
}

/**
 * A log of the newest `kept` lines. Whoever reaches a port of the world has words in it, refused or not: `plain` takes
 * out what a terminal would obey.
 */
export const createLog = (kept: number, plain: (text: string) => string): Log => {
  const rows: Row[] = [];
  const lineOf = ({ message, times }: Row): LogLine => ({
    way: `${names[message.from]} → ${names[message.to]}`,
    title: plain(message.title),
    meaning: plain(message.meaning),
    times,
    kind: message.kind,
    ok: message.ok,
  });
  return {
    add(message) {
      const { row } = addRow(rows, message);
      if (rows.length > kept) rows.shift();
      return lineOf(row);
    },
    lines: () => rows.map(lineOf),
  };
};

/** The widest `way`: "broker → broker". */
const WAY_COLUMNS = 15;

/**
 * A line as text of at most `columns`: who and what, and in what room is left what it is for. `aside` is empty where
 * there is too little room to say something.
 */
export const logText = (
  line: LogLine,
  columns: number,
  unicode: boolean,
): { readonly text: string; readonly aside: string } => {
  const way = unicode ? line.way : line.way.replace("→", ">");
  const count = line.times > 1 ? ` (${line.times} times)` : "";
  const text = shortened(`${way.padEnd(WAY_COLUMNS)} ${line.title}${count}`, columns, unicode);
  const left = columns - text.length - 2;
  return { text, aside: left < LEAST_ASIDE ? "" : `  ${shortened(line.meaning, left, unicode)}` };
};

/** Fewer columns say nothing. */
const LEAST_ASIDE = 14;

const shortened = (text: string, columns: number, unicode: boolean): string => {
  const cut = unicode ? "…" : "...";
  return text.length <= columns ? text : `${text.slice(0, columns - cut.length)}${cut}`;
};
