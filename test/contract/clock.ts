import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import type { Clock } from "../../src/ports.ts";

export interface ClockUnderTest {
  readonly clock: Clock;
  /** Lets `ms` go by. */
  readonly advance: (ms: number) => Promise<void>;
  /** Timers that are waiting. */
  readonly waiting: () => number;
}

const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false;
  const mark = (): void => {
    done = true;
  };
  promise.then(mark, mark);
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  return done;
};

/** What every Clock keeps to. */
export const clockContract = (
  name: string,
  within: (test: (under: ClockUnderTest) => Promise<void>) => Promise<void>,
): void => {
  describe(`the clock: ${name}`, () => {
    it("sleeps as long as asked, and not shorter", () =>
      within(async ({ clock, advance, waiting }) => {
        const sleeping = clock.sleep(1000, new AbortController().signal);
        await advance(999);
        expect(await settled(sleeping)).toBe(false);
        await advance(1);
        expect(await settled(sleeping)).toBe(true);
        expect(waiting()).toBe(0);
      }));

    it.each([0, -5])("wakes without being waited for when asked to sleep %d ms", (ms) =>
      within(async ({ clock, advance }) => {
        const sleeping = clock.sleep(ms, new AbortController().signal);
        await advance(1);
        expect(await settled(sleeping)).toBe(true);
      }),
    );

    it("sleeps for longer than one timer of the system can", () =>
      within(async ({ clock, advance, waiting }) => {
        const days = 30 * 24 * 3_600_000;
        const sleeping = clock.sleep(days, new AbortController().signal);
        await advance(days - 1000);
        expect(await settled(sleeping)).toBe(false);
        await advance(1000);
        expect(await settled(sleeping)).toBe(true);
        expect(waiting()).toBe(0);
      }));

    it("wakes with the reason of the abort, and leaves no timer and no listener", () =>
      within(async ({ clock, waiting }) => {
        const controller = new AbortController();
        const reason = new Error("get up");
        const sleeping = clock.sleep(60_000, controller.signal);
        controller.abort(reason);
        await expect(sleeping).rejects.toBe(reason);
        expect(waiting()).toBe(0);
        expect(getEventListeners(controller.signal, "abort")).toHaveLength(0);
      }));

    it("leaves no listener after a thousand sleeps on one signal", () =>
      within(async ({ clock, advance }) => {
        const { signal } = new AbortController();
        for (let night = 0; night < 1000; night++) {
          const sleeping = clock.sleep(1, signal);
          await advance(1);
          await sleeping;
        }
        expect(getEventListeners(signal, "abort")).toHaveLength(0);
      }));

    it("does not sleep when it is aborted already", () =>
      within(async ({ clock, waiting }) => {
        const reason = new Error("no");
        await expect(clock.sleep(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
        expect(waiting()).toBe(0);
      }));

    it("moves both clocks on together while nobody sets them", () =>
      within(async ({ clock, advance }) => {
        const [wall, mono] = [clock.wall(), clock.mono()];
        await advance(5000);
        expect(clock.wall() - wall).toBe(5000);
        expect(clock.mono() - mono).toBe(5000);
      }));
  });
};
