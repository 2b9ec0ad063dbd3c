// The report's pictures, as SVG that is read with colours or without, and by screen readers as a sentence. Pure.

import type { Lamp } from "./lamps.ts";
import { count, counted, escaped } from "./markup.ts";
import type { Bucket } from "./summary.ts";

const labelled = (title: string, sentence: string, width: number, height: number, body: string): string =>
  `<svg role="img" viewBox="0 0 ${width} ${height}" aria-label="${escaped(`${title}: ${sentence}`)}">${body}</svg>`;

const sentenceOf = (buckets: readonly Bucket[]): string =>
  buckets.map(({ label, count: n }) => `${label} ${count(n)}`).join(", ");

const text = (x: number, y: number, words: string, extra = ""): string =>
  `<text x="${x}" y="${y}"${extra}>${escaped(words)}</text>`;

/** Bars beside each other, for things that have an order in time; `kindOf` says which are bad news. */
export const columns = (
  title: string,
  buckets: readonly Bucket[],
  kindOf: (label: string) => "good" | "bad" | "none",
): string => {
  const [width, height, base] = [340, 178, 132];
  const most = Math.max(1, ...buckets.map(({ count: n }) => n));
  const step = width / Math.max(1, buckets.length);
  const bars = buckets.map(({ label, count: n }, index) => {
    const tall = n === 0 ? 0 : Math.max(3, (n / most) * 104);
    const x = index * step;
    const middle = x + step / 2;
    const [first = "", ...rest] = label.split(" ");
    // Long labels take two lines.
    const lines = label.length <= 6 ? [label] : [first, rest.join(" ")];
    return [
      `<rect class="${kindOf(label)}" x="${(x + 8).toFixed(1)}" y="${(base - tall).toFixed(1)}" width="${(step - 16).toFixed(1)}" height="${tall.toFixed(1)}" rx="3"/>`,
      text(middle, base - tall - 7, count(n), ' class="number" text-anchor="middle"'),
      ...lines.map((line, at) =>
        text(middle, base + 20 + at * 16, line, ' class="label" text-anchor="middle"'),
      ),
    ].join("");
  });
  const axis = `<path class="axis" d="M0 ${base}.5H${width}"/>`;
  return labelled(title, sentenceOf(buckets), width, height, bars.join("") + axis);
};

/** Bars below each other, for things with names. */
export const rows = (title: string, buckets: readonly Bucket[]): string => {
  const [width, line] = [340, 30];
  const most = Math.max(1, ...buckets.map(({ count: n }) => n));
  const bars = buckets.map(({ label, count: n }, index) => {
    const y = index * line;
    const wide = Math.max(2, (n / most) * 165);
    const shortened = label.length > 13 ? `${label.slice(0, 12)}…` : label;
    return [
      text(0, y + 20, shortened, ' class="label"'),
      `<rect class="${label === "unknown" ? "none" : "good"}" x="112" y="${y + 6}" width="${wide.toFixed(1)}" height="18" rx="3"/>`,
      text(120 + wide, y + 20, count(n), ' class="number"'),
    ].join("");
  });
  return labelled(title, sentenceOf(buckets), width, Math.max(1, buckets.length) * line, bars.join(""));
};

const MOST_DOTS = 1200;
const kinds = ["online", "offline", "unknown"] as const;

/** A lit window for each lamp that is online, a dark one for each that is not; of large fleets, one for several lamps. */
export const windows = (status: Readonly<Record<Lamp["status"], number>>): string => {
  const all = kinds.reduce((sum, kind) => sum + status[kind], 0);
  const each = Math.max(1, Math.ceil(all / MOST_DOTS));
  // Every kind that there is has at least one window.
  const dots = kinds.map((kind) => ({ kind, dots: Math.ceil(status[kind] / each) }));
  const total = dots.reduce((sum, { dots: n }) => sum + n, 0);
  const perRow = Math.min(60, Math.max(12, Math.ceil(Math.sqrt(total * 5))));
  const size = 840 / perRow;
  const side = size * 0.72;
  let at = 0;
  const paths = dots.map(({ kind, dots: n }) => {
    const squares = Array.from({ length: n }, () => {
      const [x, y] = [(at % perRow) * size, Math.floor(at / perRow) * size];
      at += 1;
      return `M${(x + 1).toFixed(1)} ${(y + 1).toFixed(1)}h${side.toFixed(1)}v${side.toFixed(1)}h-${side.toFixed(1)}z`;
    });
    return n === 0 ? "" : `<path class="window ${kind}" d="${squares.join("")}"/>`;
  });
  const height = Math.max(1, Math.ceil(total / perRow)) * size + 2;
  const words = kinds.map((kind) => `${count(status[kind])} ${kind}`).join(", ");
  const scale = each === 1 ? "one window for each lamp" : `one window for ${counted(each, "lamp")}`;
  return labelled("The fleet", `${words}; ${scale}`, 842, Math.ceil(height), paths.join(""));
};

/** How many lamps one window of `windows` stands for. */
export const perWindow = (lamps: number): number => Math.max(1, Math.ceil(lamps / MOST_DOTS));
