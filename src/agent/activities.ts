// What runs in each state: one async generator of events per state. Leaving the state aborts its activity and
// waits until it has ended, so no answer can arrive for a state that is gone.

import { waitForApproval } from "../device-flow/wait.ts";
import { createVisits, waitForCallback } from "../device-flow/wait-callback.ts";
import { AgentError, asAgentError, type ErrorCode } from "../errors.ts";
import type { About, Grant, Identity, LightCause, LightReport, Signal } from "../model.ts";
import type {
  Broker,
  Callbacks,
  Clock,
  Guests,
  Journal,
  Light,
  Link,
  Org,
  Random,
  Session,
  WebSignIn,
} from "../ports.ts";
import { isDamage } from "../second-look.ts";
import { after, MOST_SKEW_MS, unreachable } from "../units.ts";
import { isSamePerson } from "../users.ts";
import type { AssetKeeper } from "./asset-keeper.ts";
import type { Commands } from "./commands.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import type { EveningKeeper } from "./evening.ts";
import type { HealthKeeper } from "./health-keeper.ts";
import type { Home } from "./home.ts";
import type { Event, State } from "./machine.ts";
import type { Names } from "./names.ts";
import { retryPauseMs } from "./retry.ts";
import { isOf, type Standing } from "./standing.ts";
import type { Time } from "./time.ts";
import type { UpdateNews } from "./update-news.ts";
import type { Upkeep } from "./upkeep.ts";
import { startOf } from "./view.ts";

export interface ActivityParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly org: Org;
  readonly session: Session;
  /** Where browsers come back to, and what people bring by hand. */
  readonly callbacks: Callbacks;
  readonly credentials: Pick<CredentialSource, "needsTime" | "obtain">;
  readonly upkeep: Upkeep;
  readonly broker: Broker;
  readonly commands: Commands;
  readonly lights: ReadonlyMap<string, Light>;
  readonly journal: Journal;
  readonly about: (credentials: Credentials) => About;
  readonly health: Pick<HealthKeeper, "tell" | "subscribe">;
  /** Told what became of a renewal while online; null: it went well. */
  readonly renewed: (fault: ErrorCode | null) => void;
  readonly updateNews: UpdateNews;
  readonly guests: Guests;
  readonly names: Names;
  readonly evening: EveningKeeper;
  readonly home: Home;
  /** Null where the settings want nothing written at the org. */
  readonly asset: AssetKeeper | null;
  readonly standing: Standing;
  /** For requests that may bring a sign-in, or end one: outlives the leaving of a state (device-flow/patience.ts). */
  readonly patience: AbortSignal;
  readonly time: Time;
  /** What the first lamp blinks while this code waits, or null. */
  readonly signalFor: (userCode: string) => Signal | null;
  /** Told when a sign-out has been carried out, and whether the org confirmed it. */
  readonly onSignedOut: (revoked: boolean) => void;
}

/** Commands that may wait for slow hardware at a time. A dragged slider sends them faster than some lamps take them. */
const MOST_COMMANDS = 64;
/** Credentials that are to be renewed sooner than this after they were obtained claim no life that can be meant; in milliseconds. */
const SHORTEST_LIFE_MS = 1_000;
/** How long those are kept, in milliseconds. */
const RENEWAL_FLOOR_MS = 10_000;
/** The sign-in is looked at so long after the board is online: the org is asked for the time first. In milliseconds. */
const LOOK_AFTER_MS = 10_000;
/** How long a sign-out waits for the org, in milliseconds: the board forgets either way. */
const REVOKE_LIMIT_MS = 10_000;

/** Why an activity is left, where somebody at the board has taken a new code back. */
export const takenBack = new DOMException("somebody at the board has taken the code back", "AbortError");

/** The activity of a state; it ends when it has nothing more to say, or throws AgentError. */
export const activity = (state: State, parts: ActivityParts, signal: AbortSignal): AsyncGenerator<Event> => {
  switch (state.name) {
    case "starting":
      return start(parts, signal);
    case "askingCode":
      return askCode(parts, state, signal);
    case "waitingForApproval":
      // Its activity is that of askingCode, which goes on.
      return nothing();
    case "exchanging":
      return exchange(parts, state.replace, signal);
    case "connecting":
    case "online":
      return serve(parts, state.credentials, signal);
    case "pausing":
      return pause(parts, state, signal);
    case "stopping":
    case "stopped":
      return nothing();
    default:
      return unreachable(state);
  }
};

async function* nothing(): AsyncGenerator<Event> {}

async function* start(parts: ActivityParts, signal: AbortSignal): AsyncGenerator<Event> {
  // What it was signed in with may have been changed meanwhile, to another org, client or user, or to a person's approval.
  const grant = await readable(parts, signal);
  if (grant?.leaving === true) yield { type: "signOut" };
  else yield { type: "booted", signedIn: grant !== undefined && isOf(parts.org, grant) };
}

/** The grant that a sign-out ends. Without the state folder's key nobody can end it at the org, but it can be forgotten. */
const leaving = async (parts: ActivityParts): Promise<Grant | undefined> => {
  try {
    return await readable(parts, parts.patience);
  } catch (error) {
    if (asAgentError(error).code !== "STATE_LOCKED") throw error;
    return undefined;
  }
};

/** The stored grant. One that stays unreadable is told, moved aside for a person to look at, and none any more. */
const readable = async (
  { session, journal }: ActivityParts,
  signal: AbortSignal,
): Promise<Grant | undefined> => {
  try {
    return await session.load(signal);
  } catch (error) {
    if (!isDamage(error)) throw error;
    const { code, message } = asAgentError(error);
    journal.record({ event: "fault", code, message, retryInMs: null });
  }
  await session.setAside();
  return undefined;
};

async function* askCode(
  parts: ActivityParts,
  { revoke, kept }: Extract<State, { name: "askingCode" }>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const { session, org, journal, clock, patience } = parts;
  // Forgotten before anything else happens: a dead grant must not come back at the next start. A sign-out is seen through,
  // whatever is asked for next.
  const grant = revoke ? await leaving(parts) : await readable(parts, signal);
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
    parts.onSignedOut(revoked);
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

async function* exchange(parts: ActivityParts, replace: boolean, signal: AbortSignal): AsyncGenerator<Event> {
  yield { type: "credentialsReady", credentials: await obtain(parts, replace, signal) };
}

/**
 * `work`, which signs, once the time is known. What was signed by a clock that is hours behind is refused, and with the
 * very answer the org tells the time: then once more.
 */
const inTime = async <T>(
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
const obtain = async (parts: ActivityParts, replace: boolean, signal: AbortSignal): Promise<Credentials> => {
  const { journal, credentials } = parts;
  const work = (): Promise<Credentials> => credentials.obtain(replace, signal);
  const obtained = credentials.needsTime ? await inTime(parts, work, signal) : await work();
  const { identity, assetToken } = obtained;
  if (identity !== null) await belongTo(parts, identity);
  if (assetToken !== null) journal.record({ event: "assetToken", expiresAt: assetToken.expiresAt });
  return obtained;
};

/** It is known who approved: perhaps somebody else than before, without a sign-out between. */
const belongTo = async (
  { names, evening, home, journal }: ActivityParts,
  identity: Identity,
): Promise<void> => {
  await Promise.all([names, evening, home].map((each) => each.belongTo(identity)));
  journal.record({ event: "signedIn", user: identity.username ?? identity.name, org: identity.orgId });
};

/** True for what trying again may mend. */
const passes = ({ remedy }: AgentError): boolean => remedy === "retry" || remedy === "wait";

/** What another time of day may mend. */
const byClock: ReadonlySet<ErrorCode> = new Set([
  "CLOCK_UNSET",
  "CLOCK_WRONG",
  "ORG_TLS",
  "BROKER_TLS",
  "ASSET_TOKEN_INVALID",
  "ASSET_TOKEN_REFUSED",
  "ASSERTION_REFUSED",
]);

async function* pause(
  { clock, time }: ActivityParts,
  { until, error }: Extract<State, { name: "pausing" }>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const ends = [
    ...(until === null ? [] : [clock.sleep(Math.max(0, until - clock.mono()), either)]),
    ...(byClock.has(error.code) ? [time.moved(either)] : []),
  ];
  if (ends.length === 0) return;
  try {
    await Promise.race(ends);
  } finally {
    over.abort();
    await Promise.allSettled(ends);
  }
  yield { type: "pauseOver" };
}

/** Restores what a subscriber missed: the reports of all lamps as they are. */
export const reportsOf = (lights: ReadonlyMap<string, Light>, cause: LightCause): LightReport[] =>
  [...lights.values()].map((light) => ({
    light: light.id,
    target: light.target,
    available: light.fault === null,
    fault: light.fault,
    cause,
  }));

/** Connects and stays online: obeys commands, reports the lamps, renews credentials before they end. */
async function* serve(parts: ActivityParts, first: Credentials, signal: AbortSignal): AsyncGenerator<Event> {
  const { broker, lights, commands, journal, clock, org, session, standing, home, time, upkeep } = parts;
  const ended = new AbortController();
  const until = AbortSignal.any([signal, ended.signal]);
  const obeying = new Set<Promise<void>>();
  let link: Link | undefined;

  let held = first;

  const connect = async (credentials: Credentials): Promise<Link> => {
    await standing.refresh();
    parts.health.tell();
    const announcement = {
      about: parts.about(credentials),
      lights: reportsOf(lights, { kind: "agent" }),
    };
    const made = await broker.connect(credentials.pass, announcement, link, signal);
    // A lamp that moved while the connection was made is reported again; the link keeps only the newest.
    link = made;
    held = credentials;
    for (const report of reportsOf(lights, { kind: "agent" })) made.report(report);
    made.announce(parts.about(held));
    const obeyed = obey(made).finally(() => obeying.delete(obeyed));
    obeying.add(obeyed);
    return made;
  };

  const obey = async (from: Link): Promise<void> => {
    const underWay = new Set<Promise<void>>();
    for await (const request of from.requests) {
      const answered = commands
        .obey(request.incoming, signal)
        .then(({ result, afterwards }) => {
          request.answer(result);
          afterwards?.();
        })
        .finally(() => underWay.delete(answered));
      underWay.add(answered);
      if (underWay.size >= MOST_COMMANDS) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  };

  const unsubscribe = [...lights.values()].map((light) =>
    light.subscribe((report) => {
      link?.report(report);
      // A report is also how a lamp tells that its hardware is there, perhaps with other traits than thought.
      link?.announce(parts.about(held));
    }),
  );
  for (const news of [parts.updateNews, parts.names, parts.evening, standing, parts.health])
    unsubscribe.push(news.subscribe(() => link?.announce(parts.about(held))));
  let asking: Promise<void> = Promise.resolve();
  let keeping: Promise<void> | undefined;
  /** Beside everything else: the lamp waits for no such answer. Resolves when the org has been asked for the time. */
  const ask = (): Promise<void> => {
    const timed = asking.then(() => time.ask(until));
    asking = timed.then(() => standing.ask(until)).then(() => home.ask(until));
    return timed;
  };
  /** The link is gone, or never came: the sign-in at the org must not end of a broker that stays away. */
  const gone = async (fault: unknown): Promise<never> => {
    signal.throwIfAborted();
    if (clock.mono() >= upkeep.keepAt)
      await upkeep.keep(signal).catch((error: unknown) => {
        signal.throwIfAborted();
        // One that passes is not told: what keeps the board from being online is.
        const keeping = asAgentError(error);
        if (!passes(keeping)) throw keeping;
      });
    throw fault;
  };
  try {
    let current = first;
    let made = await connect(current).catch(gone);
    journal.record({ event: "online", broker: made.address, protocol: made.protocol });
    yield { type: "linkUp" };
    // What the org says of the time comes first: how old the last write is, is a matter of the clock.
    keeping = ask().then(() => parts.asset?.keep(until));
    let attempt = 0;
    let { renewAt } = current;
    /** Whose board it is. The broker is shown the same as before: only `about` is another. */
    const become = (identity: Identity | null): Event => {
      current = { ...current, identity };
      held = current;
      made.announce(parts.about(held));
      return { type: "renewed", credentials: current };
    };
    const lookAt = after(clock.mono(), LOOK_AFTER_MS);
    for (;;) {
      const upkeepAt = current.identity === null ? Math.min(upkeep.keepAt, upkeep.askAt) : upkeep.keepAt;
      const wakeAt = Math.min(Math.max(upkeepAt, lookAt), renewAt ?? Infinity);
      const timer = new AbortController();
      const woke = clock
        .sleep(Math.max(0, wakeAt - clock.mono()), AbortSignal.any([until, timer.signal]))
        .then(
          () => "awake" as const,
          () => "aborted" as const,
        );
      const outcome = await Promise.race([made.lost, woke]);
      timer.abort();
      await woke;
      signal.throwIfAborted();
      if (outcome instanceof AgentError) await gone(outcome);
      const renews = renewAt !== null && clock.mono() >= renewAt;
      const keeps = clock.mono() >= upkeep.keepAt;
      try {
        if (renews) {
          current = await obtain(parts, true, signal);
          made = await connect(current);
          yield { type: "renewed", credentials: current };
          // A token that claims to have ended as it was made would be renewed for ever, without a pause.
          const isOver = current.renewAt !== null && current.renewAt - clock.mono() < SHORTEST_LIFE_MS;
          renewAt = isOver ? after(clock.mono(), RENEWAL_FLOOR_MS) : current.renewAt;
        } else if (keeps) {
          await upkeep.keep(signal);
          await standing.refresh();
          const grant = await session.load().catch(() => undefined);
          if (org.signIn !== undefined && current.identity !== null && grant?.identity === null) {
            // It is another user's now (renewedFrom in session.ts): nobody's word counts until it is known whose.
            upkeep.reset();
            yield become(null);
          }
        } else if (current.identity === null && clock.mono() >= upkeep.askAt) {
          const identity = await upkeep.ask(signal);
          if (identity === null) continue;
          await belongTo(parts, identity);
          yield become(identity);
        } else continue;
        void ask();
        if (!renews && attempt > 0) continue;
        parts.renewed(null);
        attempt = 0;
      } catch (error) {
        signal.throwIfAborted();
        const fault = asAgentError(error);
        // The lamp goes on obeying while its old credentials last; only what trying again cannot mend ends it.
        if (!passes(fault)) throw fault;
        const again = keeps ? upkeep.keepAt : upkeep.askAt;
        const pauseMs = renews ? retryPauseMs(fault, attempt++, parts.random()) : again - clock.mono();
        if (renews) renewAt = after(clock.mono(), pauseMs);
        parts.renewed(fault.code);
        journal.record({ event: "fault", code: fault.code, message: fault.message, retryInMs: pauseMs });
      }
    }
  } finally {
    for (const stop of unsubscribe) stop();
    ended.abort();
    await link?.[Symbol.asyncDispose]();
    await Promise.all([...obeying, asking, keeping]);
  }
}
