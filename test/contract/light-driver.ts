import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { openLight } from "../../src/hal/lamp.ts";
import type { Frame } from "../../src/model.ts";
import type { Clock, LightDriver } from "../../src/ports.ts";

/** A driver under test, on hardware of its own that nothing else has used. */
export interface DriverOnTheBench {
  readonly driver: LightDriver;
  /** The duties that the hardware shows now, read from the far side of the driver. */
  readonly shown: () => Promise<Frame>;
  /** How far from the frame the hardware may be, by its own resolution (1/255 for eight bits). */
  readonly tolerance: number;
}

const never = new AbortController().signal;

/**
 * What every light driver must do. `make` opens a driver on fresh hardware. Call it at the top level of a
 * `*.test.ts` file.
 */
export const lightDriverContract = (
  name: string,
  make: (clock: Clock, signal: AbortSignal) => Promise<DriverOnTheBench>,
): void => {
  const onTheBench = async (
    work: (bench: DriverOnTheBench, clock: VirtualClock) => Promise<void>,
  ): Promise<void> => {
    using clock = new VirtualClock();
    const bench = await clock.until(make(clock, never));
    const worked = work(bench, clock).finally(() => bench.driver[Symbol.asyncDispose]());
    await clock.until(worked);
    expect(clock.waiting).toBe(0);
  };

  const all = (driver: LightDriver, value: number): Frame => driver.traits.channels.map(() => value);

  const expectShown = async ({ shown, tolerance }: DriverOnTheBench, frame: Frame): Promise<void> => {
    const seen = await shown();
    expect(seen).toHaveLength(frame.length);
    seen.forEach((value, index) => {
      expect(Math.abs(value - (frame[index] ?? Number.NaN))).toBeLessThanOrEqual(tolerance);
    });
  };

  describe(`the light driver ${name}`, () => {
    test("has at least one channel, none twice, and a switch only alone", () =>
      onTheBench(async ({ driver }) => {
        const { channels } = driver.traits;
        expect(channels.length).toBeGreaterThan(0);
        expect(new Set(channels).size).toBe(channels.length);
        if (channels.includes("switch")) expect(channels).toEqual(["switch"]);
      }));

    test("has red, green and blue together or none of them", () =>
      onTheBench(async ({ driver }) => {
        const parts = ["red", "green", "blue"].filter((part) =>
          driver.traits.channels.some((c) => c === part),
        );
        expect([0, 3]).toContain(parts.length);
      }));

    test("names a frame rate from 1 to 200 and temperatures in order", () =>
      onTheBench(async ({ driver }) => {
        const { framesPerSecond, minKelvin, maxKelvin } = driver.traits;
        expect(framesPerSecond).toBeGreaterThanOrEqual(1);
        expect(framesPerSecond).toBeLessThanOrEqual(200);
        expect(minKelvin ?? 2700).toBeGreaterThanOrEqual(1000);
        expect(maxKelvin ?? 6500).toBeGreaterThan(minKelvin ?? 2700);
      }));

    test.each([0, 1])("shows all channels at exactly %d", (value) =>
      onTheBench(async (bench) => {
        await bench.driver.write(all(bench.driver, value), never);
        expect(await bench.shown()).toEqual(all(bench.driver, value));
      }),
    );

    test("shows each channel by itself, in the order of its traits", () =>
      onTheBench(async (bench) => {
        for (const lit of bench.driver.traits.channels) {
          const frame = bench.driver.traits.channels.map((channel) => (channel === lit ? 1 : 0));
          await bench.driver.write(frame, never);
          await expectShown(bench, frame);
        }
      }));

    test("shows any dimmed frame as closely as it says", () =>
      onTheBench(async (bench) => {
        if (bench.driver.traits.channels.includes("switch")) {
          await bench.driver.write([1], never);
          expect(await bench.shown()).toEqual([1]);
          return;
        }
        for (const value of [0.01, 0.184, 0.5, 0.999]) {
          const frame = bench.driver.traits.channels.map((_, index) => (index % 2 === 0 ? value : 1 - value));
          await bench.driver.write(frame, never);
          await expectShown(bench, frame);
        }
      }));

    test("is dark at a dark frame only, and as dim as it can be at a dimmer one", () =>
      onTheBench(async (bench) => {
        if (bench.driver.traits.channels.includes("switch")) return;
        for (const value of [0.0004, 0.001, 0]) {
          await bench.driver.write(all(bench.driver, value), never);
          const brightest = Math.max(...(await bench.shown()));
          expect(brightest > 0).toBe(value > 0);
          expect(brightest).toBeLessThanOrEqual(value + 2 * bench.tolerance);
        }
      }));

    test("shows the last of many frames", () =>
      onTheBench(async (bench) => {
        for (let step = 0; step < 50; step++) await bench.driver.write(all(bench.driver, step % 2), never);
        await expectShown(bench, all(bench.driver, 1));
      }));

    test("does not keep the caller's frame: changing it later changes nothing", () =>
      onTheBench(async (bench) => {
        const frame = [...all(bench.driver, 1)];
        await bench.driver.write(frame, never);
        frame.fill(0);
        await expectShown(bench, all(bench.driver, 1));
      }));

    test("rejects an aborted write with the signal's reason and leaves the lamp as it is", () =>
      onTheBench(async (bench) => {
        await bench.driver.write(all(bench.driver, 1), never);
        const reason = new Error("changed my mind");
        await expect(bench.driver.write(all(bench.driver, 0), AbortSignal.abort(reason))).rejects.toBe(
          reason,
        );
        await expectShown(bench, all(bench.driver, 1));
      }));

    test("signals as often as it is asked to, and is afterwards as it was", () =>
      onTheBench(async (bench, clock) => {
        const { driver } = bench;
        const light = await openLight(
          { id: "main", name: "Main", driver: "bench:", powerOn: "last" },
          { clock, vault: openMemoryVault(createMemoryDisk()), drivers: { bench: async () => driver } },
          never,
        );
        const cause = { kind: "agent" } as const;
        for (const on of [true, false]) {
          await light.apply({ on, brightness: 0.75 }, { fadeMs: 0, cause }, never);
          const before = await bench.shown();
          light.signal({ colour: "blue", count: 2 });
          let changes = 0;
          for (let last = before, looks = 0; looks < 200 && changes < 4; looks += 1) {
            await clock.sleep(50, never);
            const now = await bench.shown();
            if (JSON.stringify(now) !== JSON.stringify(last)) changes += 1;
            last = now;
          }
          expect(changes).toBe(4);
          light.signal(null);
          await clock.sleep(1000, never);
          await expectShown(bench, before);
        }
        await light[Symbol.asyncDispose]();
      }));

    test("refuses a frame of another length", () =>
      onTheBench(async ({ driver }) => {
        await expect(driver.write([...all(driver, 1), 1], never)).rejects.toMatchObject({
          code: "LIGHT_FAULT",
        });
        await expect(driver.write([], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
      }));

    test("closes twice without complaint, and writes nothing after", () =>
      onTheBench(async ({ driver }) => {
        await driver[Symbol.asyncDispose]();
        await driver[Symbol.asyncDispose]();
        await expect(driver.write(all(driver, 1), never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
      }));

    test("leaves the lamp as it is when it is closed", () =>
      onTheBench(async (bench) => {
        await bench.driver.write(all(bench.driver, 1), never);
        await bench.driver[Symbol.asyncDispose]();
        await expectShown(bench, all(bench.driver, 1));
      }));

    test("does not open when the signal is aborted already", async () => {
      using clock = new VirtualClock();
      const reason = new Error("too late");
      await expect(make(clock, AbortSignal.abort(reason))).rejects.toBe(reason);
    });
  });
};
