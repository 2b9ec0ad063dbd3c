import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Credentials } from "../../../src/agent/credentials.ts";
import { type Event, initial, next, STABLE_MS, type State, unpaired } from "../../../src/agent/machine.ts";
import { AgentError, type ErrorCode, errorTable } from "../../../src/errors.ts";
import type { DeviceCode } from "../../../src/model.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";

const now = monoMs(1_000_000);
const at = { now, random: 0.5 };

const code: DeviceCode = {
  kind: "code",
  deviceCode: new Secret("device"),
  userCode: "ABCD1234",
  verificationUri: "https://org.example/setup/connect",
  verificationUriComplete: "https://org.example/setup/connect?user_code=ABCD1234",
  intervalMs: 5_000,
  expiresAt: monoMs(1_600_000),
  expiresAtWall: epochMs(0),
};

const credentials = (renewAt: number | null = null): Credentials => ({
  pass: { kind: "static" },
  identity: null,
  assetToken: null,
  renewAt: renewAt === null ? null : monoMs(renewAt),
});

const failed = (error: ErrorCode, retryAfterMs?: number): Event => ({
  type: "failed",
  error: new AgentError(error, undefined, retryAfterMs === undefined ? {} : { retryAfterMs }),
});

const asking: State = { name: "askingCode", attempt: 0, codes: 0, revoke: false };
const waiting: State = { name: "waitingForApproval", invitation: code, codes: 1 };
const exchanging: State = { name: "exchanging", attempt: 0, replace: false };
const connecting: State = { name: "connecting", attempt: 0, credentials: credentials() };
const online: State = { name: "online", attempt: 0, credentials: credentials(), since: now };
const stopping: State = { name: "stopping", exitCode: 0, error: null };
const all: State[] = [
  initial,
  asking,
  waiting,
  exchanging,
  connecting,
  online,
  { name: "pausing", until: null, resume: exchanging, error: new AgentError("ORG_UNREACHABLE") },
  stopping,
  { name: "stopped", exitCode: 0 },
];

describe("the way in", () => {
  it.each<[string, State, Event, State["name"]]>([
    ["a board without a sign-in asks for a code", initial, { type: "booted", signedIn: false }, "askingCode"],
    ["a signed-in board goes straight on", initial, { type: "booted", signedIn: true }, "exchanging"],
    ["a code waits for its approval", asking, { type: "codeIssued", invitation: code }, "waitingForApproval"],
    ["a board that signs in by itself goes on without a code", asking, { type: "approved" }, "exchanging"],
    ["an approval leads to the tokens", waiting, { type: "approved" }, "exchanging"],
    [
      "credentials lead to the broker",
      exchanging,
      { type: "credentialsReady", credentials: credentials() },
      "connecting",
    ],
    ["a link means online", connecting, { type: "linkUp" }, "online"],
    ["fresh credentials keep it online", online, { type: "renewed", credentials: credentials(5) }, "online"],
    ["a stop ends it from anywhere", online, { type: "stop", exitCode: 0 }, "stopping"],
    ["closed things end it", stopping, { type: "closed" }, "stopped"],
    ["a sign-out asks for a new code", online, { type: "signOut" }, "askingCode"],
  ])("%s", (_name, state, event, expected) => {
    expect(next(state, event, at).name).toBe(expected);
  });

  it("events that do not belong to a state change nothing", () => {
    const strays: Event[] = [
      { type: "booted", signedIn: true },
      { type: "codeIssued", invitation: code },
      { type: "approved" },
      { type: "credentialsReady", credentials: credentials() },
      { type: "linkUp" },
      { type: "renewed", credentials: credentials() },
      { type: "pauseOver" },
      { type: "pressed", input: "press" },
      { type: "closed" },
    ];
    const homes: Record<string, State["name"]> = {
      booted: "starting",
      codeIssued: "askingCode",
      approved: "waitingForApproval",
      credentialsReady: "exchanging",
      linkUp: "connecting",
      renewed: "online",
      pauseOver: "pausing",
      pressed: "pausing",
      closed: "stopping",
    };
    for (const event of strays)
      for (const state of all)
        if (homes[event.type] !== state.name && !(event.type === "approved" && state === asking))
          expect(next(state, event, at)).toBe(state);
  });

  it("a stopped agent stays stopped whatever happens", () => {
    const stopped: State = { name: "stopped", exitCode: 3 };
    expect(next(stopped, { type: "stop", exitCode: 0 }, at)).toBe(stopped);
    expect(next(stopping, { type: "signOut" }, at)).toBe(stopping);
  });
});

describe("faults", () => {
  const untilOf = (state: State): number | null => (state.name === "pausing" ? state.until : Number.NaN);

  it("every code of the table leads somewhere from every living state", () => {
    for (const state of all)
      for (const each of Object.keys(errorTable) as ErrorCode[]) {
        if (state.name === "stopping" || state.name === "stopped") continue;
        const { remedy } = errorTable[each];
        const to = next(state, failed(each), at);
        const expected = remedy === "stop" ? "stopping" : remedy === "signIn" ? "askingCode" : "pausing";
        expect(to.name, `${state.name} ${each}`).toBe(expected);
      }
  });

  it("a sign-in on disk that cannot be read is looked at again as after a start", () => {
    const first = next(exchanging, failed("STATE_DAMAGED"), at);
    expect(first).toMatchObject({ name: "pausing", resume: { name: "starting", attempt: 1 } });
    const starting = next(first, { type: "pauseOver" }, at);
    expect(next(starting, failed("STATE_DAMAGED"), at)).toMatchObject({
      name: "pausing",
      resume: { name: "starting", attempt: 2 },
    });
  });

  it("an unreachable org pauses and tries the same step again, longer each time", () => {
    let state: State = exchanging;
    const pauses: number[] = [];
    for (let round = 0; round < 12; round += 1) {
      state = next(state, failed("ORG_UNREACHABLE"), { now, random: 0.999 });
      pauses.push((untilOf(state) ?? 0) - now);
      state = next(state, { type: "pauseOver" }, at);
      expect(state.name).toBe("exchanging");
    }
    expect(pauses[0]).toBeLessThan(2_001);
    expect(pauses[3]).toBeGreaterThan(pauses[1] ?? Number.POSITIVE_INFINITY);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(300_000);
  });

  it("Retry-After is a lower bound", () => {
    expect(untilOf(next(exchanging, failed("ORG_BUSY", 90_000), { now, random: 0 }))).toBe(now + 90_000);
  });

  it("a dead code is replaced soon, then less and less often, then only by a press", () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((codes) => {
      const until = untilOf(next({ ...waiting, codes } as State, failed("CODE_EXPIRED"), at));
      return until === null ? null : until - now;
    });
    expect(pauses).toEqual([5_000, 60_000, 300_000, 900_000, 3_600_000, null]);
  });

  it("a refused code is not replaced as soon as an expired one", () => {
    expect(untilOf(next(waiting, failed("CODE_DENIED"), at))).toBe(now + 60_000);
  });

  it("a press brings a new code at once and forgets how many were shown in vain", () => {
    const resting = next({ ...waiting, codes: 9 } as State, failed("CODE_EXPIRED"), at);
    expect(next(resting, { type: "pressed", input: "press" }, at)).toEqual(asking);
  });

  it("a press tries again what a person has mended elsewhere", () => {
    const refused = next({ ...exchanging, attempt: 3 }, failed("ASSET_TOKEN_REFUSED"), at);
    expect(next(refused, { type: "pressed", input: "press" }, at)).toEqual(exchanging);
  });

  it("a press does not hurry a lost network", () => {
    const lost = next(exchanging, failed("ORG_UNREACHABLE"), at);
    expect(next(lost, { type: "pressed", input: "press" }, at)).toBe(lost);
  });

  const newCode: State = { name: "askingCode", attempt: 0, codes: 0, revoke: false };
  const keptCode: State = { ...newCode, kept: true };
  const keptWait: State = { name: "waitingForApproval", invitation: code, codes: 1, kept: true };
  const signedIn: State = { name: "exchanging", attempt: 0, replace: false };

  it.each<[string, State, "press" | "longPress" | "veryLongPress", State]>([
    ["a long press shows a new code at once", { ...waiting, codes: 9 } as State, "longPress", newCode],
    ["a long press keeps the sign-in until the new code is approved", online, "longPress", keptCode],
    [
      "a long press comes after a sign-out that the disk has not taken yet",
      next({ ...newCode, revoke: true }, failed("STATE_UNWRITABLE"), at),
      "longPress",
      { ...newCode, revoke: true },
    ],
    ["a second long press keeps it as well", keptWait, "longPress", keptCode],
    ["a press takes the wish for a new code back", keptWait, "press", signedIn],
    ["a very long press signs out", online, "veryLongPress", { ...newCode, revoke: true }],
    [
      "a very long press signs out while a new code waits",
      keptWait,
      "veryLongPress",
      { ...newCode, revoke: true },
    ],
    ["a very long press has nothing to sign out", waiting, "veryLongPress", waiting],
    ["a long press waits for the start", initial, "longPress", initial],
    ["a very long press waits for the start", initial, "veryLongPress", initial],
    ["a long press comes too late for a stop", stopping, "longPress", stopping],
    ["a very long press comes too late for a stop", stopping, "veryLongPress", stopping],
  ])("%s", (_name, state, input, expected) => {
    expect(next(state, { type: "pressed", input }, at)).toEqual(expected);
  });

  it("a sign-out is carried out once, however often the code is asked for then", () => {
    const out = next({ ...newCode, revoke: true }, { type: "signedOut" }, at);
    expect(out).toEqual(newCode);
    expect(next(online, { type: "signedOut" }, at)).toBe(online);
    expect(next(out, failed("ORG_UNREACHABLE"), at)).toMatchObject({ resume: { revoke: false } });
  });

  it("a kept sign-in goes on when its new code is not approved, or never came", () => {
    expect(next(keptCode, { type: "codeIssued", invitation: code }, at)).toEqual(keptWait);
    for (const reason of ["CODE_EXPIRED", "CODE_DENIED", "ORG_UNREACHABLE"] as const)
      for (const state of [keptCode, keptWait]) expect(next(state, failed(reason), at)).toEqual(signedIn);
    expect(next(keptWait, failed("SETTINGS_INVALID"), at).name).toBe("stopping");
  });

  it("too many codes means an hour of silence", () => {
    expect(untilOf(next(asking, failed("TOO_MANY_CODES"), { now, random: 0 }))).toBe(now + 3_600_000);
  });

  it("an ended sign-in asks for a new code at once", () => {
    expect(next(online, failed("GRANT_GONE"), at)).toEqual(asking);
  });

  it("a mistake of our own stops with its exit code", () => {
    expect(next(online, failed("BUG"), at)).toMatchObject({ name: "stopping", exitCode: 70 });
  });

  it("a lost connection is made again with the same credentials while they last", () => {
    const lost = next(online, failed("BROKER_LOST"), at);
    expect(lost).toMatchObject({ name: "pausing", resume: { name: "connecting", attempt: 1 } });
  });

  it.each<[ErrorCode]>([["BROKER_REFUSED"], ["BROKER_SILENT"]])("%s asks for other credentials", (each) => {
    expect(next(connecting, failed(each), at)).toMatchObject({
      resume: { name: "exchanging", replace: true },
    });
  });

  it("credentials past their time are not tried again", () => {
    const old: State = { ...connecting, credentials: credentials(now - 1) };
    expect(next(old, failed("BROKER_LOST"), at)).toMatchObject({
      resume: { name: "exchanging", replace: false },
    });
  });

  it("a loop of connections that last a moment never resets the pause", () => {
    let state: State = connecting;
    for (let round = 1; round <= 8; round += 1) {
      state = next(state, { type: "linkUp" }, at);
      state = next(state, failed("BROKER_LOST"), at);
      expect(state).toMatchObject({ resume: { attempt: round } });
      state = next(state, { type: "pauseOver" }, at);
    }
  });

  it("a connection that lasted forgets the failures before it", () => {
    const old: State = { ...online, attempt: 7, since: monoMs(now - STABLE_MS) } as State;
    expect(next(old, failed("BROKER_LOST"), at)).toMatchObject({ resume: { attempt: 1 } });
  });
});

it("a board is unpaired exactly while it wants a code", () => {
  expect(all.filter(unpaired).map(({ name }) => name)).toEqual(["askingCode", "waitingForApproval"]);
  expect(
    unpaired({ name: "pausing", until: null, resume: asking, error: new AgentError("CODE_EXPIRED") }),
  ).toBe(true);
});

describe("a paired board never asks for a new code unasked", () => {
  const errors = Object.keys(errorTable) as ErrorCode[];
  const ended = errors.filter((each) => errorTable[each].remedy === "signIn");
  const paired: State[] = [
    exchanging,
    connecting,
    online,
    { name: "starting", attempt: 2 },
    { name: "pausing", until: null, resume: exchanging, error: new AgentError("ASSET_TOKEN_REFUSED") },
    { name: "pausing", until: monoMs(1), resume: connecting, error: new AgentError("BROKER_LOST") },
  ];
  const anything = fc.oneof(
    fc.constantFrom<Event>(
      { type: "booted", signedIn: true },
      { type: "codeIssued", invitation: code },
      { type: "approved" },
      { type: "credentialsReady", credentials: credentials() },
      { type: "credentialsReady", credentials: credentials(5) },
      { type: "linkUp" },
      { type: "renewed", credentials: credentials(5) },
      { type: "pauseOver" },
      { type: "pressed", input: "press" },
      { type: "closed" },
      { type: "stop", exitCode: 0 },
    ),
    fc.constantFrom(...errors.filter((each) => !ended.includes(each))).map((each) => failed(each)),
  );
  const moment = fc.record({
    now: fc.integer({ min: 0, max: 5_000_000 }).map(monoMs),
    random: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });

  it("whatever happens, short of a hand or the org's own end of the sign-in", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...paired),
        fc.array(fc.tuple(anything, moment), { maxLength: 40 }),
        (from, story) => {
          let state = from;
          for (const [event, when] of story) {
            state = next(state, event, when);
            if (unpaired(state)) return false;
          }
          return true;
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("and a hand, or the org's end of the sign-in, is what it takes", () => {
    const hands: Event[] = [
      { type: "signOut" },
      { type: "pressed", input: "longPress" },
      { type: "pressed", input: "veryLongPress" },
      ...ended.map((each) => failed(each)),
    ];
    expect(ended).toEqual(["GRANT_GONE", "NO_REFRESH_TOKEN"]);
    for (const hand of hands) expect(unpaired(next(online, hand, at)), JSON.stringify(hand)).toBe(true);
  });

  it("a code that a hand asked for on a paired board leads back to its owner, and to no other code", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anything, moment), { maxLength: 40 }), (story) => {
        let state: State = next(online, { type: "pressed", input: "longPress" }, at);
        let codes = 0;
        let back = false;
        for (const [event, when] of story) {
          const to = next(state, event, when);
          if (to.name === "waitingForApproval" && state.name === "askingCode") codes += 1;
          state = to;
          back ||= !unpaired(state);
          if (codes > 1 || (back && unpaired(state))) return false;
        }
        return true;
      }),
    );
  });
});
