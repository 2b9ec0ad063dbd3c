// Which characters of the program have run, by V8's own counters of blocks
// (https://chromedevtools.github.io/devtools-protocol/v8/Profiler/). Node strips types by blanks, so places in what runs
// are places in the files.

import { readFileSync } from "node:fs";
import { Session } from "node:inspector";
import { fileURLToPath } from "node:url";

interface Range {
  readonly startOffset: number;
  readonly endOffset: number;
  readonly count: number;
}

interface Script {
  readonly url: string;
  readonly functions: readonly { readonly ranges: readonly Range[] }[];
}

/** What has run between two looks: places by file. */
export type Ran = ReadonlyMap<string, readonly (readonly [from: number, to: number])[]>;

/** The places that have run. Ranges lie within each other, as functions and their blocks do; the innermost counts. */
const ranIn = (functions: Script["functions"]): [number, number][] => {
  const ranges = functions
    .flatMap((each) => each.ranges)
    .sort((one, other) => one.startOffset - other.startOffset || other.endOffset - one.endOffset);
  const places: [number, number][] = [];
  const open: Range[] = [];
  let at = ranges[0]?.startOffset ?? 0;
  const upTo = (to: number): void => {
    if (to > at && (open.at(-1)?.count ?? 0) > 0) places.push([at, to]);
    at = Math.max(at, to);
  };
  for (const range of ranges) {
    for (
      let last = open.at(-1);
      last !== undefined && last.endOffset <= range.startOffset;
      last = open.at(-1)
    ) {
      upTo(last.endOffset);
      open.pop();
    }
    upTo(range.startOffset);
    open.push(range);
  }
  for (let last = open.pop(); last !== undefined; last = open.pop()) {
    open.push(last);
    upTo(last.endOffset);
    open.pop();
  }
  return places;
};

/** V8's counters; from now on until dispose. */
export const countBlocks = (): { take(): Ran } & Disposable => {
  const session = new Session();
  session.connect();
  session.post("Profiler.enable");
  session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });
  return {
    take() {
      const ran = new Map<string, [number, number][]>();
      session.post("Profiler.takePreciseCoverage", (failed, answer) => {
        if (failed) throw failed;
        for (const { url, functions } of answer.result as readonly Script[]) {
          if (!/^file:.*\/(?:src|companion\/core)\//.test(url)) continue;
          const places = ranIn(functions);
          if (places.length > 0) ran.set(url, places);
        }
      });
      return ran;
    },
    [Symbol.dispose]() {
      session.post("Profiler.stopPreciseCoverage");
      session.disconnect();
    },
  };
};

/** What has ever run. */
export class Reached {
  readonly #files = new Map<string, Buffer>();

  /** A place that has not run before is in it. */
  isNews(ran: Ran): boolean {
    for (const [url, places] of ran) {
      const file = this.#files.get(url);
      if (file === undefined) return true;
      for (const [from, to] of places) {
        const found = file.indexOf(0, from);
        if (found < 0 ? to > file.length : found < to) return true;
      }
    }
    return false;
  }

  /** How many characters have run for the first time. */
  news(ran: Ran): number {
    let count = 0;
    for (const [url, places] of ran) {
      const file = this.#files.get(url);
      for (const [from, to] of places) for (let at = from; at < to; at++) if (file?.[at] !== 1) count += 1;
    }
    return count;
  }

  add(ran: Ran): void {
    for (const [url, places] of ran) {
      const end = places.reduce((most, [, to]) => Math.max(most, to), 0);
      let file = this.#files.get(url) ?? Buffer.alloc(0);
      if (file.length < end) file = Buffer.concat([file], end);
      for (const [from, to] of places) file.fill(1, from, to);
      this.#files.set(url, file);
    }
  }

  /** Of the lines with code of a file, how many have run from their beginning to their end. */
  lines(url: string): { readonly ran: number; readonly all: number } {
    const file = this.#files.get(url) ?? Buffer.alloc(0);
    let [at, ran, all] = [0, 0, 0];
    for (const line of readFileSync(fileURLToPath(url), "utf8").split("\n")) {
      const begin = at + line.length - line.trimStart().length;
      const end = at + line.trimEnd().length;
      at += line.length + 1;
      if (end <= begin || /^\s*(?:\/\/|\/\*|\*|import |export type |export interface )/.test(line)) continue;
      all += 1;
      const gap = file.indexOf(0, begin);
      if (file.length >= end && (gap < 0 || gap >= end)) ran += 1;
    }
    return { ran, all };
  }
}
