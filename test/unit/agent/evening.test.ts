import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { type EveningKeeper, openEvening } from "../../../src/agent/evening.ts";
import type { Located } from "../../../src/agent/home.ts";
import { AgentError } from "../../../src/errors.ts";
import type { AgentEvent, Evening, HomeSource, LightChange, Place } from "../../../src/model.ts";
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
  let home: Place | "lost" | "broken" | null;
  let homeFrom: HomeSource;

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

  const open = async (settled: Evening | null = null): Promise<EveningKeeper> => {
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
      settled,
      home: {
        where: (): Promise<Located | null> => {
          if (home === "broken") throw new Error("no such home");
          if (home === "lost") return Promise.reject(new Error("no such module"));
          return Promise.resolve(home === null ? null : { place: home, source: homeFrom });
        },
      },
    });
    stop = new AbortController();
    running = keeper.run(stop.signal);
    return keeper;
  };
  const close = async (): Promise<void> => {
    stop.abort();
    await running;
  };
  const faults = () => events.map((event) => event.event === "fault" && event.code);
  const moves = (): string[] => applied.map(({ light, change }) => `${light} ${change.on}`);

  beforeEach(() => {
    clock = new VirtualClock({ wall: at("2026-12-01T12:00:00Z") });
    vault = openMemoryVault(createMemoryDisk());
    [applied, events, failure, slow, home, homeFrom] = [[], [], undefined, undefined, null, "org"];
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

  it("tells when it switches next, as soon as it knows the time, and nothing once it is taken away", async () => {
    const keeper = await open();
    expect(keeper.next).toBeNull();
    await keeper.set(berlin, ada);
    await clock.advance(1);
    expect(keeper.next).toEqual({ at: at("2026-12-01T17:30:00Z"), on: true });
    await clock.advance(6 * 3_600_000);
    expect(keeper.next).toEqual({ at: at("2026-12-01T22:00:00Z"), on: false });
    clock.setWall(epochMs(0), false);
    await clock.advance(61_000);
    expect(keeper.next).toBeNull();
    clock.setWall(at("2026-12-01T18:00:00Z"), true);
    await clock.advance(61_000);
    expect(keeper.next).not.toBeNull();
    await keeper.set(null, ada);
    expect(keeper.next).toBeNull();
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
    expect(moves().slice(2)).toEqual(["main false", "plug false"]);
    await clock.advance(3_600_000);
    expect(moves().slice(4)).toEqual(["main true", "plug true"]);
  });

  it("is light in the evening though a clock that was ahead had thought it over", async () => {
    clock.setWall(at("2026-12-01T21:00:00Z"), true);
    await (await open()).set({ ...berlin, lights: ["main"] }, ada);
    await clock.advance(1.1 * 3_600_000);
    expect(moves()).toEqual(["main false"]);
    clock.setWall(at("2026-12-01T19:00:00Z"), true);
    await clock.advance(61_000);
    expect(moves()).toEqual(["main false", "main true"]);
    await clock.advance(2 * 3_600_000);
    expect(applied).toHaveLength(2);
  });

  it("catches up when a clock that had stood still is set hours later", async () => {
    await (await open()).set({ ...berlin, lights: ["main"] }, ada);
    await clock.advance(3_600_000);
    clock.setWall(at("2026-12-01T20:00:00Z"), true);
    await clock.advance(61_000);
    expect(moves()).toEqual(["main true"]);
  });

  it("does nothing twice when the clock is put back by minutes", async () => {
    await (await open()).set({ ...berlin, lights: ["main"] }, ada);
    await clock.advance(5.6 * 3_600_000);
    clock.setWall(at("2026-12-01T17:10:00Z"), true);
    await clock.advance(3_600_000);
    expect(moves()).toEqual(["main true"]);
  });

  it("changed while the lamps are on leaves them as they are until its next moment", async () => {
    const keeper = await open();
    await keeper.set({ ...berlin, lights: ["main"] }, ada);
    await clock.advance(6 * 3_600_000);
    await keeper.set({ ...berlin, on: "21:00", off: "22:00", lights: ["main"] }, ada);
    await clock.advance(3_600_000);
    expect(moves()).toEqual(["main true"]);
    await clock.advance(3 * 3_600_000);
    expect(moves()).toEqual(["main true", "main true", "main false"]);
  });

  it("says that it does not get dark in time, leaves the lamps off, and says when that is over", async () => {
    home = { latitude: 69.65, longitude: 18.96 };
    clock.setWall(at("2026-06-21T10:00:00Z"), true);
    const keeper = await open();
    await keeper.set({ ...berlin, on: "dusk", lights: ["main"] }, ada);
    await clock.advance(30 * 3_600_000);
    expect([moves(), faults(), keeper.fault]).toEqual([["main false"], ["NO_DUSK"], "NO_DUSK"]);
    clock.setWall(at("2026-09-21T10:00:00Z"), true);
    await clock.advance(12 * 3_600_000);
    expect([moves().slice(-2), keeper.fault]).toEqual([["main true", "main false"], null]);
  });

  it("says that it goes by a time zone's city, and how it knows home when somebody has told", async () => {
    [home, homeFrom] = [{ latitude: 52.5, longitude: 13.4 }, "timeZone"];
    const keeper = await open();
    await keeper.set({ ...berlin, on: "dusk" }, ada);
    await clock.advance(1000);
    expect([faults(), keeper.fault, keeper.homeSource]).toEqual([
      ["HOME_BY_TIME_ZONE"],
      "HOME_BY_TIME_ZONE",
      "timeZone",
    ]);
    let told = 0;
    keeper.subscribe(() => told++);
    homeFrom = "org";
    await clock.advance(61_000);
    expect([keeper.fault, keeper.homeSource, told]).toEqual([null, "org", 1]);
    await keeper.set(berlin, ada);
    await clock.advance(61_000);
    expect(keeper.homeSource).toBeNull();
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

  it("goes on at six, too, where it cannot even be looked up where home is", async () => {
    home = "lost";
    const keeper = await open();
    await keeper.set({ ...berlin, on: "dusk" }, ada);
    await clock.advance(5.1 * 3_600_000);
    expect([moves(), keeper.fault]).toEqual([["main true", "plug true"], "HOME_UNKNOWN"]);
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

  it("has each lamp look lived-in at moments of its own", async () => {
    await (await open()).set({ ...berlin, away: true }, ada);
    const [main, plug]: [number[], number[]] = [[], []];
    for (let minute = 0; minute < 12 * 60; minute++) {
      const before = applied.length;
      await clock.advance(60_000);
      for (const { light } of applied.slice(before)) (light === "main" ? main : plug).push(minute);
    }
    expect(main.length).toBeGreaterThan(2);
    expect(plug.length).toBeGreaterThan(2);
    expect(plug).not.toEqual(main);
    const states = (id: string) => applied.filter(({ light }) => light === id).map(({ change }) => change.on);
    for (const id of ["main", "plug"])
      expect(states(id)).toEqual(states(id).map((_, index) => index % 2 === 0));
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
    await keeper.forget();
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
    expect((await clock.until(open())).schedule).toBeNull();
  });

  const said = (change: object, schedule: object | null | number = berlin): object => ({
    version: 1,
    said: { by: ada, schedule, instead: null, ...change },
    done: { of: berlin, at: 0 },
  });

  it.each<[string, unknown]>([
    ["no JSON", "{"],
    ["no object", 7],
    ["another version", { ...said({}), version: 2 }],
    ["no owner", said({ by: undefined })],
    ["an owner who is none", said({ by: { userId: 7 } })],
    ["no schedule", said({}, 7)],
    ["no word of the settings", said({ instead: undefined })],
    ["a time that is none", said({}, { ...berlin, on: "25:00" })],
    ["no time zone", said({}, { ...berlin, timeZone: 7 })],
    ["a dusk that is none", said({}, { ...berlin, on: "dusk+999" })],
    ["a begin that is none", said({}, { ...berlin, on: 7 })],
    ["lamps that are none", said({}, { ...berlin, lights: [7] })],
    ["a brightness that is none", said({}, { ...berlin, brightness: 7 })],
    ["too much", said({ more: "x".repeat(70_000) })],
  ])("that was damaged on disk (%s) is none", async (_name, content) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await vault.write("evening", new TextEncoder().encode(text));
    expect((await open()).schedule).toBeNull();
  });

  it("of a time zone that the board knows no more is told once, ends nothing, and is kept", async () => {
    const mars = { ...berlin, timeZone: "PST" };
    const text = JSON.stringify({ ...said({}, mars), done: { of: mars, at: 0 } });
    await vault.write("evening", new TextEncoder().encode(text));
    const keeper = await open();
    await clock.advance(24 * 3_600_000);
    expect([faults(), keeper.fault, keeper.schedule, keeper.next, applied]).toEqual([
      ["TIME_ZONE_UNKNOWN"],
      "TIME_ZONE_UNKNOWN",
      mars,
      null,
      [],
    ]);
    await keeper.set(berlin, ada);
    await clock.advance(24 * 3_600_000);
    expect([keeper.fault, applied.length]).toEqual([null, 4]);
  });

  it("that cannot be reckoned for another reason is told once, and again reckoned when that is over", async () => {
    home = "broken";
    const keeper = await open();
    await keeper.set({ ...berlin, on: "dusk" }, ada);
    await clock.advance(5 * 60_000);
    expect([faults(), keeper.fault]).toEqual([["BUG"], "BUG"]);
    expect(events).toMatchObject([{ message: expect.stringContaining("no such home") }]);
    home = { latitude: 52.5, longitude: 13.4 };
    await clock.advance(12 * 3_600_000);
    expect([keeper.fault, moves()]).toEqual([null, ["main true", "plug true", "main false", "plug false"]]);
  });

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["no moment", { of: berlin }],
    ["no schedule", { of: 7, at: 0 }],
  ])("that does not know how far it was followed (%s) is followed from now on", async (_name, done) => {
    const text = JSON.stringify({ ...said({}), done });
    await vault.write("evening", new TextEncoder().encode(text));
    clock.setWall(at("2026-12-01T20:00:00Z"), true);
    await open();
    await clock.advance(3_600_000);
    expect(applied).toEqual([]);
    await clock.advance(3_600_000);
    expect(moves()).toEqual(["main false", "plug false"]);
  });

  describe("of the settings", () => {
    const settled: Evening = { ...berlin, lights: ["main"] };
    const later: Evening = { ...settled, off: "23:30" };

    it("is followed while nobody owns the board, from the next moment on, and caught up after that", async () => {
      clock.setWall(at("2026-12-01T18:00:00Z"), true);
      const keeper = await open(settled);
      await clock.advance(60_000);
      expect([applied, keeper.schedule, keeper.from, keeper.settled]).toEqual([
        [],
        settled,
        "settings",
        settled,
      ]);
      await close();
      await clock.advance(5 * 3_600_000);
      await open(settled);
      await clock.advance(60_000);
      expect(moves()).toEqual(["main false"]);
    });

    it("gives way to what the owner says, no more evenings too, over restarts, until the settings change", async () => {
      let keeper = await open(settled);
      await keeper.set(null, ada);
      expect([keeper.schedule, keeper.from]).toEqual([null, "phone"]);
      await close();
      keeper = await open(settled);
      await clock.advance(24 * 3_600_000);
      expect([applied, keeper.schedule, keeper.from]).toEqual([[], null, "phone"]);
      await keeper.set(berlin, ada);
      await close();
      keeper = await open({ ...settled });
      expect([keeper.schedule, keeper.from]).toEqual([berlin, "phone"]);
      await close();
      keeper = await open(later);
      expect([keeper.schedule, keeper.from]).toEqual([later, "settings"]);
      await close();
      keeper = await open();
      expect([keeper.schedule, keeper.from]).toEqual([null, null]);
    });

    it("counts again when the owner wants it, signs out, or is another one", async () => {
      const keeper = await open(settled);
      for (const back of [
        () => keeper.set("settings", ada),
        () => keeper.forget(),
        () => keeper.belongTo({ userId: "005BEN", orgId: null }),
      ]) {
        await keeper.set({ ...berlin, on: "12:00" }, ada);
        expect(keeper.from).toBe("phone");
        await back();
        expect([keeper.schedule, keeper.from]).toEqual([settled, "settings"]);
      }
      await clock.advance(6 * 3_600_000);
      expect(moves()).toEqual(["main true"]);
    });

    it("does not make up for what was before it was changed", async () => {
      await open(settled);
      await clock.advance(60_000);
      await close();
      await clock.advance(7 * 3_600_000);
      await open(later);
      await clock.advance(3 * 3_600_000);
      expect(applied).toEqual([]);
      await clock.advance(3_600_000);
      expect(moves()).toEqual(["main false"]);
    });

    it("is none where there is none, and the owner's words about it are no words", async () => {
      const keeper = await open();
      await keeper.set("settings", ada);
      expect([keeper.schedule, keeper.from, await vault.read("evening")]).toEqual([null, null, undefined]);
    });
  });
});
