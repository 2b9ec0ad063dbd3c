import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type Commands, createCommands, REMEMBERED_IDS } from "../../../src/agent/commands.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AgentEvent, Command, Incoming, LightState } from "../../../src/model.ts";
import type { Light } from "../../../src/ports.ts";
import { type EpochMs, epochMs } from "../../../src/units.ts";

const dark: LightState = { on: false, brightness: 1, colour: { mode: "none" }, effect: null };
const signal = new AbortController().signal;

/** A light that only merges, and throws what it is told to. */
const plainLight = (id: string, fails: () => unknown): Light => {
  let target = dark;
  return {
    id,
    name: id,
    traits: { dims: true, temperature: null, rgb: false, effects: [] },
    get target() {
      return target;
    },
    get shown() {
      return target;
    },
    fault: null,
    signal: () => undefined,
    signalled: null,
    async apply(change) {
      const error = fails();
      if (error !== undefined) throw error;
      target = { ...target, on: change.on ?? target.on };
      return target;
    },
    subscribe: () => () => undefined,
    async [Symbol.asyncDispose]() {},
  };
};

const command = (over: Partial<Command> = {}): Command => ({
  id: null,
  light: "main",
  change: { on: true },
  fadeMs: 0,
  expiresAt: null,
  ...over,
});

const incoming = (over: Partial<Incoming> = {}, of: Partial<Command> = {}): Incoming => ({
  channel: "plain",
  light: "main",
  retained: false,
  expired: false,
  parsed: { ok: true, command: command(of) },
  ...over,
});

let clock: VirtualClock;
let events: AgentEvent[];
let failure: unknown;
let light: Light;
let commands: Commands;

const make = (trust: "owner" | "broker" = "broker"): Commands =>
  createCommands({
    lights: new Map([["main", light]]),
    trust,
    clock,
    journal: { record: (event) => events.push(event) },
  });

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  failure = undefined;
  light = plainLight("main", () => failure);
  commands = make();
});

describe("a good command", () => {
  it("moves the lamp and is answered with its new state", async () => {
    const result = await commands.obey(incoming({}, { id: "a" }), signal);
    expect(result).toMatchObject({ id: "a", outcome: "done", code: null, state: { on: true } });
    expect(events).toEqual([{ event: "command", id: "a", light: "main", outcome: "done" }]);
  });

  it("without an id may come as often as it likes", async () => {
    await commands.obey(incoming(), signal);
    expect(await commands.obey(incoming(), signal)).toMatchObject({ outcome: "done" });
  });

  it("is obeyed in the order of arrival", async () => {
    const [first, second] = await Promise.all([
      commands.obey(incoming({}, { change: { on: true } }), signal),
      commands.obey(incoming({}, { change: { on: false } }), signal),
    ]);
    expect([first.state?.on, second.state?.on]).toEqual([true, false]);
    expect(light.target.on).toBe(false);
  });
});

it("does not wait for the slow hardware of the command before it", async () => {
  const pending = Promise.withResolvers<void>();
  let waits = true;
  const slow = plainLight("main", () => undefined);
  light = {
    ...slow,
    async apply(change, options, of) {
      const merged = await slow.apply(change, options, of);
      if (waits) await pending.promise;
      return merged;
    },
  };
  commands = make();
  const first = commands.obey(incoming({}, { change: { on: true } }), signal);
  waits = false;
  const second = commands.obey(incoming({}, { change: { on: false } }), signal);
  expect(await second).toMatchObject({ outcome: "done", state: { on: false } });
  pending.resolve();
  expect(await first).toMatchObject({ outcome: "done", state: { on: true } });
});

describe("a refused command leaves the lamp alone and says why", () => {
  const past = (): EpochMs => epochMs(clock.wall() - 1);
  it.each<[string, () => Incoming, ErrorCode]>([
    ["retained", () => incoming({ retained: true }), "COMMAND_RETAINED"],
    ["past its message expiry", () => incoming({ expired: true }), "COMMAND_STALE"],
    ["past its own time", () => incoming({}, { expiresAt: past() }), "COMMAND_STALE"],
    ["for a lamp that is not there", () => incoming({}, { light: "attic" }), "LIGHT_UNKNOWN"],
    [
      "unreadable",
      () => incoming({ parsed: { ok: false, id: "x", code: "COMMAND_INVALID", detail: "state" } }),
      "COMMAND_INVALID",
    ],
  ])("%s", async (_name, make, code) => {
    const result = await commands.obey(make(), signal);
    expect(result).toMatchObject({ outcome: "refused", code });
    expect(result.message).not.toBeNull();
    expect(light.target.on).toBe(false);
    expect(events).toMatchObject([{ event: "refused", code }]);
  });

  it("plain, on a board that trusts only its owner", async () => {
    commands = make("owner");
    expect(await commands.obey(incoming(), signal)).toMatchObject({ code: "COMMAND_UNTRUSTED" });
  });

  it.each(["owner", "broker"] as const)(
    "on the signed channel without a signature, with trust %s",
    async (trust) => {
      commands = make(trust);
      expect(await commands.obey(incoming({ channel: "signed" }), signal)).toMatchObject({
        code: "COMMAND_INVALID",
      });
      expect(light.target.on).toBe(false);
    },
  );

  it("seen before", async () => {
    await commands.obey(incoming({}, { id: "a" }), signal);
    const again = await commands.obey(incoming({}, { id: "a", change: { on: false } }), signal);
    expect(again).toMatchObject({ outcome: "refused", code: "COMMAND_REPEATED", state: { on: true } });
  });

  it("that the lamp cannot do", async () => {
    failure = new AgentError("LIGHT_CANNOT", "no colour");
    expect(await commands.obey(incoming(), signal)).toMatchObject({
      outcome: "refused",
      code: "LIGHT_CANNOT",
    });
  });
});

it("a time limit counts only once the board knows the time", async () => {
  clock = new VirtualClock({ wall: epochMs(0), wallKnown: false });
  commands = make();
  expect(await commands.obey(incoming({}, { expiresAt: epochMs(-5) }), signal)).toMatchObject({
    outcome: "done",
  });
});

it("broken hardware fails the command and names the fault", async () => {
  failure = new AgentError("LIGHT_FAULT");
  expect(await commands.obey(incoming(), signal)).toMatchObject({ outcome: "failed", code: "LIGHT_FAULT" });
});

it("a command cut off by the end of the agent counts as failed", async () => {
  const stop = new AbortController();
  stop.abort();
  failure = new Error("aborted");
  expect(await commands.obey(incoming(), stop.signal)).toMatchObject({ outcome: "failed", code: null });
});

it("only a bounded number of ids is remembered", async () => {
  for (let each = 0; each <= REMEMBERED_IDS; each += 1)
    await commands.obey(incoming({}, { id: String(each) }), signal);
  expect(await commands.obey(incoming({}, { id: "0" }), signal)).toMatchObject({ outcome: "done" });
  expect(await commands.obey(incoming({}, { id: String(REMEMBERED_IDS) }), signal)).toMatchObject({
    code: "COMMAND_REPEATED",
  });
});

it("the board's own change needs no trust, but a lamp that exists", async () => {
  commands = make("owner");
  expect(await commands.change("main", { on: true }, 0, { kind: "button" }, signal)).toMatchObject({
    outcome: "done",
  });
  expect(await commands.change("attic", { on: true }, 0, { kind: "button" }, signal)).toMatchObject({
    code: "LIGHT_UNKNOWN",
  });
});
