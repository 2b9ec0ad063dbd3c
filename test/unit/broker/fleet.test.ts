import { duplexPair } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Authenticate, allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import {
  readAvailability,
  readFleetAbout,
  readFleetLight,
  readFleetTopic,
} from "../../../src/broker/codec-fleet.ts";
import { type Fleet, type FleetOptions, readFleet } from "../../../src/broker/fleet.ts";
import { encodeAbout, encodeState } from "../../../src/broker/payloads.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { AgentError } from "../../../src/errors.ts";
import { Secret } from "../../../src/units.ts";
import { announcement, reportOf } from "./world.ts";

await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe("what boards keep at the broker", () => {
  it.each([
    ["porchlight/porch-1/availability", { board: "porch-1", what: "availability" }],
    ["porchlight/porch-1/about", { board: "porch-1", what: "about" }],
    ["porchlight/porch-1/light/state", { board: "porch-1", what: "state", light: null }],
    ["porchlight/porch-1/lights/hall/state", { board: "porch-1", what: "state", light: "hall" }],
    ["porchlight/porch 1/about", null],
    ["porchlight/porch-1/light/set", null],
    ["porchlight//about", null],
    [`porchlight/${"x".repeat(65)}/about`, null],
  ])("is told by its topic: %s", (topic, expected) => {
    expect(readFleetTopic(topic)).toEqual(expected);
  });

  it("is read as boards write it", () => {
    const topics = topicsOf("porch-1", ["main"]);
    const about = { ...announcement.about, signedInUntil: null };
    expect(readFleetAbout(bytes(encodeAbout(about, topics)))).toEqual({
      name: "Porch light",
      serial: "0001",
      version: "0.1.0",
      owner: null,
      signedInUntil: null,
      health: "warn",
      problems: ["UPDATE_WENT_BACK"],
    });
    const traits = announcement.about.lights[0]?.traits;
    if (traits === undefined) throw new Error("no lamp");
    const lost = { ...reportOf(0.5), available: false, fault: new AgentError("LIGHT_FAULT") };
    expect(readFleetLight(bytes(encodeState(lost, traits)))).toEqual({
      on: true,
      brightness: 128 / 255,
      available: false,
      fault: "LIGHT_FAULT",
    });
  });

  it.each(["", "{", "[]", "7", `{"x":"${"y".repeat(40_000)}"}`])(
    "is nothing where it is junk: %.20s",
    (text) => {
      expect([
        readFleetAbout(bytes(text)),
        readFleetLight(bytes(text)),
        readAvailability(bytes(text)),
      ]).toEqual([null, null, null]);
    },
  );

  it("is nothing where single members are junk", () => {
    const nothing = {
      name: null,
      serial: null,
      version: null,
      owner: null,
      signedInUntil: null,
      health: null,
      problems: [],
    };
    expect(readFleetAbout(bytes('{"device":7,"owner":[],"version":{},"signedInUntil":1}'))).toEqual(nothing);
    expect(readFleetAbout(bytes('{"health":{"status":7,"problems":[7,{},{"code":""}]}}'))).toEqual(nothing);
    expect(readFleetAbout(bytes('{"health":{"problems":{}}}'))).toEqual(nothing);
    expect(readFleetAbout(bytes(`{"owner":{"name":"${"x".repeat(300)}"}}`))).toEqual(nothing);
    expect(readFleetLight(bytes('{"state":"ON","brightness":900,"fault":7}'))).toEqual({
      on: true,
      brightness: null,
      available: true,
      fault: null,
    });
    expect(readFleetLight(Uint8Array.of(0xff, 0xfe))).toBeNull();
    expect([readAvailability(bytes("online")), readAvailability(bytes("offline"))]).toEqual([true, false]);
  });
});

describe("a fleet", () => {
  let clock: VirtualClock;
  let sim: SimulatedBroker;
  beforeEach(() => {
    clock = new VirtualClock();
    sim = new SimulatedBroker({ clock, authenticate: allowAll });
  });
  afterEach(() => clock[Symbol.dispose]());

  const retain = (topic: string, text: string): void => sim.publish(topic, text, { retain: true });
  const board = (id: string, online: boolean): void => {
    retain(`porchlight/${id}/availability`, online ? "online" : "offline");
    retain(`porchlight/${id}/about`, JSON.stringify({ device: { name: id, serial: `S-${id}` } }));
    retain(`porchlight/${id}/light/state`, '{"state":"OFF"}');
    retain(`porchlight/${id}/lights/hall/state`, '{"state":"ON"}');
  };
  const read = (over: Partial<FleetOptions> = {}, signal = new AbortController().signal): Promise<Fleet> =>
    clock.until(
      readFleet(
        {
          url: new URL("mqtt://broker.test"),
          protocol: "auto",
          clientId: "porchlight-report-1",
          username: "porchlight-report",
          password: new Secret("p"),
          clock,
          openStream: async () => {
            const [ours, theirs] = duplexPair();
            sim.attach(theirs);
            return ours;
          },
          quietMs: 2000,
          limitMs: 60_000,
          most: 1000,
          progress: () => undefined,
          ...over,
        },
        signal,
      ),
      600_000,
    );

  it.each(["auto", "5", "3.1.1"] as const)(
    "is read once, by MQTT %s, and left as it was",
    async (protocol) => {
      board("porch-a", true);
      board("porch-b", false);
      retain("porchlight/porch-b/light/set", '{"state":"ON"}');
      retain("other/porch-c/about", "{}");
      const { boards, problem } = await read({ protocol });
      expect(problem).toBeNull();
      expect([...boards.keys()].sort()).toEqual(["porch-a", "porch-b"]);
      expect(boards.get("porch-a")).toMatchObject({ online: true, about: { serial: "S-porch-a" } });
      expect(boards.get("porch-b")?.online).toBe(false);
      expect([...(boards.get("porch-b")?.lights ?? [])]).toMatchObject([
        ["", { on: false }],
        ["hall", { on: true }],
      ]);
      await clock.advance(1000);
      expect(clock.waiting).toBe(0);
    },
  );

  it("without boards is empty", async () => {
    expect(await read()).toEqual({ boards: new Map(), problem: null });
  });

  it("that a stranger floods with names is read so far", async () => {
    for (let n = 0; n < 50; n++) retain(`porchlight/junk-${n}/about`, "junk");
    for (let n = 0; n < 100; n++) retain(`porchlight/junk-0/lights/l${n}/state`, '{"state":"ON"}');
    const { boards, problem } = await read({ most: 20 });
    expect([boards.size, problem?.code]).toEqual([20, "REPORT_INCOMPLETE"]);
    const all = await read();
    expect(all.boards.get("junk-0")?.lights.size).toBe(32);
  });

  it("whose lamps are switched all the time is read all the same, with what they are by then", async () => {
    board("porch-a", true);
    const stop = new AbortController();
    const dragging = (async () => {
      for (;;) {
        await clock.sleep(1000, stop.signal);
        retain("porchlight/porch-a/light/state", '{"state":"ON"}');
      }
    })().catch(() => undefined);
    const { boards, problem } = await read();
    stop.abort();
    await dragging;
    expect(problem).toBeNull();
    expect(boards.get("porch-a")?.lights.get("")?.on).toBe(true);
  });

  it("at a broker that is not done when the time is up is what was heard until then", async () => {
    board("porch-a", true);
    const { boards, problem } = await read({ limitMs: 1500 });
    expect([boards.size, problem?.code]).toEqual([1, "REPORT_INCOMPLETE"]);
  });

  it.each<[string, Partial<FleetOptions>, Authenticate, string]>([
    [
      "cannot be reached",
      {
        openStream: async () => {
          throw new AgentError("BROKER_UNREACHABLE");
        },
      },
      allowAll,
      "BROKER_UNREACHABLE",
    ],
    ["turns the report away", {}, async () => ({ ok: false, reason: "no" }), "BROKER_REFUSED"],
    [
      "forbids the topics",
      {},
      async (credentials) => ({ ...(await allowAll(credentials)), may: () => false }) as never,
      "BROKER_FORBIDS",
    ],
    [
      "does not speak the protocol",
      {
        protocol: "5",
        openStream: async () => {
          const [ours, theirs] = duplexPair();
          theirs.on("data", () => theirs.destroy());
          return ours;
        },
      },
      allowAll,
      "BROKER_LOST",
    ],
  ])("at a broker that %s is none, and why is told", async (_name, over, authenticate, code) => {
    sim = new SimulatedBroker({ clock, authenticate });
    board("porch-a", true);
    const { boards, problem } = await read(over);
    expect([boards.size, problem?.code]).toEqual([0, code]);
  });

  it("at a broker that goes away is what was heard until then", async () => {
    board("porch-a", true);
    const reading = read({ quietMs: 10_000 });
    const leaving = (async () => {
      await clock.sleep(3000, new AbortController().signal);
      sim.close();
    })();
    const { boards, problem } = await reading;
    await leaving;
    expect([boards.size, problem?.code]).toEqual([1, "BROKER_LOST"]);
  });

  it("is let go of when somebody says stop", async () => {
    const stop = new AbortController();
    const reading = read({}, stop.signal).then(
      () => "read",
      (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
    );
    stop.abort(new AgentError("INTERRUPTED"));
    expect(await reading).toBe("INTERRUPTED");
  });
});
