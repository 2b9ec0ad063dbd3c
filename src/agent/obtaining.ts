// Fresh credentials, and whose they are.

import type { AgentError } from "../errors.ts";
import type { Identity } from "../model.ts";
import { MOST_SKEW_MS } from "../units.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { Credentials } from "./credentials.ts";

/**
 * `work`, which signs, once the time is known. What was signed by a clock that is hours behind is refused, and with the
 * very answer the org tells the time: then once more.
 */
export const inTime = async <T>(
  { clock, time }: ActivityParts,
  work: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> => {
  await time.known(signal);
  const stand = (): number => clock.wall() - clock.mono();
  const before = stand();
  try {
    return await work();
  } catch (error) {
    signal.throwIfAborted();
    if (Math.abs(stand() - before) <= MOST_SKEW_MS) throw error;
    return work();
  }
};

/** Fresh credentials, told to the journal. Waits for a clock that nobody has set yet, where they need one. */
export const obtain = async (
  parts: ActivityParts,
  replace: boolean,
  signal: AbortSignal,
): Promise<Credentials> => {
  const { journal, credentials } = parts;
  const work = (): Promise<Credentials> => credentials.obtain(replace, signal);
  const obtained = credentials.needsTime ? await inTime(parts, work, signal) : await work();
  const { identity, assetToken } = obtained;
  if (identity !== null) await belongTo(parts, identity);
  if (assetToken !== null) journal.record({ event: "assetToken", expiresAt: assetToken.expiresAt });
  return obtained;
};

/** It is known who approved: perhaps somebody else than before, without a sign-out between. */
export const belongTo = async (
  { names, evening, home, journal }: ActivityParts,
  identity: Identity,
): Promise<void> => {
  await Promise.all([names, evening, home].map((each) => each.belongTo(identity)));
  journal.record({ event: "signedIn", user: identity.username ?? identity.name, org: identity.orgId });
};

/** True for what trying again may mend. */
export const passes = ({ remedy }: AgentError): boolean => remedy === "retry" || remedy === "wait";
