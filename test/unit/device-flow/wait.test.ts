import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { waitForApproval } from "../../../src/device-flow/wait.ts";
import { AgentError } from "../../../src/errors.ts";
import type { DeviceCode, PollAnswer } from "../../../src/model.ts";
import { monoMs } from "../../../src/units.ts";
import { aCode, aGrant, codeOf, forever } from "./support.ts";

const pending: PollAnswer = { kind: "pending" };
const slowDown: PollAnswer = { kind: "slowDown", intervalMs: null };
const granted: PollAnswer = { kind: "granted", grant: aGrant() };
const lost = new AgentError("ORG_TIMEOUT");

/** An org that gives the answers in turn and then stays pending; remembers when it was asked. */
const orgSaying = (clock: VirtualClock, ...answers: (PollAnswer | Error)[]) => {
  const polledAt: number[] = [];
  return {
    polledAt,
    async poll(): Promise<PollAnswer> {
      polledAt.push(clock.mono());
      const next = answers.shift() ?? pending;
      if (next instanceof Error) throw next;
      return next;
    },
    /** Pauses between polls, the first from the start, in whole seconds as the org counts them. */
    pauses: () => polledAt.map((at, n) => Math.floor((at - (polledAt[n - 1] ?? 0)) / 1000)),
  };
};

const wait = async (...answers: (PollAnswer | Error)[]) => {
  using clock = new VirtualClock();
  const org = orgSaying(clock, ...answers);
  const ended = await clock
    .until(waitForApproval(org, aCode(), clock, forever, forever))
    .then((grant) => grant.accessToken.reveal())
    .catch((error: unknown) => (error instanceof AgentError ? error.code : error));
  expect(clock.waiting).toBe(0);
  return { ended, pauses: org.pauses(), at: clock.mono() };
};

describe("waiting for approval", () => {
  it("first polls after one interval, and never again once granted", async () => {
    expect(await wait(granted)).toMatchObject({ ended: "access-1", pauses: [5] });
    expect(await wait(pending, pending, granted)).toMatchObject({ ended: "access-1", pauses: [5, 5, 5] });
  });

  it("is never early, not even by a clock that runs a little fast", async () => {
    const { at } = await wait(granted);
    expect(at).toBeGreaterThan(5_000 * 1.05);
  });

  it("slows down by five seconds for good each time it is told", async () => {
    const { pauses } = await wait(slowDown, pending, slowDown, pending, granted);
    expect(pauses).toEqual([5, 11, 11, 16, 16]);
  });

  it("takes the interval the org names when it is larger, and never a smaller one", async () => {
    const named = (intervalMs: number): PollAnswer => ({ kind: "slowDown", intervalMs });
    expect((await wait(named(30_000), pending, granted)).pauses).toEqual([5, 33, 33]);
    expect((await wait(named(1_000), pending, granted)).pauses).toEqual([5, 11, 11]);
  });

  it("doubles the pause while no answer comes, and goes back to the interval when one does", async () => {
    const { pauses } = await wait(lost, lost, lost, pending, granted);
    expect(pauses).toEqual([5, 11, 22, 44, 5]);
  });

  it("never doubles beyond a minute or so", async () => {
    const { pauses } = await wait(lost, lost, lost, lost, lost, lost, granted);
    expect(Math.max(...pauses)).toBe(66);
  });

  it("does not count a lost answer as slow_down", async () => {
    expect((await wait(slowDown, lost, pending, granted)).pauses).toEqual([5, 11, 22, 11]);
  });

  it("waits as long as a busy org asks", async () => {
    const busy = new AgentError("ORG_BUSY", "", { retryAfterMs: 100_000 });
    expect((await wait(busy, pending, granted)).pauses).toEqual([5, 110, 5]);
  });

  it.each(["ORG_UNREACHABLE", "ORG_ANSWER_INVALID", "ORG_ANSWER_TOO_LARGE", "ORG_BUSY"] as const)(
    "goes on after %s",
    async (code) => {
      expect((await wait(new AgentError(code), granted)).ended).toBe("access-1");
    },
  );

  it.each([
    "CODE_DENIED",
    "CODE_EXPIRED",
    "CODE_INVALID",
    "DEVICE_FLOW_DISABLED",
    "CLIENT_UNKNOWN",
    "ORG_TLS",
  ] as const)("ends with %s", async (code) => {
    expect(await wait(pending, new AgentError(code))).toMatchObject({ ended: code, pauses: [5, 5] });
  });

  it("passes a bug on", async () => {
    const bug = new TypeError("x is not a function");
    expect((await wait(bug)).ended).toBe(bug);
  });

  it("ends by its own clock when the org stays pending for ever, and never polls a dead code", async () => {
    const { ended, at, pauses } = await wait();
    expect(ended).toBe("CODE_EXPIRED");
    expect(at).toBe(600_000);
    expect(pauses.length).toBeLessThan(120);
  });

  it("does not mind the wall clock jumping", async () => {
    using clock = new VirtualClock();
    const org = orgSaying(clock, pending, pending, granted);
    const waiting = waitForApproval(org, aCode(), clock, forever, forever);
    await clock.advance(6_000);
    clock.setWall((clock.wall() + 31_536_000_000) as ReturnType<typeof clock.wall>);
    expect((await clock.until(waiting)).accessToken.reveal()).toBe("access-1");
  });

  it("says at once that a code is dead already", async () => {
    using clock = new VirtualClock();
    await clock.advance(1_000);
    const org = orgSaying(clock);
    const dead = aCode({ expiresAt: monoMs(500) });
    expect(await codeOf(() => clock.until(waitForApproval(org, dead, clock, forever, forever)))).toBe(
      "CODE_EXPIRED",
    );
    expect(org.polledAt).toEqual([]);
  });

  it("stops with the signal's reason while it is asleep", async () => {
    using clock = new VirtualClock();
    const asleep = new AbortController();
    const waiting = waitForApproval(orgSaying(clock), aCode(), clock, forever, asleep.signal);
    asleep.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    expect(clock.waiting).toBe(0);
  });

  /** An org that takes a second for each answer. */
  const slowOrg = (clock: VirtualClock, answer: PollAnswer | AgentError) => ({
    async poll(_code: DeviceCode, signal: AbortSignal): Promise<PollAnswer> {
      await clock.sleep(1_000, signal);
      if (answer instanceof AgentError) throw answer;
      return answer;
    },
  });

  it("gives a grant that is under way when it is to stop, and no other answer", async () => {
    for (const [answer, end] of [
      [granted, "granted"],
      [pending, "enough"],
      [lost, "enough"],
    ] as const) {
      using clock = new VirtualClock();
      const stop = new AbortController();
      const waiting = waitForApproval(slowOrg(clock, answer), aCode(), clock, forever, stop.signal).then(
        () => "granted",
        (error: Error) => error.message,
      );
      await clock.advance(6_000);
      stop.abort(new Error("enough"));
      expect(await clock.until(waiting)).toBe(end);
      expect(clock.mono()).toBe(6_500);
      expect(clock.waiting).toBe(0);
    }
  });

  it("waits no longer for it than it is told", async () => {
    using clock = new VirtualClock();
    const [patience, stop] = [new AbortController(), new AbortController()];
    const waiting = waitForApproval(slowOrg(clock, granted), aCode(), clock, patience.signal, stop.signal);
    waiting.catch(() => undefined);
    await clock.advance(6_000);
    stop.abort(new Error("enough"));
    patience.abort(lost);
    await expect(waiting).rejects.toThrow("enough");
    expect(clock.mono()).toBe(6_000);
  });
});
