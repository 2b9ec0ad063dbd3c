import { usageError } from "./command.ts";

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 };

/** A length of time such as 500ms, 2s or 10m, in whole milliseconds, at most `longestMs`. Throws USAGE. */
export const durationMs = (option: string, text: string, longestMs: number): number => {
  const [, value, unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Math.round(Number(value) * (unitMs[unit] ?? Number.NaN));
  if (!(ms <= longestMs))
    throw usageError(
      `--${option} takes a time such as 500ms, 2s or 10m, at most an hour, not ${JSON.stringify(text)}`,
    );
  return ms;
};
