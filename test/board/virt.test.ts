import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { decoded, panelPicture } from "./bench/camera.ts";
import { panelSize, virtRegisters } from "./bench/device-trees.ts";
import { type BoardHome, makeBoardHome } from "./bench/home.ts";

let home: BoardHome;
beforeAll(async () => {
  home = await makeBoardHome("virt");
});
afterAll(() => home?.[Symbol.asyncDispose]());

const lights = [
  { id: "lamp", name: "Lamp", driver: "gpio:LAMP" },
  { id: "relay", name: "Relay", driver: "gpio:RELAY?active=low" },
  { id: "strip", name: "Strip", driver: "pwm:5f000000.pwm/0,5f000000.pwm/1?period=1ms" },
  { id: "red", name: "Red", driver: "led:board:red" },
  { id: "white", name: "White", driver: "led:board:white" },
  { id: "mixed", name: "Mixed", driver: "led:rgb:porch" },
];

/** Waits until a line of the PL061 has that level. */
const line = (number: number, level: 0 | 1): Promise<boolean> =>
  home.board.until(
    `level ${level} of line ${number}`,
    async () => ((await home.board.register(virtRegisters.gpioData)) >> number) % 2 === level,
  );

/** Waits until a register has that value. */
const register = (address: number, value: number): Promise<boolean> =>
  home.board.until(
    `${value} at ${address.toString(16)}`,
    async () => (await home.board.register(address)) === value,
  );

/** Waits until an LED of the kernel is fully on: it rounds a little below its period of 24 000 ticks. */
const fullDuty = (address: number): Promise<boolean> =>
  home.board.until(
    `full duty at ${address.toString(16)}`,
    async () => (await home.board.register(address)) >= 23_900,
  );

const porchlight = (words: string): Promise<string> =>
  home.board.shell(`node /opt/porchlight/porchlight.mjs ${words}`);

const light = (words: string): Promise<string> => porchlight(`light ${words} --settings /run/settings.json`);

/** Holds the button, which leads to ground, for so long. */
const press = async (heldMs: number): Promise<void> => {
  await home.board.drive(4, 0);
  await sleep(heldMs);
  await home.board.drive(4, 1);
};

const panel = (): Promise<Buffer> =>
  home.board.memory(virtRegisters.panel, panelSize.width * panelSize.height * 2);

const writeOnConsole = (): Promise<string> =>
  home.board.shell(
    `for line in $(seq 40); do echo "the text console writes over everything: ${performance.now()}"; done > /dev/tty1`,
  );

/** True when what is written on the text console is seen on the panel. */
const consoleReachesPanel = async (): Promise<boolean> => {
  const before = await panel();
  await writeOnConsole();
  return !(await panel()).equals(before);
};

describe("the built agent on an emulated board with Debian's own kernel", () => {
  it("knows what the board has", async () => {
    const found = JSON.parse(await porchlight("hardware --json"));
    expect(found.gpio).toMatchObject([{ label: "9030000.pl061" }]);
    expect(found.gpio[0].lines[5]).toEqual({ offset: 5, name: "LAMP", usedBy: null });
    expect(found.gpio[0].lines[0].usedBy).toBe("board:red");
    expect(found.leds.map(({ name }: { name: string }) => name)).toEqual([
      "board:red",
      "board:white",
      "rgb:porch",
    ]);
    expect(found.pwm.map(({ device }: { device: string }) => device)).toEqual([
      "5f000000.pwm",
      "5f001000.pwm",
      "5f002000.pwm",
    ]);
    expect(found.framebuffers).toMatchObject([{ width: 320, height: 240, bitsPerPixel: 16 }]);
  });

  it("shows its code on the panel, and a camera can read it from the pixels", async () => {
    expect(await consoleReachesPanel()).toBe(true);
    await home.start({ lights, display: "framebuffer:/dev/fb0" });
    const { verificationUriComplete } = await home.event({ event: "code" });
    await home.board.until(
      "the code on the panel",
      async () => decoded(await panelPicture(home.board)) === verificationUriComplete,
    );
    // The text console is kept off it: forty lines would cover the code.
    await writeOnConsole();
    expect(decoded(await panelPicture(home.board))).toBe(verificationUriComplete);
    await home.stop();
    // Handed back: the console's own lines again, and no trace of the code.
    expect(decoded(await panelPicture(home.board))).toBe("");
    expect(await consoleReachesPanel()).toBe(true);
  });

  it("is signed in by its person, and its first lamp obeys the phone down to the pin", async () => {
    await home.board.drive(4, 1);
    await home.signIn({ lights, button: "BUTTON" });
    expect(await home.command({ on: true })).toMatchObject({ outcome: "done" });
    await line(5, 1);
    expect(((await home.board.register(virtRegisters.gpioDirection)) >> 5) & 1).toBe(1);
    expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
    await line(5, 0);
  });

  it("has a relay that is on at 0 V", async () => {
    await line(6, 1);
    await light("relay on");
    await line(6, 0);
  });

  it("dims by hardware PWM: period and duty are in the registers", async () => {
    await light("strip on --brightness 100 --kelvin 2700");
    await register(virtRegisters.pwmPeriod, 24_000);
    await register(virtRegisters.pwmDuty, 24_000);
    await register(virtRegisters.pwmDuty2, 0);
    await light("strip on --kelvin 6500");
    await register(virtRegisters.pwmDuty, 0);
    await register(virtRegisters.pwmDuty2, 24_000);
    await light("strip off");
    await register(virtRegisters.pwmDuty2, 0);
  });

  it("mixes colours on a multicolour LED of the kernel", async () => {
    await light("mixed on --brightness 100 --colour '#ff0000'");
    await fullDuty(virtRegisters.redDuty);
    await register(virtRegisters.greenDuty, 0);
    await register(virtRegisters.blueDuty, 0);
    await light("mixed on --colour '#0000ff'");
    await fullDuty(virtRegisters.blueDuty);
    await register(virtRegisters.redDuty, 0);
    await light("mixed off");
    await register(virtRegisters.blueDuty, 0);
  });

  it("drives LEDs of the kernel, on a pin and dimmed", async () => {
    await light("red on");
    await line(0, 1);
    await light("white on --brightness 100");
    await register(virtRegisters.whitePeriod, 24_000);
    await fullDuty(virtRegisters.whiteDuty);
  });

  it("holds its lines, as gpioinfo tells everybody", async () => {
    expect(await home.board.shell("gpioinfo")).toMatch(/LAMP.*porchlight.*output/);
    await expect(home.board.shell("gpioset gpiochip0 5=1")).rejects.toThrow(/busy/);
  });

  it("obeys its button: a short press switches the lamp", async () => {
    await press(200);
    await line(5, 1);
    await press(200);
    await line(5, 0);
  });

  it("says that a lamp is gone when its hardware goes, and takes it back when it comes", async () => {
    await home.board.shell("echo leds > /sys/bus/platform/drivers/leds-gpio/unbind");
    await expect(light("red off")).rejects.toThrow();
    await home.event({ event: "light", light: "red", available: false });
    await home.board.shell("echo leds > /sys/bus/platform/drivers/leds-gpio/bind");
    const back = async (): Promise<boolean> => {
      const reports = (await home.events()).filter((each) => each.event === "light" && each.light === "red");
      return reports.at(-1)?.available === true;
    };
    await home.board.until("the red lamp is back", back, 60_000);
    await light("red on");
    await line(0, 1);
  });

  it("asks for a new code after a long press, and keeps its owner when nobody approves it", async () => {
    const codes = async (): Promise<number> =>
      (await home.events()).filter(({ event }) => event === "code").length;
    const before = await codes();
    await press(3300);
    await home.board.until("a new code", async () => (await codes()) > before);
    await press(200);
    await home.board.until("online again", async () => {
      const states = (await home.events()).filter(({ event }) => event === "state");
      return states.at(-1)?.state === "online";
    });
    expect(await home.command({ on: true })).toMatchObject({ outcome: "done" });
  });

  it("leaves nothing behind when it is stopped", async () => {
    await home.stop();
    await home.event({ event: "stopped", exitCode: 0 });
    expect(await home.board.shell("cat /run/errors")).toBe("");
    expect(await home.board.shell("gpioinfo")).not.toMatch(/porchlight/);
  });
});

describe("an account without the right groups", () => {
  it("is told which group and which udev rule it needs", async () => {
    const settings = JSON.stringify({ ...home.world.settingsFor("/run/porch"), lights });
    await home.board.shell(`cat > /run/porch.json <<'END'\n${settings}\nEND
      mkdir -p /run/porch; chown porch /run/porch`);
    const as = (words: string): Promise<string> =>
      home.board.shell(
        `su porch -c 'node /opt/porchlight/porchlight.mjs light ${words} --settings /run/porch.json' 2>&1 || true`,
      );
    expect(await as("lamp on")).toContain("group gpio");
    expect(await as("red on")).toContain('SUBSYSTEM=="leds"');
    expect(await as("strip on")).toContain('SUBSYSTEM=="pwm"');
  });
});
