// What `porchlight status` says of the board's health. Pure.

import { type ErrorCode, entryOf } from "../errors.ts";
import type { Health } from "../model.ts";
import { momentWords } from "./moment-words.ts";

const counted = (number: number, one: string, many: string): string[] =>
  number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];

const word: Readonly<Record<Health["status"], string>> = {
  pass: "good",
  warn: "the lamps work, but something is wrong",
  fail: "something is wrong, and no lamp can be moved from afar now",
};

/** Rows of a name and its words. Of what is `told` elsewhere, only since when. */
export const healthWords = (
  { status, problems, upSince, restarts, lastDay }: Health,
  told: ReadonlySet<ErrorCode>,
  now: number,
): readonly (readonly [string, string])[] => {
  const often = [
    ...counted(restarts, "restart that nobody asked for", "restarts in a row that nobody asked for"),
    ...counted(lastDay.reconnects, "new connection", "new connections"),
    ...counted(lastDay.refused, "command refused", "commands refused"),
    ...counted(lastDay.faults, "fault", "faults"),
  ];
  return [
    ["health", word[status]],
    ...problems.flatMap(({ code, light, since }): [string, string][] => {
      const { title, help } = entryOf(code);
      const lamp = light === null ? "" : `${light}: `;
      const from = since === null ? "" : `, since ${momentWords(since, now)}`;
      const row: [string, string] = ["", `${lamp}${title} (${code})${from}`];
      return told.has(code) ? [row] : [row, ["", help]];
    }),
    ...(upSince === null ? [] : [["up since", momentWords(upSince, now)] as const]),
    ...(often.length === 0 ? [] : [["last 24 h", often.join(", ")] as const]),
  ];
};
