import { afterEach, expect, it } from "vitest";
import { signalOf } from "../../src/signal.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const lit = ({ frame }: { readonly frame: readonly number[] }): boolean => frame.some((duty) => duty > 0);

/** How often the lamp, dark by itself, was lit in one group of flashes, and the strongest channel of the flashes. */
const flashesSeen = async (): Promise<{ count: number; colour: string }> => {
  const { frames } = stage.world.board;
  await stage.clock.advance(20_000);
  const changes = frames.slice(-40);
  const groups: number[] = [];
  let colour = "";
  for (const [index, each] of changes.entries()) {
    if (!lit(each)) continue;
    const [red = 0, , blue = 0] = each.frame;
    colour = red === blue ? "white" : red > blue ? "orange" : "blue";
    const before = changes[index - 1];
    if (before === undefined) continue;
    if (each.atMs - before.atMs > 2_000) groups.push(1);
    else if (groups.length > 0) groups.push((groups.pop() ?? 0) + 1);
  }
  // The last one may be under way.
  return { count: groups.at(-2) ?? 0, colour };
};

it("while a code waits the lamp blinks what its display and the event say, and is dark again once approved", async () => {
  stage = await openStage();
  stage.start();
  const code = await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  const signal = signalOf(code.userCode);
  expect(code.signal).toEqual(signal);
  expect(stage.world.board.view?.code).toMatchObject({ signal });
  expect(await flashesSeen()).toEqual(signal);
  expect(stage.since(0, "light")).toHaveLength(1);
  await stage.approve(code);
  await stage.untilState("online");
  await stage.clock.advance(5_000);
  const frames = stage.world.board.frames.length;
  expect(stage.world.board.frames.at(-1)).toSatisfy((frame: { frame: number[] }) => !lit(frame));
  await stage.clock.advance(60_000);
  expect(stage.world.board.frames).toHaveLength(frames);
  expect(stage.since(0, "light")).toHaveLength(1);
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "OFF", effect: "none" });
});

it("a fresh code blinks afresh, and an expired one no more", async () => {
  stage = await openStage();
  stage.start();
  const first = await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  await stage.untilState("pausing", 3_600_000);
  await stage.clock.advance(100);
  expect(lit(stage.world.board.frames.at(-1) ?? { frame: [1] })).toBe(false);
  const second = await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  expect(second.userCode).not.toBe(first.userCode);
  expect(await flashesSeen()).toEqual(signalOf(second.userCode));
});

it("a lamp that somebody moves blinks no more, and the display says so", async () => {
  stage = await openStage();
  stage.start();
  await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  await stage.clock.advance(1_000);
  expect((await stage.light("main", { on: true, brightness: 0.3 })).outcome).toBe("done");
  expect(stage.world.board.view?.code).toMatchObject({ signal: null });
  const frames = stage.world.board.frames.length;
  await stage.clock.advance(60_000);
  expect(stage.world.board.frames).toHaveLength(frames);
});

it("a lamp that is not there is not said to blink, until it is", async () => {
  stage = await openStage();
  stage.world.board.unplugged = true;
  stage.start();
  const code = await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  expect(stage.world.board.view?.code).toMatchObject({ userCode: code.userCode, signal: null });
  stage.world.board.unplugged = false;
  await stage.clock.advance(70_000);
  expect(stage.world.board.view?.code).toMatchObject({ signal: signalOf(code.userCode) });
  await stage.approve(code);
  await stage.untilState("online");
});

it("a signed-in board that shows a new code blinks, and is as it was when that is taken back", async () => {
  stage = await openStage();
  await stage.signIn();
  expect((await stage.light("main", { on: true, brightness: 0.6 })).outcome).toBe("done");
  await stage.clock.advance(5_000);
  const before = stage.world.board.frames.at(-1)?.frame;
  const reports = stage.since(0, "light").length;
  stage.world.board.press("longPress");
  await stage.untilState("waitingForApproval");
  await stage.clock.advance(7_000);
  expect(stage.world.board.view?.code).toMatchObject({ signal: signalOf(stage.lastCode().userCode) });
  expect(stage.world.board.frames.slice(-8).some((each) => !lit(each))).toBe(true);
  stage.world.board.press();
  await stage.untilState("online");
  expect(stage.world.board.frames.at(-1)?.frame).toEqual(before);
  expect(stage.since(0, "light")).toHaveLength(reports);
});

it("org.signal false leaves the lamp alone, and says nothing of it", async () => {
  stage = await openStage();
  const { org } = stage.world.settingsFor("state");
  await stage[Symbol.asyncDispose]();
  stage = await openStage({ settings: { org: { ...(org as object), signal: false } } });
  stage.start();
  const code = await stage.untilEvent("code");
  await stage.untilState("waitingForApproval");
  const frames = stage.world.board.frames.length;
  await stage.clock.advance(30_000);
  expect(stage.world.board.frames).toHaveLength(frames);
  expect(code.signal).toBeNull();
  expect(stage.world.board.view?.code).toMatchObject({ signal: null });
});
