import { setTimeout as sleep } from "node:timers/promises";
import { bulbPath, bulbProgram, startBluetooth, startBulb } from "../test/board/bench/bluetooth.ts";
import { makeBoardHome } from "../test/board/bench/home.ts";
import { startArduino } from "../test/real/peers/arduino.ts";
import { type Memory, memoryIn } from "./measure.ts";

/** The agent's memory while a lamp of that driver is open and nothing happens. */
export interface DriverFigures {
  readonly driver: string;
  readonly memory: Memory;
}

/** Each driver on hardware of an emulated board, online and idle for `settleS` seconds; the first is the measure of the others. */
export const measureDrivers = async (settleS: number): Promise<readonly DriverFigures[]> => {
  await using arduino = await startArduino();
  await using home = await makeBoardHome("virt", { files: { [bulbPath]: await bulbProgram() } });
  const { board } = home;
  await startBluetooth(board);
  const { address } = await startBulb(board, "open");
  const drivers = [
    "memory:",
    "led:board:red",
    "gpio:LAMP",
    "pwm:5f000000.pwm/0",
    `firmata:tcp://10.0.2.2:${arduino.port}?led=9`,
    `ble:${address}?profile=triones&adapter=hci0`,
  ];
  const figures: DriverFigures[] = [];
  for (const driver of drivers) {
    const settings = { lights: [{ id: "lamp", name: "Lamp", driver }] };
    if (figures.length === 0) await home.signIn(settings);
    else {
      await home.start(settings);
      await home.event({ event: "state", state: "online" });
    }
    await board.until(`a lamp by ${driver}`, async () =>
      (await home.events()).some((event) => event.event === "light" && event.available === true),
    );
    await sleep(settleS * 1000);
    const rollup = await board.shell("cat /proc/$(cat /run/agent.pid)/smaps_rollup");
    figures.push({ driver: driver.slice(0, driver.indexOf(":")), memory: memoryIn(rollup) });
    await home.stop();
  }
  return figures;
};
