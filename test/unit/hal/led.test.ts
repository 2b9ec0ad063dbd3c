import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openLed } from "../../../src/hal/drivers/led.ts";
import { faultOf } from "../../../src/hal/linux/sysfs.ts";
import { builtInDrivers } from "../../../src/hal/open.ts";
import { ledFolder } from "./led-folder.ts";

const never = new AbortController().signal;
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "porchlight-led-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (name: string, at = root) => openLed(name, { clock: systemClock }, never, at);

describe("an LED of the kernel", () => {
  it.each([
    [1, undefined, ["switch"]],
    [2, undefined, ["white"]],
    [255, undefined, ["white"]],
    [255, "red green blue", ["red", "green", "blue"]],
    [65_535, "green red blue white", ["green", "red", "blue", "white"]],
  ] as const)("with %d steps and the colours %s is a lamp of %j", async (max, colours, channels) => {
    ledFolder(root, "porch", { max, colours });
    await using driver = await open("porch");
    expect(driver.traits.channels).toEqual(channels);
  });

  it("is taken from the trigger that moved it, and left alone when there was none", async () => {
    const busy = ledFolder(root, "ACT", { max: 255, trigger: "none [mmc0] heartbeat" });
    const free = ledFolder(root, "board:red", { max: 255 });
    await using _act = await open("ACT");
    await using _red = await open("board:red");
    expect(busy.read("trigger")).toBe("none");
    expect(free.read("trigger")).toBe("[none] mmc0 heartbeat");
  });

  it.each([
    ["0", undefined, [0]],
    ["51", undefined, [0.2]],
    ["0", "red green blue", [0, 0, 0]],
    ["51", "red green blue", [0.2, 0.2, 0.2]],
    ["what is no number", undefined, undefined],
  ])("at the brightness %s, with the colours %s, says that it shows %j", async (level, colours, shown) => {
    const led = ledFolder(root, "porch", { max: 255, colours });
    await using driver = await open("porch");
    await driver.write(
      driver.traits.channels.map(() => 1),
      never,
    );
    writeFileSync(join(led.path, "brightness"), level);
    expect(await driver.shown?.(never)).toEqual(shown);
  });

  it("of few steps is never dark while it is on, and shows what it was told to show as well as it can", async () => {
    const led = ledFolder(root, "porch", { max: 15 });
    await using driver = await open("porch");
    for (const [duty, step] of [
      [0.0004, 1],
      [0.03, 1],
      [0.5, 8],
      [0, 0],
    ] as const) {
      await driver.write([duty], never);
      expect(led.read("brightness")).toBe(String(step));
      expect(await driver.shown?.(never)).toEqual([duty]);
    }
  });

  it.each(["0", "100"])(
    "of many colours whose brightness another hand has put to %s has all of it with the next colour",
    async (level) => {
      const led = ledFolder(root, "porch", { max: 255, colours: "red green blue" });
      await using driver = await open("porch");
      await driver.write([1, 1, 1], never);
      writeFileSync(join(led.path, "brightness"), level);
      const dimmed = Number(level) / 255;
      expect(await driver.shown?.(never)).toEqual([dimmed, dimmed, dimmed]);
      await driver.write([0, 1, 0], never);
      expect(led.shown()).toEqual([0, 1, 0]);
      expect(await driver.shown?.(never)).toEqual([0, 1, 0]);
    },
  );

  it("of many colours tells of colours that another hand has mixed, and of none that cannot be read", async () => {
    const led = ledFolder(root, "porch", { max: 100, colours: "red green blue" });
    await using driver = await open("porch");
    await driver.write([1, 1, 1], never);
    for (const [mix, shown] of [
      ["100 50 0", [1, 0.5, 0]],
      ["100 50", undefined],
      ["1 2 many", undefined],
      ["1 2 101", undefined],
    ] as const) {
      writeFileSync(join(led.path, "multi_intensity"), mix);
      expect(await driver.shown?.(never)).toEqual(shown);
    }
  });

  it("that is pulled out is gone for who asks what it shows", async () => {
    const led = ledFolder(root, "porch", { max: 255 });
    await using driver = await open("porch");
    rmSync(led.path, { recursive: true });
    await expect(driver.shown?.(never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it("keeps what it shows when it is closed", async () => {
    const led = ledFolder(root, "porch", { max: 255 });
    const driver = await open("porch");
    await driver.write([0.5], never);
    await driver[Symbol.asyncDispose]();
    expect(led.read("brightness")).toBe("128");
  });

  it("of many colours gets its colours before its brightness, in its own order", async () => {
    const led = ledFolder(root, "porch", { max: 100, colours: "blue green red" });
    await using driver = await open("porch");
    await driver.write([0, 0.5, 1], never);
    expect(led.read("multi_intensity")).toBe("0 50 100");
    expect(led.read("brightness")).toBe("100");
  });

  it.each(["", ".", "..", "../x", "a/b", "a b", "x".repeat(64), "a\u0000"])(
    "is not looked for by the name %j",
    async (name) => {
      await expect(open(name)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
    },
  );

  it("that is not there is a fault that may pass, and names those that are", async () => {
    ledFolder(root, "ACT", { max: 1 });
    await expect(open("porch")).rejects.toMatchObject({
      code: "LIGHT_FAULT",
      message: expect.stringContaining("ACT"),
    });
    await expect(open("porch", join(root, "gone"))).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it.each(["0", "-1", "1.5", "many", "99999999"])("with the max_brightness %s is a fault", async (max) => {
    const led = ledFolder(root, "porch", { max: 1 });
    writeFileSync(join(led.path, "max_brightness"), max);
    await expect(open("porch")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it.each(["red green", "amber red green blue", "red red green blue", ""])(
    "of the colours %j is no lamp",
    async (colours) => {
      ledFolder(root, "porch", { max: 255, colours });
      await expect(open("porch")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    },
  );

  it("that goes away is a fault, and nothing is made in its place", async () => {
    const led = ledFolder(root, "porch", { max: 255 });
    await using driver = await open("porch");
    rmSync(led.path, { recursive: true });
    await expect(driver.write([1], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    mkdirSync(led.path);
    await expect(driver.write([1], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    await expect(open("porch")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it.each([
    ["an LED that went away", "ENOENT", false],
    ["an account that may not", "EACCES", true],
    ["a kernel that will not", "EPERM", true],
  ])("a write refused to %s (%s) says what to do about it", (_whom, code, rule) => {
    const fault = faultOf(
      "/sys/class/leds/porch/brightness",
      Object.assign(new Error(code), { code }),
      "leds",
    );
    expect(fault.code).toBe("LIGHT_FAULT");
    expect(fault.message.includes('SUBSYSTEM=="leds"')).toBe(rule);
  });

  it("refuses frames that are not its own, and any after it was closed", async () => {
    ledFolder(root, "porch", { max: 255 });
    const driver = await open("porch");
    for (const frame of [[], [1, 1], [1.01], [-0.1], [Number.NaN]])
      await expect(driver.write(frame, never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    await driver[Symbol.asyncDispose]();
    await expect(driver.write([1], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it("is opened by the word led", async () => {
    await expect(builtInDrivers.led?.("no/led", { clock: systemClock }, never)).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
    });
  });
});
