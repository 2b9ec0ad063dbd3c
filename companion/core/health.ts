// What a board says of its health (docs/topics.md), as the phone reads it. Pure.

import { membersOf, textOf } from "./http.ts";

export interface BoardProblem {
  /** A code of the documents' table of errors. */
  readonly code: string;
  /** The lamp it is about, or null. */
  readonly light: string | null;
  /** In milliseconds since 1970, as far as the board knows. */
  readonly since: number | null;
}

export interface BoardHealth {
  readonly well: boolean;
  /** What is wrong now, the worst first. */
  readonly problems: readonly BoardProblem[];
}

const MOST_PROBLEMS = 64;

const problemOf = (value: unknown): BoardProblem[] => {
  const problem = membersOf(value);
  const code = textOf(problem?.code, 64);
  if (code === null) return [];
  const since = Date.parse(textOf(problem?.since, 64) ?? "");
  return [{ code, light: textOf(problem?.light, 64), since: Number.isNaN(since) ? null : since }];
};

/** Null where the board does not say: its program is older. */
export const readHealth = (value: unknown): BoardHealth | null => {
  const health = membersOf(value);
  const status = textOf(health?.status, 64);
  if (health === null || status === null) return null;
  const said: unknown = health.problems;
  const problems = Array.isArray(said) ? said.slice(0, MOST_PROBLEMS).flatMap(problemOf) : [];
  return { well: status === "pass", problems };
};
