// A board that is connected, or about to be.

import { AgentError, asAgentError } from "../errors.ts";
import type { Identity, LightCause, LightReport } from "../model.ts";
import type { Light, Link } from "../ports.ts";
import { after } from "../units.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { Credentials } from "./credentials.ts";
import type { Event } from "./machine.ts";
import { belongTo, obtain, passes } from "./obtaining.ts";
import { retryPauseMs } from "./retry.ts";

/** Commands that may wait for slow hardware at a time. A dragged slider sends them faster than some lamps take them. */
const MOST_COMMANDS = 64;
/** Credentials that are to be renewed sooner than this after they were obtained claim no life that can be meant; in milliseconds. */
const SHORTEST_LIFE_MS = 1_000;
/** How long those are kept, in milliseconds. */
const RENEWAL_FLOOR_MS = 10_000;
/** The sign-in is looked at so long after the board is online: the org is asked for the time first. In milliseconds. */
const LOOK_AFTER_MS = 10_000;

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
export async function* serve(
  parts: ActivityParts,
  first: Credentials,
  signal: AbortSignal,
): AsyncGenerator<Event> {
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
