// The report as CSV (RFC 4180), for spreadsheets. Pure.

import { iso } from "../units.ts";
import type { Lamp } from "./lamps.ts";

/** The columns, in order; docs/report.md has them, and they only ever grow at the end. */
const columns: readonly (readonly [name: string, of: (lamp: Lamp) => string | null])[] = [
  ["name", ({ name }) => name],
  ["device_id", ({ deviceId }) => deviceId],
  ["serial", ({ serial }) => serial],
  ["asset_id", ({ assetId }) => assetId],
  ["owner", ({ owner }) => owner],
  ["status", ({ status }) => status],
  ["status_from", ({ statusFrom }) => statusFrom],
  ["last_seen", ({ lastSeen }) => (lastSeen === null ? null : iso(lastSeen))],
  ["lights", ({ lights }) => lights],
  ["fault", ({ fault }) => fault],
  ["signed_in_until", ({ signedInUntil }) => (signedInUntil === null ? null : iso(signedInUntil))],
  ["firmware", ({ firmware }) => firmware],
  ["attention", ({ attention }) => attention.map(({ kind }) => kind).join(" ")],
  ["attention_words", ({ attention }) => attention.map(({ words }) => words).join("; ")],
  ["health", ({ health }) => health],
  ["troubles", ({ troubles }) => troubles.join(" ")],
];

/**
 * A spreadsheet takes a cell that begins with one of these for a formula, which may send the other cells somewhere: an
 * apostrophe before it makes it text. Wide forms count, too.
 */
const FORMULA = /^[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r]/;
/** Where the decimal comma is in use, spreadsheets begin a cell at each semicolon, quotes or not. */
const FORMULA_INSIDE = /;(?=[\s'"]*[=+\-@\uff1d\uff0b\uff0d\uff20])/g;

const cell = (value: string | null): string => {
  const text = (value ?? "").replace(FORMULA_INSIDE, ";'");
  const safe = FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
};

/** UTF-8 with a byte order mark: without one, spreadsheets guess. */
export function* csvLines(lamps: readonly Lamp[]): Generator<string> {
  yield `\ufeff${columns.map(([name]) => name).join(",")}\r\n`;
  for (const lamp of lamps) yield `${columns.map(([, of]) => cell(of(lamp))).join(",")}\r\n`;
}
