import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { raspberry, type SimulatedGpio } from "../../../firmware-sim/hardware/gpio.ts";
import type { AgentError } from "../../../src/errors.ts";
import { openButton } from "../../../src/hal/drivers/button.ts";
import { afterEdge, type Held } from "../../../src/hal/presses.ts";

describe("a press", () => {
  it.each([
    [20, "press"],
    [2999, "press"],
    [3000, "longPress"],
    [9999, "longPress"],
    [10_000, "veryLongPress"],
    [3_600_000, "veryLongPress"],
  ] as const)("of %d ms is a %s", (heldMs, input) => {
    const { held } = afterEdge(null, { atMs: 5, active: true });
    expect(afterEdge(held, { atMs: 5 + heldMs, active: false })).toEqual({ held: null, input });
  });

  it("whose other end got lost counts from what began last, or not at all", () => {
    let held: Held = afterEdge(null, { atMs: 0, active: true }).held;
    held = afterEdge(held, { atMs: 20_000, active: true }).held;
    expect(afterEdge(held, { atMs: 20_100, active: false }).input).toBe("press");
    expect(afterEdge(null, { atMs: 1, active: false })).toEqual({ held: null, input: null });
  });
});

const listening = (address: string, kernel: SimulatedGpio) => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const faults: AgentError[] = [];
  const inputs = openButton(
    address,
    { clock, failed: (fault) => void faults.push(fault) },
    stop.signal,
    kernel,
  );
  return { clock, stop, faults, button: inputs, inputs: inputs[Symbol.asyncIterator]() };
};

describe("a button on a GPIO line", () => {
  it.each([
    ["GPIO3", 0, 0x136n],
    ["GPIO3?active=high", 1, 0x234n],
    ["GPIO3?active=high&pull=none", 1, 0x434n],
    ["GPIO3?active=low&pull=down", 0, 0x236n],
  ] as const)("%s tells presses, debounced, with its pull", async (address, down, flags) => {
    const kernel = raspberry();
    const { inputs, stop, button } = listening(address, kernel);
    expect(kernel.line("GPIO3")).toMatchObject({ flags, debounceUs: 20_000 });
    const up = down === 1 ? 0 : 1;
    const first = inputs.next();
    kernel.drive("GPIO3", down, 1000);
    kernel.drive("GPIO3", up, 1100);
    expect(await first).toEqual({ value: "press", done: false });
    kernel.drive("GPIO3", down, 2000);
    kernel.drive("GPIO3", up, 5500);
    kernel.drive("GPIO3", down, 6000);
    kernel.drive("GPIO3", up, 17_000);
    expect((await inputs.next()).value).toBe("longPress");
    expect((await inputs.next()).value).toBe("veryLongPress");
    stop.abort();
    expect((await inputs.next()).done).toBe(true);
    await button[Symbol.asyncDispose]();
    expect(kernel.openFiles).toBe(0);
  });

  it("keeps a few presses for an agent that is busy, and no more", async () => {
    const kernel = raspberry();
    const { inputs, stop } = listening("GPIO3", kernel);
    for (let press = 0; press < 30; press += 1) {
      kernel.drive("GPIO3", 0, press * 100);
      kernel.drive("GPIO3", 1, press * 100 + 50);
    }
    for (let press = 0; press < 8; press += 1) expect((await inputs.next()).value).toBe("press");
    const after = inputs.next();
    stop.abort();
    expect((await after).done).toBe(true);
  });

  it("that is not there is told once, and found when it comes", async () => {
    const kernel = raspberry();
    kernel.refusal = "EACCES";
    const { clock, inputs, faults, stop } = listening("GPIO3", kernel);
    await clock.advance(20_000);
    expect(faults.map(({ code }) => code)).toEqual(["LIGHT_FAULT"]);
    kernel.refusal = null;
    await clock.advance(60_000);
    const next = inputs.next();
    kernel.drive("GPIO3", 0, 1);
    kernel.drive("GPIO3", 1, 2);
    expect((await next).value).toBe("press");
    stop.abort();
    await clock.advance(0);
    expect(clock.waiting).toBe(0);
  });

  it("whose chip goes away is told, and comes back", async () => {
    const kernel = raspberry();
    const { clock, inputs, faults, stop } = listening("GPIO3", kernel);
    kernel.wake();
    await clock.advance(0);
    expect(faults).toEqual([]);
    kernel.gone = "ENODEV";
    kernel.wake();
    await clock.advance(0);
    expect(faults).toHaveLength(1);
    kernel.gone = null;
    await clock.advance(1000);
    kernel.drive("GPIO3", 0, 1);
    kernel.drive("GPIO3", 1, 2);
    expect((await inputs.next()).value).toBe("press");
    stop.abort();
    await clock.advance(0);
    expect(kernel.openFiles).toBe(0);
  });

  it.each(["3", "gpiochip0/3", "GPIO3?pull=sideways"])("%s is a mistake of the settings", (address) => {
    expect(() => listening(address, raspberry())).toThrow(
      expect.objectContaining({ code: "SETTINGS_INVALID" }),
    );
  });

  it("is not opened for a signal that is aborted already", async () => {
    const kernel = raspberry();
    const inputs = openButton(
      "GPIO3",
      { clock: new VirtualClock(), failed: () => undefined },
      AbortSignal.abort(),
      kernel,
    );
    expect((await inputs[Symbol.asyncIterator]().next()).done).toBe(true);
    expect(kernel.line("GPIO3").consumer).toBe(null);
  });
});
