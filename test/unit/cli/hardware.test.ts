import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { raspberry, SimulatedGpio } from "../../../firmware-sim/hardware/gpio.ts";
import { hardwareText, sectionsOf } from "../../../src/cli/hardware-words.ts";
import { takeInventory } from "../../../src/hal/linux/inventory.ts";
import { openStage } from "./stage.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "porchlight-board-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, text = ""): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const link = (path: string, to: string): void => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  symlinkSync(join(root, to), join(root, path));
};
const inventory = (kernel = raspberry()) =>
  takeInventory({ sys: join(root, "sys"), dev: join(root, "dev"), proc: join(root, "proc") }, kernel);

/** A Raspberry Pi 4 with this and that plugged in. */
const board = (): void => {
  put("sys/class/pwm/pwmchip0/npwm", "2\n");
  put("sys/class/pwm/pwmchip0/pwm1/period", "0\n");
  mkdirSync(join(root, "devices/fe20c000.pwm"), { recursive: true });
  link("sys/class/pwm/pwmchip0/device", "devices/fe20c000.pwm");
  put("sys/class/pwm/pwmchip3/npwm", "1\n");
  put("sys/class/leds/ACT/max_brightness", "1\n");
  put("sys/class/leds/ACT/trigger", "none [mmc0] heartbeat\n");
  put("sys/class/leds/ring/max_brightness", "255\n");
  put("sys/class/leds/ring/multi_index", "red green blue\n");
  put("sys/class/leds/white/max_brightness", "255\n");
  put("dev/ttyACM0");
  link("dev/serial/by-id/usb-Arduino_Uno_1", "dev/ttyACM0");
  put("proc/42/comm", "avrdude\n");
  link("proc/42/fd/3", "dev/ttyACM0");
  link("proc/42/fd/4", "dev/ttyACM0");
  link("proc/42/fd/5", "elsewhere");
  put("proc/meminfo");
  put("sys/class/bluetooth/hci0/rfkill0/soft", "1\n");
  put("sys/class/bluetooth/hci0/rfkill0/hard", "0\n");
  put("sys/class/bluetooth/hci1/rfkill1/soft", "0\n");
  put("sys/class/bluetooth/hci0:11/x");
  put("sys/class/graphics/fb0/virtual_size", "320,240\n");
  put("sys/class/graphics/fb0/bits_per_pixel", "16\n");
  put("sys/class/graphics/fbcon/x");
  put("dev/fb0");
  put("dev/i2c-1");
  put("dev/i2c-2");
  put("sys/class/i2c-dev/i2c-1/name", "bcm2835 (i2c@7e804000)\n");
  put("sys/bus/i2c/devices/1-003c/name", "ssd1306\n");
};

describe("what a board has", () => {
  it("is found with who uses it", async () => {
    board();
    const kernel = raspberry();
    kernel.line("GPIO17").consumer = "relay";
    kernel.line("GPIO4").consumer = "";
    const found = await inventory(kernel);
    expect(found).toMatchObject({
      gpioProblem: null,
      pwm: [
        { device: "fe20c000.pwm", channels: 2, exported: [1] },
        { device: "pwmchip3", channels: 1, exported: [] },
      ],
      leds: [
        { name: "ACT", steps: 1, colours: [], usedBy: "mmc0" },
        { name: "ring", colours: ["red", "green", "blue"], usedBy: null },
        { name: "white", steps: 255 },
      ],
      serial: [{ usedBy: ["avrdude (42)"] }],
      bluetooth: [
        { name: "hci0", blocked: true },
        { name: "hci1", blocked: false },
      ],
      framebuffers: [{ width: 320, height: 240, bitsPerPixel: 16, usedBy: [] }],
      i2c: [{ name: "bcm2835 (i2c@7e804000)", taken: ["1-003c ssd1306"] }, { name: "" }],
    });
    const text = hardwareText(sectionsOf(found));
    expect(text).toContain('"driver": "gpio:GPIO27"');
    expect(text).toContain('"driver": "pwm:fe20c000.pwm/0"');
    expect(text).toContain('"driver": "led:ring"');
    expect(text).toContain("GPIO17 is in use by relay");
    expect(text).toContain("Raspberry Pi 4");
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(140);
  });

  it.each([
    ["node-MainThread", "/usr/bin/node\0--no-warnings\0/opt/porchlight/porchlight.mjs\0run\0", "porchlight"],
    ["node-MainThread", "/usr/bin/porchlight\0run\0", "porchlight"],
    ["node", "node\0", "node"],
    ["node", "", "node"],
    ["", "", "process"],
  ])("names a program %j of the command line %j as people do", async (comm, cmdline, name) => {
    board();
    put("proc/43/comm", `${comm}\n`);
    put("proc/43/cmdline", cmdline);
    link("proc/43/fd/3", "dev/fb0");
    expect((await inventory(raspberry())).framebuffers).toMatchObject([{ usedBy: [`${name} (43)`] }]);
  });

  it("says what others call themselves and their lines as plain text, and no more than a line of it", async () => {
    board();
    put("proc/44/comm", "node\n");
    put("proc/44/cmdline", `node\0\u009b2Jlong\u202e${"x".repeat(5000)}.mjs\0`);
    link("proc/44/fd/3", "dev/fb0");
    const kernel = raspberry();
    kernel.line("GPIO17").consumer = "re\u001b]52;c;cm0\u0007lay";
    put("sys/class/leds/a\u009b2Jb/max_brightness", "1\n");
    const found = await inventory(kernel);
    const text = hardwareText(sectionsOf(found));
    expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
    expect(text).toContain("GPIO17 is in use by re ]52;c;cm0 lay");
    expect(text).toContain('"driver": "led:a\\u009b2Jb"');
    for (const line of text.split("\n")) expect(line.length).toBeLessThan(140);
  });

  it.each([
    [
      "a Pi 5 whose lines have the names of pins",
      raspberry("pinctrl-rp1", (line) => `PIN${line + 3}`),
      "gpio:GPIO0",
    ],
    ["a board of another maker", new SimulatedGpio({ label: "soc", lines: ["", "LAMP"] }), "gpio:LAMP"],
  ])("has a line to copy on %s", async (_board, kernel, line) => {
    expect(hardwareText(sectionsOf(await inventory(kernel)))).toContain(line);
  });

  it("may be nothing at all, or not for this account to see", async () => {
    const nothing = await inventory(new SimulatedGpio());
    expect(hardwareText(sectionsOf(nothing))).toContain("no GPIO chip");
    const kernel = new SimulatedGpio({ label: "soc", lines: [""] });
    expect(hardwareText(sectionsOf(await inventory(kernel)))).toContain("soc, 1 lines");
    kernel.refusal = "EACCES";
    expect(hardwareText(sectionsOf(await inventory(kernel)))).toContain("group gpio");
    const broken = {
      ...kernel,
      list: (): never => {
        throw new Error("a bug");
      },
    };
    await expect(takeInventory({ sys: root, dev: root, proc: root }, broken)).rejects.toThrow("a bug");
  });

  it("is listed by the command, for people and for programs", async () => {
    await using stage = await openStage();
    const people = await stage.run(["hardware"]);
    expect(people.code).toBe(0);
    for (const title of ["GPIO", "PWM", "LEDs", "Serial ports", "Bluetooth", "Framebuffers", "I2C"])
      expect(people.out).toContain(`${title}\n`);
    expect(JSON.parse((await stage.run(["hardware", "--json"])).out)).toHaveProperty("gpio");
  });
});
