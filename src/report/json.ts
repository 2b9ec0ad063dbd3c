// The report as JSON, for programs: docs/report.schema.json. Pure.

import { iso } from "../units.ts";
import type { Lamp } from "./lamps.ts";
import type { Report } from "./summary.ts";

/** Grows with members; a change that breaks readers gets another number. */
export const REPORT_SCHEMA = "porchlight-report/1";

const isoOrNull = (at: Parameters<typeof iso>[0] | null): string | null => (at === null ? null : iso(at));

const lampFields = (lamp: Lamp): object => ({
  ...lamp,
  lastSeen: isoOrNull(lamp.lastSeen),
  signedInUntil: isoOrNull(lamp.signedInUntil),
});

/** Everything but the lamps. */
export const headFields = ({ madeAt, org, broker, problems, missingFields, summary }: Report) => ({
  schema: REPORT_SCHEMA,
  madeAt: iso(madeAt),
  org,
  broker,
  complete: problems.length === 0,
  problems,
  missingFields,
  summary,
});

/** Line by line: a fleet's report as one text would take its size in memory twice. */
export function* jsonLines(report: Report): Generator<string> {
  const head = JSON.stringify(headFields(report), null, 1);
  yield `${head.slice(0, -2)},\n "lamps": [`;
  let separator = "\n";
  for (const lamp of report.lamps) {
    yield `${separator}  ${JSON.stringify(lampFields(lamp))}`;
    separator = ",\n";
  }
  yield "\n ]\n}\n";
}
