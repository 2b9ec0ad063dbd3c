import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type Commands, createCommands, REMEMBERED_IDS } from "../../../src/agent/commands.ts";
import { createGuestBlinks } from "../../../src/agent/guest-blinks.ts";
import { createPacedRefusals } from "../../../src/agent/paced-refusals.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type {
  AgentEvent,
  Command,
  CommandResult,
  GuestPass,
  Identity,
  Incoming,
  LightCause,
  LightState,
  SignedRequest,
  SignedVerdict,
} from "../../../src/model.ts";
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

const incoming = (
  over: Partial<Extract<Incoming, { channel: "plain" }>> = {},
  of: Partial<Command> = {},
): Incoming => ({
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

const owner: Identity = { userId: "005A", name: "Ada", username: "ada@northwind.example", orgId: "00D" };

/** What checking a signed command says, the owner, and what became of the requests. */
let verdict: SignedVerdict | Error;
let known: Identity | null;
let done: unknown[];
let passes: GuestPass[];

const make = (trust: "owner" | "broker" = "broker", updates = true): Commands => {
  const lights = new Map([["main", light]]);
  return createCommands({
    lights,
    trust,
    clock,
    journal: { record: (event) => events.push(event) },
    signed: {
      async check() {
        if (verdict instanceof Error) throw verdict;
        return verdict;
      },
    },
    owner: () => known,
    blinks: createGuestBlinks(clock, signal),
    tellStranger: createPacedRefusals(clock, { record: (event) => events.push(event) }, signal),
    limit: async (pass, change) => (pass.may.includes("switch") ? change : "GUEST_LIMIT"),
    requests: {
      lights,
      guests: {
        list: async () => passes,
        async admit(pass) {
          passes.push(pass);
        },
        async revoke(id) {
          const kept = passes.filter((pass) => pass.id !== id);
          const found = kept.length < passes.length;
          passes = kept;
          return found;
        },
        async forget() {
          passes = [];
        },
      },
      names: {
        async rename(...name) {
          if (failure !== undefined) throw failure;
          done.push(name.slice(0, 2));
        },
      },
      evening: { set: async (schedule) => void done.push(schedule) },
      lookForUpdate: updates ? () => done.push("update") : null,
      async leave() {
        if (failure !== undefined) throw failure;
        done.push("leave");
      },
      signOut: () => done.push("signOut"),
    },
  });
};

/** The answer to a command. */
const answer = async (to: Incoming, of: AbortSignal = signal): Promise<CommandResult> =>
  (await commands.obey(to, of)).result;

beforeEach(() => {
  clock = new VirtualClock();
  events = [];
  failure = undefined;
  verdict = { ok: false, id: null, code: "COMMAND_UNREADABLE", detail: "no JSON" };
  known = owner;
  done = [];
  passes = [];
  light = plainLight("main", () => failure);
  commands = make();
});

describe("a good command", () => {
  it("moves the lamp and is answered with its new state", async () => {
    const result = await answer(incoming({}, { id: "a" }));
    expect(result).toMatchObject({ id: "a", outcome: "done", code: null, state: { on: true } });
    expect(events).toEqual([{ event: "command", id: "a", light: "main", outcome: "done" }]);
  });

  it("without an id may come as often as it likes", async () => {
    await answer(incoming());
    expect(await answer(incoming())).toMatchObject({ outcome: "done" });
  });

  it("is obeyed in the order of arrival", async () => {
    const [first, second] = await Promise.all([
      answer(incoming({}, { change: { on: true } })),
      answer(incoming({}, { change: { on: false } })),
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
  const first = answer(incoming({}, { change: { on: true } }));
  waits = false;
  const second = answer(incoming({}, { change: { on: false } }));
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
    const result = await answer(make());
    expect(result).toMatchObject({ outcome: "refused", code });
    expect(result.message).not.toBeNull();
    expect(light.target.on).toBe(false);
    expect(events).toMatchObject([{ event: "refused", code }]);
  });

  it("plain, on a board that trusts only its owner", async () => {
    commands = make("owner");
    expect(await answer(incoming())).toMatchObject({ code: "COMMAND_UNTRUSTED" });
  });

  it("seen before", async () => {
    await answer(incoming({}, { id: "a" }));
    const again = await answer(incoming({}, { id: "a", change: { on: false } }));
    expect(again).toMatchObject({ outcome: "refused", code: "COMMAND_REPEATED", state: { on: true } });
  });

  it("that the lamp cannot do", async () => {
    failure = new AgentError("LIGHT_CANNOT", "no colour");
    expect(await answer(incoming())).toMatchObject({
      outcome: "refused",
      code: "LIGHT_CANNOT",
    });
  });
});

it("a time limit counts only once the board knows the time", async () => {
  clock = new VirtualClock({ wall: epochMs(0), wallKnown: false });
  commands = make();
  expect(await answer(incoming({}, { expiresAt: epochMs(-5) }))).toMatchObject({
    outcome: "done",
  });
});

it("broken hardware fails the command and names the fault", async () => {
  failure = new AgentError("LIGHT_FAULT");
  expect(await answer(incoming())).toMatchObject({ outcome: "failed", code: "LIGHT_FAULT" });
});

it("a command cut off by the end of the agent counts as failed", async () => {
  const stop = new AbortController();
  stop.abort();
  failure = new Error("aborted");
  expect(await answer(incoming(), stop.signal)).toMatchObject({ outcome: "failed", code: null });
});

it("only a bounded number of ids is remembered", async () => {
  for (let each = 0; each <= REMEMBERED_IDS; each += 1) await answer(incoming({}, { id: String(each) }));
  expect(await answer(incoming({}, { id: "0" }))).toMatchObject({ outcome: "done" });
  expect(await answer(incoming({}, { id: String(REMEMBERED_IDS) }))).toMatchObject({
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

describe("a signed command", () => {
  const signed = (over: Partial<Extract<Incoming, { channel: "signed" }>> = {}): Incoming => ({
    channel: "signed",
    payload: new Uint8Array(2),
    correlation: "c",
    retained: false,
    expired: false,
    ...over,
  });
  const pass: GuestPass = {
    id: "p1",
    name: "Bob",
    to: { kind: "user", userId: "005B" },
    lights: null,
    may: ["switch"],
    maxBrightness: null,
    from: null,
    until: epochMs(2e12),
    daily: null,
  };
  const asks = (request: SignedRequest, guest?: GuestPass): void => {
    verdict = {
      ok: true,
      id: "s1",
      sender: guest
        ? { kind: "guest", pass: guest, until: guest.until, key: "k" }
        : { kind: "owner", userId: "005A", key: "k" },
      request,
    };
  };
  const on: SignedRequest = { do: "light", light: null, change: { on: true }, fadeMs: 0 };

  it.each(["owner", "broker"] as const)("of the owner moves the lamp, with trust %s", async (trust) => {
    commands = make(trust);
    asks(on);
    expect(await answer(signed())).toMatchObject({ id: "s1", outcome: "done", state: { on: true } });
  });

  it.each<[string, Partial<Extract<Incoming, { channel: "signed" }>>, ErrorCode]>([
    ["retained", { retained: true }, "COMMAND_RETAINED"],
    ["too late by its message expiry", { expired: true }, "COMMAND_STALE"],
    ["too large", { payload: null }, "COMMAND_TOO_LARGE"],
  ])("%s is refused before anything in it is looked at", async (_name, over, code) => {
    verdict = new Error("nobody may ask");
    expect(await answer(signed(over))).toMatchObject({ id: "c", outcome: "refused", code });
    expect(light.target.on).toBe(false);
  });

  it("that does not prove anything is refused with the reason, and the sender's correlation", async () => {
    expect(await answer(signed())).toMatchObject({ id: "c", code: "COMMAND_UNREADABLE" });
    verdict = { ok: false, id: "s2", code: "COMMAND_NOT_OWNER", detail: "005C" };
    expect(await answer(signed())).toMatchObject({ id: "s2", code: "COMMAND_NOT_OWNER" });
    expect(light.target.on).toBe(false);
  });

  it("is refused while nobody owns the board", async () => {
    asks(on);
    known = null;
    expect(await answer(signed())).toMatchObject({ code: "COMMAND_OWNER_UNKNOWN" });
  });

  it("for a lamp that is not there is refused", async () => {
    asks({ do: "light", light: "attic", change: { on: true }, fadeMs: 0 });
    expect(await answer(signed())).toMatchObject({ code: "LIGHT_UNKNOWN", light: "attic" });
  });

  it("of a guest moves the lamp within the pass, and the log names the guest", async () => {
    let cause: LightCause | undefined;
    const plain = light;
    light = {
      ...plain,
      apply: (change, options, of) => {
        cause = options.cause;
        return plain.apply(change, options, of);
      },
    };
    commands = make("owner");
    asks(on, pass);
    expect(await answer(signed())).toMatchObject({ outcome: "done" });
    expect(cause).toEqual({ kind: "command", id: "s1", guest: "Bob" });
    asks(on, { ...pass, may: ["brightness"] });
    expect(await answer(signed())).toMatchObject({ outcome: "refused", code: "GUEST_LIMIT" });
  });

  it("of a guest for what only the owner may is refused", async () => {
    asks({ do: "signOut" }, pass);
    expect(await answer(signed())).toMatchObject({ code: "COMMAND_FORBIDDEN" });
    expect(done).toEqual([]);
  });

  it("gives, lists and takes back guest passes", async () => {
    asks({ do: "admit", pass });
    expect(await answer(signed())).toMatchObject({ outcome: "done", guests: [pass] });
    asks({ do: "guests" });
    expect(await answer(signed())).toMatchObject({ guests: [pass] });
    asks({ do: "revoke", pass: "p1" });
    expect(await answer(signed())).toMatchObject({ guests: [] });
    expect(await answer(signed())).toMatchObject({ outcome: "refused", code: "GUEST_UNKNOWN" });
    expect(events).toContainEqual({ event: "request", id: "s1", do: "admit" });
  });

  it.each<[string, SignedRequest]>([
    ["a pass", { do: "admit", pass: { ...pass, lights: ["attic"] } }],
    ["a name", { do: "rename", light: "attic", name: "x" }],
    [
      "a schedule",
      {
        do: "evening",
        evening: {
          on: "18:00",
          off: "22:00",
          timeZone: "UTC",
          lights: ["attic"],
          brightness: null,
          away: false,
        },
      },
    ],
  ])("with %s for a lamp that is not there is refused", async (_name, request) => {
    asks(request);
    expect(await answer(signed())).toMatchObject({ outcome: "refused", code: "LIGHT_UNKNOWN" });
    expect([...done, ...passes]).toEqual([]);
  });

  it("renames, sets the evening, and looks for an update", async () => {
    const evening = {
      on: "18:00",
      off: "22:00",
      timeZone: "UTC",
      lights: null,
      brightness: null,
      away: false,
    };
    for (const request of [
      { do: "rename", light: "main", name: "Garden" },
      { do: "evening", evening },
      { do: "evening", evening: null },
      { do: "update" },
    ] as const) {
      asks(request);
      expect(await answer(signed())).toMatchObject({ outcome: "done" });
    }
    expect(done).toEqual([["main", "Garden"], evening, null, "update"]);
  });

  it("for an update is refused where the program does not change by itself", async () => {
    commands = make("owner", false);
    asks({ do: "update" });
    expect(await answer(signed())).toMatchObject({ code: "UPDATE_NOT_SET_UP" });
  });

  it("signs the board out once the answer is on its way", async () => {
    asks({ do: "signOut" });
    const { result, afterwards } = await commands.obey(signed(), signal);
    expect([result.outcome, done]).toEqual(["done", ["leave"]]);
    afterwards?.();
    expect(done).toEqual(["leave", "signOut"]);
  });

  it("for a sign-out has failed, and ends nothing, where the disk does not take that it is one", async () => {
    failure = new AgentError("STATE_UNWRITABLE", "/var/lib/porchlight/grant");
    asks({ do: "signOut" });
    const { result, afterwards } = await commands.obey(signed(), signal);
    expect(result).toMatchObject({ outcome: "failed", code: "STATE_UNWRITABLE" });
    expect(afterwards).toBeUndefined();
  });

  it("that the board cannot carry out has failed, and the log says why", async () => {
    failure = new AgentError("STATE_UNWRITABLE", "/var/lib/porchlight/names");
    asks({ do: "rename", light: null, name: "x" });
    const result = await answer(signed());
    expect(result).toMatchObject({ outcome: "failed", code: "STATE_UNWRITABLE" });
    // The board's paths are nobody else's business.
    expect(result.message).not.toContain("/var/lib");
    expect(events).toMatchObject([
      { event: "fault", code: "STATE_UNWRITABLE", message: expect.stringContaining("/var/lib") },
    ]);
  });

  it("whose check breaks has failed, and moves nothing", async () => {
    verdict = new Error("a bug in /opt/porchlight");
    const result = await answer(signed());
    expect(result).toMatchObject({ id: "c", outcome: "failed", code: "BUG" });
    expect(result.message).not.toContain("/opt");
    expect(events).toMatchObject([{ event: "fault", code: "BUG", message: expect.stringContaining("/opt") }]);
    expect(await answer(signed(), AbortSignal.abort(new Error("over")))).toMatchObject({
      outcome: "failed",
      code: null,
    });
  });
});
