import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PhoneResult } from "../../firmware-sim/phone.ts";
import { AgentError } from "../../src/errors.ts";
import { openStage, type Stage, type TestPhone } from "./stage.ts";

// The whole agent in the simulated world: only the owner's hand moves the lamp, whatever the broker does.

let stage: Stage;
let phone: TestPhone;

const lampIsOn = (): unknown => JSON.parse(stage.retained("light/state") ?? "{}").state;
const send = (by: TestPhone, on: boolean): Promise<PhoneResult> => stage.clock.until(by.send({ on }));

/** What the broker saw on the command topic, newest last. */
const captured = (): readonly Buffer[] =>
  stage.world.broker.received
    .filter(({ topic }) => topic === "porchlight/porch-1/command")
    .map(({ payload }) => Buffer.from(payload));

/** The broker itself publishes on a topic of the board; gives the code of the answer. */
const asBroker = async (
  payload: Buffer | string,
  options: { readonly topic?: string; readonly retain?: boolean } = {},
): Promise<unknown> => {
  const results = stage.watch("result");
  stage.world.broker.publish(`porchlight/porch-1/${options.topic ?? "command"}`, payload, {
    retain: options.retain ?? false,
  });
  await stage.clock.advance(2_000);
  return results.map((each) => JSON.parse(each).code);
};

beforeEach(async () => {
  stage = await openStage();
  await stage.signIn();
  phone = await stage.ownerPhone();
});

afterEach(async () => {
  await stage[Symbol.asyncDispose]();
});

it("the owner's phone moves the lamp", async () => {
  expect(await send(phone, true)).toMatchObject({ outcome: "done" });
  expect(lampIsOn()).toBe("ON");
});

it("a plain command is refused, whoever publishes it", async () => {
  expect(await asBroker('{"state":"ON"}', { topic: "light/set" })).toEqual(["COMMAND_UNTRUSTED"]);
  expect(lampIsOn()).toBe("OFF");
});

it("somebody else of the same org does not own the lamp", async () => {
  const stranger = await stage.strangersPhone();
  expect(await send(stranger, true)).toMatchObject({ outcome: "refused", code: "COMMAND_NOT_OWNER" });
  expect(lampIsOn()).toBe("OFF");
});

describe("a broker that is not honest", () => {
  let command: Buffer;

  beforeEach(async () => {
    await send(phone, true);
    await send(phone, false);
    command = captured()[0] ?? Buffer.alloc(0);
  });

  afterEach(() => {
    expect(lampIsOn()).toBe("OFF");
  });

  it("cannot play a command back", async () => {
    expect(await asBroker(command)).toEqual(["COMMAND_REPEATED"]);
  });

  it("cannot play it back after the board was restarted", async () => {
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect(await asBroker(command)).toEqual(["COMMAND_REPEATED"]);
  });

  it("cannot keep it for later", async () => {
    await stage.clock.advance(120_000);
    expect(await asBroker(command)).toEqual(["COMMAND_STALE"]);
  });

  it("cannot retain it", async () => {
    await stage.run?.stop();
    stage.world.broker.restart({ keepSessions: false });
    stage.world.broker.publish("porchlight/porch-1/command", command, { retain: true });
    const from = stage.events.length;
    stage.start();
    await stage.untilState("online");
    await stage.clock.advance(2_000);
    expect(stage.since(from, "refused").map(({ code }) => code)).toEqual(["COMMAND_RETAINED"]);
  });

  it("cannot set the board's clock back to make it new", async () => {
    const then = stage.clock.wall();
    await stage.clock.advance(3_600_000);
    await send(phone, false);
    stage.clock.setWall(then);
    expect(await asBroker(command)).toEqual(["COMMAND_STALE"]);
  });

  it("cannot change a byte of it", async () => {
    for (let at = 0; at < command.length; at += 97) {
      const changed = Buffer.from(command);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const codes = (await asBroker(changed)) as string[];
      expect(codes[0]).toMatch(/^COMMAND_/);
    }
  });
});

it("the phone is obeyed while the org is away, also after a restart of the board", async () => {
  await send(phone, true);
  await stage.run?.stop();
  stage.start();
  await stage.untilState("online");
  stage.world.org.offline = true;
  expect(await send(phone, false)).toMatchObject({ outcome: "done" });
});

describe("a guest", () => {
  const pass = {
    id: "p1",
    name: "Bob",
    may: ["switch", "brightness"],
    maxBrightness: 128,
  };
  let guest: TestPhone;
  let until: number;

  const ask = (by: TestPhone, what: Parameters<TestPhone["ask"]>[0]): Promise<PhoneResult> =>
    stage.clock.until(by.ask(what));
  const dim = (by: TestPhone, brightness: number): Promise<PhoneResult> =>
    stage.clock.until(by.send({ brightness }));

  beforeEach(async () => {
    guest = await stage.strangersPhone();
    until = Math.floor(stage.clock.wall() / 1000) + 3600;
    const user = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id)?.id;
    expect(await ask(phone, { do: "admit", pass: { ...pass, user, until } })).toMatchObject({
      outcome: "done",
      guests: [{ id: "p1", name: "Bob" }],
    });
  });

  it("moves the lamp as far as the pass says", async () => {
    expect(await dim(guest, 0.5)).toMatchObject({ outcome: "done" });
    expect(await dim(guest, 0.8)).toMatchObject({ outcome: "refused", code: "GUEST_LIMIT" });
    expect(await stage.clock.until(guest.send({ effect: "blink" }))).toMatchObject({ code: "GUEST_LIMIT" });
  });

  it("switches a lamp on that was brighter no brighter than the pass says", async () => {
    await dim(phone, 1);
    await send(phone, false);
    await send(guest, true);
    expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "ON", brightness: 128 });
  });

  it("may do nothing else, and cannot pass it on", async () => {
    for (const what of ["guests", "signOut", "update"])
      expect(await ask(guest, { do: what })).toMatchObject({ code: "COMMAND_FORBIDDEN" });
    expect(await ask(guest, { do: "admit", pass: { ...pass, user: "005B", until } })).toMatchObject({
      code: "COMMAND_FORBIDDEN",
    });
  });

  it("is a stranger again when the time is over", async () => {
    await stage.clock.advance(3_601_000);
    expect(await send(guest, true)).toMatchObject({ outcome: "refused", code: "COMMAND_NOT_OWNER" });
  });

  it("is a stranger again when the owner takes the pass back, from the phone or at the board", async () => {
    expect(await ask(phone, { do: "revoke", pass: "p1" })).toMatchObject({ outcome: "done", guests: [] });
    expect(await send(guest, true)).toMatchObject({ code: "COMMAND_NOT_OWNER" });
    const user = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id)?.id;
    await ask(phone, { do: "admit", pass: { ...pass, user, until } });
    expect(await stage.guests()).toMatchObject([{ id: "p1" }]);
    expect(await stage.revokeGuest("p1")).toBe(true);
    expect(await stage.revokeGuest("p1")).toBe(false);
    expect(await send(guest, true)).toMatchObject({ code: "COMMAND_NOT_OWNER" });
  });

  it("leaves no lamp blinking when the time is over, or when the pass is taken back", async () => {
    const user = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id)?.id;
    const blinking = { id: "p1", name: "Bob", may: ["switch", "effect"], user, until };
    const effect = (): unknown => JSON.parse(stage.retained("light/state") ?? "{}").effect;
    const blink = () => stage.clock.until(guest.send({ effect: "blink" }));
    await ask(phone, { do: "admit", pass: blinking });
    for (const takeBack of [
      () => ask(phone, { do: "revoke", pass: "p1" }),
      () => stage.revokeGuest("p1"),
      () => stage.clock.advance(3_600_000),
    ]) {
      await ask(phone, { do: "admit", pass: blinking });
      expect(await blink()).toMatchObject({ outcome: "done" });
      expect(effect()).toBe("blink");
      await takeBack();
      await stage.clock.advance(1000);
      expect(effect()).not.toBe("blink");
    }
  });

  it("keeps the pass where the disk takes nothing, which is told and does not end the agent", async () => {
    const { write } = stage.vault;
    stage.vault.write = async () => {
      throw new AgentError("STATE_UNWRITABLE", "full");
    };
    await expect(stage.revokeGuest("p1")).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(await stage.guests()).toMatchObject([{ id: "p1" }]);
    stage.vault.write = write;
    expect(await stage.revokeGuest("p1")).toBe(true);
  });

  it("keeps the pass over a restart of the board, without the org", async () => {
    await send(guest, true);
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    stage.world.org.offline = true;
    expect(await send(guest, false)).toMatchObject({ outcome: "done" });
  });
});

describe("the owner's phone", () => {
  const ask = (what: Parameters<TestPhone["ask"]>[0]): Promise<PhoneResult> =>
    stage.clock.until(phone.ask(what));
  const about = (): Record<string, unknown> => JSON.parse(stage.retained("about") ?? "{}");

  it("renames the lamp and the board, over restarts, until the board is signed out", async () => {
    await ask({ do: "rename", light: "main", name: "Garden" });
    await ask({ do: "rename", name: "Garden board" });
    await stage.clock.advance(1000);
    expect(about()).toMatchObject({ device: { name: "Garden board" }, lights: [{ name: "Garden" }] });
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect((await stage.status()).view.device.name).toBe("Garden board");
    await ask({ do: "signOut" });
    await stage.untilState("waitingForApproval");
    expect((await stage.status()).view.device.name).toBe("Porch light");
  });

  it("sets the evening, which the board follows without a network", async () => {
    const evening = { on: "18:30", off: "23:00", timeZone: "Europe/Berlin", brightness: 128 };
    expect(await ask({ do: "evening", evening })).toMatchObject({ outcome: "done" });
    await stage.clock.advance(1000);
    expect(about()).toMatchObject({ evening });
    stage.world.network.cut = true;
    // it is 18:00 in Berlin
    await stage.clock.advance(40 * 60_000);
    expect((await stage.status()).lights).toMatchObject([{ target: { on: true } }]);
    await stage.clock.advance(5 * 3_600_000);
    expect((await stage.status()).lights).toMatchObject([{ target: { on: false } }]);
  });

  it("leaves nothing behind for somebody else who approves the board with its button", async () => {
    const evening = { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" };
    await ask({ do: "evening", evening });
    await ask({ do: "rename", light: "main", name: "Garden" });
    const others = stage.world.org.users.find(({ id }) => id !== stage.world.org.owner.id);
    stage.world.board.press("longPress");
    const { userCode } = await stage.untilEvent("code");
    stage.world.org.approve(userCode, others);
    await stage.untilState("online");
    expect(about()).toMatchObject({
      owner: { userId: others?.id },
      evening: null,
      lights: [{ name: "Porch" }],
    });
    await stage.clock.advance(40 * 60_000);
    expect((await stage.status()).lights).toMatchObject([{ target: { on: false } }]);
  });

  it("signs the board out, and hears that it has", async () => {
    expect(await ask({ do: "signOut" })).toMatchObject({ outcome: "done" });
    await stage.untilState("waitingForApproval");
    expect(await stage.vault.read("guests")).toBeUndefined();
  });

  it("is told when the board does not update itself", async () => {
    expect(await ask({ do: "update" })).toMatchObject({ outcome: "refused", code: "UPDATE_NOT_SET_UP" });
  });
});
