import type { WireMessage } from "../wire.ts";

/** One row of the diagram: a message, or the same message seen several times on end. */
export interface Row {
  readonly key: number;
  message: WireMessage;
  times: number;
}

const same = (a: WireMessage, b: WireMessage): boolean =>
  a.from === b.from && a.to === b.to && a.title === b.title && a.meaning === b.meaning && a.ok === b.ok;

const between = (row: Row, { kind, from, to }: WireMessage): boolean =>
  row.message.kind === kind &&
  ((row.message.from === from && row.message.to === to) ||
    (row.message.from === to && row.message.to === from));

/**
 * Adds a message to the rows and returns the row it is in. A message that repeats the last one between the same two
 * parties, or the question before the last answer, counts that row up instead of making a new one: the board asks
 * again and again until somebody approves. Other conversations go on meanwhile, so for HTTP they may lie in between.
 */
export const addRow = (rows: Row[], message: WireMessage): { row: Row; added: boolean } => {
  const talk =
    message.kind === "http" ? rows.filter((row) => between(row, message)).slice(-2) : rows.slice(-2);
  const last = talk.at(-1);
  const asked = talk.at(-2);
  const answered =
    last !== undefined &&
    asked !== undefined &&
    last.message.from === asked.message.to &&
    last.message.to === asked.message.from;
  const again =
    last !== undefined && same(last.message, message)
      ? last
      : answered && same(asked.message, message)
        ? asked
        : undefined;
  if (again !== undefined) {
    again.message = message;
    again.times += 1;
    return { row: again, added: false };
  }
  const row: Row = { key: message.seq, message, times: 1 };
  rows.push(row);
  return { row, added: true };
};
