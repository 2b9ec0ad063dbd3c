import { describe, expect, it } from "vitest";
import { raspberry, SimulatedGpio } from "../../../firmware-sim/hardware/gpio.ts";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openGpio } from "../../../src/hal/drivers/gpio.ts";
import { linuxGpio, listChips, listLines } from "../../../src/hal/linux/gpio.ts";
import { builtInDrivers } from "../../../src/hal/open.ts";

const never = new AbortController().signal;
const open = (address: string, kernel: SimulatedGpio) =>
  openGpio(address, { clock: systemClock }, never, kernel);
const fault = expect.objectContaining({ code: "LIGHT_FAULT" });
const mistake = expect.objectContaining({ code: "SETTINGS_INVALID" });

describe("a lamp on a GPIO line", () => {
  it.each([
    ["GPIO17", raspberry("pinctrl-bcm2835")],
    ["GPIO17", raspberry("pinctrl-bcm2711")],
    ["GPIO17", raspberry("pinctrl-rp1")],
    ["pinctrl-rp1/GPIO17", raspberry("pinctrl-rp1")],
    ["pinctrl-rp1/17", raspberry("pinctrl-rp1")],
  ])("is found as %s on any Raspberry Pi", async (address, kernel) => {
    const driver = await open(address, kernel);
    expect(kernel.line("GPIO17").consumer).toBe("porchlight");
    await driver.write([1], never);
    expect(kernel.line("GPIO17").level).toBe(1);
    await driver[Symbol.asyncDispose]();
    expect(kernel.openFiles).toBe(0);
  });

  it("is found on a Pi 5 whose kernel names its lines by their pins", async () => {
    const kernel = raspberry("pinctrl-rp1", (line) => `PIN${line + 100}`);
    await using driver = await open("GPIO17", kernel);
    await driver.write([1], never);
    expect(kernel.line("PIN117").level).toBe(1);
  });

  it("is found by its name on any other board, and one on the header comes first", async () => {
    const other = new SimulatedGpio({ label: "gpio-sim.0", lines: ["A", "LAMP"] });
    await using _lamp = await open("LAMP", other);
    expect(other.line("LAMP").consumer).toBe("porchlight");
    const both = new SimulatedGpio(
      { label: "expander", lines: ["GPIO17"] },
      { label: "pinctrl-rp1", lines: ["GPIO17"] },
    );
    await using _seventeen = await open("GPIO17", both);
    expect(both.chips[1]?.lines[0]?.consumer).toBe("porchlight");
  });

  it("is not driven before its first frame, so that it does not flash at a start", async () => {
    const kernel = raspberry();
    await using driver = await open("GPIO17?active=low", kernel);
    expect(kernel.line("GPIO17")).toMatchObject({ flags: 2n, level: 0 });
    await driver.write([0], never);
    expect(kernel.line("GPIO17")).toMatchObject({ flags: 10n, level: 1 });
    await driver.write([1], never);
    expect(kernel.line("GPIO17").level).toBe(0);
  });

  it.each([
    "",
    "/",
    "x/",
    "17",
    "gpiochip0/17",
    "/dev/gpiochip4/17",
    "GPIO17,GPIO27,GPIO22",
    "GPIO17?pwm=1",
    "GPIO17?frequency=100",
    "GPIO17?active=sometimes",
    "GPIO17?active=low&active=low",
    "GPIO17?colour=red",
    "x".repeat(32),
  ])("is not %j", async (address) => {
    await expect(open(address, raspberry())).rejects.toThrow(mistake);
  });

  it.each(["GPIO18?duty=0.5", "GPIO17,GPIO27,GPIO22"])(
    "refuses software PWM for %s, and names pwm:",
    async (address) => {
      await expect(open(address, raspberry())).rejects.toThrow(/pwm:/);
    },
  );

  it.each([
    ["GPIO99", raspberry()],
    ["NOWHERE", raspberry()],
    ["pinctrl-rp1/17", raspberry("pinctrl-bcm2835")],
    ["GPIO17", new SimulatedGpio()],
    ["TWICE", new SimulatedGpio({ label: "a", lines: ["TWICE"] }, { label: "b", lines: ["TWICE"] })],
    [
      "many/99",
      new SimulatedGpio(...Array.from({ length: 20 }, (_, n) => ({ label: `chip${n}`, lines: [] }))),
    ],
  ])("at %s may still come where it is not there", async (address, kernel) => {
    await expect(open(address, kernel)).rejects.toThrow(fault);
    expect(kernel.openFiles).toBe(0);
  });

  it("in use by somebody else says by whom", async () => {
    const kernel = raspberry();
    kernel.line("GPIO17").consumer = "heartbeat";
    await expect(open("GPIO17", kernel)).rejects.toThrow(/heartbeat/);
    kernel.line("GPIO17").consumer = "";
    await expect(open("GPIO17", kernel)).rejects.toThrow(fault);
  });

  it("that this account may not use names the group", async () => {
    const kernel = raspberry();
    kernel.refusal = "EACCES";
    await expect(open("GPIO17", kernel)).rejects.toThrow(/group gpio/);
  });

  it("whose chip is gone is a fault, and so is a frame that is not its own", async () => {
    const kernel = raspberry();
    await using driver = await open("GPIO17", kernel);
    for (const frame of [[], [1, 1], [2], [Number.NaN]])
      await expect(driver.write(frame, never)).rejects.toThrow(fault);
    kernel.gone = "ENODEV";
    await expect(driver.write([1], never)).rejects.toThrow(fault);
  });

  it("is opened by the word gpio", async () => {
    await expect(builtInDrivers.gpio?.("17", { clock: systemClock }, never)).rejects.toThrow(mistake);
  });
});

describe("the kernel of this machine", () => {
  it("is asked for its chips, and each says how many lines it has", () => {
    for (const chip of listChips(linuxGpio)) expect(listLines(linuxGpio, chip)).toHaveLength(chip.lines);
  });

  it("leaves out a second device file of the same chip", () => {
    const kernel = raspberry();
    expect(listChips({ ...kernel, list: () => ["/dev/gpiochip1", "/dev/gpiochip1"] })).toHaveLength(1);
  });
});
