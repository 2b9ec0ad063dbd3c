import five from "johnny-five";
import { afterEach, describe, expect, it } from "vitest";
import { openLantern } from "../../../examples/own-lamp.ts";
import { raspberry } from "../../../firmware-sim/hardware/gpio.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { type HeaderIo, openHeaderIo } from "../../../src/hal/drivers/johnny-five-io.ts";
import { openMemory } from "../../../src/hal/drivers/memory.ts";
import type { LightDriver } from "../../../src/ports.ts";

const never = new AbortController().signal;
const ports = { clock: systemClock };
const mistake = expect.objectContaining({ code: "SETTINGS_INVALID" });

let io: HeaderIo | undefined;
afterEach(async () => {
  await io?.[Symbol.asyncDispose]();
  io = undefined;
});

const opened = async (kernel = raspberry(), pwm: Readonly<Record<number, string>> = {}) => {
  const drivers = new Map<string, Awaited<ReturnType<typeof openMemory>>>();
  const made = await openHeaderIo(
    {
      ...ports,
      kernel,
      pwm,
      async openPwm(address) {
        const driver = await openMemory("white", ports, never);
        drivers.set(address, driver);
        return driver;
      },
    },
    never,
  );
  io = made;
  const board = new five.Board({ io: made, repl: false, debug: false, sigint: false });
  await new Promise<void>((resolve) => board.once("ready", () => resolve()));
  return { io: made, board, drivers, kernel };
};

describe("johnny-five on the header", () => {
  it.each([17, "GPIO17", "P1-11"])("switches an LED on pin %s", async (pin) => {
    const { board, kernel } = await opened();
    const led = new five.Led({ board, pin });
    led.on();
    expect(kernel.line("GPIO17")).toMatchObject({ level: 1, consumer: "porchlight" });
    led.off();
    expect(kernel.line("GPIO17").level).toBe(0);
  });

  it("closes a relay", async () => {
    const { board, kernel } = await opened();
    const relay = new five.Relay({ board, pin: "GPIO22", type: "NO" });
    relay.close();
    expect(kernel.line("GPIO22").level).toBe(1);
    relay.open();
    expect(kernel.line("GPIO22").level).toBe(0);
  });

  it("dims where an overlay leads hardware PWM, and the newest duty wins", async () => {
    const { io: header, board, drivers } = await opened(raspberry(), { 18: "0" });
    const led = new five.Led({ board, pin: "GPIO18" });
    for (let value = 0; value <= 255; value += 5) led.brightness(value);
    await header.settled();
    const frames = drivers.get("0")?.frames ?? [];
    expect(frames.at(-1)?.frame).toEqual([1]);
    expect(frames.length).toBeLessThan(20);
    led.off();
    await header.settled();
    expect(drivers.get("0")?.frames.at(-1)?.frame).toEqual([0]);
  });

  it("tells a fault of PWM to whoever waits for it", async () => {
    const broken: LightDriver = {
      traits: { channels: ["white"], framesPerSecond: 1 },
      write: async () => Promise.reject(new Error("gone")),
      [Symbol.asyncDispose]: async () => undefined,
    };
    const header = await openHeaderIo(
      { ...ports, kernel: raspberry(), pwm: { 18: "0" }, openPwm: async () => broken },
      never,
    );
    header.analogWrite(18, 9);
    await expect(header.settled()).rejects.toThrow("gone");
    await header[Symbol.asyncDispose]();
  });

  it("lets go of what it has when a PWM output is not there", async () => {
    let closed = 0;
    const driver = await openMemory("white", ports, never);
    const openPwm = async (address: string): Promise<LightDriver> => {
      if (address === "9") throw new Error("no such output");
      return {
        ...driver,
        async [Symbol.asyncDispose]() {
          closed += 1;
        },
      };
    };
    const parts = { ...ports, kernel: raspberry(), pwm: { 12: "0", 18: "9" }, openPwm };
    await expect(openHeaderIo(parts, never)).rejects.toThrow("no such output");
    expect(closed).toBe(1);
  });

  it("reads a line now and at every change", async () => {
    const { io: header, board, kernel } = await opened();
    const seen: number[] = [];
    header.pinMode(4, header.MODES.PULLUP);
    header.digitalRead(4, (value) => void seen.push(value));
    kernel.drive("GPIO4", 1, 1);
    kernel.drive("GPIO4", 0, 2);
    expect(seen).toEqual([0, 1, 0]);
    const faults: unknown[] = [];
    board.on("error", (fault) => void faults.push(fault));
    kernel.gone = "ENODEV";
    kernel.wake();
    expect(faults).toHaveLength(1);
  });

  it("watches no line any more that it has let go", async () => {
    const { io: header, kernel } = await opened();
    header.digitalRead(4, () => undefined);
    await header[Symbol.asyncDispose]();
    expect(kernel.openFiles).toBe(0);
  });

  it("tells the fault of an input that nobody listens for to whoever waits, and lets go of it", async () => {
    const { io: header, kernel } = await opened();
    header.pinMode(4, header.MODES.PULLUP);
    header.digitalRead(4, () => undefined);
    kernel.gone = "ENODEV";
    kernel.wake();
    await expect(header.settled()).rejects.toThrow(expect.objectContaining({ code: "LIGHT_FAULT" }));
    kernel.gone = null;
    await header[Symbol.asyncDispose]();
    expect(kernel.openFiles).toBe(0);
  });

  it.each(["GPIO28", "P1-1", "A0", 99, -1])("has no pin %s", async (pin) => {
    const { io: header } = await opened();
    expect(() => header.normalize(pin)).toThrow(mistake);
  });

  it("refuses to dim a plain line, and pins that are none", async () => {
    const { io: header } = await opened();
    expect(() => header.pwmWrite(17, 100)).toThrow(mistake);
    expect(() => header.digitalWrite(40, 1)).toThrow(mistake);
  });
});

describe("the example of somebody's own lamp", () => {
  it("is a lantern whose embers glow while its bulb burns", async () => {
    const kernel = raspberry();
    const bulb = await openMemory("white", ports, never);
    const lamp = await openLantern({ ...ports, kernel, openPwm: async () => bulb }, never);
    await lamp.write([0.5], never);
    expect([bulb.frames.at(-1)?.frame, kernel.line("GPIO17").level]).toEqual([[128 / 255], 1]);
    await lamp.write([0], never);
    expect([bulb.frames.at(-1)?.frame, kernel.line("GPIO17").level]).toEqual([[0], 0]);
    await lamp[Symbol.asyncDispose]();
    expect(kernel.openFiles).toBe(0);
  });
});
