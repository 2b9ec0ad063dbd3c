import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openPwm } from "../../../src/hal/drivers/pwm.ts";
import { builtInDrivers } from "../../../src/hal/open.ts";
import { PwmFolder } from "./pwm-folder.ts";

const never = new AbortController().signal;
let root: string;
let clock: VirtualClock;
let pwm: PwmFolder;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "porchlight-pwm-"));
  clock = new VirtualClock();
  pwm = new PwmFolder(root);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const open = (address: string) => clock.until(openPwm(address, { clock }, never, root, pwm.sysfs));
const pi = (): void => pwm.chip("pwmchip0", "fe20c000.pwm", 2);

describe("a lamp on hardware PWM", () => {
  it.each([
    ["0", ["white"]],
    ["0,1", ["warm", "cold"]],
    ["0,1,2", ["red", "green", "blue"]],
    ["0,1,2,3", ["red", "green", "blue", "white"]],
    ["0,1,2,3,4", ["red", "green", "blue", "warm", "cold"]],
  ])("on %s has the channels %j", async (address, channels) => {
    pwm.chip("pwmchip0", "pca9685", 16);
    const driver = await open(address);
    expect(driver.traits.channels).toEqual(channels);
  });

  it.each(["0", "pwmchip0/0", "fe20c000.pwm/0"])("is found as %s", async (address) => {
    pi();
    const driver = await open(address);
    await driver.write([0.25], never);
    expect(pwm.read("pwmchip0/pwm0/duty_cycle")).toBe("250000");
    expect(pwm.shown("pwmchip0/pwm0")).toBe(0.25);
  });

  it("may lie on several chips", async () => {
    pi();
    pwm.chip("pwmchip2", "1f00098000.pwm", 4);
    const driver = await open("fe20c000.pwm/1,1f00098000.pwm/3?kelvin=2200-5000");
    expect(driver.traits).toMatchObject({ minKelvin: 2200, maxKelvin: 5000 });
    await driver.write([1, 0.5], never);
    expect([pwm.shown("pwmchip0/pwm1"), pwm.shown("pwmchip2/pwm3")]).toEqual([1, 0.5]);
  });

  it("has its own period, polarity and gamma", async () => {
    pi();
    const driver = await open("0?period=200us&polarity=inversed&gamma=2");
    await driver.write([0.5], never);
    expect(driver.traits.perceptual).toBe(true);
    expect(pwm.read("pwmchip0/pwm0/period")).toBe("200000");
    expect(pwm.read("pwmchip0/pwm0/polarity")).toBe("inversed");
    expect(pwm.shown("pwmchip0/pwm0")).toBe(0.25);
  });

  it("goes on without a flicker when it is opened again", async () => {
    pi();
    const first = await open("0");
    await first.write([0.75], never);
    await first[Symbol.asyncDispose]();
    const before = pwm.shown("pwmchip0/pwm0");
    const second = await open("0");
    expect([before, pwm.shown("pwmchip0/pwm0")]).toEqual([0.75, 0.75]);
    await second.write([0.75], never);
    expect(pwm.shown("pwmchip0/pwm0")).toBe(0.75);
  });

  it("that runs otherwise is stopped before its period and polarity change", async () => {
    pi();
    const first = await open("0?period=10ms");
    await first.write([1], never);
    const second = await open("0?period=1us&polarity=inversed");
    await second.write([1], never);
    expect(pwm.read("pwmchip0/pwm0/duty_cycle")).toBe("1000");
  });

  it("waits until udev has handed the new channel over", async () => {
    pi();
    pwm.refusals = 5;
    const driver = await open("0");
    await driver.write([1], never);
    expect(pwm.shown("pwmchip0/pwm0")).toBe(1);
  });

  it("that never becomes this account's is a fault", async () => {
    pi();
    pwm.refusals = 1e9;
    await expect(open("0")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    expect(clock.waiting).toBe(0);
  });

  it("that somebody else exports in the same moment is as good", async () => {
    pi();
    pwm.rival = true;
    const driver = await open("0");
    await driver.write([1], never);
    expect(pwm.shown("pwmchip0/pwm0")).toBe(1);
  });

  it("that cannot be inversed says so, and works without", async () => {
    pi();
    pwm.polarity = false;
    await expect(open("0?polarity=inversed")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    await open("1");
  });

  it.each([
    "",
    "x",
    "0,0",
    "0,1,2,3,4,5",
    "a/b/0",
    "0?kind=rgb",
    "0,1?kind=purple",
    "0?period=1",
    "0?period=999ns",
    "0?period=101ms",
    "0?polarity=upside-down",
    "0?gamma=",
    "0?gamma=9",
    "0?kelvin=2700-6500",
    "0,1?kelvin=6500-2700",
    "0?speed=fast",
  ])("is not %j", async (address) => {
    pi();
    await expect(open(address)).rejects.toMatchObject({ code: "SETTINGS_INVALID" });
  });

  it.each(["2", "other.pwm/0", "pwmchip7/0"])("at %s may still come", async (address) => {
    pi();
    await expect(open(address)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it("needs a chip, and to be told which of several", async () => {
    await expect(open("0")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    pi();
    pwm.chip("pwmchip1", "1f00098000.pwm", 4);
    await expect(open("0")).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it("that goes away is a fault", async () => {
    pi();
    const driver = await open("0");
    rmSync(join(root, "pwmchip0"), { recursive: true });
    await expect(driver.write([1], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
    await expect(driver.write([1, 1], never)).rejects.toMatchObject({ code: "LIGHT_FAULT" });
  });

  it("is opened by the word pwm", async () => {
    await expect(builtInDrivers.pwm?.("x", { clock }, never)).rejects.toMatchObject({
      code: "SETTINGS_INVALID",
    });
  });

  it("with another failure of its export is a fault", async () => {
    pi();
    rmSync(join(root, "pwmchip0", "export"));
    const plain = { ...pwm.sysfs, write: async () => Promise.reject(new Error("gone")) };
    await expect(clock.until(openPwm("0", { clock }, never, root, plain))).rejects.toThrow("gone");
  });
});
