import { expect, test } from "vitest";
import { SimulatedBoard } from "../../../firmware-sim/board.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { Wire } from "../../../firmware-sim/wire.ts";
import type { View } from "../../../src/model.ts";
import type { LightDriver } from "../../../src/ports.ts";
import { after } from "../../../src/units.ts";

const never = new AbortController().signal;

const table = async (address = "") => {
  const clock = new VirtualClock();
  const wire = new Wire(clock);
  const board = new SimulatedBoard({ clock, wire });
  const driver = await board.openDriver(address, { clock }, never);
  return { clock, wire, board, driver };
};

const titles = (wire: Wire): string[] => wire.messages.map(({ title }) => title);

test.each([
  ["", ["red", "green", "blue", "warm", "cold"]],
  ["rgb", ["red", "green", "blue"]],
  ["warm,cold", ["warm", "cold"]],
  ["switch", ["switch"]],
])("sim:%s has the channels %j", async (address, channels) => {
  const { driver } = await table(address);
  expect(driver.traits.channels).toEqual(channels);
  expect(driver.traits.minKelvin).toBe(channels.includes("cold") ? 2200 : undefined);
});

test("a channel that does not exist is refused", async () => {
  await expect(table("infrared")).rejects.toThrow(TypeError);
});

test("frames become light, and are kept with their moment", async () => {
  const { clock, board, driver } = await table("white");
  await clock.advance(500);
  await driver.write([0.5], never);
  expect(board.frames).toEqual([{ atMs: 500, frame: [0.5] }]);
  expect(board.light.luminance).toBeCloseTo(0.5);
});

test("a whole fade is one arrow, drawn when the lamp has come to rest", async () => {
  const { clock, wire, driver } = await table("white");
  for (const duty of [0.2, 0.4, 0.6, 1]) {
    await driver.write([duty], never);
    await clock.advance(20);
  }
  expect(titles(wire)).toEqual([]);
  await clock.advance(1000);
  expect(titles(wire)).toEqual(["white, 100 %"]);
  expect(wire.messages[0]?.detail).toContainEqual(["frames", "4"]);
  expect(clock.waiting).toBe(0);
});

test("a lamp that blinks for ever gets its arrow all the same", async () => {
  const { clock, wire, driver } = await table("white");
  for (let beat = 0; beat < 30; beat++) {
    await driver.write([beat % 2], never);
    await clock.advance(100);
  }
  expect(titles(wire).length).toBeGreaterThan(0);
});

test("a lamp that is closed during a fade leaves no timer behind", async () => {
  const { clock, driver } = await table("white");
  await driver.write([1], never);
  await driver[Symbol.asyncDispose]();
  await clock.settle();
  expect(clock.waiting).toBe(0);
  await expect(driver.write([0], never)).rejects.toThrow();
});

test("writes fail as often as they are told to", async () => {
  const { board, driver } = await table("white");
  board.failWrites = 1;
  await expect(driver.write([1], never)).rejects.toThrow();
  await driver.write([1], never);
  expect(board.frames).toHaveLength(1);
});

test("a frame of the wrong length and an aborted write are refused", async () => {
  const { driver } = await table("white");
  await expect(driver.write([1, 1], never)).rejects.toThrow();
  await expect(driver.write([1], AbortSignal.abort())).rejects.toThrow();
});

test("an unplugged lamp is dark, takes nothing, and shines again as it was when it is plugged in", async () => {
  const { clock, board, driver } = await table("white");
  await driver.write([1], never);
  board.unplugged = true;
  expect(board.light.luminance).toBe(0);
  await expect(driver.write([0.5], never)).rejects.toThrow();
  await expect(board.openDriver("", { clock }, never)).rejects.toThrow();
  board.unplugged = false;
  expect(board.unplugged).toBe(false);
  expect(board.light.luminance).toBeCloseTo(1);
});

test("faults are errors of the kind that the composition wants", async () => {
  class Fault extends Error {}
  const clock = new VirtualClock();
  const board = new SimulatedBoard({
    clock,
    wire: new Wire(clock),
    lightFault: (detail) => new Fault(detail),
  });
  const driver: LightDriver = await board.openDriver("white", { clock }, never);
  board.failWrites = 1;
  await expect(driver.write([1], never)).rejects.toBeInstanceOf(Fault);
});

test("presses reach the agent in order, also those made before it listens, and end with the board", async () => {
  const { board } = await table();
  board.press();
  board.press("longPress");
  const inputs = board.inputs[Symbol.asyncIterator]();
  expect(await inputs.next()).toEqual({ done: false, value: "press" });
  expect(await inputs.next()).toEqual({ done: false, value: "longPress" });
  const waiting = inputs.next();
  board.press();
  expect(await waiting).toEqual({ done: false, value: "press" });
  const last = inputs.next();
  board.close();
  expect(await last).toEqual({ done: true, value: undefined });
});

test("each new code on the display is told once, with its link", async () => {
  const { clock, board, wire } = await table();
  const view = (userCode: string | null): View => ({
    device: { id: "porch-1", name: "Porch light", serial: "1" },
    state: userCode === null ? "online" : "waitingForApproval",
    headline: "",
    detail: null,
    code:
      userCode === null
        ? null
        : {
            kind: "code",
            userCode,
            verificationUri: "https://org.example/connect",
            verificationUriComplete: `https://org.example/connect?user_code=${userCode}`,
            expiresAt: after(clock.mono(), 600_000),
            signal: userCode === "BBBB" ? { colour: "blue", count: 3 } : null,
          },
    owner: null,
    online: userCode === null,
    problem: null,
  });
  let changes = 0;
  const stop = board.subscribe(() => {
    changes += 1;
  });
  for (const code of ["AAAA", "AAAA", "BBBB", null]) board.display.show(view(code));
  stop();
  board.display.show(view("CCCC"));
  await board.display[Symbol.asyncDispose]();
  expect(titles(wire)).toEqual([
    "shows the code AAAA",
    "shows the code BBBB",
    "blinks blue, 3 times",
    "shows the code CCCC",
  ]);
  expect(board.view?.code).toMatchObject({ userCode: "CCCC" });
  expect(changes).toBe(4);
});
