// Days at home one after the other, with a look at the process at the end of each; and a day in which nobody is there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Surroundings } from "../../src/compose.ts";
import type { Written } from "./counting-disk.ts";
import { type GaugeName, gauges, logBytes, look, type Sample } from "./gauges.ts";
import { type HouseholdOptions, openHousehold } from "./household.ts";
import { type Trend, trendOf } from "./trend.ts";

const HOUR = 3_600_000;

export interface Soaked {
  readonly days: readonly Sample[];
  readonly trends: readonly Trend[];
  /** What came of what was asked of the board, and the faults it told, by name. */
  readonly answers: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** What the last day wrote, by file. */
  readonly written: Readonly<Record<string, Written>>;
}

/** A temporary folder, in `parent` where that is given; removed at the end. */
const folderIn = (parent: string | undefined): { readonly path: string } & Disposable => {
  const path = mkdtempSync(join(parent ?? tmpdir(), "porchlight-soak-"));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
};

/** What a household that uses everything has set. */
const everything: NonNullable<HouseholdOptions["settings"]> = (of) => ({
  ...of,
  org: { ...Object(of.org), assetState: { minutes: 60, fields: { Description: "{lights} {lastSeen}" } } },
  evening: { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" },
});

/** Lives `days` days, after one to move in. `said` is told of each that has passed. */
export const soak = async (
  days: number,
  options: {
    readonly said?: (day: number, sample: Sample) => void;
    readonly spoil?: (around: Surroundings) => Surroundings;
    readonly parent?: string;
  } = {},
): Promise<Soaked> => {
  using folder = folderIn(options.parent);
  await using home = await openHousehold({
    folder: folder.path,
    tokenLifeMs: HOUR,
    settings: everything,
    ...(options.spoil === undefined ? {} : { spoil: options.spoil }),
  });
  await home.moveIn();
  await home.day(0);
  const samples: Sample[] = [];
  let log = logBytes(home.log);
  let written: Readonly<Record<string, Written>> = {};
  for (let day = 1; day <= days; day += 1) {
    home.disk.take();
    await home.day(day);
    written = Object.fromEntries(home.disk.take());
    // What the world remembers of the board for people and tests is none of the board's.
    home.world.org.received.length = 0;
    home.world.broker.received.length = 0;
    home.world.wire.messages.length = 0;
    home.world.board.frames.length = 0;
    const seen = await look({ stateDir: home.stateDir, log: home.log, timers: home.clock.waiting });
    const sample = { ...seen, log: logBytes(home.log) - log };
    log = logBytes(home.log);
    samples.push(sample);
    options.said?.(day, sample);
  }
  return {
    days: samples,
    trends: (Object.keys(gauges) as GaugeName[]).map((name) =>
      trendOf(
        gauges[name],
        samples.map((sample) => sample[name]),
      ),
    ),
    answers: Object.fromEntries(home.answers),
    faults: Object.fromEntries(home.faults),
    written,
  };
};

export interface IdleDay {
  /** By file of the state folder. */
  readonly written: Readonly<Record<string, Written>>;
  readonly bytes: number;
  /** As a file system writes them: whole blocks. */
  readonly blocks: number;
  readonly writes: number;
  /** What the service's log gets, in bytes and lines. */
  readonly log: number;
}

/** What a day at default settings writes in which nobody touches the lamp; the org's asset tokens live `tokenLifeMs`. */
export const idleDay = async (tokenLifeMs: number, parent?: string): Promise<IdleDay> => {
  using folder = folderIn(parent);
  await using home = await openHousehold({ folder: folder.path, tokenLifeMs });
  await home.moveIn();
  await home.idleDay();
  home.disk.take();
  const log = logBytes(home.log);
  await home.idleDay();
  const written = Object.fromEntries(home.disk.take());
  const sum = (of: keyof Written): number => Object.values(written).reduce((all, each) => all + each[of], 0);
  return {
    written,
    bytes: sum("bytes"),
    blocks: sum("blocks"),
    writes: sum("writes"),
    log: logBytes(home.log) - log,
  };
};
