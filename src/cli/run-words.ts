// How the last run ended, for people.

import type { Crash, RunEnd, RunRecord } from "../adapters/run-record.ts";

const crashWords = ({ name, message }: Crash): string =>
  `it crashed: ${name}${message === "" ? "" : `: ${message}`}`;

/** How a moment (ISO 8601) is said. */
type Say = (moment: string) => string;

/** The end of a sentence that begins with "after". */
const endWords = (end: RunEnd, say: Say): string => {
  switch (end.how) {
    case "first":
      return "no other run that is known of";
    case "stopped":
      return end.exitCode === 0
        ? `an orderly stop at ${say(end.at)}`
        : `one that ended by itself at ${say(end.at)}, exit code ${end.exitCode}${end.code === null ? "" : ` (${end.code})`}`;
    case "power":
      return `a cut of power or a reset of the board (it ran from ${say(end.startedAt)})`;
    case "crashed":
      return `one that ended by itself at ${say(end.at)}: ${crashWords(end.crash)}`;
    case "watchdog":
      return `one that hung, and that systemd's watchdog ended (it ran from ${say(end.startedAt)})`;
    case "memory":
      return `one that the kernel ended because memory ran out (it ran from ${say(end.startedAt)})`;
    case "killed":
      return end.signal === null
        ? `one that ended without a word (it ran from ${say(end.startedAt)}): a kill, the watchdog, or no memory`
        : `one that the signal ${end.signal} ended (it ran from ${say(end.startedAt)})`;
  }
};

/** Of the agent that runs. */
export const startedWords = ({ startedAt, before }: RunRecord, say: Say): string =>
  `${say(startedAt)}; after ${endWords(before, say)}`;

/** Of the last one, when none runs. */
export const endedWords = ({ startedAt, end }: RunRecord, say: Say): string =>
  end === null
    ? `from ${say(startedAt)}; it ended without a word: a cut of power or a kill`
    : `from ${say(startedAt)} to ${say(end.at)}, exit code ${end.exitCode}${end.code === null ? "" : ` (${end.code})`}${end.crash === undefined ? "" : `; ${crashWords(end.crash)}`}`;
