import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { Workbench } from "../../../firmware-sim/hardware/workbench.ts";
import type { PanelPicture } from "../../../firmware-sim/page/state.ts";
import { hardwareLines, panelLines } from "../../../firmware-sim/terminal/hardware-lines.ts";
import { Wire } from "../../../firmware-sim/wire.ts";
import { openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { PanelDisplay } from "../../../src/hal/displays/panel-display.ts";
import { openBle } from "../../../src/hal/drivers/ble.ts";
import { openButton } from "../../../src/hal/drivers/button.ts";
import { openGpio } from "../../../src/hal/drivers/gpio.ts";
import { openLight } from "../../../src/hal/lamp.ts";
import type { View } from "../../../src/model.ts";
import type { Input, Light } from "../../../src/ports.ts";
import { after } from "../../../src/units.ts";
import { alive } from "../../soak/gauges.ts";
import { decodeQr } from "../hal/decode-qr.ts";

// Loaded before time moves: importing a package takes real time.
await import("../../../src/hal/displays/qr.ts").then(({ qrMatrix }) => qrMatrix("warm"));

const never = new AbortController().signal;
const byHand = { fadeMs: 0, cause: { kind: "button" } } as const;
let clock: VirtualClock;
let wire: Wire;
let bench: Workbench;

beforeEach(() => {
  clock = new VirtualClock();
  wire = new Wire(clock);
  bench = new Workbench({ clock, wire });
});
afterEach(() => {
  bench.close();
  clock[Symbol.dispose]();
});

/** A lamp of the bench, driven as on a board. */
const open = (id: string): Promise<Light> => {
  const settings = bench.lights.find((light) => light.id === id);
  if (settings === undefined) throw new Error(`no lamp ${id}`);
  return clock.until(
    openLight(
      settings,
      {
        clock,
        vault: openMemoryVault(),
        drivers: {
          gpio: (address, ports, signal) => openGpio(address, ports, signal, bench.gpio),
          ble: (address, ports, signal) => openBle(address, ports, signal, bench.bluez.connect),
        },
      },
      never,
    ),
  );
};

test("lamps that are asked again and again what they show keep nothing of it", async () => {
  await open("hall");
  const window = await open("window");
  await clock.until(window.apply({ on: true }, byHand, never));
  await clock.advance(600_000);
  const before = [await alive(Promise), await alive(AbortSignal)] as const;
  const asked = bench.bluez.calls.length;
  await clock.advance(1_800_000);
  expect(bench.bluez.calls.length - asked).toBeGreaterThan(100);
  expect((await alive(Promise)) - before[0]).toBeLessThan(20);
  expect((await alive(AbortSignal)) - before[1]).toBeLessThan(20);
});

describe("the relay", () => {
  test("switches the hall by the board's own driver, and its line says so", async () => {
    const hall = await open("hall");
    await clock.until(hall.apply({ on: true }, byHand, never));
    const { pins, lamps } = bench.picture();
    expect(pins[1]).toEqual({ name: "GPIO17", use: "hall, a relay", kind: "output", level: 1, inUse: true });
    expect(lamps[0]?.light.seen).toBe(1);
    await clock.advance(1000);
    expect(wire.messages.at(-1)).toMatchObject({ from: "board", to: "lamp", title: "hall: on" });
    await clock.until(Promise.resolve(hall[Symbol.asyncDispose]()));
    expect(bench.picture().pins[1]?.inUse).toBe(false);
  });
});

describe("the Bluetooth bulb", () => {
  test("takes its colour by bytes in the air", async () => {
    const bulb = await open("window");
    await clock.until(bulb.apply({ on: true, colour: { mode: "rgb", rgb: [0, 0, 1] } }, byHand, never));
    expect(bench.picture().bulb).toMatchObject({ connected: true, written: "560000ff00f0aa" });
    expect(bench.picture().lamps[1]?.light).toMatchObject({ rgb: [0, 0, 255] });
    await clock.until(Promise.resolve(bulb[Symbol.asyncDispose]()));
  });

  test("without its mains is dark and gone; with it again, it lights as before", async () => {
    const bulb = await open("window");
    await clock.until(bulb.apply({ on: true, colour: { mode: "rgb", rgb: [1, 0, 0] } }, byHand, never));
    bench.bulbOff = true;
    expect(bench.picture().bulb?.light.seen).toBe(0);
    await clock.untilTrue(() => bulb.fault !== null);
    bench.bulbOff = false;
    await clock.untilTrue(() => bulb.fault === null);
    expect(bench.picture().bulb).toMatchObject({ connected: true, light: { rgb: [255, 0, 0] } });
    await clock.until(Promise.resolve(bulb[Symbol.asyncDispose]()));
  });
});

describe("the button", () => {
  test.each<[number, Input]>([
    [200, "press"],
    [3200, "longPress"],
    [11_000, "veryLongPress"],
  ])("held for %d ms is a %s, and its line is low meanwhile", async (heldMs, input) => {
    const ending = new AbortController();
    const failed = (error: Error): void => {
      throw error;
    };
    const button = openButton(bench.button, { clock, failed }, ending.signal, bench.gpio);
    const next = button[Symbol.asyncIterator]().next();
    bench.finger(true);
    expect(bench.picture().pins[0]).toMatchObject({ name: "GPIO3", level: 0, inUse: true });
    await clock.advance(heldMs);
    bench.finger(false);
    expect(bench.picture().pins[0]?.level).toBe(1);
    expect(await next).toEqual({ done: false, value: input });
    const again = button[Symbol.asyncIterator]().next();
    bench.press(input);
    expect(await again).toEqual({ done: false, value: input });
    ending.abort();
    await clock.until(Promise.resolve(button[Symbol.asyncDispose]()));
  });
});

const LINK = "https://northwind.example/connect?user_code=AB12CD34";

/** The panel's picture as bright and dark pixels. */
const pixelsOf = ({ width, height, runs }: PanelPicture): boolean[] => {
  const inks = [...runs.matchAll(/([a-h])(\d+)/g)].flatMap(([, ink, length]) =>
    Array.from({ length: Number(length) }, () => ink === "g"),
  );
  expect(inks).toHaveLength(width * height);
  return inks;
};

test("the panel's glass shows the board's code, which can be read from its pixels", async () => {
  const display = new PanelDisplay(
    () => bench.surface,
    0,
    { what: "the panel", group: "video" },
    {
      clock,
      failed: (error) => {
        throw error;
      },
    },
  );
  const view: View = {
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    state: "waitingForApproval",
    headline: "Make this lamp yours",
    detail: null,
    code: {
      kind: "code",
      userCode: "AB12CD34",
      verificationUri: "https://northwind.example/connect",
      verificationUriComplete: LINK,
      expiresAt: after(clock.mono(), 600_000),
      signal: null,
    },
    owner: null,
    online: false,
    problem: null,
  };
  display.show(view);
  await clock.untilTrue(() => bench.panel !== null);
  const { panel } = bench;
  if (panel === null) throw new Error("nothing was drawn");
  const light = pixelsOf(panel);
  expect(
    decodeQr({
      width: panel.width,
      height: panel.height,
      at: (x, y) => (light[y * panel.width + x] === true ? 255 : 0),
    }),
  ).toBe(LINK);
  await clock.until(Promise.resolve(display[Symbol.asyncDispose]()));
});

describe("in a terminal", () => {
  test("each line has its name, its use, a bar and what it says", () => {
    const lines = hardwareLines(
      {
        pins: [
          { name: "GPIO17", use: "hall, a relay", kind: "output", level: 1, inUse: true },
          { name: "PWM 0", use: "porch, red", kind: "pwm", level: 0.5, inUse: true },
          { name: "PWM 1", use: "porch, green", kind: "pwm", level: 0.034, inUse: true },
          { name: "GPIO3", use: "button", kind: "input", level: 0, inUse: false },
        ],
        bulb: {
          name: "Bulb",
          address: "AA:BB",
          connected: false,
          written: "cc2333",
          light: { rgb: [0, 0, 0], seen: 0, words: "off" },
        },
        lamps: [],
      },
      48,
      false,
    );
    expect(lines).toEqual([
      "GPIO17  hall, a relay   ############   high",
      "PWM 0   porch, red      ######......   50 %",
      "PWM 1   porch, green    ............  3.4 %",
      "GPIO3   button          ............   free",
      "air     window, bulb    ............",
      "        not connected",
      "        Bulb  AA:BB",
      "        was written cc2333",
    ]);
  });

  test("the panel's light pixels are Braille dots", () => {
    // Two columns and four rows are one cell; the last ink is a module of a code, which is dark.
    expect(panelLines({ width: 4, height: 4, runs: "b1a2h1g4a3b1a4" }, 10, 10)).toEqual(["\u2813\u2832"]);
  });

  test("a panel that is larger than its room is drawn smaller, and not at all when it would be lost", () => {
    const panel = { width: 400, height: 240, runs: "b96000" };
    expect(panelLines(panel, 100, 30)).toEqual(Array.from({ length: 30 }, () => "\u28ff".repeat(100)));
    expect(panelLines(panel, 60, 40).every((line) => line.length <= 60)).toBe(true);
    expect(panelLines(panel, 20, 8)).toEqual([]);
  });
});
