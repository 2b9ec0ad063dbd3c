import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type ActivityParts, activity, takenBack } from "../../../src/agent/activities.ts";
import { areOthers } from "../../../src/device-flow/rfc8628.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent, DeviceCode, Grant, Identity, PollAnswer } from "../../../src/model.ts";
import type { Link } from "../../../src/ports.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";

const HOUR_MS = 3_600_000;

it("a board with a password at its broker says truly when it tries again to keep its sign-in alive, and that it went well", async () => {
  using clock = new VirtualClock();
  const events: AgentEvent[] = [];
  const renewals: (ErrorCode | null)[] = [];
  const tries: number[] = [];
  const stop = new AbortController();
  const link: Link = {
    address: "broker.example:1883",
    protocol: "5",
    requests: (async function* () {})(),
    lost: new Promise(() => {}),
    report: () => {},
    announce: () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const quiet = { subscribe: () => () => {} };
  const parts: Partial<ActivityParts> = {
    clock,
    random: () => 0.5,
    broker: { connect: async () => link },
    lights: new Map(),
    journal: { record: (event) => void events.push(event) },
    about: () => ({}) as ReturnType<ActivityParts["about"]>,
    health: { ...quiet, tell: () => {} },
    renewed: (fault) => void renewals.push(fault),
    credentials: {
      needsTime: false,
      obtain: () => expect.fail("nothing is to be renewed"),
      async keepAlive() {
        tries.push(clock.mono());
        if (tries.length <= 2) throw new AgentError("ORG_UNREACHABLE");
      },
    },
    ...({
      updateNews: quiet,
      names: quiet,
      evening: quiet,
      standing: { ...quiet, refresh: async () => {}, ask: async () => {} },
      home: { ask: async () => {} },
      time: { ask: async () => {} },
    } as unknown as Partial<ActivityParts>),
    asset: null,
  };
  const credentials = { pass: { kind: "static" }, identity: null, assetToken: null, renewAt: null } as const;
  const state = { name: "connecting", attempt: 0, credentials } as const;
  const serving = (async () => {
    for await (const event of activity(state, parts as ActivityParts, stop.signal))
      expect(event).toEqual({ type: "linkUp" });
  })();
  await clock.advance(24 * HOUR_MS + 1);
  const [first = 0] = tries;
  await clock.advance(3 * HOUR_MS);
  expect(tries.map((at) => at - first)).toEqual([0, HOUR_MS, 2 * HOUR_MS]);
  const said = events.flatMap((event) => (event.event === "fault" ? [event.retryInMs] : []));
  expect(said).toEqual([HOUR_MS, HOUR_MS]);
  expect(renewals).toEqual(["ORG_UNREACHABLE", "ORG_UNREACHABLE", null]);
  stop.abort(new Error("over"));
  await expect(serving).rejects.toThrow("over");
});

it("a board that signs nothing joins its broker though nobody knows the time: its internet may be away, too", async () => {
  const credentials = { pass: { kind: "static" }, identity: null, assetToken: null, renewAt: null } as const;
  const parts: Partial<ActivityParts> = {
    journal: { record: () => {} },
    credentials: { needsTime: false, obtain: async () => credentials, keepAlive: async () => {} },
    ...({ time: { known: () => new Promise(() => {}) } } as unknown as Partial<ActivityParts>),
  };
  const state = { name: "exchanging", attempt: 0, replace: false } as const;
  const events = activity(state, parts as ActivityParts, new AbortController().signal);
  expect((await events.next()).value).toEqual({ type: "credentialsReady", credentials });
});

describe("a code that was taken back, and approved in the same moment, at an org that may end all that a user has given", () => {
  const ada: Identity = { userId: "ada", name: "Ada", username: null, orgId: null };

  /** What becomes of the grant, where the org says that it is of this user. */
  const takenBackAs = async (who: Identity | null) => {
    using clock = new VirtualClock();
    const grantOf = (identity: Identity | null): Grant => ({
      accessToken: new Secret("access"),
      refreshToken: new Secret("refresh"),
      instanceUrl: "https://org.example",
      scope: null,
      issuedAt: clock.wall(),
      expiresAt: null,
      identity,
      idUrl: null,
      idToken: null,
      signedInAs: null,
    });
    const code: DeviceCode = {
      kind: "code",
      deviceCode: new Secret("code"),
      userCode: "ABCD",
      verificationUri: "https://org.example/device",
      verificationUriComplete: "https://org.example/device?code=ABCD",
      intervalMs: 5_000,
      expiresAt: monoMs(clock.mono() + 600_000),
      expiresAtWall: epochMs(clock.wall() + 600_000),
    };
    const done: string[] = [];
    const poll = Promise.withResolvers<PollAnswer>();
    const parts = {
      clock,
      journal: { record: () => {} },
      signalFor: () => null,
      patience: new AbortController().signal,
      standing: { reset: () => {} },
      session: { load: async () => grantOf(ada), adopt: async () => void done.push("kept") },
      org: {
        askCode: async () => code,
        poll: () => poll.promise,
        identify: async () => who ?? Promise.reject(new AgentError("ORG_UNREACHABLE")),
        revokesAlone: areOthers,
        revoke: async () => void done.push("revoked"),
      },
    } as unknown as ActivityParts;
    const leave = new AbortController();
    const state = { name: "askingCode", attempt: 0, codes: 0, revoke: false, kept: true } as const;
    const events = activity(state, parts, leave.signal);
    expect((await events.next()).value).toMatchObject({ type: "codeIssued" });
    const next = events.next().then(
      ({ value }) => value,
      (error: unknown) => error,
    );
    await clock.advance(6_000);
    leave.abort(takenBack);
    poll.resolve({ kind: "granted", grant: grantOf(null) });
    const ended = await clock.until(next);
    return { done, ended };
  };

  it("is kept where it is the same person's: to end it would end both", async () => {
    expect(await takenBackAs(ada)).toEqual({ done: ["kept"], ended: { type: "approved" } });
  });

  it("is ended where it is somebody else's", async () => {
    const bob = { ...ada, userId: "bob" };
    expect(await takenBackAs(bob)).toEqual({ done: ["revoked"], ended: takenBack });
  });

  it("is dropped, and the board stays its owner's, where nobody tells whose it is", async () => {
    expect(await takenBackAs(null)).toEqual({ done: [], ended: takenBack });
    const unknown = { ...ada, userId: "unknown" };
    expect(await takenBackAs(unknown)).toEqual({ done: [], ended: takenBack });
  });
});
