import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { activity } from "../../../src/agent/activities.ts";
import type { ActivityParts } from "../../../src/agent/activity-parts.ts";
import { type Credentials, createCredentials } from "../../../src/agent/credentials.ts";
import { next, type State } from "../../../src/agent/machine.ts";
import { takenBack } from "../../../src/agent/signing-in.ts";
import { createUpkeep } from "../../../src/agent/upkeep.ts";
import { areOthers } from "../../../src/device-flow/rfc8628.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent, DeviceCode, Grant, Identity, PollAnswer } from "../../../src/model.ts";
import type { Link, Session } from "../../../src/ports.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";
import { aGrant } from "../device-flow/support.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ada: Identity = { userId: "ada", name: "Ada", username: null, orgId: null };
const never = (): Promise<never> => new Promise(() => {});

const grantAt = (clock: VirtualClock, identity: Identity | null): Grant =>
  aGrant({ issuedAt: clock.wall(), identity });

describe("a board at its broker", () => {
  let clock: VirtualClock;
  let events: AgentEvent[];
  let renewals: (ErrorCode | null)[];
  let announced: number;
  let connects: number;
  /** When the sign-in was looked at, when it was asked who approved, and when something was renewed. */
  let kept: number[];
  let asked: number[];
  let obtained: number[];
  let keepAlive: () => Promise<void>;
  let identify: () => Promise<Identity>;
  let obtain: () => Credentials;
  let refused: ErrorCode | null;
  let disk: ErrorCode | null;
  /** How long a connection lasts, in milliseconds. */
  let lasts: number;
  let state: State;
  let stop: AbortController;
  let living: Promise<void> | undefined;

  const held = (over: Partial<Credentials> = {}): Credentials => ({
    pass: { kind: "static" },
    identity: ada,
    assetToken: null,
    renewAt: null,
    ...over,
  });

  beforeEach(() => {
    clock = new VirtualClock();
    [events, renewals, announced, connects, kept, asked, obtained] = [[], [], 0, 0, [], [], []];
    keepAlive = async () => {};
    identify = async () => ada;
    obtain = () => expect.fail("nothing is to be renewed");
    [refused, disk, lasts, living] = [null, null, Infinity, undefined];
    stop = new AbortController();
  });
  afterEach(async () => {
    stop.abort(new Error("over"));
    if (living !== undefined) await clock.until(living);
    clock[Symbol.dispose]();
  });

  const partsOf = (): ActivityParts => {
    const quiet = { subscribe: () => () => {} };
    const owned = {
      ...quiet,
      async belongTo() {
        if (disk !== null) throw new AgentError(disk);
      },
    };
    const link = (): Link => ({
      address: "broker.example:1883",
      protocol: "5",
      requests: (async function* () {})(),
      lost:
        lasts === Infinity
          ? never()
          : clock.sleep(lasts, stop.signal).then(() => new AgentError("BROKER_LOST"), never),
      report: () => {},
      announce: () => {
        announced += 1;
      },
      [Symbol.asyncDispose]: async () => {},
    });
    return {
      clock,
      random: () => 0.5,
      broker: {
        async connect() {
          connects += 1;
          if (refused !== null) throw new AgentError(refused);
          return link();
        },
      },
      lights: new Map(),
      journal: { record: (event: AgentEvent) => void events.push(event) },
      about: () => ({}),
      health: { ...quiet, tell: () => {} },
      renewed: (fault: ErrorCode | null) => void renewals.push(fault),
      credentials: {
        needsTime: false,
        async obtain() {
          obtained.push(clock.mono());
          return obtain();
        },
      },
      upkeep: createUpkeep({
        clock,
        random: () => 0.5,
        credentials: {
          async keepAlive() {
            kept.push(clock.mono());
            await keepAlive();
          },
          async identify() {
            asked.push(clock.mono());
            return identify();
          },
        },
      }),
      updateNews: quiet,
      names: owned,
      evening: owned,
      org: {},
      session: { load: async () => undefined },
      standing: { ...quiet, refresh: async () => {}, ask: async () => {} },
      home: { ask: async () => {}, ...owned },
      time: { ask: async () => {} },
      asset: null,
    } as unknown as ActivityParts;
  };

  /** From the connection on, for as long as nobody has to approve anything. */
  const live = (credentials: Credentials, besides: Partial<ActivityParts> = {}): void => {
    const parts = { ...partsOf(), ...besides };
    state = { name: "connecting", attempt: 0, credentials };
    const at = () => ({ now: clock.mono(), random: 0.99 });
    const go = async (): Promise<void> => {
      while (!stop.signal.aborted && state.name !== "askingCode") {
        try {
          for await (const event of activity(state, parts, stop.signal)) state = next(state, event, at());
        } catch (error) {
          if (!stop.signal.aborted) state = next(state, { type: "failed", error: error as AgentError }, at());
        }
      }
    };
    living = go();
  };

  it("says truly when it tries again to keep its sign-in alive, and that it went well", async () => {
    keepAlive = async () => {
      if (kept.length <= 2) throw new AgentError("ORG_UNREACHABLE");
    };
    live(held());
    await clock.advance(4 * HOUR_MS);
    const [first = 0] = kept;
    expect(kept.map((at) => at - first)).toEqual([0, HOUR_MS, 2 * HOUR_MS]);
    const said = events.flatMap((event) => (event.event === "fault" ? [event.retryInMs] : []));
    expect(said).toEqual([HOUR_MS, HOUR_MS]);
    expect(renewals).toEqual(["ORG_UNREACHABLE", "ORG_UNREACHABLE", null]);
    await clock.advance(2 * DAY_MS);
    expect(kept).toHaveLength(5);
  });

  it("keeps its asset once the org has told the time, and waits for nothing else that it is asked", async () => {
    const time = Promise.withResolvers<void>();
    const keepsSince: number[] = [];
    live(held(), {
      time: { ask: () => time.promise },
      home: {
        ask: (until: AbortSignal) => clock.sleep(HOUR_MS, until).catch(() => {}),
        belongTo: async () => {},
      },
      asset: { keep: async () => void keepsSince.push(clock.mono()) },
    } as unknown as Partial<ActivityParts>);
    await clock.advance(5_000);
    expect(keepsSince).toEqual([]);
    time.resolve();
    await clock.advance(1);
    expect(keepsSince).toHaveLength(1);
  });

  it.each([
    ["stands", Infinity, null],
    ["is lost each night", 23 * HOUR_MS, null],
    ["is lost every few seconds", 5_000, null],
    ["is not to be had, for the broker is away", Infinity, "BROKER_UNREACHABLE"],
  ] as const)("looks at its sign-in once a day where the connection %s", async (_what, lasting, fault) => {
    [lasts, refused] = [lasting, fault];
    live(held());
    await clock.advance(4.5 * DAY_MS);
    expect(kept).toHaveLength(5);
    expect(obtained).toEqual([]);
  });

  it("is signed in still when its broker comes back after a month, at an org that drops what is idle for thirty days", async () => {
    const uses: number[] = [];
    let grant = grantAt(clock, ada);
    const session = {
      load: async () => grant,
      async fresh() {
        if (clock.wall() - grant.issuedAt > 30 * DAY_MS) throw new AgentError("GRANT_GONE");
        uses.push(clock.wall());
        grant = { ...grant, issuedAt: clock.wall() };
        return grant;
      },
    } as unknown as Session;
    const org = { identify };
    const source = createCredentials({ session, org, assetTokens: null, auth: "password", clock });
    keepAlive = () => source.keepAlive(stop.signal);
    refused = "BROKER_UNREACHABLE";
    live(held());
    await clock.advance(31 * DAY_MS);
    expect(uses).toHaveLength(4);
    refused = null;
    await clock.advance(DAY_MS);
    expect(state.name).toBe("online");
    expect(clock.wall() - grant.issuedAt).toBeLessThan(8 * DAY_MS);
  });

  it("asks an org that is away, too, once an hour and no more, and asks for a code once it says that the sign-in is over", async () => {
    refused = "BROKER_UNREACHABLE";
    keepAlive = async () => {
      throw new AgentError("ORG_UNREACHABLE");
    };
    live(held());
    await clock.advance(10 * HOUR_MS);
    expect(kept.length).toBeGreaterThanOrEqual(9);
    expect(kept.length).toBeLessThanOrEqual(11);
    expect(new Set(events.map(({ event }) => event))).toEqual(new Set());
    keepAlive = async () => {
      throw new AgentError("GRANT_GONE");
    };
    await clock.advance(2 * HOUR_MS);
    expect(state.name).toBe("askingCode");
  });

  it("asks again who approved, without another connection, less and less often", async () => {
    identify = async () => {
      if (asked.length <= 3) throw new AgentError("ORG_BUSY");
      return ada;
    };
    live(held({ identity: null }));
    await clock.advance(9_000);
    expect(asked).toEqual([]);
    const before = announced;
    await clock.advance(HOUR_MS);
    const minutes = asked.map((at, n) => Math.round((at - (asked[n - 1] ?? at)) / 60_000));
    expect(minutes).toEqual([0, 6, 11, 22]);
    expect([connects, announced - before, renewals]).toEqual([1, 1, [null, null]]);
    expect(events).toContainEqual({ event: "signedIn", user: "Ada", org: null });
    expect(state).toMatchObject({ name: "online", credentials: { identity: ada } });
    await clock.advance(DAY_MS);
    expect(asked).toHaveLength(4);
  });

  it("asks no more often over connections that come and go, and goes on where nobody ever says it", async () => {
    identify = async () => {
      throw new AgentError("ORG_ANSWER_INVALID");
    };
    lasts = 60_000;
    live(held({ identity: null }));
    await clock.advance(DAY_MS);
    expect(asked.length).toBeGreaterThanOrEqual(20);
    expect(asked.length).toBeLessThanOrEqual(28);
    expect(connects).toBeGreaterThan(100);
  });

  it("is not asked for a code where who approved cannot be asked, and is where the sign-in is over", async () => {
    identify = async () => {
      throw new AgentError("NO_REFRESH_TOKEN");
    };
    live(held({ identity: null }));
    await clock.advance(3 * DAY_MS);
    expect(state.name).toBe("online");
    expect(asked).toHaveLength(3);
    identify = async () => {
      throw new AgentError("GRANT_GONE");
    };
    await clock.advance(DAY_MS);
    expect(state.name).toBe("askingCode");
  });

  it("tells whose it is only once the disk takes that", async () => {
    live(held({ identity: null }));
    disk = "STATE_UNWRITABLE";
    await clock.advance(60_000);
    expect(events).toContainEqual(expect.objectContaining({ code: "STATE_UNWRITABLE", retryInMs: 330_000 }));
    expect(state).toMatchObject({ name: "online", credentials: { identity: null } });
    disk = null;
    await clock.advance(HOUR_MS);
    expect(asked).toHaveLength(2);
    expect(state).toMatchObject({ name: "online", credentials: { identity: ada } });
  });

  it("renews in time what lives for a few seconds only", async () => {
    obtain = () => held({ renewAt: monoMs(clock.mono() + 4_500) });
    live(obtain());
    await clock.advance(60_000);
    expect(obtained).toHaveLength(13);
  });

  it("renews what claims to have no life every ten seconds, not in a storm", async () => {
    obtain = () => held({ renewAt: clock.mono() });
    live(held({ renewAt: clock.mono() }));
    await clock.advance(60_000);
    expect(obtained.length).toBeGreaterThanOrEqual(5);
    expect(obtained.length).toBeLessThanOrEqual(7);
  });

  it("renews no more what does not end any more, and tells of a renewal that fails until it has gone well", async () => {
    obtain = () => {
      if (obtained.length === 1) throw new AgentError("ORG_BUSY", "", { retryAfterMs: 300_000 });
      return held();
    };
    live(held({ renewAt: clock.mono() }));
    await clock.advance(60_000);
    // The look at the sign-in went well meanwhile.
    expect([kept.length, renewals]).toEqual([1, ["ORG_BUSY"]]);
    await clock.advance(HOUR_MS);
    expect([obtained.length, renewals]).toEqual([2, ["ORG_BUSY", null]]);
  });
});

it("a board that signs nothing joins its broker though nobody knows the time: its internet may be away, too", async () => {
  const credentials = { pass: { kind: "static" }, identity: null, assetToken: null, renewAt: null } as const;
  const parts: Partial<ActivityParts> = {
    journal: { record: () => {} },
    credentials: { needsTime: false, obtain: async () => credentials },
    ...({ time: { known: () => new Promise(() => {}) } } as unknown as Partial<ActivityParts>),
  };
  const state = { name: "exchanging", attempt: 0, replace: false } as const;
  const events = activity(state, parts as ActivityParts, new AbortController().signal);
  expect((await events.next()).value).toEqual({ type: "credentialsReady", credentials });
});

describe("a code that was taken back, and approved in the same moment, at an org that may end all that a user has given", () => {
  /** What becomes of the grant, where the org says that it is of this user. */
  const takenBackAs = async (who: Identity | null) => {
    using clock = new VirtualClock();
    const grantOf = (identity: Identity | null): Grant => grantAt(clock, identity);
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
      session: {
        load: async () => grantOf(ada),
        ready: async () => {},
        adopt: async () => void done.push("kept"),
      },
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
