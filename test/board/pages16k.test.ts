import { expect, it } from "vitest";
import { virtRegisters } from "./bench/device-trees.ts";
import { makeBoardHome } from "./bench/home.ts";

it("on a kernel with 16 KiB pages, as on a Raspberry Pi 5, the agent signs in and drives a pin", async () => {
  await using home = await makeBoardHome("virt16k");
  const { board } = home;
  expect(await board.shell("getconf PAGESIZE || zcat /proc/config.gz | grep PAGE_SHIFT || uname -r")).toMatch(
    /16384|16k/,
  );
  await board.drive(4, 1);
  await home.signIn({ lights: [{ id: "lamp", name: "Lamp", driver: "gpio:LAMP" }], button: "BUTTON" });
  const lamp = (level: number) =>
    board.until(
      `level ${level} of the lamp`,
      async () => ((await board.register(virtRegisters.gpioData)) >> 5) % 2 === level,
    );
  expect(await home.command({ on: true })).toMatchObject({ outcome: "done" });
  await lamp(1);
  await board.drive(4, 0);
  await board.drive(4, 1);
  expect(await home.command({ on: false })).toMatchObject({ outcome: "done" });
  await lamp(0);
});
