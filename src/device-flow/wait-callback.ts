import { AgentError, asAgentError } from "../errors.ts";
import type { Grant, SignInLink } from "../model.ts";
import type { CallbackVisit, Clock, WebSignIn } from "../ports.ts";
import type { Secret } from "../units.ts";
import { readCallback } from "./web-sign-in.ts";

/** Those who have come, in the order they came. One waits for them at a time. */
export interface Visits {
  readonly post: (visit: CallbackVisit) => void;
  /** Rejects with the signal's reason. */
  next(signal: AbortSignal): Promise<CallbackVisit>;
}

export const createVisits = (): Visits => {
  const waiting: CallbackVisit[] = [];
  let wake: (() => void) | undefined;
  return {
    post(visit) {
      waiting.push(visit);
      wake?.();
    },
    async next(signal) {
      for (;;) {
        // Before the signal: what has been brought is worth something once only.
        const visit = waiting.shift();
        if (visit !== undefined) return visit;
        signal.throwIfAborted();
        const { promise, resolve } = Promise.withResolvers<void>();
        const onAbort = (): void => resolve();
        wake = resolve;
        signal.addEventListener("abort", onAbort, { once: true });
        await promise;
        signal.removeEventListener("abort", onAbort);
      }
    },
  };
};

/** The first pause before a code is tried again; it doubles up to the longest. In milliseconds. */
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/**
 * Exchanges a code until the org answers or the link's time is over. A code counts once, and an answer that got lost has
 * used it up: trying again then costs nothing, for that sign-in was lost already, and orgs end it on the second try instead of
 * keeping it as an approval that nobody uses (RFC 6749 section 4.1.2). One that never arrived is still good. For both reasons
 * the code is shown once more before `signal` ends this.
 */
const redeem = async (
  web: WebSignIn,
  link: SignInLink,
  code: Secret,
  clock: Clock,
  patience: AbortSignal,
  signal: AbortSignal,
): Promise<Grant> => {
  let pauseMs = FIRST_PAUSE_MS;
  for (;;) {
    const last = signal.aborted;
    try {
      return await web.redeem(link, code, patience);
    } catch (error) {
      if (last || patience.aborted) throw signal.reason;
      if (!(error instanceof AgentError) || error.remedy !== "retry") throw error;
      const waitMs = Math.max(pauseMs, error.retryAfterMs ?? 0);
      if (waitMs >= link.expiresAt - clock.mono()) throw new AgentError("CODE_EXPIRED", error.message);
      await clock.sleep(waitMs, signal).catch(() => undefined);
      pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    }
  }
};

/**
 * Waits until a browser brings the org's answer to `link`, swaps the code in it for a grant, has that kept, and tells
 * whoever brought it. What is no answer to this link is told as that, and ends nothing.
 *
 * A code that was brought before `signal` is aborted is exchanged all the same, until `patience` is over, and `keep` decides
 * what becomes of the grant.
 *
 * Throws CODE_EXPIRED by the board's own monotonic clock, CODE_DENIED and the rest of what the org's refusals mean, and what
 * `keep` throws.
 */
export const waitForCallback = async (
  web: WebSignIn,
  link: SignInLink,
  visits: Visits,
  keep: (grant: Grant) => Promise<void>,
  clock: Clock,
  patience: AbortSignal,
  signal: AbortSignal,
): Promise<void> => {
  for (;;) {
    const visit = await nextVisit(visits, link, clock, signal);
    const reading = readCallback(visit.address, link);
    if (reading.kind === "strange") {
      visit.answer(reading.error);
      continue;
    }
    const later = collect(visits, link);
    const tell = async (outcome: AgentError | null): Promise<void> => {
      for (const each of [visit, ...(await later.end())]) each.answer(outcome);
    };
    try {
      if (reading.kind === "refused") throw reading.error;
      // The code is used up: from here on the sign-in exists only in this answer. No abort between here and the disk.
      await keep(await redeem(web, link, reading.code, clock, patience, signal));
      return await tell(null);
    } catch (error) {
      // Those who are left are told by whoever listens that nobody waits for them any more.
      if (signal.aborted) await later.end();
      else await tell(asAgentError(error));
      throw error;
    }
  }
};

/** Who comes while a code is exchanged: a page that was loaded again, or the same link in another window. */
const collect = (all: Visits, link: SignInLink): { end(): Promise<readonly CallbackVisit[]> } => {
  const ended = new AbortController();
  const visits: CallbackVisit[] = [];
  const take = async (): Promise<void> => {
    for (;;) {
      const visit = await all.next(ended.signal);
      const reading = readCallback(visit.address, link);
      if (reading.kind === "strange") visit.answer(reading.error);
      else visits.push(visit);
    }
  };
  const taken = take().catch(() => undefined);
  return {
    async end() {
      ended.abort(new AgentError("CALLBACK_STRANGE"));
      await taken;
      return visits;
    },
  };
};

/** The next one who comes before the link's time is over. Throws CODE_EXPIRED. */
const nextVisit = async (
  visits: Visits,
  { expiresAt }: SignInLink,
  clock: Clock,
  signal: AbortSignal,
): Promise<CallbackVisit> => {
  const over = new AbortController();
  const timer = clock
    .sleep(Math.max(0, expiresAt - clock.mono()), AbortSignal.any([signal, over.signal]))
    .then(
      () => over.abort(new AgentError("CODE_EXPIRED")),
      () => undefined,
    );
  try {
    return await visits.next(AbortSignal.any([signal, over.signal]));
  } finally {
    over.abort();
    await timer;
  }
};
