import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createUpdateNews } from "../../../src/agent/update-news.ts";
import { keepUpdated, nextLook, QUIET_MS, untilQuiet } from "../../../src/agent/updates.ts";
import { AgentError } from "../../../src/errors.ts";
import type { AgentEvent, LightReport, LightState, UpdateOutcome } from "../../../src/model.ts";
import type { Light } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";

const local = (text: string): number => new Date(text).getTime();

describe("the next look for a new version", () => {
  test.each([
    ["the coming night", "2026-12-01T17:00:00", "03:00-05:00", 0, "2026-12-02T03:00:00"],
    ["its own share of the window", "2026-12-01T17:00:00", "03:00-05:00", 0.5, "2026-12-02T04:00:00"],
    [
      "this night, while its moment is to come",
      "2026-12-01T03:30:00",
      "03:00-05:00",
      0.5,
      "2026-12-01T04:00:00",
    ],
    ["the next night, when it has gone by", "2026-12-01T04:00:00", "03:00-05:00", 0.5, "2026-12-02T04:00:00"],
    ["a window over midnight, before it", "2026-12-01T23:30:00", "23:00-01:00", 0.75, "2026-12-02T00:30:00"],
    ["a window over midnight, after it", "2026-12-02T00:10:00", "23:00-01:00", 0.75, "2026-12-02T00:30:00"],
    ["a window of no length", "2026-12-01T17:00:00", "03:00-03:00", 0.9, "2026-12-02T03:00:00"],
  ])("is %s", (_, now, window, share, expected) => {
    expect(nextLook(epochMs(local(now)), window, share)).toBe(local(expected));
  });
});

const off: LightState = { on: false, brightness: 1, colour: { mode: "none" }, effect: null };

/** A lamp that only has a target. */
const makeLamp = () => {
  const listeners = new Set<(report: LightReport) => void>();
  let target = off;
  const light = {
    id: "main",
    name: "Main",
    get target() {
      return target;
    },
    subscribe(listener: (report: LightReport) => void) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  } as unknown as Light;
  return {
    lights: new Map([["main", light]]),
    listeners,
    turn(on: boolean) {
      target = { ...off, on };
      for (const listener of listeners)
        listener({ light: "main", target, available: true, fault: null, cause: { kind: "button" } });
    },
  };
};

let clock: VirtualClock;
let events: AgentEvent[];
let stop: AbortController;
let running: Promise<void>;
beforeEach(() => {
  clock = new VirtualClock({ wall: epochMs(local("2026-12-01T17:00:00")) });
  events = [];
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await running;
  clock[Symbol.dispose]();
});

const outcome = (kind: UpdateOutcome["outcome"], at: string): UpdateOutcome => ({
  version: "1.0.1",
  outcome: kind,
  code: kind === "installed" ? null : "UPDATE_WENT_BACK",
  message: kind === "installed" ? null : "it did not work",
  at,
});

/** Somebody to take updates from; its fields are its faults. */
const makeUpdates = () => ({
  asked: 0,
  requests: 0,
  offer: async (): Promise<{ version: string } | null> => ({ version: "1.0.1" }),
  now: null as UpdateOutcome | null,
  onRequest: () => {},
  async fetch() {
    this.asked += 1;
    return this.offer();
  },
  async request() {
    this.requests += 1;
    this.onRequest();
  },
  async last() {
    return this.now;
  },
});

/** Somebody asks to look now. */
let ask = (): void => {};
/** What the last start knows of updates. */
let looks: ReturnType<typeof createUpdateNews>;

const start = (updates: ReturnType<typeof makeUpdates>, lamp = makeLamp(), automatic = true) => {
  const news = createUpdateNews(updates);
  looks = news;
  running = keepUpdated(
    {
      updates,
      news,
      automatic,
      onAsked: (listener) => {
        ask = listener;
        return () => {
          ask = () => {};
        };
      },
      window: "03:00-05:00",
      lights: lamp.lights,
      clock,
      random: () => 0.5,
      journal: { record: (event) => void events.push(event) },
    },
    stop.signal,
  );
  return lamp;
};
const hours = (count: number): Promise<void> => clock.advance(count * 3_600_000);

describe("looking for new versions", () => {
  test("happens once a night, and never otherwise", async () => {
    const updates = makeUpdates();
    updates.offer = async () => null;
    start(updates);
    await hours(10);
    expect(updates.asked).toBe(0);
    await hours(2);
    expect(updates.asked).toBe(1);
    await hours(72);
    expect(updates.asked).toBe(4);
    expect(events).toEqual([]);
  });

  test.each([true, false])("happens when the owner asks, automatic or not (%s)", async (automatic) => {
    const updates = makeUpdates();
    updates.offer = async () => null;
    start(updates, undefined, automatic);
    await hours(1);
    ask();
    await clock.settle();
    expect(updates.asked).toBe(1);
    await hours(1);
    expect(updates.asked).toBe(1);
  });

  test("does not happen when the settings do not want it", async () => {
    const updates = makeUpdates();
    start(updates, makeLamp(), false);
    await hours(100);
    expect(updates.asked).toBe(0);
  });

  test("waits for a clock that somebody has set", async () => {
    clock[Symbol.dispose]();
    clock = new VirtualClock({ wall: epochMs(0), wallKnown: false });
    const updates = makeUpdates();
    start(updates);
    await hours(48);
    expect(updates.asked).toBe(0);
  });

  const YEARS_14_MS = 14 * 365.25 * 24 * 3_600_000;
  test.each([
    ["14 hours ahead soon after the start", 5_000, 14 * 3_600_000],
    ["14 years ahead soon after the start", 5_000, YEARS_14_MS],
    ["14 years back soon after the start", 5_000, -YEARS_14_MS],
    ["past its moment just before that", 6 * 3_600_000 - 30_000, 3_600_000],
    ["back a little just before its moment", 6 * 3_600_000 - 30_000, -90_000],
  ])("happens once a night by a clock that was set %s", async (_, afterMs, byMs) => {
    clock[Symbol.dispose]();
    clock = new VirtualClock({ wall: epochMs(local("2026-11-26T22:00:00")) });
    const updates = makeUpdates();
    const seen: string[] = [];
    updates.offer = async () => {
      seen.push(new Date(clock.wall()).toTimeString().slice(0, 5));
      return null;
    };
    start(updates);
    await clock.advance(afterMs);
    clock.setWall(epochMs(clock.wall() + byMs));
    await hours(72);
    expect(seen).toEqual(["04:00", "04:00", "04:00"]);
  });

  test("waits again for a clock that was taken back to what nobody has set", async () => {
    const updates = makeUpdates();
    updates.offer = async () => null;
    start(updates);
    await hours(10.995);
    clock.setWall(clock.wall(), false);
    await hours(24);
    expect(updates.asked).toBe(0);
    clock.setWall(epochMs(local("2026-12-03T12:00:00")));
    await hours(24);
    expect(updates.asked).toBe(1);
  });

  test("that fails is told and tried again the next night", async () => {
    const updates = makeUpdates();
    updates.offer = async () => {
      throw new AgentError("UPDATE_UNREACHABLE", "updates.example");
    };
    start(updates);
    await hours(36);
    expect(updates.asked).toBe(2);
    expect(events).toEqual([
      expect.objectContaining({ event: "fault", code: "UPDATE_UNREACHABLE" }),
      expect.objectContaining({ event: "fault", code: "UPDATE_UNREACHABLE" }),
    ]);
    expect(looks.fault).toBe("UPDATE_UNREACHABLE");
    updates.offer = async () => null;
    await hours(24);
    expect(looks.fault).toBeNull();
  });
});

describe("a version that was fetched", () => {
  test("is installed when the lamps have been off for a while", async () => {
    const updates = makeUpdates();
    updates.onRequest = () => {
      updates.now = outcome("installed", "2026-12-02T04:06:00Z");
    };
    const lamp = start(updates);
    lamp.turn(true);
    await hours(14);
    expect([updates.asked, updates.requests]).toEqual([1, 0]);
    lamp.turn(false);
    await clock.advance(QUIET_MS - 1000);
    expect(updates.requests).toBe(0);
    await clock.advance(20_000);
    expect(updates.requests).toBe(1);
    expect(events.map((event) => (event.event === "update" ? event.outcome : event.event))).toEqual([
      "fetched",
      "installed",
    ]);
    await clock.advance(QUIET_MS);
    expect(lamp.listeners.size).toBe(0);
  });

  test("is asked for again when nothing came of it, and then told", async () => {
    const updates = makeUpdates();
    start(updates);
    await hours(14);
    expect(updates.requests).toBe(3);
    expect(events.at(-1)).toMatchObject({ event: "fault", code: "UPDATE_BUSY" });
  });

  test("is not installed when the maker has taken it back while a lamp was on", async () => {
    const updates = makeUpdates();
    const lamp = start(updates);
    lamp.turn(true);
    await hours(14);
    updates.offer = async () => null;
    lamp.turn(false);
    await hours(1);
    expect(updates.requests).toBe(0);
  });

  test("waits no longer than until the next night, which looks for something newer", async () => {
    const updates = makeUpdates();
    const lamp = start(updates);
    lamp.turn(true);
    await hours(72);
    expect([updates.asked, updates.requests]).toEqual([3, 0]);
  });

  test("that did not work is told with its reason, and not asked for again that night", async () => {
    const updates = makeUpdates();
    updates.now = outcome("installed", "2026-11-01T00:00:00Z");
    updates.onRequest = () => {
      updates.now = outcome("refused", "2026-12-02T04:06:00Z");
    };
    start(updates);
    await hours(14);
    expect(updates.requests).toBe(1);
    expect(events.at(-1)).toEqual({
      event: "update",
      version: "1.0.1",
      outcome: "refused",
      code: "UPDATE_WENT_BACK",
      message: "it did not work",
    });
  });
});

describe("what became of the last update", () => {
  test.each([
    ["is told at the start when it is news", -60_000, 1],
    ["is not told again when it is old", -7_200_000, 0],
  ])("%s", async (_, ageMs, told) => {
    const updates = makeUpdates();
    updates.now = outcome("wentBack", new Date(clock.wall() + ageMs).toISOString());
    start(updates, makeLamp(), false);
    await clock.advance(1000);
    expect(events.length).toBe(told);
  });
});

describe("an update that a person began", () => {
  test("is told when something came of it", async () => {
    const updates = makeUpdates();
    start(updates, makeLamp(), false);
    await clock.advance(1000);
    updates.now = outcome("refused", "2026-12-01T17:00:30Z");
    await clock.advance(120_000);
    expect(events).toEqual([expect.objectContaining({ event: "update", outcome: "refused" })]);
  });
});

describe("lamps that nobody needs", () => {
  test("are off, and were left alone for a while", async () => {
    running = Promise.resolve();
    const lamp = makeLamp();
    let quiet = false;
    void untilQuiet(lamp.lights, clock, 24 * 3_600_000, stop.signal).then(() => {
      quiet = true;
    });
    for (let times = 0; times < 5; times += 1) {
      await clock.advance(QUIET_MS - 1000);
      lamp.turn(false);
    }
    expect(quiet).toBe(false);
    await clock.advance(QUIET_MS + 1000);
    expect(quiet).toBe(true);
  });
});

describe("what keeps the program from being the newest", () => {
  test("is the last look where that failed, else what became of the last update", async () => {
    const updates = makeUpdates();
    const news = createUpdateNews(updates);
    expect(news.fault).toBeNull();
    updates.now = outcome("wentBack", "2026-12-01T04:00:00Z");
    await news.refresh();
    expect(news.fault).toBe("UPDATE_WENT_BACK");
    news.looked("UPDATE_UNREACHABLE");
    expect(news.fault).toBe("UPDATE_UNREACHABLE");
    news.looked(null);
    expect(news.fault).toBe("UPDATE_WENT_BACK");
    updates.now = outcome("installed", "2026-12-02T04:00:00Z");
    await news.refresh();
    expect(news.fault).toBeNull();
    running = Promise.resolve();
  });
});
