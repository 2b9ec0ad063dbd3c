import { expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type ActivityParts, activity } from "../../../src/agent/activities.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent } from "../../../src/model.ts";
import type { Link } from "../../../src/ports.ts";

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
