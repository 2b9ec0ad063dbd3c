import { systemClock } from "../src/adapters/clock.ts";
import type { Grant } from "../src/model.ts";
import { readAssets } from "../src/report/assets.ts";
import { csvLines } from "../src/report/csv.ts";
import { jsonLines } from "../src/report/json.ts";
import { joinLamps } from "../src/report/lamps.ts";
import { pageParts } from "../src/report/page.ts";
import { summaryOf } from "../src/report/summary.ts";
import { epochMs, Secret } from "../src/units.ts";
import { median } from "./measure.ts";

/** Records in one page, as Salesforce sends them. */
const PAGE = 2000;

export interface ReportFigures {
  readonly lamps: number;
  /** From the first answer of the org to the last character of the files. */
  readonly ms: number;
  /** The page's size in characters: that of a large fleet is cut. */
  readonly page: number;
}

const grant: Grant = {
  accessToken: new Secret("bench"),
  refreshToken: null,
  instanceUrl: "https://bench.example",
  scope: null,
  issuedAt: epochMs(0),
  expiresAt: null,
  identity: null,
  idUrl: null,
  idToken: null,
  signedInAs: null,
};

const recordOf = (n: number, now: number): object => ({
  attributes: { type: "Asset", url: `/services/data/v60.0/sobjects/Asset/02i${n}` },
  Id: `02i${String(n).padStart(15, "0")}`,
  Name: `Lamp ${n}`,
  SerialNumber: `SN-${n}`,
  ContactId: "003",
  Contact: { attributes: { type: "Contact" }, Name: `Person ${n}` },
  Porchlight_DeviceId__c: `porch-${n}`,
  Porchlight_Online__c: n % 20 !== 0,
  Porchlight_Lights__c: "Porch: on 40 %",
  Porchlight_LastSeen__c: new Date(now - (n % 100) * 3_600_000).toISOString(),
  Porchlight_Firmware__c: n % 3 === 0 ? "1.3.0" : "1.4.0",
});

/** The org's answers as texts, made beforehand. */
const answersFor = (lamps: number): readonly string[] => {
  const now = Date.now();
  return Array.from({ length: Math.ceil(lamps / PAGE) }, (_none, page) => {
    const from = page * PAGE;
    const count = Math.min(PAGE, lamps - from);
    const done = from + count >= lamps;
    return JSON.stringify({
      totalSize: lamps,
      done,
      ...(done ? {} : { nextRecordsUrl: `/services/data/v60.0/query/${page + 1}` }),
      records: Array.from({ length: count }, (_each, n) => recordOf(from + n, now)),
    });
  });
};

const make = async (answers: readonly string[], lamps: number): Promise<ReportFigures> => {
  let next = 0;
  const startedAt = performance.now();
  const { assets } = await readAssets(
    { fields: {}, where: null, most: lamps, progress: () => undefined },
    {
      http: async ({ url }) =>
        url.endsWith("/describe")
          ? { status: 403, headers: {}, body: '[{"errorCode":"NO","message":"no"}]' }
          : { status: 200, headers: {}, body: answers[next++] ?? "" },
      clock: systemClock,
      random: () => 0.5,
      session: { fresh: async () => grant },
    },
    new AbortController().signal,
  );
  const now = systemClock.wall();
  const options = { brokerComplete: false, recordsComplete: true, heartbeatHours: 24, knowsLastSeen: true };
  const rows = joinLamps(assets, new Map(), { now, ...options });
  const report = {
    madeAt: now,
    org: "bench.example",
    broker: null,
    problems: [],
    missingFields: [],
    summary: summaryOf(rows, now),
    lamps: rows,
  };
  let page = 0;
  for (const part of pageParts(report)) page += part.length;
  for (const lines of [jsonLines(report), csvLines(rows)]) for (const _line of lines);
  if (rows.length !== lamps) throw new Error(`${rows.length} of ${lamps} lamps are in the report`);
  return { lamps, ms: performance.now() - startedAt, page };
};

/** A report of 5 000 and one of 50 000 lamps, in turns: the medians of `rounds`. */
export const measureReport = async (rounds: number): Promise<readonly ReportFigures[]> => {
  const sizes = [5_000, 50_000];
  const fleets = sizes.map((lamps) => ({
    lamps,
    answers: answersFor(lamps),
    figures: [] as ReportFigures[],
  }));
  for (let round = 0; round < rounds; round++)
    for (const { lamps, answers, figures } of fleets) figures.push(await make(answers, lamps));
  return fleets.map(({ lamps, figures }) => ({
    lamps,
    ms: median(figures.map(({ ms }) => ms)),
    page: figures[0]?.page ?? 0,
  }));
};
