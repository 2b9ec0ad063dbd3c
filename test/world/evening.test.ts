import { afterEach, describe, expect, it } from "vitest";
import { openStage, type Stage, type StageOptions, type TestPhone } from "./stage.ts";

const HOUR_MS = 3_600_000;
/** It is 18:00 in Berlin. */
const settled = { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" };

let stage: Stage;
let phone: TestPhone;
afterEach(() => stage[Symbol.asyncDispose]());

const open = async (options: StageOptions = {}): Promise<void> => {
  stage = await openStage({ ...options, settings: { evening: settled, ...options.settings } });
};
const about = () => JSON.parse(stage.retained("about") ?? "{}");
const target = async () => (await stage.status()).lights[0]?.target;
const isOn = async (): Promise<unknown> => (await target())?.on;
const ask = async (evening: unknown): Promise<void> => {
  const answered = await stage.clock.until(phone.ask({ do: "evening", evening }));
  expect(answered).toMatchObject({ outcome: "done" });
  await stage.clock.advance(1000);
};

describe("a schedule in the settings", () => {
  it("is followed by a board that nobody has signed in, without a network", async () => {
    await open();
    stage.world.network.cut = true;
    stage.start();
    await stage.clock.advance(0.4 * HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.clock.advance(0.2 * HOUR_MS);
    expect(await isOn()).toBe(true);
    await stage.clock.advance(4.5 * HOUR_MS);
    expect(await isOn()).toBe(false);
    expect(await stage.status()).toMatchObject({ evening: settled, eveningFrom: "settings" });
  });

  it("gives way to the owner's phone, comes back when that wants it, and after a sign-out", async () => {
    await open();
    await stage.signIn();
    phone = await stage.ownerPhone();
    expect(about()).toMatchObject({ evening: settled, eveningFrom: "settings", eveningSettings: settled });
    await ask(null);
    expect(about()).toMatchObject({ evening: null, eveningFrom: "phone", eveningSettings: settled });
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    await stage.clock.advance(HOUR_MS);
    expect(await isOn()).toBe(false);
    await ask("settings");
    expect(about()).toMatchObject({ evening: settled, eveningFrom: "settings" });
    await ask({ ...settled, off: "21:00" });
    expect(about()).toMatchObject({ evening: { off: "21:00" }, eveningFrom: "phone" });
    stage.signOut();
    await stage.untilState("waitingForApproval");
    expect(await stage.status()).toMatchObject({ evening: settled, eveningFrom: "settings" });
  });
});

describe("a hand", () => {
  const hands: readonly (readonly [string, (on: boolean) => unknown])[] = [
    ["at the button", () => stage.world.board.press("press")],
    [
      "with the app",
      async (on) => {
        phone = await stage.ownerPhone();
        expect(await stage.clock.until(phone.send({ on }))).toMatchObject({ outcome: "done" });
      },
    ],
    ["at the board's keyboard", (on) => stage.light("main", { on })],
    [
      "with Home Assistant",
      (on) =>
        stage.world.broker.publish("porchlight/porch-1/light/set", on ? '{"state":"ON"}' : '{"state":"OFF"}'),
    ],
  ];

  it.each(hands)("%s wins until the next change, over a restart too", async (name, hand) => {
    await open(name === "with Home Assistant" ? { settings: { commands: { trust: "broker" } } } : {});
    await stage.signIn();
    await stage.clock.advance(0.6 * HOUR_MS);
    expect(await isOn()).toBe(true);
    await hand(false);
    await stage.clock.advance(HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.run?.stop();
    stage.start();
    await stage.clock.advance(HOUR_MS);
    expect(await isOn()).toBe(false);
    await stage.untilState("online");
    await hand(true);
    await stage.clock.advance(1000);
    expect(await isOn()).toBe(true);
    await stage.clock.advance(3 * HOUR_MS);
    expect(await isOn()).toBe(false);
    await hand(true);
    await stage.clock.advance(HOUR_MS);
    expect(await isOn()).toBe(true);
  });

  it("that dims is left alone until the lamp goes on again", async () => {
    await open({ settings: { evening: { ...settled, brightness: 60 } } });
    stage.start();
    await stage.clock.advance(0.6 * HOUR_MS);
    expect(await target()).toMatchObject({ on: true, brightness: 0.6 });
    await stage.light("main", { brightness: 0.2 });
    await stage.clock.advance(3 * HOUR_MS);
    expect(await target()).toMatchObject({ on: true, brightness: 0.2 });
    await stage.clock.advance(22 * HOUR_MS);
    expect(await target()).toMatchObject({ on: true, brightness: 0.6 });
  });
});

describe("a lamp", () => {
  it.each([
    ["before it began", 0.1],
    ["after it began", 1],
  ])("that was without power from %s until in the middle of the evening is on", async (_name, hours) => {
    await open();
    stage.start();
    await stage.clock.advance(hours * HOUR_MS);
    await stage.run?.stop();
    await stage.clock.advance(HOUR_MS);
    stage.start();
    await stage.clock.advance(10_000);
    expect(await isOn()).toBe(true);
  });

  it("that cannot be reached at dusk goes on when it can, and is off if that is only later", async () => {
    await open();
    stage.start();
    await stage.clock.advance(1000);
    stage.world.board.unplugged = true;
    await stage.clock.advance(HOUR_MS);
    stage.world.board.unplugged = false;
    await stage.clock.advance(0.1 * HOUR_MS);
    expect((await stage.status()).lights[0]).toMatchObject({ available: true, target: { on: true } });
    stage.world.board.unplugged = true;
    await stage.clock.advance(5 * HOUR_MS);
    stage.world.board.unplugged = false;
    await stage.clock.advance(0.1 * HOUR_MS);
    expect((await stage.status()).lights[0]).toMatchObject({ available: true, target: { on: false } });
  });
});

describe("a board that has not been told the time", () => {
  it("says so, waits, and is right once it knows", async () => {
    await open({ wallKnown: false });
    stage.start();
    await stage.clock.advance(2 * HOUR_MS);
    expect([await isOn(), (await stage.status()).warnings]).toEqual([false, ["CLOCK_UNSET"]]);
    stage.tellTime();
    await stage.clock.advance(61_000);
    expect(await isOn()).toBe(false);
    await stage.clock.advance(24 * HOUR_MS);
    expect([await isOn(), (await stage.status()).warnings]).toEqual([true, []]);
  });
});
