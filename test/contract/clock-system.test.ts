import { afterEach, describe, expect, it, vi } from "vitest";
import { systemClock, systemRandom } from "../../src/adapters/clock.ts";
import { clockContract } from "./clock.ts";

const start = Date.parse("2026-12-01T17:00:00Z");
const fake = (now: number): void => {
  vi.useFakeTimers({ now, toFake: ["Date", "hrtime", "setTimeout", "clearTimeout"] });
};
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

clockContract("of the system", async (test) => {
  fake(start);
  await test({
    clock: systemClock,
    advance: async (ms) => {
      await vi.advanceTimersByTimeAsync(ms);
    },
    waiting: () => vi.getTimerCount(),
  });
});

describe("the clock of the system", () => {
  it.each([
    ["1970-01-01T00:00:10Z", false],
    ["2026-10-31T23:59:59Z", false],
    ["2026-11-01T00:00:00Z", true],
    ["2031-05-05T00:00:00Z", true],
  ])("at %s knows the time: %s", (now, known) => {
    fake(Date.parse(now));
    expect(systemClock.wallKnown()).toBe(known);
  });

  it("keeps the monotonic clock when the wall clock is set", () => {
    fake(start);
    const mono = systemClock.mono();
    vi.setSystemTime(start + 86_400_000);
    expect(systemClock.mono()).toBe(mono);
    expect(systemClock.wall()).toBe(start + 86_400_000);
  });

  it("does not wake early when a timer does", async () => {
    fake(start);
    // The event loop's clock counts whole milliseconds: a timer can fire before the precise clock has come that far.
    let early = 0.6;
    const precise = process.hrtime.bind(process);
    vi.spyOn(process, "hrtime").mockImplementation(() => {
      const [seconds, nanoseconds] = precise();
      return [seconds, nanoseconds - early * 1e6];
    });
    let woken = false;
    const sleeping = systemClock.sleep(10, new AbortController().signal).then(() => {
      woken = true;
    });
    early = 1.2;
    await vi.advanceTimersByTimeAsync(10);
    expect(woken).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await sleeping;
    expect(woken).toBe(true);
  });

  it("gives numbers for jitter from 0 up to, not including, 1", () => {
    const numbers = Array.from({ length: 1000 }, systemRandom);
    expect(numbers.every((number) => number >= 0 && number < 1)).toBe(true);
    expect(new Set(numbers).size).toBeGreaterThan(900);
  });
});
