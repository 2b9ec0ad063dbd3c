import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PhoneResult } from "../../firmware-sim/phone-codec.ts";
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
    stage.world.broker.publish("porchlight/porch-1/command", command, { retain: true });
    await stage.run?.stop();
    const from = stage.events.length;
    stage.start();
    await stage.untilState("online");
    await stage.clock.advance(2_000);
    expect(stage.since(from, "refused").map(({ code }) => code)).toEqual(["COMMAND_RETAINED"]);
  });

  it("cannot set the board's clock back to make it new", async () => {
    await stage.clock.advance(3_600_000);
    stage.clock.setWall(stage.startedAt);
    expect(["COMMAND_REPEATED", "COMMAND_CLOCK"]).toContainEqual(((await asBroker(command)) as unknown[])[0]);
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
