// Days at home one after the other, with a look at the process at the end of each; and a day in which nobody is there.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { World } from "../../firmware-sim/world.ts";
import type { Written } from "./counting-disk.ts";
import { deviceBytes, type GaugeName, gauges, logBytes, look, type Sample } from "./gauges.ts";
import { type HouseholdOptions, openHousehold, type Pace, wholeDays } from "./household.ts";
import { type Trend, trendOf } from "./trend.ts";

export interface Soaked {
  readonly days: readonly Sample[];
  readonly trends: readonly (Trend & { readonly id: GaugeName })[];
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

/** How a soak is lived. */
export interface SoakOptions {
  readonly days: number;
  /** Days before the first look, in which code is compiled and caches fill. Default: 1. */
  readonly before?: number;
  /** Default: `wholeDays`. The org's asset tokens live an hour of it. */
  readonly pace?: Pace;
  /** Told of each day that has passed. */
  readonly said?: (day: number, sample: Sample) => void;
  readonly spoil?: HouseholdOptions["spoil"];
  /** Where the folder of the household is made; default: the system's temporary one. */
  readonly parent?: string;
}

/** Lives so many days, and looks at the end of each. */
export const soak = async ({
  days,
  before = 1,
  pace = wholeDays,
  said,
  spoil,
  parent,
}: SoakOptions): Promise<Soaked> => {
  using folder = folderIn(parent);
  await using home = await openHousehold({
    folder: folder.path,
    tokenLifeMs: pace.hourMs,
    pace,
    settings: everything,
    ...(spoil === undefined ? {} : { spoil }),
  });
  await home.moveIn();
  for (let day = 0; day < before; day += 1) await home.day();
  const samples: Sample[] = [];
  let log = logBytes(home.log);
  let written: Readonly<Record<string, Written>> = {};
  for (let day = 1; day <= days; day += 1) {
    home.disk.take();
    await home.day();
    written = Object.fromEntries(home.disk.take());
    forget(home.world);
    const seen = await look(home.stateDir, home.clock.waiting);
    const sample = { ...seen, log: logBytes(home.log) - log };
    log = logBytes(home.log);
    samples.push(sample);
    said?.(day, sample);
  }
  return {
    days: samples,
    trends: (Object.keys(gauges) as GaugeName[]).map((id) => ({
      id,
      ...trendOf(
        gauges[id],
        samples.map((sample) => sample[id]),
      ),
    })),
    answers: Object.fromEntries(home.answers),
    faults: Object.fromEntries(home.faults),
    written,
  };
};

/** What the world remembers of the board, for people and tests to look at, is none of the board's. */
const forget = ({ org, broker, wire, board }: World): void => {
  for (const each of [org.received, broker.received, wire.messages, board.frames]) each.length = 0;
  // Its newest is what the display shows.
  board.views.splice(0, board.views.length - 1);
};

export interface IdleDay {
  /** By file of the state folder. */
  readonly written: Readonly<Record<string, Written>>;
  readonly bytes: number;
  /** As a file system writes them: whole blocks. */
  readonly blocks: number;
  readonly writes: number;
  /** What reached the device itself, with all that its file system adds; null where the folder is on no device of its own. */
  readonly device: number | null;
  /** What the service's log gets, in bytes and lines. */
  readonly log: number;
}

/** What a day at default settings writes in which nobody touches the lamp; the org's asset tokens live `tokenLifeMs`. */
export const idleDay = async ({
  tokenLifeMs,
  parent,
}: {
  readonly tokenLifeMs: number;
  readonly parent?: string;
}): Promise<IdleDay> => {
  using folder = folderIn(parent);
  await using home = await openHousehold({ folder: folder.path, tokenLifeMs });
  await home.moveIn();
  await home.idleDay();
  home.disk.take();
  const log = logBytes(home.log);
  const before = parent === undefined ? 0 : deviceBytes(parent);
  await home.idleDay();
  const device = parent === undefined ? null : deviceBytes(parent) - before;
  const written = Object.fromEntries(home.disk.take());
  const sum = (of: keyof Written): number => Object.values(written).reduce((all, each) => all + each[of], 0);
  return {
    written,
    bytes: sum("bytes"),
    blocks: sum("blocks"),
    writes: sum("writes"),
    device,
    log: logBytes(home.log) - log,
  };
};
