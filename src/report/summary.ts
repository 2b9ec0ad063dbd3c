// Counts for the top of the report and for its pictures. Pure.

import type { AgentError, ErrorCode } from "../errors.ts";
import { entryOf } from "../errors.ts";
import type { EpochMs } from "../units.ts";
import { type AttentionKind, attentionKinds, type Lamp } from "./lamps.ts";
import { plainText } from "./plain-text.ts";
import { compareVersions } from "./versions.ts";

/** Something that keeps the report from being all there is. */
export interface Problem {
  readonly from: "org" | "broker";
  readonly code: ErrorCode;
  readonly message: string;
  readonly help: string;
}

export interface Bucket {
  readonly label: string;
  readonly count: number;
}

export interface Summary {
  readonly lamps: number;
  readonly status: Readonly<Record<Lamp["status"], number>>;
  readonly attention: Readonly<Record<AttentionKind, number>>;
  /** Lamps with anything to attend to. */
  readonly needAttention: number;
  readonly lastSeen: readonly Bucket[];
  readonly signIns: readonly Bucket[];
  readonly firmware: readonly Bucket[];
}

export interface Report {
  readonly madeAt: EpochMs;
  /** The org's address. */
  readonly org: string;
  /** Host and port, or null where the report was made without a broker. */
  readonly broker: string | null;
  readonly problems: readonly Problem[];
  /** Fields of the records that the org does not have, or does not show. */
  readonly missingFields: readonly string[];
  readonly summary: Summary;
  readonly lamps: readonly Lamp[];
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Versions in the picture; the others are taken together. */
const MOST_VERSIONS = 7;

export const problemOf = (from: Problem["from"], error: AgentError): Problem => ({
  from,
  code: error.code,
  message: plainText(error.message, 500) ?? "",
  help: entryOf(error.code).help,
});

const bucketed = (
  values: readonly (number | null)[],
  bounds: readonly (readonly [label: string, below: number])[],
  none: string,
): readonly Bucket[] => {
  const counts = new Map<string, number>(
    [...bounds.map(([label]) => label), none].map((label) => [label, 0]),
  );
  for (const value of values) {
    const label = value === null ? none : (bounds.find(([, below]) => value < below)?.[0] ?? none);
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return [...counts].map(([label, count]) => ({ label, count }));
};

const versions = (lamps: readonly Lamp[]): readonly Bucket[] => {
  const counts = new Map<string, number>();
  for (const { firmware } of lamps) {
    const label = firmware ?? "unknown";
    counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  const all = [...counts].map(([label, count]) => ({ label, count }));
  const known = all
    .filter(({ label }) => label !== "unknown")
    .sort((a, b) => compareVersions(b.label, a.label) || b.count - a.count);
  const rest = known.slice(MOST_VERSIONS).reduce((sum, { count }) => sum + count, 0);
  return [
    ...known.slice(0, MOST_VERSIONS),
    ...(rest === 0 ? [] : [{ label: "others", count: rest }]),
    ...all.filter(({ label }) => label === "unknown"),
  ];
};

export const summaryOf = (lamps: readonly Lamp[], now: EpochMs): Summary => {
  const status = { online: 0, offline: 0, unknown: 0 };
  const attention = Object.fromEntries(attentionKinds.map((kind) => [kind, 0])) as Record<
    AttentionKind,
    number
  >;
  for (const lamp of lamps) {
    status[lamp.status] += 1;
    for (const { kind } of lamp.attention) attention[kind] += 1;
  }
  return {
    lamps: lamps.length,
    status,
    attention,
    needAttention: lamps.filter((lamp) => lamp.attention.length > 0).length,
    lastSeen: bucketed(
      lamps.map(({ lastSeen }) => (lastSeen === null ? null : now - lastSeen)),
      [
        ["1 hour", HOUR_MS],
        ["1 day", DAY_MS],
        ["3 days", 3 * DAY_MS],
        ["7 days", 7 * DAY_MS],
        ["30 days", 30 * DAY_MS],
        ["longer", Number.POSITIVE_INFINITY],
      ],
      "never",
    ),
    signIns: bucketed(
      lamps.map(({ signedInUntil }) => (signedInUntil === null ? null : signedInUntil - now)),
      [
        ["ended", 0],
        ["7 days", 7 * DAY_MS],
        ["14 days", 14 * DAY_MS],
        ["21 days", 21 * DAY_MS],
        ["31 days", 31 * DAY_MS],
        ["later", Number.POSITIVE_INFINITY],
      ],
      "no end",
    ),
    firmware: versions(lamps),
  };
};
