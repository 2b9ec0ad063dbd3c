// What a sign-in needs beside being used: one that nothing else uses is used once a week, and where the org did not say
// who approved, it is asked again. The pace is kept here, over all connections of a run: a link that comes and goes a
// hundred times a day asks the org nothing more.

import { asAgentError } from "../errors.ts";
import type { Identity } from "../model.ts";
import type { Clock, Random } from "../ports.ts";
import { after, type MonoMs } from "../units.ts";
import type { CredentialSource } from "./credentials.ts";
import { waitPauseMs } from "./retry.ts";

export interface Upkeep {
  /** When to look at an idle sign-in next. */
  readonly keepAt: MonoMs;
  /** Uses the sign-in where nothing else has for a week. Throws what the org's answers throw, with `keepAt` set. */
  keep(signal: AbortSignal): Promise<void>;
  /** When to ask next who approved, where nobody knows. */
  readonly askAt: MonoMs;
  /** Asks who approved; null: the org does not say. Throws GRANT_GONE and BUG. */
  ask(signal: AbortSignal): Promise<Identity | null>;
  /** There is another sign-in, or another user of it: who, is asked without a pause that was the last one's. */
  reset(): void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Pause before a look that told nothing, because nobody knew the time. In milliseconds. */
const UNKNOWN_TIME_MS = 60_000;

export const createUpkeep = (parts: {
  readonly clock: Clock;
  readonly random: Random;
  readonly credentials: Pick<CredentialSource, "keepAlive" | "identify">;
}): Upkeep => {
  const { clock, random, credentials } = parts;
  let keepAt = clock.mono();
  let askAt = clock.mono();
  let asked = 0;

  return {
    get keepAt() {
      return keepAt;
    },
    async keep(signal) {
      // Before anything is sent, so that a look that is broken off counts, too. A sign-in that could not be kept alive has weeks left.
      keepAt = after(clock.mono(), clock.wallKnown() ? HOUR_MS : UNKNOWN_TIME_MS);
      if (!clock.wallKnown()) return;
      try {
        await credentials.keepAlive(signal);
        keepAt = after(clock.mono(), DAY_MS);
      } catch (error) {
        signal.throwIfAborted();
        const { retryAfterMs = 0 } = asAgentError(error);
        keepAt = after(clock.mono(), Math.max(HOUR_MS, retryAfterMs * (1 + random() / 5)));
        throw error;
      }
    },
    get askAt() {
      return askAt;
    },
    async ask(signal) {
      // An owner whom the board does not know is locked out: worth a request an hour, for as long as it takes.
      const pause = (error: { readonly retryAfterMs?: number | undefined } = {}): MonoMs =>
        after(clock.mono(), waitPauseMs(error, asked, random()));
      askAt = pause();
      try {
        const identity = await credentials.identify(signal);
        asked = 0;
        return identity;
      } catch (error) {
        signal.throwIfAborted();
        const fault = asAgentError(error);
        const { code } = fault;
        // An org that turns away a fresh token as well has had the sign-in refreshed for it: that is for once a day.
        const isClosed = code === "ACCESS_TOKEN_REJECTED" || code === "NO_REFRESH_TOKEN";
        askAt = isClosed ? after(clock.mono(), DAY_MS) : pause(fault);
        asked += 1;
        // Without a refresh token nobody can be asked any more; the lamp goes on for as long as its broker takes it.
        if (code === "GRANT_GONE" || code === "BUG") throw fault;
        return null;
      }
    },
    reset() {
      askAt = clock.mono();
      asked = 0;
    },
  };
};
