// A board whose wires to a real authorization server and a real broker have faults, and who watches it.

import { cpSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/adapters/clock.ts";
import { openVault } from "../../src/adapters/vault.ts";
import type { Random } from "../../src/ports.ts";
import { seeded } from "../chaos/seeded.ts";
import { BUDGET } from "../chaos/summary.ts";
import { growth, type Held, heldBy } from "./held.ts";
import type { RunningAgent } from "./peers/agent.ts";
import { signInApp } from "./peers/app.ts";
import { type FaultyProxy, startFaultyProxy } from "./peers/faulty-proxy.ts";
import { type Home, makeHome } from "./peers/home.ts";
import type { Phone, Received } from "./peers/phone.ts";
import { scratchFolder } from "./peers/scratch.ts";

/** Short, so that there is much to renew; the board does it after three quarters. */
const ACCESS_TOKEN_S = 6;
/** A token answer is on the disk so long after it came, however busy the machine. In milliseconds. */
const KEPT_AFTER_MS = 1_000;
/** What each start asks of the org besides: where things are, who that is, with which keys it signs, and a refresh. */
const ASKED_BY_A_START = 4;
/** How many of the newest commands that were obeyed somebody sends again after each trouble. */
const REPLAYED = 3;
const HOUR = 3_600_000;
const RECOVERY_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 15_000;

/** What came of a story. */
export interface Seen {
  readonly findings: readonly string[];
  /** From the end of each trouble until the lamp obeyed again, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  readonly kills: number;
  readonly codes: number;
  /** Sign-ins that ended because an answer that rotated the token was lost. */
  readonly lostAnswers: number;
  readonly commands: { readonly sent: number; readonly done: number };
  readonly worstHour: number;
  /** Most that resident memory of one process grew by, in KiB. */
  readonly grownKib: number;
}

export interface Board extends AsyncDisposable {
  readonly home: Home;
  readonly orgWire: FaultyProxy;
  readonly brokerWire: FaultyProxy;
  readonly random: Random;
  readonly agent: () => RunningAgent;
  /** Line by line, what was done to it and what it did. */
  story(): string;
  tell(line: string): void;
  finding(line: string): void;
  /** Signs a command and gives it to the broker; who sent it does not wait for the answer. */
  command(): Promise<void>;
  /** During `work` and a moment after it, answers of the org's may be lost. */
  losing<T>(work: () => Promise<T>): Promise<T>;
  /** The org has ended the sign-in for reasons of its own. */
  ended(): void;
  /** Kills it, or asks it to stop, and looks at what it left; then it is started again. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** As `end`, for a process that was told already. */
  died(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** The phone comes back to a broker that was away. */
  rejoin(): Promise<void>;
  /** Goes to a code that is shown and was not approved yet, if there is one. */
  approveCodes(): Promise<void>;
  /** Waits until the lamp obeys again, and approves what code there is; `lossless`: all that was sent comes to an answer by itself. */
  recover(lossless: boolean): Promise<void>;
  /** Brightness 1..255 that the lamp was last told, and said it has. */
  readonly brightness: () => number;
  seen(): Seen;
}

/** An event of the program's as a line of a story; not those of the lamp, which say what the commands say. */
const inShort = (event: RunningAgent["events"][number]): { at: number; what: string }[] => {
  if (event.event === "light" || event.event === "warning") return [];
  const { at, event: name, ...rest } = event;
  return [{ at: Date.parse(at), what: `    ${name} ${JSON.stringify(rest)}` }];
};

/** Makes a board, signs it in, and lets the owner's phone join. */
export const moveIn = async (seed: number): Promise<Board> => {
  await using made = new AsyncDisposableStack();
  const random = seeded(seed);
  const orgWire = made.use(await startFaultyProxy(random));
  const brokerWire = made.use(await startFaultyProxy(random));
  const home = made.use(
    await makeHome({
      issuer: `http://127.0.0.1:${orgWire.port}`,
      accessTokenS: ACCESS_TOKEN_S,
      // The least that Mosquitto imposes: a silence is noticed within twice as long.
      brokerExtra: ["max_keepalive 10"],
    }),
  );
  const { provider } = home;
  orgWire.leadTo(provider.port);
  brokerWire.leadTo(Number(new URL(home.broker.openTls).port));
  const changes = {
    broker: { url: `mqtts://127.0.0.1:${brokerWire.port}`, auth: "access-token", password: null },
    commands: { trust: "broker" },
  };

  const began = performance.now();
  const done: { readonly at: number; readonly what: string }[] = [];
  const findings: string[] = [];
  const tell = (line: string): void => {
    done.push({ at: Date.now(), what: line });
  };
  const finding = (line: string): void => {
    // Every look sees all there was.
    if (findings.includes(line)) return;
    tell(`WRONG: ${line}`);
    findings.push(line);
  };

  const runs: RunningAgent[] = [];
  const agent = (): RunningAgent => {
    const newest = runs.at(-1);
    if (newest === undefined) throw new Error("no run yet");
    return newest;
  };
  const lossy: { from: number; to: number }[] = [];
  const recoveriesMs: number[] = [];
  let kills = 0;
  let codes = 0;
  let lostAnswers = 0;
  let endedOnPurpose = false;
  let calm: Held | undefined;
  let grownKib = 0;

  const start = (): void => {
    runs.push(home.start(changes));
    calm = undefined;
  };

  const phones: Phone[] = [];
  const rejoin = async (): Promise<void> => {
    await phones.at(-1)?.[Symbol.asyncDispose]();
    phones.push(await home.phone());
  };
  const phone = (): Phone => {
    const newest = phones.at(-1);
    if (newest === undefined) throw new Error("no phone yet");
    return newest;
  };

  const sent = new Map<string, { readonly topic: string; readonly payload: unknown }>();
  /** Ids of signed commands, which may be obeyed once in all; others once in each run. */
  const signed = new Set<string>();
  const answersOf = (id: string): Received[] =>
    phones.flatMap(({ received }) =>
      received.filter(({ topic, payload }) => topic === "result" && (payload as { id?: unknown }).id === id),
    );
  const isDone = ({ payload }: Received): boolean => (payload as { outcome?: unknown }).outcome === "done";
  const unanswered = (): [string, { topic: string; payload: unknown }][] =>
    [...sent].filter(([id]) => answersOf(id).length === 0);
  const send = async (id: string, topic: string, payload: unknown): Promise<void> => {
    sent.set(id, { topic, payload });
    await phone().publish(topic, payload);
  };

  let brightness = 0;
  const tellLamp = async (): Promise<string> => {
    brightness = (brightness % 255) + 1;
    const id = `p${sent.size + 1}`;
    await send(id, "light/set", { state: "ON", brightness, id });
    return id;
  };

  /** A code is right only where the org has ended the sign-in, or where its last answer may not have come to the disk. */
  const judgeCode = async (): Promise<void> => {
    codes += 1;
    const newest = provider.refreshTokens.at(-1) ?? "";
    const issued = provider.requests.findLast(({ status, path }) => path === "/token" && status === 200);
    const at = issued?.at ?? -Infinity;
    const lost = lossy.some(({ from, to }) => from <= at && at <= to);
    if (!endedOnPurpose && lost) lostAnswers += 1;
    if (!endedOnPurpose && !lost)
      finding("a new code, though the board had the newest answer of an org that ended nothing");
    else if (issued?.grantType === "refresh_token" && (await provider.isAlive(newest)))
      finding("a new code, though the org still holds to the sign-in");
    endedOnPurpose = false;
  };

  const approved = new WeakMap<RunningAgent, number>();
  const approveCodes = async (): Promise<void> => {
    const run = agent();
    const shown = run.events.filter(({ event }) => event === "code").length;
    const before = approved.get(run) ?? 0;
    if (shown <= before) return;
    approved.set(run, before + 1);
    tell("a new code is shown");
    await judgeCode();
    await home.answerCode(run, "approves").catch((error: unknown) => {
      // It was killed while the person walked to the phone.
      if (runs.at(-1) === run) throw error;
    });
  };

  const lookAfter = async (
    what: () => string,
    fits: () => boolean,
    limitMs: number,
    again?: () => Promise<unknown>,
  ): Promise<boolean> => {
    const from = performance.now();
    let nextAt = from + 1_500;
    while (!fits()) {
      const now = performance.now();
      if (now - from > limitMs) {
        finding(`not within ${limitMs / 1000} s: ${what()}`);
        return false;
      }
      await approveCodes();
      if (again !== undefined && now >= nextAt) {
        nextAt = now + 1_500;
        await again();
      }
      await sleep(20);
    }
    return true;
  };

  const hold = (): Held => heldBy(agent().pid, { broker: brokerWire.port, org: orgWire.port });

  /** What the process holds is no more than when it had just come online. */
  const lookAtHeld = async (): Promise<void> => {
    if (calm === undefined) return;
    const until = performance.now() + 4_000;
    let grown = growth(calm, hold());
    // A write to the disk, or a connection that is just being replaced.
    while (grown.length > 0 && performance.now() < until) {
      await sleep(100);
      grown = growth(calm, hold());
    }
    for (const each of grown) finding(each);
    grownKib = Math.max(grownKib, hold().residentKib - calm.residentKib);
  };

  const stateDir = join(home.folder, "state");
  const lookAtState = async (): Promise<void> => {
    // A copy: whoever opens a folder tidies it up, and that is for the next start to do.
    using copy = scratchFolder();
    cpSync(stateDir, copy.path, { recursive: true });
    const keys = new Set(readdirSync(copy.path).flatMap((name) => /^(.*)\.[12]$/.exec(name)?.[1] ?? []));
    const vault = await openVault(copy.path, { clock: systemClock, random: Math.random });
    for (const key of keys)
      await vault.read(key as Parameters<typeof vault.read>[0], "newest").catch((error: unknown) => {
        finding(`after the kill, ${key} cannot be read: ${error}`);
      });
  };

  const lookAtCommands = (): void => {
    const obeyedIn = runs.map(({ events }) =>
      events.flatMap((each) => (each.event === "command" && each.id !== null ? [each.id] : [])),
    );
    const inAll = obeyedIn.flat();
    const twice = (ids: readonly string[]): string[] => ids.filter((id, at) => ids.indexOf(id) !== at);
    for (const id of twice(inAll.filter((each) => signed.has(each)))) finding(`${id} was obeyed twice`);
    for (const ids of obeyedIn) for (const id of twice(ids)) finding(`${id} was obeyed twice in one run`);
    for (const id of sent.keys())
      if (answersOf(id).some(isDone) && !inAll.includes(id))
        finding(`${id} was answered with done, and was not obeyed`);
  };

  const lookAtFaults = (): void => {
    for (const each of agent().events)
      if (each.event === "fault" && /^(BUG|STATE_)/.test(each.code)) finding(`${each.code}: ${each.message}`);
  };

  const board: Omit<Board, keyof AsyncDisposable> = {
    home,
    orgWire,
    brokerWire,
    random,
    agent,
    story: () =>
      [...done, ...runs.flatMap(({ events }) => events.flatMap(inShort))]
        .toSorted((a, b) => a.at - b.at)
        .map(({ at, what }) => `${new Date(at).toISOString().slice(11, 23)}  ${what}`)
        .join("\n"),
    tell,
    finding,
    brightness: () => brightness,
    rejoin,
    async command() {
      const id = `s${sent.size + 1}`;
      signed.add(id);
      const set = { state: "ON", brightness: 1 + Math.floor(random() * 255) };
      await send(id, "command", await ask({ do: "light", set }, id));
    },
    async losing(work) {
      const span = { from: performance.now(), to: Infinity };
      lossy.push(span);
      try {
        return await work();
      } finally {
        span.to = performance.now() + KEPT_AFTER_MS;
      }
    },
    ended() {
      endedOnPurpose = true;
    },
    approveCodes,
    async end(signal) {
      agent().kill(signal);
      await board.died(signal);
    },
    async died(signal) {
      const at = performance.now();
      const { code } = await agent().end(STOP_LIMIT_MS);
      if (signal === "SIGKILL") {
        kills += 1;
        lossy.push({ from: at - KEPT_AFTER_MS, to: performance.now() });
      } else if (code !== 0) finding(`SIGTERM ended it with ${code}`);
      lookAtFaults();
      await lookAtState();
      start();
    },
    async recover(lossless) {
      const from = performance.now();
      let last = await tellLamp();
      const back = await lookAfter(
        () => `the lamp obeys ${last}`,
        () => answersOf(last).length > 0,
        RECOVERY_LIMIT_MS,
        async () => {
          last = await tellLamp();
        },
      );
      if (!back) return;
      const tookMs = performance.now() - from;
      recoveriesMs.push(tookMs);
      tell(`obeys again after ${(tookMs / 1000).toFixed(2)} s`);
      if (!answersOf(last).some(isDone)) finding(`${last} was refused: ${JSON.stringify(answersOf(last))}`);
      // Somebody who has listened sends what was obeyed again; it may have been before a restart.
      for (const id of [...signed].filter((each) => answersOf(each).some(isDone)).slice(-REPLAYED))
        await phone().publish("command", sent.get(id)?.payload);
      // The phone itself asks again where it had no answer.
      const again = async (): Promise<void> => {
        for (const [, { topic, payload }] of unanswered()) await phone().publish(topic, payload);
      };
      if (!lossless) await again();
      const answered = () => unanswered().length === 0;
      const open = (): string => `${unanswered().map(([id]) => id)} answered`;
      await lookAfter(open, answered, 25_000, lossless ? undefined : again);
      const isSo = (): boolean => {
        const state = phone().received.findLast(({ topic }) => topic === "light/state")?.payload;
        return (state as { brightness?: unknown } | undefined)?.brightness === brightness;
      };
      // A signed command may have come after the last plain one.
      if (!isSo()) await tellLamp();
      await lookAfter(() => `the lamp is said to be at ${brightness}`, isSo, 15_000);
      lookAtCommands();
      lookAtFaults();
      if (calm === undefined) {
        // Who asks for its state is answered once the lamp is looked after, and what that takes is held from then on.
        const answering = (): boolean => hold().others.some((each) => each.includes("control.sock"));
        await lookAfter(() => "it answers `porchlight status`", answering, 10_000);
        calm = hold();
      } else await lookAtHeld();
    },
    seen() {
      const asked = provider.visits.map(({ at }) => at);
      const worstHour = Math.max(
        0,
        ...asked.map((to) => asked.filter((at) => at <= to && at > to - HOUR).length),
      );
      const lastedMs = Math.min(HOUR, performance.now() - began);
      const renewals = lastedMs / (ACCESS_TOKEN_S * 750);
      const polls = provider.requests.filter(
        ({ grantType }) => grantType?.endsWith("device_code") === true,
      ).length;
      const allowed = BUDGET.others + renewals + polls + runs.length * ASKED_BY_A_START;
      if (worstHour > allowed) findings.push(`${worstHour} requests in one hour, ${allowed} at most`);
      if (polls > BUDGET.polls) findings.push(`${polls} polls for a code`);
      return {
        findings,
        recoveriesMs,
        kills,
        codes,
        lostAnswers,
        commands: {
          sent: sent.size,
          done: [...sent.keys()].filter((id) => answersOf(id).some(isDone)).length,
        },
        worstHour,
        grownKib,
      };
    },
  };

  start();
  approved.set(agent(), 1);
  const [, ask] = await Promise.all([home.signIn(agent()), signInApp(provider, "robin")]);
  await rejoin();
  tell("signed in");
  const stack = made.move();
  return { ...board, [Symbol.asyncDispose]: () => stack.disposeAsync() };
};
