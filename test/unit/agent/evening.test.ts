import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { type EveningKeeper, openEvening } from "../../../src/agent/evening.ts";
import { AgentError } from "../../../src/errors.ts";
import type { AgentEvent, Evening, LightChange, Place } from "../../../src/model.ts";
import type { Light, Vault } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";

const at = (text: string) => epochMs(Date.parse(text));
const ada = { userId: "005ADA", orgId: null };
const berlin: Evening = {
  on: "18:30",
  off: "23:00",
  timeZone: "Europe/Berlin",
  lights: null,
  brightness: null,
  away: false,
};

describe("a schedule", () => {
  let clock: VirtualClock;
  let vault: Vault;
  let applied: { light: string; change: LightChange; cause: string }[];
  let events: AgentEvent[];
  let stop: AbortController;
  let running: Promise<void>;
  let failure: Error | undefined;
  let slow: Promise<void> | undefined;
  let home: Place | null;

  const lamp = (id: string, dims: boolean): Light => ({
    id,
    name: id,
    traits: { dims, temperature: null, rgb: false, effects: [] },
    target: { on: false, brightness: 1, colour: { mode: "none" }, effect: null },
    shown: { on: false, brightness: 1, colour: { mode: "none" }, effect: null },
    fault: null,
    signal: () => {},
    signalled: null,
    async apply(change, { cause }) {
      if (failure !== undefined) throw failure;
      await slow;
      applied.push({ light: id, change, cause: cause.kind });
      return this.target;
    },
    subscribe: () => () => undefined,
    async [Symbol.asyncDispose]() {},
  });

  const open = async (): Promise<EveningKeeper> => {
    const lights = new Map([
      ["main", lamp("main", true)],
      ["plug", lamp("plug", false)],
    ]);
    const keeper = await openEvening({
      vault,
      lights,
      clock,
      journal: { record: (event) => events.push(event) },
      board: "porch-1",
      home: () => home,
    });
    stop = new AbortController();
    running = keeper.run(stop.signal);
    return keeper;
  };
  const close = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const moves = (): string[] => applied.map(({ light, change }) => `${light} ${change.on}`);

  beforeEach(() => {
    clock = new VirtualClock({ wall: at("2026-12-01T12:00:00Z") });
    vault = openMemoryVault(createMemoryDisk());
    [applied, events, failure, slow, home] = [[], [], undefined, undefined, null];
  });
  afterEach(async () => {
    await close();
    clock[Symbol.dispose]();
  });

  it("switches all lamps at its times, day after day", async () => {
    await (await open()).set(berlin, ada);
    await clock.advance(5.4 * 3_600_000);
    expect(applied).toEqual([]);
    await clock.advance(0.2 * 3_600_000);
    expect(moves()).toEqual(["main true", "plug true"]);
    expect(applied[0]).toEqual({ light: "main", change: { on: true, effect: null }, cause: "evening" });
    await clock.advance(4.5 * 3_600_000);
    expect(moves().slice(2)).toEqual(["main false", "plug false"]);
    await clock.advance(48 * 3_600_000);
    expect(applied).toHaveLength(12);
  });

  it("switches the lamps it names, as bright as it says", async () => {
    await (await open()).set({ ...berlin, lights: ["main"], brightness: 0.5 }, ada);
    await clock.advance(6 * 3_600_000);
    expect(applied.map(({ change }) => change)).toEqual([{ on: true, effect: null, brightness: 0.5 }]);
  });

  it("asks no brightness of a lamp that cannot dim", async () => {
    await (await open()).set({ ...berlin, lights: ["plug"], brightness: 0.5 }, ada);
    await clock.advance(6 * 3_600_000);
    expect(applied.map(({ change }) => change)).toEqual([{ on: true, effect: null }]);
  });

  it("set in the middle of the evening does nothing until its end", async () => {
    const keeper = await open();
    await clock.advance(7 * 3_600_000);
    await keeper.set(berlin, ada);
    await clock.advance(60_000);
    expect(applied).toEqual([]);
    await clock.advance(3.5 * 3_600_000);
    expect(moves()).toEqual(["main false", "plug false"]);
  });

  it("outlives the board, which catches up what it slept through, once", async () => {
    await (await open()).set(berlin, ada);
    await close();
    await clock.advance(7 * 3_600_000);
    const keeper = await open();
    expect(keeper.schedule).toEqual(berlin);
    await clock.advance(1000);
    expect(moves()).toEqual(["main true", "plug true"]);
    await close();
    await open();
    await clock.advance(60_000);
    expect(applied).toHaveLength(2);
  });

  it("does not overrule a hand between its moments", async () => {
    await (await open()).set(berlin, ada);
    await clock.advance(7 * 3_600_000);
    applied = [];
    await clock.advance(2.9 * 3_600_000);
    expect(applied).toEqual([]);
  });

  it("waits while the board does not know the time, and acts when it does", async () => {
    await (await open()).set(berlin, ada);
    clock.setWall(epochMs(0), false);
    await clock.advance(3_600_000);
    expect(applied).toEqual([]);
    expect(events.map((event) => event.event === "fault" && event.code)).toEqual(["CLOCK_UNSET"]);
    clock.setWall(at("2026-12-01T18:00:00Z"), true);
    await clock.advance(61_000);
    expect(moves()).toEqual(["main true", "plug true"]);
  });

  it("goes on after a clock that was years ahead and came back", async () => {
    await (await open()).set(berlin, ada);
    clock.setWall(at("2031-12-01T18:00:00Z"), true);
    await clock.advance(61_000);
    expect(moves()).toEqual(["main true", "plug true"]);
    clock.setWall(at("2026-12-01T17:00:00Z"), true);
    await clock.advance(61_000);
    expect(applied).toHaveLength(2);
    await clock.advance(3_600_000);
    expect(moves().slice(2)).toEqual(["main true", "plug true"]);
  });

  it("goes on at dusk where home is", async () => {
    home = { latitude: 52.52, longitude: 13.405 };
    const keeper = await open();
    await keeper.set({ ...berlin, on: "dusk" }, ada);
    await clock.advance(3.5 * 3_600_000);
    expect([applied, keeper.fault]).toEqual([[], null]);
    await clock.advance(0.25 * 3_600_000);
    expect(moves()).toEqual(["main true", "plug true"]);
  });

  it("that needs to know where home is says so once, goes on at six, and by the sun from when it is known", async () => {
    const keeper = await open();
    let told = 0;
    keeper.subscribe(() => told++);
    await keeper.set({ ...berlin, on: "dusk" }, ada);
    await clock.advance(5.1 * 3_600_000);
    expect(moves()).toEqual(["main true", "plug true"]);
    expect([keeper.fault, events.map((event) => event.event === "fault" && event.code)]).toEqual([
      "HOME_UNKNOWN",
      ["HOME_UNKNOWN"],
    ]);
    home = { latitude: 52.52, longitude: 13.405 };
    await clock.advance(22 * 3_600_000);
    expect([keeper.fault, told]).toEqual([null, 3]);
    expect(JSON.stringify(events)).not.toContain("52.52");
    await clock.advance(0.7 * 3_600_000);
    expect(moves().slice(4)).toEqual(["main true", "plug true"]);
  });

  it("looks lived-in while nobody is at home, and dark at its end", async () => {
    await (await open()).set({ ...berlin, lights: ["main"], away: true }, ada);
    await clock.advance(5.4 * 3_600_000);
    expect(applied).toEqual([]);
    await clock.advance(5.2 * 3_600_000);
    const switched = applied.map(({ change }) => change.on);
    expect(switched.length).toBeGreaterThan(2);
    expect(switched).toEqual(switched.map((_, index) => index % 2 === 0));
    expect(switched.at(-1)).toBe(false);
  });

  it("at dusk and away outlives the board", async () => {
    await (await open()).set({ ...berlin, on: "dusk-15", away: true }, ada);
    await close();
    expect((await open()).schedule).toEqual({ ...berlin, on: "dusk-15", away: true });
  });

  it("taken away switches nothing any more, tells whoever listens, and is forgotten on disk", async () => {
    const keeper = await open();
    let told = 0;
    const deaf = keeper.subscribe(() => told++);
    await keeper.set(berlin, ada);
    await keeper.set(null, ada);
    deaf();
    await keeper.set(null, ada);
    await clock.advance(24 * 3_600_000);
    expect([applied, told, keeper.schedule]).toEqual([[], 2, null]);
    expect(await vault.read("evening")).toBeUndefined();
  });

  it("taken away while lamps are slow to obey it does not come back", async () => {
    const keeper = await open();
    await keeper.set(berlin, ada);
    const answering = Promise.withResolvers<void>();
    slow = answering.promise;
    await clock.advance(6 * 3_600_000);
    await keeper.forget();
    answering.resolve();
    await clock.advance(60_000);
    expect([keeper.schedule, await vault.read("evening")]).toEqual([null, undefined]);
  });

  it("changed while the disk is slow is the newest one", async () => {
    const keeper = await open();
    await keeper.set(berlin, ada);
    await clock.advance(5.4 * 3_600_000);
    const { write } = vault;
    const writing = Promise.withResolvers<void>();
    vault.write = async (...args) => {
      await writing.promise;
      await write(...args);
    };
    const set = keeper.set({ ...berlin, off: "22:00" }, ada);
    await clock.advance(0.2 * 3_600_000);
    writing.resolve();
    await set;
    await clock.advance(60_000);
    expect(keeper.schedule?.off).toBe("22:00");
    await close();
    expect((await open()).schedule?.off).toBe("22:00");
  });

  it("goes with its owner, at once and from the disk", async () => {
    const keeper = await open();
    let told = 0;
    await keeper.belongTo(ada);
    await keeper.set(berlin, ada);
    keeper.subscribe(() => told++);
    await keeper.belongTo(ada);
    expect([keeper.schedule, told]).toEqual([berlin, 0]);
    await keeper.belongTo({ userId: "005BEN", orgId: null });
    expect([keeper.schedule, told, await vault.read("evening")]).toEqual([null, 1, undefined]);
    await clock.advance(24 * 3_600_000);
    expect(applied).toEqual([]);
  });

  it("goes with its owner where the disk takes nothing, too", async () => {
    const keeper = await open();
    await keeper.set(berlin, ada);
    vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await keeper.belongTo({ userId: "005ADA", orgId: "00Dxx0000000001" });
    expect(keeper.schedule).toEqual(berlin);
    await keeper.belongTo({ userId: "005BEN", orgId: null });
    await clock.advance(24 * 3_600_000);
    expect([keeper.schedule, applied]).toEqual([null, []]);
  });

  it("tells of a lamp that does not answer and goes on", async () => {
    await (await open()).set(berlin, ada);
    failure = new AgentError("LIGHT_FAULT", "gone");
    await clock.advance(6 * 3_600_000);
    failure = undefined;
    await clock.advance(5 * 3_600_000);
    expect(events.map((event) => event.event === "fault" && event.code)).toEqual([
      "LIGHT_FAULT",
      "LIGHT_FAULT",
    ]);
    expect(moves()).toEqual(["main false", "plug false"]);
  });

  it("on a disk that takes nothing switches once, not every minute", async () => {
    await (await open()).set(berlin, ada);
    const { write } = vault;
    vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await clock.advance(6 * 3_600_000);
    vault.write = write;
    expect(moves()).toEqual(["main true", "plug true"]);
    expect(events).toMatchObject([{ event: "fault", code: "STATE_UNWRITABLE" }]);
  });

  it("on a disk that cannot be read is none: no reason for a dark lamp", async () => {
    vault.read = async () => {
      throw new AgentError("STATE_DAMAGED", "evening");
    };
    expect((await open()).schedule).toBeNull();
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["another version", { version: 2, schedule: berlin, done: 0 }],
    ["no moment", { version: 1, by: ada, schedule: berlin }],
    ["no owner", { version: 1, schedule: berlin, done: 0 }],
    ["an owner who is none", { version: 1, by: { userId: 7 }, schedule: berlin, done: 0 }],
    ["no schedule", { version: 1, by: ada, schedule: 7, done: 0 }],
    ["a time that is none", { version: 1, by: ada, schedule: { ...berlin, on: "25:00" }, done: 0 }],
    [
      "a time zone that is none",
      { version: 1, by: ada, schedule: { ...berlin, timeZone: "Mars/Base" }, done: 0 },
    ],
    ["a dusk that is none", { version: 1, by: ada, schedule: { ...berlin, on: "dusk+999" }, done: 0 }],
    ["a begin that is none", { version: 1, by: ada, schedule: { ...berlin, on: 7 }, done: 0 }],
    ["lamps that are none", { version: 1, by: ada, schedule: { ...berlin, lights: [7] }, done: 0 }],
    ["a brightness that is none", { version: 1, by: ada, schedule: { ...berlin, brightness: 7 }, done: 0 }],
    ["too much", { version: 1, schedule: null, done: 0, more: "x".repeat(20_000) }],
  ])("that was damaged on disk (%s) is none", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("evening", new TextEncoder().encode(text));
    expect((await open()).schedule).toBeNull();
  });
});
