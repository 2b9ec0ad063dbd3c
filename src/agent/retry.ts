import type { AgentError } from "../errors.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Longest pause between two tries of the same step, in milliseconds. */
const RETRY_CAP_MS = 5 * MINUTE;
/** Shortest pause, so that a fault that answers at once never becomes a busy loop. */
const RETRY_FLOOR_MS = 250;

/**
 * Pause before the next try of a step that failed `attempt` times before (0 for the first failure), in
 * milliseconds: exponential with full jitter, so that fifty thousand boards do not come back in step. What the
 * other side asked for (`Retry-After`) is a lower bound, with up to 20 % on top.
 */
export const retryPauseMs = (error: AgentError, attempt: number, random: number): number => {
  const ceiling = Math.min(RETRY_CAP_MS, SECOND * 2 ** Math.min(attempt + 1, 20));
  const jittered = Math.max(RETRY_FLOOR_MS, random * ceiling);
  return error.retryAfterMs === undefined
    ? jittered
    : Math.max(jittered, error.retryAfterMs * (1 + random / 5));
};

/**
 * Pause while a person has to change something elsewhere, in milliseconds: 5 minutes doubling to an hour, with
 * up to 20 % jitter. Salesforce asks for an hour of silence after too many codes.
 */
export const waitPauseMs = (
  error: Partial<Pick<AgentError, "code" | "retryAfterMs">>,
  attempt: number,
  random: number,
): number => {
  const base =
    error.code === "TOO_MANY_CODES" ? HOUR : Math.min(HOUR, 5 * MINUTE * 2 ** Math.min(attempt, 10));
  return Math.max(base * (1 + random / 5), error.retryAfterMs ?? 0);
};

/** Pauses before a dead code is replaced by itself, in milliseconds; after the last one only a press helps. */
const newCodePausesMs = [5 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR];

/**
 * Pause before the next code, in milliseconds, or null when only a press brings one. `codes` is how many were
 * shown in vain. RFC 8628 section 3.5: a client may begin a new flow but should not do so for ever by itself.
 */
export const newCodePauseMs = (error: AgentError, codes: number): number | null =>
  newCodePausesMs[error.code === "CODE_DENIED" ? codes : codes - 1] ?? null;
