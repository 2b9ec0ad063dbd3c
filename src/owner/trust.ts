import { AgentError } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { Clock } from "../ports.ts";
import { after, type MonoMs } from "../units.ts";
import type { Trust } from "./sign-in.ts";

/** How long a command waits for an org to tell its addresses, in milliseconds. */
const PATIENCE_MS = 2_000;

/** How long an org that did not tell them is not asked again, in milliseconds: every command would wait for it, one after the other. */
const AWAY_MS = 15_000;

/** Aborts after a while; ends with `signal`. */
const patience = (clock: Clock, signal: AbortSignal): AbortSignal => {
  const limit = new AbortController();
  clock.sleep(PATIENCE_MS, signal).then(
    () => limit.abort(new AgentError("ORG_TIMEOUT")),
    () => undefined,
  );
  return limit.signal;
};

/**
 * Whose sign-ins count, by what the org tells of itself. `whenAway` serves while it does not tell; without one, its fault
 * goes up.
 */
export const createTrust = (
  org: { endpoints(grant: Grant, signal: AbortSignal): Promise<Trust> },
  whenAway: Trust | null,
  clock: Clock,
): ((grant: Grant, signal: AbortSignal) => Promise<Trust>) => {
  let awayUntil: MonoMs | undefined;
  return async (grant, signal) => {
    if (whenAway !== null && awayUntil !== undefined && clock.mono() < awayUntil) return whenAway;
    try {
      return await org.endpoints(grant, AbortSignal.any([signal, patience(clock, signal)]));
    } catch (error) {
      signal.throwIfAborted();
      if (whenAway === null) throw error;
      awayUntil = after(clock.mono(), AWAY_MS);
      return whenAway;
    }
  };
};
