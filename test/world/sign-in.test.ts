import { afterEach, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

it("a new board is signed in by a person, joins the broker and obeys the phone", async () => {
  stage = await openStage();
  const run = stage.start();
  const code = await stage.untilEvent("code");
  expect(stage.world.board.view?.code).toMatchObject({ userCode: code.userCode });
  await stage.approve(code);
  await stage.untilState("online");
  expect(stage.events.filter(({ event }) => event === "signedIn")).toHaveLength(1);
  expect(stage.events.filter(({ event }) => event === "assetToken")).toHaveLength(1);
  expect(stage.retained("availability")).toBe("online");

  const phone = await stage.ownerPhone();
  const result = await stage.clock.until(phone.send({ on: true, brightness: 0.6 }));
  expect(result).toMatchObject({ outcome: "done" });
  await stage.clock.advance(2_000);
  expect(stage.world.board.frames.at(-1)?.frame.some((duty) => duty > 0)).toBe(true);
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "ON", brightness: 153 });

  expect(await run.stop()).toBe(0);
  expect(stage.retained("availability")).toBe("offline");
});

it("after a restart nobody is asked again and the lamp is as it was", async () => {
  stage = await openStage();
  await stage.signIn();
  const phone = await stage.ownerPhone();
  await stage.clock.until(phone.send({ on: true, brightness: 0.25 }));
  await stage.clock.advance(5_000);
  await stage.run?.stop();
  const before = stage.events.length;
  stage.start();
  await stage.untilState("online");
  expect(stage.since(before, "code")).toEqual([]);
  expect(stage.since(before, "light")[0]).toMatchObject({ state: { on: true } });
  expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "ON", brightness: 64 });
});

it("the lamp is restored before the org is asked anything, and without any network", async () => {
  stage = await openStage();
  await stage.signIn();
  const phone = await stage.ownerPhone();
  await stage.clock.until(phone.send({ on: true, brightness: 1 }));
  await stage.clock.advance(5_000);
  await stage.run?.stop();
  stage.world.network.cut = true;
  const frames = stage.world.board.frames.length;
  stage.start();
  await stage.clock.advance(100);
  expect(
    stage.world.board.frames
      .slice(frames)
      .at(-1)
      ?.frame.some((duty) => duty > 0),
  ).toBe(true);
});

it("a refusal is shown, and after a pause there is a new code", async () => {
  stage = await openStage();
  stage.start();
  const first = await stage.untilEvent("code");
  stage.world.org.deny(first.userCode);
  await stage.untilEvent("fault", { where: ({ code }) => code === "CODE_DENIED" });
  expect(stage.world.board.view?.problem?.code).toBe("CODE_DENIED");
  const second = await stage.untilEvent("code");
  expect(second.userCode).not.toBe(first.userCode);
  await stage.approve(second);
  await stage.untilState("online");
});

it("a code that nobody types is replaced a few times, then only by a press", async () => {
  stage = await openStage();
  stage.start();
  await stage.clock.advance(24 * 3_600_000);
  expect(stage.since(0, "code")).toHaveLength(6);
  expect(stage.state()).toBe("pausing");
  stage.world.board.press();
  await stage.untilEvent("code", { withinMs: 10_000 });
  expect(stage.since(0, "code")).toHaveLength(7);
});

it("slow_down, maintenance pages and lost answers while waiting cost nothing but time", async () => {
  stage = await openStage();
  stage.start();
  const code = await stage.untilEvent("code");
  stage.world.org.slowDowns = 2;
  stage.world.org.htmlPages = 1;
  stage.world.org.serverErrors = 1;
  await stage.clock.advance(60_000);
  await stage.approve(code);
  await stage.untilState("online");
});

it("an org that does not allow the device flow is shown as what it is, and asked rarely", async () => {
  stage = await openStage();
  stage.world.org.deviceFlowEnabled = false;
  stage.start();
  await stage.untilEvent("fault", { where: ({ code }) => code === "DEVICE_FLOW_DISABLED" });
  expect(stage.world.board.view?.problem?.code).toBe("DEVICE_FLOW_DISABLED");
  const help = stage.world.board.view?.problem?.help ?? "";
  for (const told of [
    "Restrict the OAuth 2.0 Device Flow",
    "jwt-bearer",
    "client-credentials",
    "docs/flows.md",
  ])
    expect(help).toContain(told);
  const asked = stage.world.org.received.length;
  await stage.clock.advance(3_600_000);
  expect(stage.world.org.received.length - asked).toBeLessThanOrEqual(6);
  stage.world.org.deviceFlowEnabled = true;
  stage.world.board.press();
  await stage.untilEvent("code", { withinMs: 10_000 });
});

it("an answer with the tokens that gets lost means a new code, never a second poll with the used one", async () => {
  stage = await openStage();
  stage.world.org.loseAnswerAfterGrant = 1;
  stage.start();
  const first = await stage.untilEvent("code");
  await stage.approve(first);
  const second = await stage.untilEvent("code", { withinMs: 3_600_000 });
  await stage.approve(second);
  await stage.untilState("online");
});

it("a board that does not know the time signs nothing until it does", async () => {
  stage = await openStage({ wallKnown: false });
  stage.start();
  const code = await stage.untilEvent("code");
  await stage.approve(code);
  await stage.untilEvent("fault", { where: (each) => each.code === "CLOCK_UNSET" });
  await stage.clock.advance(120_000);
  expect(stage.since(0, "assetToken")).toEqual([]);
  stage.tellTime();
  await stage.untilState("online");
});

it("no secret of the org's ever shows up in an event, on the display or in the story of the wire", async () => {
  stage = await openStage();
  await stage.signIn();
  await stage.clock.advance(6 * 3_600_000);
  const told = JSON.stringify([stage.events, stage.world.board.views, stage.world.wire.messages]);
  const secrets = await stage.secrets();
  expect(secrets.length).toBeGreaterThan(3);
  for (const secret of secrets) expect(told).not.toContain(secret);
});
