import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { type AssetKeeper, openAssetKeeper } from "../../../src/agent/asset-keeper.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent, Grant, LightState, RecordFields } from "../../../src/model.ts";
import type { Vault } from "../../../src/ports.ts";
import { type EpochMs, epochMs, Secret } from "../../../src/units.ts";
import { aGrant } from "../device-flow/support.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const ID = "02iNw0000000001IAA";
const OTHER = "02iNw0000000002IAA";

let clock: VirtualClock;
let vault: Vault;
let grant: Grant;
let state: LightState;
let events: AgentEvent[];
/** What the org was asked, with the moment. */
let asked: { readonly what: string; readonly at: number; readonly fields?: RecordFields }[];
/** What it answers next, instead of doing it. */
let refusals: (AgentError | undefined)[];
let found: string;
/** It takes what is written, and says nothing. */
let silent: boolean;
/** Null: another one each day. */
let signedInUntil: EpochMs | null;
let listeners: Set<() => void>;
let stop: AbortController;
let running: Promise<void>;

beforeEach(() => {
  clock = new VirtualClock();
  vault = openMemoryVault(createMemoryDisk());
  grant = aGrant();
  state = { on: false, brightness: 1, colour: { mode: "none" }, effect: null };
  events = [];
  asked = [];
  refusals = [];
  found = ID;
  silent = false;
  signedInUntil = null;
  listeners = new Set();
});
afterEach(() => clock[Symbol.dispose]());

const answer = async <T>(what: string, value: T, fields?: RecordFields): Promise<T> => {
  asked.push({ what, at: clock.mono(), ...(fields === undefined ? {} : { fields }) });
  const refusal = refusals.shift();
  if (refusal !== undefined) throw refusal;
  return value;
};

const open = (minutes = 60): Promise<AssetKeeper> =>
  openAssetKeeper({
    settings: { minutes, heartbeatHours: 24, fields: {} },
    assets: {
      find: () => answer("find", found),
      write: async (_grant, id, fields, signal) => {
        await answer(`write ${id}`, undefined, fields);
        if (silent) await clock.sleep(DAY, signal);
      },
    },
    vault,
    session: {
      load: async () => grant,
      fresh: async (rejected) => {
        if (rejected !== undefined) grant = { ...grant, accessToken: new Secret("another") };
        return grant;
      },
    },
    clock,
    random: () => 0.5,
    journal: { record: (event) => events.push(event) },
    facts: (online) => ({
      device: { id: "porch-1", name: "Porch", serial: "S1" },
      version: "1.0.0",
      online,
      lights: [{ name: "Porch", state, fault: null }],
      signedInUntil: signedInUntil ?? epochMs(clock.wall() + 30 * DAY),
    }),
    subscribe: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  });

const begin = (keeper: AssetKeeper): void => {
  stop = new AbortController();
  running = keeper.keep(stop.signal);
};
const end = async (): Promise<void> => {
  stop.abort();
  await clock.until(running);
  expect([clock.waiting, listeners.size]).toEqual([0, 0]);
};
const change = (change: Partial<LightState>): void => {
  state = { ...state, ...change };
  for (const listener of listeners) listener();
};
const writes = () => asked.filter(({ what }) => what.startsWith("write"));
const faults = (): ErrorCode[] => events.flatMap((event) => (event.event === "fault" ? [event.code] : []));

describe("a board that writes its Asset record", () => {
  it("looks for it once, and writes soon after it is online, but not at once", async () => {
    begin(await open());
    await clock.advance(29_000);
    expect(asked).toEqual([]);
    await clock.advance(6 * MINUTE);
    expect(asked.map(({ what }) => what)).toEqual(["find", `write ${ID}`]);
    expect(writes()[0]?.fields).toMatchObject({
      Porchlight_Online__c: true,
      Porchlight_Lights__c: "Porch: off",
    });
    change({ on: true });
    await clock.advance(2 * HOUR);
    expect(asked.map(({ what }) => what)).toEqual(["find", `write ${ID}`, `write ${ID}`]);
    await end();
  });

  it("writes once an interval while an owner drags a slider for an hour, and then what it came to", async () => {
    begin(await open(5));
    await clock.advance(10 * MINUTE);
    const before = writes().length;
    for (let n = 0; n < 3600; n += 4) {
      change({ on: true, brightness: (n % 100) / 100 + 0.01 });
      await clock.advance(4000);
    }
    change({ brightness: 0.77 });
    await clock.advance(10 * MINUTE);
    const during = writes().length - before;
    expect(during).toBeGreaterThan(8);
    expect(during).toBeLessThanOrEqual(14);
    expect(writes().at(-1)?.fields).toMatchObject({ Porchlight_Lights__c: "Porch: on 77 %" });
    await end();
  });

  it("writes nothing for a lamp that is back as it was, and once a day when nothing happens at all", async () => {
    begin(await open());
    await clock.advance(10 * MINUTE);
    change({ on: true });
    await clock.advance(10 * MINUTE);
    change({ on: false });
    await clock.advance(5 * HOUR);
    expect(writes()).toHaveLength(1);
    await clock.advance(10 * DAY);
    expect(writes().length).toBeGreaterThanOrEqual(10);
    // Once for the day to which the sign-in lasts, once for the heartbeat, never both anew.
    expect(writes().length).toBeLessThanOrEqual(12);
    await end();
  });

  it("keeps to its interval over restarts", async () => {
    for (let n = 0; n < 20; n++) {
      change({ brightness: 0.5 + n / 100 });
      begin(await open());
      await clock.advance(7 * MINUTE);
      await end();
    }
    expect(asked.filter(({ what }) => what === "find")).toHaveLength(1);
    expect(writes().length).toBeLessThanOrEqual(3);
  });

  it.each([
    ["years behind", -1000 * DAY],
    ["years ahead", 1000 * DAY],
  ])(
    "reckons by the right time when it wrote last, though its clock is %s at the start",
    async (_what, off) => {
      signedInUntil = epochMs(clock.wall() + 30 * DAY);
      begin(await open());
      await clock.advance(10 * MINUTE);
      await end();
      expect(writes()).toHaveLength(1);
      await clock.advance(20 * HOUR);
      const now = clock.wall();
      clock.setWall(epochMs(now + off));
      const keeper = await open();
      await clock.advance(MINUTE);
      clock.setWall(epochMs(now + MINUTE));
      begin(keeper);
      await clock.advance(3 * HOUR);
      expect(writes()).toHaveLength(1);
      // A day, with the share that is drawn.
      await clock.advance(3 * HOUR);
      expect(writes()).toHaveLength(2);
      await end();
    },
  );

  it("keeps to its interval at the next owner's, too", async () => {
    begin(await open());
    await clock.advance(10 * MINUTE);
    await end();
    const keeper = await open();
    await keeper.forget();
    begin(keeper);
    await clock.advance(40 * MINUTE);
    expect(writes()).toHaveLength(1);
    await clock.advance(HOUR);
    expect(writes()).toHaveLength(2);
    await end();
  });

  it("gets another access token when the org takes its own no more", async () => {
    refusals = [new AgentError("ACCESS_TOKEN_REJECTED")];
    begin(await open());
    await clock.advance(10 * MINUTE);
    expect(asked.map(({ what }) => what)).toEqual(["find", "find", `write ${ID}`]);
    expect(faults()).toEqual([]);
    await end();
  });

  it("waits as long as a busy org says, and then longer and longer", async () => {
    refusals = [
      new AgentError("ORG_BUSY", "", { retryAfterMs: 3 * HOUR }),
      ...Array(3).fill(new AgentError("ORG_BUSY")),
    ];
    begin(await open(5));
    await clock.advance(DAY);
    const [first = 0, second = 0, third = 0] = asked.map(({ at }) => at);
    expect(second - first).toBeGreaterThanOrEqual(3 * HOUR);
    expect(third - second).toBeGreaterThanOrEqual(10 * MINUTE);
    expect(writes()).toHaveLength(1);
    expect(faults()).toEqual([]);
    await end();
  });

  it.each<ErrorCode>(["ASSET_RECORD_CLOSED", "ASSET_RECORD_UNKNOWN"])(
    "tells %s once, and tries again once a day",
    async (code) => {
      refusals = Array(20).fill(new AgentError(code, "why"));
      const keeper = await open(5);
      begin(keeper);
      expect(keeper.fault).toBeNull();
      await clock.advance(5 * DAY);
      expect(faults()).toEqual([code]);
      expect(keeper.fault).toBe(code);
      expect(asked.length).toBeLessThanOrEqual(6);
      refusals = [];
      await clock.advance(2 * DAY);
      expect(writes()).not.toEqual([]);
      expect(keeper.fault).toBeNull();
      refusals = Array(2).fill(new AgentError(code));
      change({ on: true });
      await clock.advance(HOUR);
      expect(faults()).toEqual([code, code]);
      await end();
    },
  );

  it("tries what its sign-in was not allowed at once with another, and waits for a busy org as long as it says", async () => {
    refusals = [new AgentError("ASSET_RECORD_CLOSED")];
    const keeper = await open();
    begin(keeper);
    await clock.advance(10 * MINUTE);
    await end();
    keeper.reset();
    expect(keeper.fault).toBeNull();
    refusals = [
      new AgentError("ASSET_RECORD_CLOSED"),
      new AgentError("ORG_BUSY", "", { retryAfterMs: 3 * HOUR }),
    ];
    begin(keeper);
    await clock.advance(10 * MINUTE);
    expect(asked).toHaveLength(2);
    // A day later the org is busy: that is not the record's fault.
    while (asked.length < 3) await clock.advance(HOUR / 2);
    await end();
    keeper.reset();
    begin(keeper);
    await clock.advance(2 * HOUR);
    expect(asked).toHaveLength(3);
    await clock.advance(2 * HOUR);
    expect(writes()).toHaveLength(1);
    await end();
  });

  it("looks for the record again when somebody has removed it", async () => {
    begin(await open());
    await clock.advance(10 * MINUTE);
    refusals = [new AgentError("ASSET_RECORD_UNKNOWN")];
    found = OTHER;
    change({ on: true });
    await clock.advance(2 * HOUR);
    expect(asked.slice(2).map(({ what }) => what)).toEqual([`write ${ID}`, "find", `write ${OTHER}`]);
    expect(faults()).toEqual([]);
    await end();
  });

  it("looks for it again at another org", async () => {
    begin(await open());
    await clock.advance(10 * MINUTE);
    grant = { ...grant, instanceUrl: "https://other.my.example" };
    change({ on: true });
    await clock.advance(2 * HOUR);
    expect(asked.map(({ what }) => what)).toEqual(["find", `write ${ID}`, "find", `write ${ID}`]);
    await end();
  });

  it("says at a clean stop that it is gone, where that is due; and waits two seconds at most", async () => {
    const keeper = await open();
    begin(keeper);
    await clock.advance(10 * MINUTE);
    await end();
    await clock.until(keeper.close());
    expect(writes()).toHaveLength(1);
    await clock.advance(2 * HOUR);
    await clock.until(keeper.close());
    expect(writes().at(-1)?.fields).toMatchObject({ Porchlight_Online__c: false });
    await clock.advance(2 * HOUR);
    silent = true;
    const before = clock.mono();
    await clock.until(keeper.close());
    expect(clock.mono() - before).toBe(2000);
    expect(clock.waiting).toBe(0);
  });

  it("keeps to its interval though its connection comes and goes in the middle of every write", async () => {
    const keeper = await open();
    silent = true;
    for (let n = 0; n < 60; n++) {
      begin(keeper);
      await clock.advance(4 * MINUTE);
      await end();
    }
    expect(writes().length).toBeGreaterThanOrEqual(3);
    expect(writes().length).toBeLessThanOrEqual(4);
  });

  it("forgets the record with its owner, and takes a damaged note for none", async () => {
    const keeper = await open();
    begin(keeper);
    await clock.advance(10 * MINUTE);
    await end();
    expect(await vault.read("asset")).toBeDefined();
    await keeper.forget();
    expect(await vault.read("asset")).toBeUndefined();
    for (const text of [
      "{",
      "{}",
      `{"org":"a","serial":"b","id":"c","fields":null,"at":1}`,
      "x".repeat(20_000),
    ]) {
      await vault.write("asset", new TextEncoder().encode(text));
      asked = [];
      begin(await open());
      await clock.advance(10 * MINUTE);
      expect(asked.map(({ what }) => what)).toEqual(["find", `write ${ID}`]);
      await end();
    }
  });

  it("writes nothing before it knows the time", async () => {
    clock.setWall(epochMs(0), false);
    begin(await open());
    await clock.advance(HOUR);
    expect(asked).toEqual([]);
    clock.setWall(epochMs(Date.parse("2026-12-01T17:00:00Z")));
    await clock.advance(2 * MINUTE);
    expect(writes()).toHaveLength(1);
    await end();
  });

  it("cannot keep the disk from being full, and writes all the same", async () => {
    vault = {
      ...vault,
      read: async () => {
        throw new AgentError("STATE_DAMAGED");
      },
      write: async () => {
        throw new AgentError("STATE_UNWRITABLE");
      },
    };
    begin(await open());
    await clock.advance(10 * MINUTE);
    expect(writes()).toHaveLength(1);
    await end();
  });
});
