import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createStanding, endsSoon, type Standing, signedInUntil } from "../../../src/agent/standing.ts";
import { AgentError } from "../../../src/errors.ts";
import type { AgentEvent, Grant } from "../../../src/model.ts";
import { type EpochMs, epochMs, Secret } from "../../../src/units.ts";

const never = new AbortController().signal;
const DAY_MS = 24 * 3_600_000;
const issuedAt = epochMs(Date.parse("2026-12-01T12:00:00Z"));
const later = (ms: number): EpochMs => epochMs(issuedAt + ms);
const signedIn: Grant = {
  accessToken: new Secret("access"),
  refreshToken: new Secret("refresh"),
  instanceUrl: "https://org.example",
  scope: null,
  issuedAt,
  expiresAt: null,
  identity: { userId: "005", name: "Ada", username: null, orgId: "00D" },
  idUrl: null,
  idToken: null,
  signedInAs: null,
};

describe("until when a board stays signed in without a network", () => {
  it.each([
    ["as long as the org keeps an idle refresh token", signedIn, 30, later(30 * DAY_MS)],
    ["nobody knows where no end is known", signedIn, null, null],
    [
      "as long as the access token without a refresh token",
      { ...signedIn, refreshToken: null, expiresAt: later(5) },
      30,
      later(5),
    ],
  ])("%s", (_name, grant, idleDays, expected) => {
    expect(signedInUntil(grant, idleDays, false)).toBe(expected);
  });

  it("has no end where the board signs in by itself", () => {
    expect(signedInUntil({ ...signedIn, refreshToken: null, expiresAt: later(5) }, null, true)).toBeNull();
  });

  it("is soon in the last quarter", () => {
    const until = later(100);
    expect([0, 75, 76, 120].map((ms) => endsSoon(issuedAt, until, later(ms)))).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});

describe("how the sign-in stands", () => {
  let clock: VirtualClock;
  let stored: Grant | undefined | "damaged";
  let answers: (number | null | "busy")[];
  let asked: number;
  let events: AgentEvent[];
  let changes: number;

  beforeEach(() => {
    clock = new VirtualClock({ wall: issuedAt });
    stored = signedIn;
    answers = [];
    asked = 0;
    events = [];
    changes = 0;
  });
  afterEach(() => clock[Symbol.dispose]());

  const make = (over: { idleDays?: number | null; limit?: number | null } = {}): Standing => {
    const standing = createStanding({
      session: {
        load: async () => {
          if (stored === "damaged") throw new AgentError("STATE_DAMAGED");
          return stored;
        },
      },
      org: {
        approvals: async () => {
          asked += 1;
          const answer = answers.shift() ?? null;
          if (answer === "busy") throw new AgentError("ORG_BUSY");
          return answer;
        },
      },
      clock,
      journal: { record: (event) => events.push(event) },
      idleDays: 30,
      limit: 5,
      ...over,
    });
    standing.subscribe(() => {
      changes += 1;
    });
    return standing;
  };
  const told = () => events.map((event) => (event.event === "fault" ? event.code : event.event));

  it("is what the disk says, before anybody is reached", async () => {
    const standing = make();
    expect([standing.identity, standing.tokensIssuedAt, standing.signedInUntil]).toEqual([null, null, null]);
    await standing.refresh();
    expect(standing.identity?.name).toBe("Ada");
    expect(standing.tokensIssuedAt).toBe(issuedAt);
    expect(standing.signedInUntil).toBe(later(30 * DAY_MS));
    expect(changes).toBe(1);
    stored = "damaged";
    await standing.refresh();
    expect(standing.identity?.name).toBe("Ada");
    stored = undefined;
    await standing.refresh();
    expect([standing.identity, standing.signedInUntil]).toEqual([null, null]);
  });

  it("is looked at once a day, and its end is told once, a quarter of its life before", async () => {
    const standing = make();
    const stop = new AbortController();
    const kept = standing.keep(stop.signal);
    await clock.advance(22 * DAY_MS);
    expect(told()).toEqual([]);
    await clock.advance(7 * DAY_MS);
    expect(told()).toEqual(["SIGN_IN_ENDING"]);
    expect(events[0]).toMatchObject({ message: expect.stringContaining("2026-12-31") });
    // Used again, it lasts again; the next end is another.
    stored = { ...signedIn, issuedAt: clock.wall() };
    await clock.advance(10 * DAY_MS);
    expect(told()).toHaveLength(1);
    await clock.advance(20 * DAY_MS);
    expect(told()).toHaveLength(2);
    stop.abort();
    await kept;
    expect(clock.waiting).toBe(0);
  });

  it.each([
    ["without a known end", { idleDays: null }, signedIn],
    ["without a refresh token", {}, { ...signedIn, refreshToken: null, expiresAt: later(1) }],
  ])("has no end to warn of %s", async (_name, over, grant) => {
    stored = grant;
    const standing = make(over);
    await clock.advance(400 * DAY_MS);
    await standing.refresh();
    expect(told()).toEqual([]);
  });

  it("has no end to warn of while the board does not know the time", async () => {
    clock[Symbol.dispose]();
    clock = new VirtualClock({ wall: epochMs(Date.parse("2030-01-01T00:00:00Z")), wallKnown: false });
    await make().refresh();
    expect(told()).toEqual([]);
  });

  it("asks for the approvals once a day, and warns once while they are used up", async () => {
    const standing = make();
    answers = [4, 5, 6, 3, 5];
    await standing.ask(never);
    await standing.ask(never);
    expect(asked).toBe(1);
    expect(standing.approvals).toEqual({ used: 4, limit: 5 });
    expect(told()).toEqual([]);
    for (const count of [1, 1, 1, 2]) {
      await clock.advance(DAY_MS);
      await standing.ask(never);
      expect(told().filter((code) => code === "APPROVALS_FULL")).toHaveLength(count);
    }
    expect(asked).toBe(5);
    expect(standing.approvals).toEqual({ used: 5, limit: 5 });
  });

  it("warns at the first answer when all are used already", async () => {
    answers = [5];
    await make().ask(never);
    expect(told()).toEqual(["APPROVALS_FULL"]);
  });

  it("keeps what it was told last when it is not told again", async () => {
    const standing = make();
    answers = [2, null, "busy"];
    for (const _day of answers.slice()) {
      await standing.ask(never);
      await clock.advance(DAY_MS);
    }
    expect(standing.approvals).toEqual({ used: 2, limit: 5 });
    expect(told()).toEqual([]);
  });

  it("asks at once after a new sign-in, and takes no answer that was meant for the one before", async () => {
    const standing = make();
    answers = [4];
    const asking = standing.ask(never);
    standing.reset();
    await asking;
    expect(standing.approvals).toBeNull();
    answers = [1];
    await standing.ask(never);
    expect(standing.approvals).toEqual({ used: 1, limit: 5 });
  });

  it("does not ask without a limit to compare with, nor without a sign-in", async () => {
    await make({ limit: null }).ask(never);
    stored = undefined;
    await make().ask(never);
    expect(asked).toBe(0);
  });
});
