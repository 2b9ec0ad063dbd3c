// A board whose wires to a real authorization server and a real broker have faults, and who watches it.

import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../../src/ports.ts";
import { seeded } from "../../chaos/seeded.ts";
import type { RunningAgent } from "../peers/agent.ts";
import { type FaultyProxy, startFaultyProxy } from "../peers/faulty-proxy.ts";
import { type Home, makeHome } from "../peers/home.ts";
import { growth, type Held, heldBy } from "./held.ts";
import { type OwnerPhone, openOwnerPhone } from "./owner-phone.ts";
import {
  lookAtCommands,
  lookAtFaults,
  lookAtRequests,
  lookAtState,
  type Moment,
  storyOf,
} from "./witness.ts";

/** Short, so that there is much to renew; the board does it after three quarters. */
const ACCESS_TOKEN_S = 6;
/** A token answer is on the disk so long after it came, however busy the machine. In milliseconds. */
const KEPT_AFTER_MS = 1_000;
/** How many of the newest commands that were obeyed somebody sends again after each trouble. */
const REPLAYED = 3;
/** How long somebody waits for the lamp before they tell it something else, in milliseconds. */
const PATIENCE_MS = 1_500;
/** How often it is looked again, a tenth of a second apart, whether something more is held than before. */
const MOST_LOOKS = 60;
const RECOVERY_LIMIT_MS = 90_000;
const STOP_LIMIT_MS = 15_000;

/** What came of a story. */
export interface Seen {
  readonly findings: readonly string[];
  /** From the end of each trouble until the lamp obeyed again, in milliseconds. */
  readonly recoveriesMs: readonly number[];
  readonly kills: number;
  readonly codes: number;
  /** Sign-ins that ended because an answer with new tokens was lost. */
  readonly lostAnswers: number;
  readonly commands: { readonly sent: number; readonly done: number };
  /** Moments that did not come, so that what should have struck in them did not. */
  readonly missed: number;
  /** Most that resident memory of one process grew by, in KiB. */
  readonly grownKib: number;
}

export interface Board extends AsyncDisposable {
  readonly home: Home;
  readonly orgWire: FaultyProxy;
  readonly brokerWire: FaultyProxy;
  readonly phone: OwnerPhone;
  readonly random: Random;
  agent(): RunningAgent;
  tell(line: string): void;
  finding(line: string): void;
  /** A moment did not come. */
  missed(line: string): void;
  /** Line by line, what was done to it and what it did. */
  story(): string;
  /** During `work` and a moment after it, answers of the org's may be lost. */
  losing<T>(work: () => Promise<T>): Promise<T>;
  /** The org has ended the sign-in for reasons of its own. */
  ended(): void;
  /** Kills it, or asks it to stop, looks at what it left, and starts it again. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** As `end`, for a process that was told already. */
  died(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Goes to a code that is shown and was not approved yet, if there is one. */
  approveCodes(): Promise<void>;
  /**
   * Waits until the lamp obeys again and approves what code there is, and looks at everything. `lossless`: every command
   * comes to an answer without being sent again.
   */
  recover(lossless: boolean): Promise<void>;
  seen(): Seen;
}

/** Makes a board, signs it in, and lets the owner's phone join. The same seed goes the same way, as far as time allows. */
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
  const began = performance.now();

  const done: Moment[] = [];
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
  /** How many of the newest run's codes somebody has gone to. */
  let wentTo = 0;
  /** What the newest run held when it had just come online. */
  let calm: Held | undefined;
  const start = (): RunningAgent => {
    const run = home.start({
      broker: { url: `mqtts://127.0.0.1:${brokerWire.port}`, auth: "access-token", password: null },
      commands: { trust: "broker" },
    });
    runs.push(run);
    wentTo = 0;
    calm = undefined;
    return run;
  };
  let agent = start();

  const lossy: { from: number; to: number }[] = [];
  const recoveriesMs: number[] = [];
  let kills = 0;
  let codes = 0;
  let lostAnswers = 0;
  let missed = 0;
  let endedOnPurpose = false;
  let grownKib = 0;

  /** A code is right only where the org has ended the sign-in, or where its last answer may not have come to the disk. */
  const judgeCode = async (): Promise<void> => {
    codes += 1;
    const onPurpose = endedOnPurpose;
    endedOnPurpose = false;
    if (onPurpose) return;
    const issued = provider.requests.findLast(({ status, path }) => path === "/token" && status === 200);
    const at = issued?.at ?? -Infinity;
    if (!lossy.some(({ from, to }) => from <= at && at <= to))
      return finding("a new code, though the board had the newest answer of an org that ended nothing");
    lostAnswers += 1;
    // A code that was approved is used up with its answer, and nothing else was left to try.
    if (
      issued?.grantType === "refresh_token" &&
      (await provider.isAlive(provider.refreshTokens.at(-1) ?? ""))
    )
      finding("a new code, though the org still holds to the sign-in");
  };

  const approveCodes = async (): Promise<void> => {
    if (agent.events.filter(({ event }) => event === "code").length <= wentTo) return;
    wentTo += 1;
    tell("a new code is shown");
    await judgeCode();
    await home.answerCode(agent, "approves");
  };

  /** Waits, and goes to codes meanwhile; `again` is done every now and then. False when it was in vain. */
  const comes = async (
    what: () => string,
    fits: () => boolean,
    limitMs: number,
    again?: () => Promise<unknown>,
  ): Promise<boolean> => {
    const from = performance.now();
    for (let nextAt = from + PATIENCE_MS; !fits(); await sleep(20)) {
      const now = performance.now();
      if (now - from > limitMs) {
        finding(`not within ${limitMs / 1000} s: ${what()}`);
        return false;
      }
      await approveCodes();
      if (again === undefined || now < nextAt) continue;
      nextAt = now + PATIENCE_MS;
      await again();
    }
    return true;
  };

  const hold = (): Held => heldBy(agent.pid, { broker: brokerWire.port, org: orgWire.port });

  const lookAtHeld = async (): Promise<void> => {
    if (calm === undefined) {
      // Its own socket is opened when the lamp has been looked after, and held from then on.
      const answering = (): boolean => hold().others.some((each) => each.includes("control.sock"));
      await comes(() => "it answers `porchlight status`", answering, 10_000);
      calm = hold();
      return;
    }
    const first = hold();
    let grown = growth(calm, first, first);
    for (let look = 0; grown.length > 0 && look < MOST_LOOKS; look++) {
      await sleep(100);
      grown = growth(calm, first, hold());
    }
    for (const each of grown) finding(each);
    grownKib = Math.max(grownKib, hold().residentKib - calm.residentKib);
  };

  wentTo = 1;
  const [phone] = await Promise.all([openOwnerPhone(home, random), home.signIn(agent)]);
  tell("signed in");

  const died: Board["died"] = async (signal) => {
    const at = performance.now();
    const { code } = await agent.end(STOP_LIMIT_MS);
    if (signal === "SIGKILL") {
      kills += 1;
      lossy.push({ from: at - KEPT_AFTER_MS, to: performance.now() });
    } else if (code !== 0) finding(`SIGTERM ended it with ${code}`);
    for (const each of lookAtFaults(agent)) finding(each);
    for (const each of await lookAtState(join(home.folder, "state"))) finding(each);
    agent = start();
  };

  const stack = made.move();
  return {
    home,
    orgWire,
    brokerWire,
    phone,
    random,
    agent: () => agent,
    tell,
    finding,
    missed(line) {
      missed += 1;
      tell(line);
    },
    story: () => storyOf(done, runs),
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
    async end(signal) {
      agent.kill(signal);
      await died(signal);
    },
    died,
    approveCodes,
    async recover(lossless) {
      const from = performance.now();
      let newest = await phone.tell();
      const back = await comes(
        () => `the lamp obeys ${newest}`,
        () => phone.answers(newest).length > 0,
        RECOVERY_LIMIT_MS,
        async () => {
          newest = await phone.tell();
        },
      );
      if (!back) return;
      const tookMs = performance.now() - from;
      recoveriesMs.push(tookMs);
      tell(`obeys again after ${(tookMs / 1000).toFixed(2)} s`);
      if (!phone.isDone(newest)) finding(`${newest} was refused`);
      // Somebody who has listened sends what was obeyed again; it may have been before a restart.
      await phone.repeat([...phone.signed].filter((id) => phone.isDone(id)).slice(-REPLAYED));
      // The phone itself asks again where it had no answer.
      const again = (): Promise<void> => phone.repeat(phone.unanswered());
      if (!lossless) await again();
      await comes(
        () => `answers to ${phone.unanswered()}`,
        () => phone.unanswered().length === 0,
        25_000,
        lossless ? undefined : again,
      );
      const isSo = (): boolean => phone.reported === phone.brightness;
      // A signed command may have come after the last plain one.
      if (!isSo()) await phone.tell();
      await comes(() => `the lamp is said to be at ${phone.brightness}`, isSo, 15_000);
      for (const each of [...lookAtCommands(runs, phone), ...lookAtFaults(agent)]) finding(each);
      await lookAtHeld();
    },
    seen() {
      const lastedMs = performance.now() - began;
      const given = { runs: runs.length, lastedMs, renewsEveryMs: ACCESS_TOKEN_S * 750 };
      for (const each of lookAtRequests(provider, given)) finding(each);
      return {
        findings,
        recoveriesMs,
        kills,
        codes,
        lostAnswers,
        missed,
        commands: { sent: phone.sent.length, done: phone.sent.filter((id) => phone.isDone(id)).length },
        grownKib,
      };
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
};
