import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type HealthFacts, statusOf, troublesOf } from "../../../src/agent/health.ts";
import { createDayCount } from "../../../src/agent/health-counts.ts";
import { createHealth } from "../../../src/agent/health-keeper.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import type { Health } from "../../../src/model.ts";
import { monoMs } from "../../../src/units.ts";

const SECOND = 1000;
const HOUR = 3_600_000;

const well: HealthFacts = {
  state: "online",
  stopped: null,
  lights: [
    { id: "a", fault: null },
    { id: "b", fault: null },
  ],
  renewal: null,
  clock: null,
  disk: null,
  damaged: false,
  evening: null,
  update: null,
  asset: null,
  signInEnding: false,
  started: { after: "stopped", restarts: 0 },
};

const dark = [
  { id: "a", fault: "LIGHT_FAULT" },
  { id: "b", fault: "LIGHT_FAULT" },
] as const;

describe("the health of a board", () => {
  it.each<[string, Partial<HealthFacts>, Health["status"], readonly ErrorCode[]]>([
    ["all is well", {}, "pass", []],
    ["it waits for its owner", { state: "waitingForApproval" }, "pass", []],
    ["it has no lamp, and is well", { lights: [] }, "pass", []],
    [
      "one of two lamps does not answer",
      { lights: [{ id: "a", fault: "LIGHT_FAULT" }, ...well.lights.slice(1)] },
      "warn",
      ["LIGHT_FAULT"],
    ],
    ["no lamp answers", { lights: dark }, "fail", ["LIGHT_FAULT", "LIGHT_FAULT"]],
    ["it cannot go on", { state: "pausing", stopped: "ORG_TLS" }, "fail", ["ORG_TLS"]],
    ["it waits for the time", { state: "exchanging", clock: "CLOCK_UNSET" }, "fail", ["CLOCK_UNSET"]],
    [
      "it is online without the time, which the evening lacks",
      { clock: "CLOCK_UNSET", evening: "CLOCK_UNSET" },
      "warn",
      ["CLOCK_UNSET"],
    ],
    ["the disk takes nothing", { disk: "STATE_UNWRITABLE" }, "warn", ["STATE_UNWRITABLE"]],
    ["the disk has lost something", { damaged: true }, "warn", ["STATE_DAMAGED"]],
    ["the org is away, the old token serves", { renewal: "ORG_UNREACHABLE" }, "warn", ["ORG_UNREACHABLE"]],
    ["the sign-in ends soon", { signInEnding: true }, "warn", ["SIGN_IN_ENDING"]],
    ["an update went back", { update: "UPDATE_WENT_BACK" }, "warn", ["UPDATE_WENT_BACK"]],
    ["its record is closed to it", { asset: "ASSET_RECORD_CLOSED" }, "warn", ["ASSET_RECORD_CLOSED"]],
    ["nobody knows where home is", { evening: "HOME_UNKNOWN" }, "warn", ["HOME_UNKNOWN"]],
    ["nobody keeps how runs end", { started: null }, "pass", []],
    ["it crashed twice", { started: { after: "crashed", restarts: 2 } }, "pass", []],
    ["it crashed three times", { started: { after: "crashed", restarts: 3 } }, "warn", ["AGENT_RESTARTS"]],
    ["it lost its power three times", { started: { after: "power", restarts: 3 } }, "pass", []],
  ])("%s", (_title, facts, status, codes) => {
    const given = { ...well, ...facts };
    const troubles = troublesOf(given);
    expect(troubles.map(({ code }) => code)).toEqual(codes);
    expect(statusOf(given, troubles)).toBe(status);
  });

  it("names the lamp, and the worst first", () => {
    expect(
      troublesOf({ ...well, lights: dark.slice(0, 1), evening: "NO_DUSK", disk: "STATE_UNWRITABLE" }),
    ).toEqual([
      { code: "LIGHT_FAULT", light: "a" },
      { code: "STATE_UNWRITABLE", light: null },
      { code: "NO_DUSK", light: null },
    ]);
  });
});

describe("a count of a day", () => {
  it("forgets what is older than 24 hours, to the hour", () => {
    const count = createDayCount();
    count.add(1, monoMs(0));
    count.add(2, monoMs(HOUR / 2));
    count.add(4, monoMs(5 * HOUR));
    expect(count.total(monoMs(23.9 * HOUR))).toBe(7);
    expect(count.total(monoMs(24 * HOUR))).toBe(4);
    expect(count.total(monoMs(29 * HOUR))).toBe(0);
  });
});

describe("what others are told of the health", () => {
  const open = () => {
    const clock = new VirtualClock();
    const board = { facts: well };
    const health = createHealth(clock, () => board.facts);
    const told: Health[] = [];
    health.subscribe(() => told.push(health.told));
    const stop = new AbortController();
    const ran = health.run(stop.signal);
    const become = (facts: Partial<HealthFacts>): void => {
      board.facts = { ...board.facts, ...facts };
      health.look();
    };
    const end = (): Promise<void> => {
      stop.abort();
      return ran;
    };
    return { clock, health, told, become, end };
  };
  const fault = { event: "fault", code: "ORG_BUSY", message: "", retryInMs: null } as const;
  const refused = { event: "refused", id: null, code: "COMMAND_STALE", light: "a" } as const;
  const online = { event: "online", broker: "b", protocol: "5" } as const;

  it("is told at once, then at most once in half a minute, and what has passed meanwhile not at all", async () => {
    const { clock, told, become, health, end } = open();
    const from = new Date(clock.wall()).toISOString();
    await clock.advance(10 * SECOND);
    become({ disk: "STATE_UNWRITABLE" });
    await clock.advance(1);
    const since = new Date(Date.parse(from) + 10 * SECOND).toISOString();
    expect(told).toMatchObject([
      { status: "warn", upSince: from, problems: [{ code: "STATE_UNWRITABLE", light: null, since }] },
    ]);
    for (let second = 0; second < 28; second += 1) {
      become({ evening: second % 2 === 0 ? "NO_DUSK" : null });
      await clock.advance(SECOND);
    }
    expect(told).toHaveLength(1);
    expect(health.now).toEqual(health.told);
    become({ disk: null });
    await clock.advance(2 * SECOND);
    expect(told).toHaveLength(2);
    expect(told[1]).toMatchObject({ status: "pass", problems: [] });
    await end();
    expect(clock.waiting).toBe(0);
  });

  it("tells numbers alone once an hour, and nothing where nothing has changed", async () => {
    const { clock, told, health, end } = open();
    for (const event of [online, online, online, refused, { ...refused, count: 4 }, fault])
      health.hear(event);
    expect(health.now.lastDay).toEqual({ reconnects: 2, refused: 5, faults: 1 });
    await clock.advance(HOUR - SECOND);
    expect(told).toEqual([]);
    await clock.advance(2 * SECOND);
    expect(told).toMatchObject([{ lastDay: { reconnects: 2, refused: 5, faults: 1 } }]);
    await clock.advance(22 * HOUR);
    expect(told).toHaveLength(1);
    await clock.advance(3 * HOUR);
    expect(told).toMatchObject([{}, { lastDay: { reconnects: 0, refused: 0, faults: 0 } }]);
    await end();
  });

  it("counts restarts no more once a day has passed without one", async () => {
    const { clock, health, become, end } = open();
    become({ started: { after: "crashed", restarts: 2 } });
    expect(health.now.restarts).toBe(2);
    await clock.advance(25 * HOUR);
    expect(health.now.restarts).toBe(0);
    become({ started: null });
    await end();
  });

  it("says no moment before the clock is known, and the right ones after it has jumped", async () => {
    const clock = new VirtualClock();
    let known = false;
    const health = createHealth(
      {
        wall: () => clock.wall(),
        mono: () => clock.mono(),
        wallKnown: () => known,
        sleep: (ms, s) => clock.sleep(ms, s),
      },
      () => ({ ...well, clock: known ? null : "CLOCK_UNSET", disk: "STATE_UNWRITABLE" }),
    );
    expect(health.now).toMatchObject({ upSince: null, problems: [{ since: null }, { since: null }] });
    await clock.advance(5 * SECOND);
    known = true;
    const from = new Date(clock.wall() - 5 * SECOND).toISOString();
    expect(health.now).toMatchObject({ upSince: from, problems: [{ since: from }] });
  });

  it("as it is, where others are told anyway", () => {
    const { health, become, told } = open();
    expect(health.told.status).toBe("pass");
    become({ disk: "STATE_UNWRITABLE" });
    expect(health.told.status).toBe("pass");
    health.tell();
    expect(health.told.status).toBe("warn");
    expect(told).toEqual([]);
  });
});
