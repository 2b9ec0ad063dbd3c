import type { DayReport } from "./day.ts";

/** What came of many days. */
export interface Summary {
  readonly days: number;
  readonly lostSignIns: number;
  readonly lostCommands: number;
  readonly obeyedTwice: number;
  readonly forgotten: number;
  readonly stuck: number;
  /** More requests at the org in an hour than the budget allows. */
  readonly storms: number;
  readonly commands: DayReport["findings"]["commands"];
  readonly codes: number;
  readonly powerCuts: number;
  /** From the end of the last trouble until online, in milliseconds; null without any. */
  readonly recoveryMs: { readonly p50: number; readonly p99: number; readonly most: number } | null;
  readonly worstHour: { readonly polls: number; readonly others: number };
  /** The seeds that a bar does not hold for, each with what was seen. */
  readonly failed: readonly { readonly seed: number; readonly seen: readonly string[] }[];
}

/**
 * Most requests of a board to the org in any 60 minutes, whatever happens (docs/chaos.md). Polls for a code that waits are
 * counted apart: at most one in five seconds, and a code comes at most every few minutes.
 */
export const BUDGET = { others: 120, polls: 720 } as const;

const seen = ({ findings }: DayReport): readonly string[] => {
  const { lostSignIns, lostCommands, obeyedTwice, forgotten, stuck, worstHour } = findings;
  const storm =
    worstHour.others > BUDGET.others || worstHour.polls > BUDGET.polls
      ? [`${worstHour.others} requests and ${worstHour.polls} polls in one hour`]
      : [];
  return [...lostSignIns, ...lostCommands, ...obeyedTwice, ...forgotten, ...stuck, ...storm];
};

const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

const sum = (days: readonly DayReport[], count: (day: DayReport) => number): number =>
  days.reduce((total, day) => total + count(day), 0);

const most = (days: readonly DayReport[], count: (day: DayReport) => number): number =>
  days.reduce((greatest, day) => Math.max(greatest, count(day)), 0);

/** Adds days up, in the order of their seeds. */
export const summarise = (reports: readonly DayReport[]): Summary => {
  const days = reports.toSorted((a, b) => a.seed - b.seed);
  const recoveries = days.flatMap(({ findings }) => findings.recoveriesMs).toSorted((a, b) => a - b);
  return {
    days: days.length,
    lostSignIns: sum(days, ({ findings }) => findings.lostSignIns.length),
    lostCommands: sum(days, ({ findings }) => findings.lostCommands.length),
    obeyedTwice: sum(days, ({ findings }) => findings.obeyedTwice.length),
    forgotten: sum(days, ({ findings }) => findings.forgotten.length),
    stuck: sum(days, ({ findings }) => findings.stuck.length),
    storms: days.filter(
      ({ findings: { worstHour } }) => worstHour.others > BUDGET.others || worstHour.polls > BUDGET.polls,
    ).length,
    commands: {
      due: sum(days, ({ findings }) => findings.commands.due),
      sent: sum(days, ({ findings }) => findings.commands.sent),
      inPeace: sum(days, ({ findings }) => findings.commands.inPeace),
      done: sum(days, ({ findings }) => findings.commands.done),
    },
    codes: sum(days, ({ findings }) => findings.codes),
    powerCuts: sum(days, ({ findings }) => findings.powerCuts),
    recoveryMs:
      recoveries.length === 0
        ? null
        : { p50: at(recoveries, 0.5), p99: at(recoveries, 0.99), most: recoveries.at(-1) ?? 0 },
    worstHour: {
      polls: most(days, ({ findings }) => findings.worstHour.polls),
      others: most(days, ({ findings }) => findings.worstHour.others),
    },
    failed: days.map((day) => ({ seed: day.seed, seen: seen(day) })).filter((each) => each.seen.length > 0),
  };
};

const seconds = (ms: number): string => `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;

/** The summary as people read it. */
export const inWords = (summary: Summary, hours: number): string => {
  const { commands, recoveryMs, worstHour } = summary;
  const row = (name: string, value: string): string => `  ${name.padEnd(44)} ${value}`;
  return [
    `${summary.days} days of ${hours} hours, ${summary.powerCuts} power cuts, ${summary.codes} codes, ${commands.sent} of ${commands.due} commands sent (${commands.inPeace} in peace), ${commands.done} done`,
    row("sign-ins lost that the org still held to", String(summary.lostSignIns)),
    row("commands lost: done and not so, or in peace", String(summary.lostCommands)),
    row("commands obeyed twice", String(summary.obeyedTwice)),
    row("writes that a power cut took back", String(summary.forgotten)),
    row("boards that stopped, or stayed away", String(summary.stuck)),
    row("hours with more requests than the budget", String(summary.storms)),
    row(
      "back online after the last trouble (p50, p99)",
      recoveryMs === null ? "-" : `${seconds(recoveryMs.p50)}, ${seconds(recoveryMs.p99)}`,
    ),
    row("requests at the org in the worst hour", `${worstHour.others}, and ${worstHour.polls} polls`),
    ...summary.failed
      .slice(0, 20)
      .flatMap(({ seed, seen: lines }) => [
        `seed ${seed}: npm run chaos -- --seed ${seed} --hours ${hours}`,
        ...lines.slice(0, 5).map((line) => `  ${line}`),
      ]),
  ].join("\n");
};
