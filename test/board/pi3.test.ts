import { expect, it } from "vitest";
import { pi3Registers } from "./bench/device-trees.ts";
import { makeBoardHome } from "./bench/home.ts";
import { boardProgram } from "./bench/program.ts";

it("on an emulated Raspberry Pi 3 B the whole story runs from the code to the pins of the header", async () => {
  const ownLamp = "opt/porchlight/own-lamp.mjs";
  await using home = await makeBoardHome("pi3", { files: { [ownLamp]: await boardProgram("own-lamp.ts") } });
  const { board } = home;
  expect(await board.shell("cat /proc/device-tree/model")).toContain("Raspberry Pi 3 Model B");
  await home.signIn({
    display: "framebuffer:/dev/fb0",
    lights: [
      { id: "lamp", name: "Lamp", driver: "gpio:GPIO17" },
      { id: "relay", name: "Relay", driver: "gpio:pinctrl-bcm2835/22?active=low" },
      { id: "red", name: "Red", driver: "led:board:red" },
      { id: "strip", name: "Strip", driver: "pwm:3d000000.pwm/0" },
    ],
  });
  const pin = (number: number, level: 0 | 1) =>
    board.until(
      `level ${level} of GPIO${number}`,
      async () => ((await board.register(pi3Registers.gpioLevels)) >>> number) % 2 === level,
    );
  await pin(22, 1);
  expect(await home.command({ on: true })).toMatchObject({ outcome: "done" });
  await pin(17, 1);
  expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
  await pin(17, 0);
  const light = (words: string) =>
    board.shell(`node /opt/porchlight/porchlight.mjs light ${words} --settings /run/settings.json`);
  await light("relay on");
  await pin(22, 0);
  await light("red on");
  await pin(27, 1);
  await light("strip on --brightness 100");
  await board.until("full duty", async () => (await board.register(pi3Registers.pwmDuty)) === 10_000);
  await light("strip off");
  await home.stop();

  // The example of somebody's own lamp: johnny-five's components on this header.
  await home.start({ lights: [{ id: "lamp", name: "Lantern", driver: "lantern:" }] }, `node /${ownLamp}`);
  await home.event({ event: "state", state: "online" });
  await home.event({ event: "light", available: true });
  expect(await home.command({ on: true, brightness: 1 })).toMatchObject({ outcome: "done" });
  await board.until("full duty", async () => (await board.register(pi3Registers.pwmDuty)) === 10_000);
  await pin(17, 1);
  expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
  await board.until("no duty", async () => (await board.register(pi3Registers.pwmDuty)) === 0);
  await pin(17, 0);
});
