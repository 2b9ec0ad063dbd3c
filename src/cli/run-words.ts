// How the last run ended, for people.

import type { RunEnd, RunRecord } from "../adapters/run-record.ts";

/** The end of a sentence that begins with "after". */
const endWords = (end: RunEnd): string => {
  switch (end.how) {
    case "first":
      return "no other run that is known of";
    case "stopped":
      return end.exitCode === 0
        ? `an orderly stop at ${end.at}`
        : `one that ended by itself at ${end.at}, exit code ${end.exitCode}${end.code === null ? "" : ` (${end.code})`}`;
    case "power":
      return `a cut of power or a reset of the board (it ran from ${end.startedAt})`;
    case "killed":
      return `one that ended without a word (it ran from ${end.startedAt}): a kill, the watchdog, no memory, or a crash`;
  }
};

/** Of the agent that runs. */
export const startedWords = ({ startedAt, before }: RunRecord): string =>
  `${startedAt}, after ${endWords(before)}`;

/** Of the last one, when none runs. */
export const endedWords = ({ startedAt, end }: RunRecord): string =>
  end === null
    ? `from ${startedAt}; it ended without a word: a cut of power, a kill or a crash`
    : `from ${startedAt} to ${end.at}, exit code ${end.exitCode}${end.code === null ? "" : ` (${end.code})`}`;
