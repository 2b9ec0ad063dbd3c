// What came of a soak, in a table for people.

import type { Written } from "./counting-disk.ts";
import { perDay, type RealIdle } from "./real-idle.ts";
import type { IdleDay, Soaked } from "./soak.ts";
import type { Trend } from "./trend.ts";

const columns = [26, 14, 14, 14, 12] as const;

const line = (...cells: readonly string[]): string =>
  `  ${cells.map((cell, at) => (at === 0 ? cell.padEnd(columns[0]) : cell.padStart(columns[at] ?? 12))).join("")}`.trimEnd();

const figure = (value: number, unit: string): string =>
  unit === "B" ? `${(value / 1000).toFixed(1)} kB` : String(Math.round(value * 100) / 100);

const trendLine = ({ gauge, first, last, perDay, grows }: Trend): string =>
  line(gauge.name, ...[first, last, perDay, gauge.most].map((value) => figure(value, gauge.unit))) +
  (grows ? "  GROWS" : "");

const counted = (what: Readonly<Record<string, number>>): string =>
  Object.entries(what)
    .map(([name, count]) => `${name}: ${count}`)
    .join(", ");

const fileLines = (written: Readonly<Record<string, Written>>): string[] =>
  Object.entries(written)
    .toSorted(([, a], [, b]) => b.bytes - a.bytes)
    .map(([name, { bytes, blocks, writes }]) =>
      line(`  ${name}`, figure(bytes, "B"), figure(blocks, "B"), `${writes} writes`),
    );

/** The table of a soak, and what grew. */
export const soakedWords = ({ days, trends, answers, faults, written }: Soaked): string[] => [
  `${days.length} days in which people live with the lamp`,
  line("", "first day", "last day", "a day", "at most"),
  ...trends.map(trendLine),
  "",
  `  asked of the board: ${counted(answers)}`,
  `  faults told: ${counted(faults)}`,
  "",
  line("written on the last day", "bytes", "in blocks"),
  ...fileLines(written),
];

/** What an idle day writes. */
export const idleWords = (
  name: string,
  { written, bytes, blocks, writes, device, log }: IdleDay,
): string[] => [
  "",
  line(`an idle day, ${name}`, "bytes", "in blocks"),
  ...fileLines(written),
  line("  all files", figure(bytes, "B"), figure(blocks, "B"), `${writes} writes`),
  ...(device === null ? [] : [line("  on the device", "", figure(device, "B"))]),
  line("  log (journald's)", figure(log, "B")),
];

/** What the kernel counted of a real program that is left alone. */
export const realWords = ({ command, seconds, disk, all }: RealIdle): string[] => [
  "",
  line(`${seconds} s of ${command}`, "bytes", "a day"),
  line("  to the disk", String(disk), figure(perDay(disk, seconds), "B")),
  line("  files, sockets, pipes", String(all), figure(perDay(all, seconds), "B")),
];
