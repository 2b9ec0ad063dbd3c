// From nothing, or a sign-out, to a sign-in on the disk: by a code, by a browser, or by the board itself.

import { waitForApproval } from "../device-flow/wait.ts";
import { createVisits, waitForCallback } from "../device-flow/wait-callback.ts";
import { AgentError, asAgentError } from "../errors.ts";
import type { Grant, Identity } from "../model.ts";
import type { Clock, Org, WebSignIn } from "../ports.ts";
import { isDamage } from "../second-look.ts";
import { isSamePerson } from "../users.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { Event, State } from "./machine.ts";
import { inTime } from "./obtaining.ts";
import { isOf } from "./standing.ts";
import { startOf } from "./view.ts";

/** How long a sign-out waits for the org, in milliseconds: the board forgets either way. */
const REVOKE_LIMIT_MS = 10_000;

/** Why an activity is left, where somebody at the board has taken a new code back. */
export const takenBack = new DOMException("somebody at the board has taken the code back", "AbortError");

export async function* start(parts: ActivityParts, signal: AbortSignal): AsyncGenerator<Event> {
  // What it was signed in with may have been changed meanwhile, to another org, client or user, or to a person's approval.
  const grant = await readable(parts, signal);
  if (grant?.leaving === true) yield { type: "signOut" };
  else yield { type: "booted", signedIn: grant != null && isOf(parts.org, grant) };
}

/** The grant that a sign-out ends. Without the state folder's key nobody can end it at the org, but it can be forgotten. */
const leaving = async (parts: ActivityParts): Promise<Grant | null | undefined> => {
  try {
    return await readable(parts, parts.patience);
  } catch (error) {
    if (asAgentError(error).code !== "STATE_LOCKED") throw error;
    return null;
  }
};

/** The stored grant. One that stays unreadable is told, moved aside for a person to look at, and null. */
const readable = async (
  { session, journal }: ActivityParts,
  signal: AbortSignal,
): Promise<Grant | null | undefined> => {
  try {
    return await session.load(signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const { code, message } = asAgentError(error);
    journal.record({ event: "fault", code, message, retryInMs: null });
  }
  await session.setAside();
  return null;
};

export async function* askCode(
  parts: ActivityParts,
  { revoke, kept }: Extract<State, { name: "askingCode" }>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { session, org, journal, clock, patience } = parts;
  // Forgotten before anything else happens: a dead grant must not come back at the next start. A sign-out is seen through,
  // whatever is asked for next.
  const found = revoke ? await leaving(parts) : await readable(parts, signal);
  const grant = found ?? undefined;
  // What the owner left behind goes with the owner; the sign-in goes last, so that a cut can only leave too little.
  const { guests, names, evening, home, asset } = parts;
  if (revoke) await Promise.all([guests, names, evening, home, asset].map((each) => each?.forget()));
  // What a person has approved at another org or client counts again when a mistake in the settings is put right.
  const other = grant !== undefined && grant.refreshToken !== null && !isOf(org, grant);
  // A board that signs in by itself has its next sign-in from itself, whatever became of this one.
  let forgotten: Promise<void> | undefined;
  if (revoke || (kept !== true && org.signIn === undefined && !other)) {
    forgotten = session.forget(revoke ? undefined : "gone");
    anew(parts);
    // Where nothing was found, only what a cut of power could bring back is forgotten: the first request does not wait for that.
    if (revoke || grant !== undefined || org.web !== undefined) await forgotten;
    else forgotten.catch(() => undefined); // thrown with the code
  }
  if (revoke) {
    const revoked = grant !== undefined && (await revokeWithin(org, grant, clock, patience));
    journal.record({ event: "signedOut", revoked });
    parts.onSignedOut({ signedIn: found !== undefined, revoked });
    yield { type: "signedOut" };
  }
  // Nobody is asked for a sign-in that could not be kept. Looked at beside the first request, as it is forgotten beside it.
  const ready = Promise.all([forgotten, session.ready()]);
  ready.catch(() => undefined); // thrown with the code
  if (org.signIn !== undefined) {
    const { signIn } = org;
    await ready;
    await session.adopt(await inTime(parts, () => signIn(signal), signal));
    anew(parts);
    // A person's approval from before serves nobody any more, and would count as one of the few that the org allows.
    if (!revoke && grant !== undefined && grant.refreshToken !== null)
      await revokeWithin(org, grant, clock, patience);
    yield { type: "approved" };
    return;
  }
  const { web } = org;
  if (web !== undefined) await ready;
  yield* web === undefined
    ? byCode(parts, kept === true, ready, signal)
    : byBrowser(parts, web, kept === true, signal);
}

/** There is another sign-in, or none: what was known of the last one, and its pauses, say nothing of it. */
const anew = ({ standing, upkeep, asset }: ActivityParts): void => {
  for (const each of [standing, upkeep, asset]) each?.reset();
};

/** Device flow: a code that a person approves on another device. Nothing is shown before `ready`. */
async function* byCode(
  parts: ActivityParts,
  kept: boolean,
  ready: Promise<unknown>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { org, journal, clock, patience } = parts;
  const code = await org.askCode(signal).finally(() => ready);
  const { userCode, verificationUri, verificationUriComplete, expiresAtWall } = code;
  const shown = { userCode, verificationUri, verificationUriComplete, expiresAt: expiresAtWall };
  journal.record({ event: "code", ...shown, signal: parts.signalFor(userCode) });
  yield { type: "codeIssued", invitation: code };
  const grant = await waitForApproval(org, code, clock, patience, signal);
  // The code is used up: from here on the sign-in exists only in this answer. No abort between here and the disk.
  await welcome(parts, grant, kept, signal);
  yield { type: "approved" };
}

/** Web server flow: a link, and a browser that comes back to this very machine. */
async function* byBrowser(
  parts: ActivityParts,
  web: WebSignIn,
  kept: boolean,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { callbacks, journal, clock, patience } = parts;
  // First: a link whose end nobody waits at must not be shown.
  const visits = createVisits();
  await using listener = await callbacks.open(web.callback, visits.post, signal);
  const link = await web.ask(signal);
  listener.lead(link.url);
  const { url, callback, expiresAtWall } = link;
  journal.record({ event: "link", url, start: startOf(callback), callback, expiresAt: expiresAtWall });
  yield { type: "codeIssued", invitation: link };
  const keep = (grant: Grant): Promise<void> => welcome(parts, grant, kept, signal);
  await waitForCallback(web, link, visits, keep, clock, patience, signal);
  yield { type: "approved" };
}

/**
 * Keeps what a person has approved, and ends the sign-in that it takes the place of. What cannot be kept is ended, so that
 * no approval is left at the org that nobody has; so is a grant for a code that was taken back meanwhile (throws `takenBack`).
 * Not where that would end the sign-in before, too: one of the same person is kept then, and one of nobody knows whom is not.
 */
const welcome = async (
  parts: ActivityParts,
  grant: Grant,
  kept: boolean,
  signal: AbortSignal,
): Promise<void> => {
  const { org, session, clock, patience } = parts;
  // One that cannot be read is in nobody's way; `adopt` says whether it may be overwritten.
  const before = kept ? await session.load().catch(() => undefined) : undefined;
  let alone = before === undefined || org.revokesAlone(grant, before);
  try {
    if (signal.reason === takenBack) {
      if (alone || before === undefined) throw takenBack;
      const identity = await org.identify(grant, patience).catch(() => null);
      alone = org.revokesAlone({ ...grant, identity }, before);
      if (alone || !isKnownSame(identity, before.identity)) throw takenBack;
    }
    await session.adopt(grant);
  } catch (error) {
    if (alone) await revokeWithin(org, grant, clock, patience);
    throw error;
  }
  anew(parts);
  // The sign-in before it serves nobody any more, and would count as one of the few that the org allows a person.
  if (before !== undefined && org.revokesAlone(before, grant))
    await revokeWithin(org, before, clock, patience);
};

/** True where both are known, and the same. */
const isKnownSame = (one: Identity | null, two: Identity | null): boolean =>
  one !== null && two !== null && one.userId !== "unknown" && isSamePerson(one, two);

/** True when the org confirmed; a silent or refusing org does not keep a person from signing out, nor a board from stopping. */
const revokeWithin = async (
  org: Org,
  grant: Parameters<Org["revoke"]>[0],
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> => {
  const limit = new AbortController();
  const stopped = AbortSignal.any([signal, limit.signal]);
  const timer = clock.sleep(REVOKE_LIMIT_MS, stopped).then(
    () => limit.abort(new AgentError("ORG_TIMEOUT")),
    () => undefined,
  );
  try {
    await org.revoke(grant, stopped);
    return true;
  } catch {
    return false;
  } finally {
    limit.abort(new AgentError("ORG_TIMEOUT"));
    await timer;
  }
};
