// The loop that joins the pure machine with the activities: takes events one at a time, works out the next
// state, and is the only place where the state changes.

import { AgentError, asAgentError, type ErrorCode, entryOf } from "../errors.ts";
import type {
  About,
  Ending,
  Identity,
  LightCause,
  LightReport,
  Signal,
  Started,
  Status,
  View,
} from "../model.ts";
import type {
  Broker,
  Callbacks,
  Clock,
  ControlRequest,
  Controls,
  Display,
  Guests,
  Inputs,
  Journal,
  Light,
  Org,
  Random,
  Session,
  SignedCommands,
} from "../ports.ts";
import { signalOf } from "../signal.ts";
import type { EpochMs } from "../units.ts";
import { activity } from "./activities.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { AssetKeeper } from "./asset-keeper.ts";
import { byHand } from "./by-hand.ts";
import { createCommands, type LimitChange } from "./commands.ts";
import type { CredentialSource, Credentials } from "./credentials.ts";
import type { Disk } from "./disk.ts";
import type { EveningKeeper } from "./evening.ts";
import { createGuestBlinks } from "./guest-blinks.ts";
import { createHealth } from "./health-keeper.ts";
import type { Home } from "./home.ts";
import {
  type Event,
  initial,
  next,
  pressHelps,
  type State,
  signedInLate,
  signsOut,
  takesBack,
  unpaired,
} from "./machine.ts";
import { createMailbox } from "./mailbox.ts";
import type { Names } from "./names.ts";
import { createPacedRefusals } from "./paced-refusals.ts";
import { reportsOf } from "./serve.ts";
import { takenBack } from "./signing-in.ts";
import type { Standing } from "./standing.ts";
import type { Time } from "./time.ts";
import type { UpdateNews } from "./update-news.ts";
import { createUpkeep } from "./upkeep.ts";
import { viewOf, withClock } from "./view.ts";

export interface AgentParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly org: Org;
  readonly session: Session;
  readonly callbacks: Callbacks;
  readonly credentials: CredentialSource;
  readonly broker: Broker;
  /** In the order of the settings; the first is the one a button toggles. */
  readonly lights: ReadonlyMap<string, Light>;
  readonly display: Display;
  readonly journal: Journal;
  readonly inputs: Inputs;
  readonly controls: Controls;
  readonly device: View["device"];
  readonly trust: "owner" | "broker";
  readonly version: string;
  readonly keyThumbprint: () => string | null;
  readonly updateNews: UpdateNews;
  readonly signed: SignedCommands;
  readonly guests: Guests;
  readonly limit: LimitChange;
  readonly names: Names;
  readonly evening: EveningKeeper;
  readonly home: Home;
  readonly disk: Pick<Disk, "fault" | "subscribe">;
  readonly time: Time;
  /** Null where the settings want nothing written at the org. */
  readonly asset: AssetKeeper | null;
  /** Looks for a new version of the program now; null where it does not change by itself. */
  readonly lookForUpdate: (() => void) | null;
  readonly standing: Standing;
  readonly patience: AbortSignal;
  /** The first lamp blinks while a code waits, so that who approves knows which lamp it is. */
  readonly signal: boolean;
  /** When this run began, and what ended the one before; null where nobody keeps that. */
  readonly started: () => Started | null;
  /** Whether something on the disk could not be read before the agent was there to hear of it. */
  readonly damaged: () => boolean;
  /** What the settings give up; said at the start, and in the status. */
  readonly warnings: readonly ErrorCode[];
}

/** What the first lamp blinks in a state. A link is approved at the board itself, or by somebody with a shell on it: nobody has to tell lamps apart. */
const signalFor = (state: State): Signal | null =>
  state.name === "waitingForApproval" && state.invitation.kind === "code"
    ? signalOf(state.invitation.userCode)
    : null;

/** Fade of a lamp switched at the board itself, in milliseconds. */
const BUTTON_FADE_MS = 300;

interface Running {
  readonly abort: AbortController;
  /** True: it has got a sign-in, perhaps after it had been left, and that is on the disk. */
  readonly ended: Promise<boolean>;
}

/**
 * Lives until `signal` is aborted or a fault with remedy `stop`; resolves with the exit code and that fault. The link is closed
 * when it resolves; lights, display and vault belong to the caller.
 */
export const live = async (parts: AgentParts, signal: AbortSignal): Promise<Ending> => {
  const { clock, journal, display, lights, names, standing } = parts;
  const device = (): View["device"] => ({ ...parts.device, name: names.device });
  const mailbox = createMailbox<{ readonly event: Event; readonly from: AbortController | null }>();
  const everything = new AbortController();
  const blinks = createGuestBlinks(clock, everything.signal);
  const commands = createCommands({
    lights,
    trust: parts.trust,
    clock,
    journal,
    signed: parts.signed,
    owner: () => owner(),
    limit: parts.limit,
    blinks,
    tellStranger: createPacedRefusals(clock, journal, everything.signal),
    requests: {
      lights,
      guests: parts.guests,
      names,
      evening: parts.evening,
      lookForUpdate: parts.lookForUpdate,
      leave: () => parts.session.leave(),
      signOut: () => post({ type: "signOut" }),
    },
  });
  const callbacks = byHand(parts.callbacks);
  const signOuts: Extract<ControlRequest, { kind: "signOut" }>[] = [];
  let state: State = initial;
  let since: EpochMs = clock.wall();
  let credentials: Credentials | null = null;
  let identity: Identity | null = null;
  let link: Status["broker"] = null;
  let running: Running | null = null;

  const post = (event: Event): void => mailbox.post({ event, from: null });

  let renewal: ErrorCode | null = null;
  let damaged = false;
  const health = createHealth(clock, () => ({
    state: state.name,
    stopped: view().problem?.code ?? null,
    lights: [...lights.values()].map(({ id, fault }) => ({ id, fault: fault?.code ?? null })),
    renewal,
    clock: clock.wallKnown() ? parts.time.fault : "CLOCK_UNSET",
    disk: parts.disk.fault,
    damaged: damaged || parts.damaged(),
    evening: parts.evening.fault,
    update: parts.updateNews.fault,
    asset: parts.asset?.fault ?? null,
    signInEnding: standing.ending,
    started: parts.started(),
  }));

  const watched: Journal = {
    record(event) {
      if (event.event === "online") link = { address: event.broker, protocol: event.protocol };
      if (event.event === "fault" && event.code === "STATE_DAMAGED") damaged = true;
      health.hear(event);
      journal.record(event);
    },
  };

  const [first] = lights.values();
  const activityParts: ActivityParts = {
    ...parts,
    callbacks,
    commands,
    upkeep: createUpkeep(parts),
    signalFor(userCode) {
      if (!parts.signal || first === undefined) return null;
      const { colour, count } = signalOf(userCode);
      return { colour: first.traits.rgb ? colour : null, count };
    },
    journal: watched,
    health,
    renewed(fault) {
      renewal = fault;
      health.look();
    },
    about: (held): About => ({
      device: device(),
      version: parts.version,
      trust: parts.trust,
      lights: [...lights.values()].map(({ id, traits }) => ({ id, name: names.light(id), traits })),
      keyThumbprint: parts.keyThumbprint(),
      owner: held.identity,
      evening: parts.evening.schedule,
      eveningFrom: parts.evening.from,
      eveningSettings: parts.evening.settled,
      eveningFault: parts.evening.fault,
      homeFrom: parts.evening.homeSource,
      signedInUntil: parts.standing.signedInUntil,
      approvals: parts.standing.approvals,
      update: parts.updateNews.last,
      started: parts.started(),
      health: health.told,
    }),
    onSignedOut(outcome) {
      for (const request of signOuts.splice(0)) request.answer(outcome);
    },
  };

  const run = async (of: State, abort: AbortController): Promise<boolean> => {
    let approved = false;
    try {
      for await (const event of activity(of, activityParts, abort.signal)) {
        approved = event.type === "approved";
        if (abort.signal.aborted) return approved;
        mailbox.post({ event, from: abort });
      }
    } catch (error) {
      if (!abort.signal.aborted)
        mailbox.post({ event: { type: "failed", error: asAgentError(error) }, from: abort });
    }
    return approved;
  };

  const begin = (of: State): Running => {
    const abort = new AbortController();
    return { abort, ended: run(of, abort) };
  };

  const end = async (why?: DOMException): Promise<boolean> => {
    running?.abort.abort(why);
    const approved = await running?.ended;
    running = null;
    return approved === true;
  };

  /** Whose it is stands on the disk, too, for a board that has not reached anybody yet. */
  const owner = (): Identity | null => identity ?? (unpaired(state) ? null : standing.identity);
  const view = (): View => {
    const { disk, time } = parts;
    const seen = withClock(
      viewOf(state, device(), owner(), first?.signalled ?? null, parts.trust, callbacks.host),
      time.waiting ? "CLOCK_UNSET" : null,
      time.system,
    );
    const fault = disk.fault ?? time.fault;
    return fault !== null && seen.online ? { ...seen, detail: `${entryOf(fault).title}.` } : seen;
  };

  const show = (): void => display.show(view());

  const enter = async (to: State, event: Event): Promise<void> => {
    const back = takesBack(state, event);
    state = to;
    if ("credentials" in to) credentials = to.credentials;
    if (unpaired(to)) credentials = null;
    identity = credentials?.identity ?? null;
    if (to.name !== "online") [link, renewal] = [null, null];
    if (parts.signal) first?.signal(signalFor(to));
    if (event.type === "renewed" || event.type === "signedOut") return show();
    since = clock.wall();
    if (event.type === "failed") {
      const retryInMs =
        to.name === "pausing" && to.until !== null ? Math.round(to.until - clock.mono()) : null;
      watched.record({ event: "fault", code: event.error.code, message: event.error.message, retryInMs });
      if (signsOut(to)) for (const request of signOuts.splice(0)) request.fail(event.error);
    }
    watched.record({
      event: "state",
      state: to.name,
      ...(event.type === "failed" ? { why: event.error.code } : {}),
    });
    show();
    // Online goes on with the activity that connected, the waiting with the one that asked; every other state begins its own.
    if (event.type === "linkUp" || event.type === "codeIssued") return;
    const instead = (await end(back ? takenBack : undefined)) ? signedInLate(to) : to;
    if (instead !== to) return enter(instead, { type: "approved" });
    if (to.name !== "stopping" && to.name !== "stopped") running = begin(to);
  };

  const toggle = async (): Promise<void> => {
    if (first === undefined) return;
    const cause: LightCause = { kind: "button" };
    await commands.change(
      first.id,
      { on: !first.target.on, effect: null },
      BUTTON_FADE_MS,
      cause,
      everything.signal,
    );
  };

  /** A disk that takes nothing is told to whoever asks, and ends nothing. */
  const tell = async <T>(
    request: { answer(value: T): void; fail(error: AgentError): void },
    work: () => Promise<T>,
  ): Promise<void> => {
    try {
      request.answer(await work());
    } catch (error) {
      request.fail(asAgentError(error));
    }
  };

  const control = async (request: ControlRequest): Promise<void> => {
    switch (request.kind) {
      case "status":
        await Promise.all([parts.updateNews.refresh(), standing.refresh()]);
        return request.answer(status());
      case "light": {
        const cause: LightCause = { kind: "agent" };
        return request.answer(
          await commands.change(request.light, request.change, request.fadeMs, cause, everything.signal),
        );
      }
      case "guests": {
        const by = owner();
        return tell(request, async () => (by === null ? null : parts.guests.list(by)));
      }
      case "revokeGuest": {
        const by = owner();
        return tell(request, async () => {
          const revoked = by !== null && (await parts.guests.revoke(request.pass, by));
          if (revoked) blinks.revoked(request.pass);
          return revoked;
        });
      }
      case "callback":
        return callbacks.bring(request);
      case "newCode": {
        const asked = unpaired(state) && state.name === "pausing" && pressHelps(state);
        if (asked) post({ type: "pressed", input: "press" });
        return request.answer(asked);
      }
      case "signOut":
        signOuts.push(request);
        return post({ type: "signOut" });
    }
  };

  const status = (): Status => ({
    view: view(),
    since,
    tokensIssuedAt: standing.tokensIssuedAt,
    identity: identity ?? standing.identity,
    signedInUntil: standing.signedInUntil,
    approvals: standing.approvals,
    assetTokenExpiresAt: credentials?.assetToken?.expiresAt ?? null,
    broker: link,
    lights: reportsOf(lights, { kind: "agent" }),
    version: parts.version,
    update: parts.updateNews.last,
    evening: parts.evening.schedule,
    eveningFrom: parts.evening.from,
    eveningNext: parts.evening.next,
    homeFrom: parts.evening.homeSource,
    health: health.now,
    warnings: [
      ...new Set([...parts.warnings, parts.time.fault, parts.evening.fault, parts.disk.fault]),
    ].filter((code) => code !== null),
  });

  const record = (report: LightReport): void => {
    watched.record({
      event: "light",
      light: report.light,
      state: report.target,
      available: report.available,
      cause: report.cause,
    });
    // A lamp that was moved, or has gone, blinks no more.
    if (state.name === "waitingForApproval") show();
  };

  /** What comes, or undefined at the end of everything. Leaves nothing behind: a board is asked for its status for years. */
  const unlessEnded = <T>(coming: Promise<T>): Promise<T | undefined> =>
    new Promise((resolve, reject) => {
      const over = (): void => resolve(undefined);
      everything.signal.addEventListener("abort", over, { once: true });
      if (everything.signal.aborted) over();
      coming.then(resolve, reject).finally(() => everything.signal.removeEventListener("abort", over));
    });

  const listen = async <T>(
    from: AsyncIterable<T>,
    handle: (item: T) => void | Promise<void>,
  ): Promise<void> => {
    const iterator = from[Symbol.asyncIterator]();
    for (;;) {
      const step = await unlessEnded(iterator.next());
      if (step === undefined) {
        // Not awaited: a source that is waiting for its next item may only end with that item.
        void iterator.return?.();
        return;
      }
      if (step.done === true) return;
      await handle(step.value);
    }
  };

  const onAbort = (): void => post({ type: "stop", exitCode: 0 });
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const unsubscribe = [...lights.values()].map((light) => light.subscribe(record));
  unsubscribe.push(names.subscribe(show), parts.disk.subscribe(show), parts.time.subscribe(show));
  for (const each of [parts.disk, parts.time, parts.evening, parts.updateNews, standing])
    unsubscribe.push(each.subscribe(health.look));
  const listening = [
    listen(parts.inputs, (input) => {
      if (!unpaired(state) && input === "press") void toggle();
      post({ type: "pressed", input });
    }),
    listen(parts.controls, control),
    standing.keep(everything.signal),
    health.run(everything.signal),
  ];
  for (const report of reportsOf(lights, { kind: "restore" })) record(report);
  try {
    for (const code of parts.warnings)
      watched.record({ event: "warning", code, message: new AgentError(code).message });
    watched.record({ event: "state", state: state.name });
    show();
    running = begin(state);
    while (state.name !== "stopping") {
      const { event, from } = await mailbox.take();
      // What an activity said before it was ended counts no more.
      if (from !== null && from !== running?.abort) continue;
      const to = next(state, event, { now: clock.mono(), random: parts.random() });
      if (to !== state) await enter(to, event);
    }
    return { exitCode: state.exitCode, error: state.error };
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const stop of unsubscribe) stop();
    await end();
    everything.abort();
    await Promise.all(listening);
  }
};
