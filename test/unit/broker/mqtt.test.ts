import { once } from "node:events";
import { type Duplex, duplexPair } from "node:stream";
import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { type Authenticate, allowAll, type Credentials } from "../../../firmware-sim/broker/access.ts";
import type { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import type { Message } from "../../../firmware-sim/broker/session.ts";
import type { CommandRequest, Link } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { announcement, brokerWorld, never, reportOf, token } from "./world.ts";

/** The id of a plain command that could be read. */
const plainId = ({ incoming }: CommandRequest): string | null =>
  incoming.channel === "plain" && incoming.parsed.ok ? incoming.parsed.command.id : null;

const topic = (name: string): string => `porchlight/porch-1/${name}`;
const HOUR = 3_600_000;

const rules =
  (may: (action: string, topic: string) => boolean): Authenticate =>
  async ({ clientId }) => ({ ok: true, who: { kind: "device", name: clientId }, may, expiresAt: null });

describe("the protocol", () => {
  it("is MQTT 5 where the broker speaks it", async () => {
    const { connect } = await brokerWorld();
    expect((await connect()).protocol).toBe("5");
  });

  it.each([[true], ["silently" as const]])(
    "falls back to 3.1.1 on a broker that refuses MQTT 5 (%s), and tries 5 again after a while",
    async (refusal) => {
      const { connect, sim, streams, clock } = await brokerWorld();
      sim.refuseProtocol5 = refusal;
      const first = await connect();
      expect(first.protocol).toBe("3.1.1");
      expect(streams).toHaveLength(2);
      // remembered: no second attempt with 5
      const second = await connect(first);
      expect(second.protocol).toBe("3.1.1");
      expect(streams).toHaveLength(3);
      sim.refuseProtocol5 = false;
      await clock.advance(HOUR);
      expect((await connect(second)).protocol).toBe("5");
    },
  );

  it.each(["ECONNRESET", "EPIPE"])(
    "falls back to 3.1.1 as well when the broker breaks off with %s",
    async (code) => {
      const sim: { broker?: SimulatedBroker } = {};
      const opened: Duplex[] = [];
      const world = await brokerWorld({
        openStream: async () => {
          const [ours, theirs] = duplexPair();
          opened.push(ours);
          if (opened.length === 1) setImmediate(() => ours.destroy(Object.assign(new Error(code), { code })));
          else sim.broker?.attach(theirs);
          return ours;
        },
      });
      sim.broker = world.sim;
      expect((await world.connect()).protocol).toBe("3.1.1");
    },
  );

  it("stays 5 where the settings say so", async () => {
    const { failure, sim, streams } = await brokerWorld({ protocol: "5" });
    sim.refuseProtocol5 = true;
    expect(await failure()).toBe("BROKER_REFUSED");
    sim.refuseProtocol5 = "silently";
    expect(await failure()).toBe("BROKER_LOST");
    expect(streams).toHaveLength(2);
  });

  it("stays 5 when a broker that has spoken it closes without a word, until that has failed once", async () => {
    const { connect, failure, sim } = await brokerWorld();
    const link = await connect();
    sim.refuseProtocol5 = "silently";
    expect(await failure(link)).toBe("BROKER_LOST");
    expect((await connect(link)).protocol).toBe("3.1.1");
  });
});

describe("credentials", () => {
  const shown = async (options: Parameters<typeof brokerWorld>[0], pass = token): Promise<Credentials[]> => {
    const seen: Credentials[] = [];
    const { connect } = await brokerWorld({
      ...options,
      authenticate: (credentials) => {
        seen.push(credentials);
        return allowAll(credentials);
      },
    });
    await connect(undefined, pass);
    return seen;
  };

  it("are the token as password and the device id as user name", async () => {
    expect(await shown({})).toEqual([
      { clientId: "porch-1", username: "porch-1", password: "the-token", protocol: "5" },
    ]);
  });

  it("have the user name of the settings where there is one", async () => {
    expect(await shown({ username: "fleet" })).toMatchObject([{ username: "fleet", password: "the-token" }]);
  });

  it("are those of the settings with a static pass, or none at all", async () => {
    const password = new Secret("from-settings");
    expect(await shown({ username: "anna", password }, { kind: "static" })).toMatchObject([
      { username: "anna", password: "from-settings" },
    ]);
    expect(await shown({ password }, { kind: "static" })).toMatchObject([
      { username: "porch-1", password: "from-settings" },
    ]);
    expect(await shown({}, { kind: "static" })).toMatchObject([{ username: null, password: null }]);
  });

  it("that are refused end in an error without them", async () => {
    const { broker, clock } = await brokerWorld({
      authenticate: async () => ({ ok: false, reason: "no" }),
    });
    const error: unknown = await clock
      .until(broker.connect(token, announcement, undefined, never))
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "BROKER_REFUSED" });
    expect(inspect(error, { depth: 9 })).not.toContain("the-token");
    expect(clock.waiting).toBe(0);
  });
});

describe("a connection that does not come about", () => {
  it.each([
    [0x86, "BROKER_REFUSED"],
    [0x87, "BROKER_REFUSED"],
    [0x88, "BROKER_BUSY"],
    [0x89, "BROKER_BUSY"],
    [0x8a, "BROKER_REFUSED"],
    [0x97, "BROKER_BUSY"],
    [0x9c, "BROKER_BUSY"],
    [0x9f, "BROKER_BUSY"],
    [0xee, "BROKER_REFUSED"],
  ] as const)("with reason code %i is %s in MQTT 5", async (reason, code) => {
    const { failure, sim, clock, streams } = await brokerWorld({ protocol: "5" });
    sim.refuseConnects = 1;
    sim.refuseReason = reason;
    expect(await failure()).toBe(code);
    expect(clock.waiting).toBe(0);
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
  });

  it.each([
    [0x86, "BROKER_REFUSED"],
    [0x87, "BROKER_REFUSED"],
    [0x88, "BROKER_BUSY"],
  ] as const)("with reason code %i is %s in MQTT 3.1.1", async (reason, code) => {
    const { failure, sim } = await brokerWorld({ protocol: "3.1.1" });
    sim.refuseConnects = 1;
    sim.refuseReason = reason;
    expect(await failure()).toBe(code);
  });

  it("because nobody answers is given up in time", async () => {
    const { failure, sim, clock, streams } = await brokerWorld({ connectTimeoutMs: 5_000 });
    sim.ignoreConnects = true;
    expect(await failure()).toBe("BROKER_UNREACHABLE");
    expect(clock.mono()).toBe(5_000);
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
    sim.close();
    await clock.settle();
    expect(clock.waiting).toBe(0);
  });

  it("because no stream can be opened is given up in time, and a late stream is closed", async () => {
    const late = Promise.withResolvers<Duplex>();
    const { failure, clock } = await brokerWorld({
      openStream: () => late.promise,
      connectTimeoutMs: 5_000,
    });
    expect(await failure()).toBe("BROKER_UNREACHABLE");
    const [stream] = duplexPair();
    late.resolve(stream);
    await clock.settle();
    expect(stream.destroyed).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it("because opening the stream takes too long calls that off", async () => {
    const { failure, clock } = await brokerWorld({
      openStream: (_url, signal) =>
        new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      connectTimeoutMs: 5_000,
    });
    expect(await failure()).toBe("BROKER_UNREACHABLE");
    expect(clock.waiting).toBe(0);
  });

  it("because the network fails in mid-sentence is a loss", async () => {
    const { failure, streams } = await brokerWorld({
      protocol: "5",
      openStream: async () => {
        const [ours] = duplexPair();
        setImmediate(() => ours.destroy(Object.assign(new Error("no route"), { code: "EHOSTUNREACH" })));
        return ours;
      },
    });
    expect(await failure()).toBe("BROKER_LOST");
    expect(streams).toEqual([]);
  });

  it.each([
    ["dead", undefined],
    ["broken", new Error("no route")],
  ])("because the stream was %s before it began ends at once", async (_how, error) => {
    for (const isClosed of [false, true]) {
      const { failure } = await brokerWorld({
        protocol: "5",
        openStream: async () => {
          const [stream] = duplexPair();
          stream.once("error", () => {});
          const closed = once(stream, "close").catch(() => {});
          stream.destroy(error);
          if (isClosed) await closed;
          return stream;
        },
      });
      expect(await failure()).toBe("BROKER_LOST");
    }
  });

  it("because a dying node closes right after CONNACK is a loss, again and again", async () => {
    const { failure, connect, sim } = await brokerWorld({ protocol: "5" });
    sim.closeAfterConnack = 3;
    for (let count = 0; count < 3; count++) expect(await failure()).toBe("BROKER_LOST");
    expect((await connect()).protocol).toBe("5");
  });

  it.each(["5", "3.1.1"] as const)("because a topic is forbidden says so (MQTT %s)", async (protocol) => {
    const { failure, clock, streams } = await brokerWorld({
      protocol,
      authenticate: rules((action, name) => action === "publish" || !name.endsWith("/command")),
    });
    expect(await failure()).toBe("BROKER_FORBIDS");
    expect(streams.every((stream) => stream.destroyed)).toBe(true);
    expect(clock.waiting).toBeLessThanOrEqual(2);
  });

  it("because the board may not publish says so", async () => {
    const { failure } = await brokerWorld({
      authenticate: rules((action, name) => action === "subscribe" || name.endsWith("availability")),
    });
    expect(await failure()).toBe("BROKER_FORBIDS");
  });

  it.each(["before", "after"])(
    "because it is called off %s CONNACK ends with the caller's reason",
    async (when) => {
      const { broker, clock, sim, streams } = await brokerWorld();
      if (when === "before") sim.ignoreConnects = true;
      else sim.stopAcking = true;
      const stop = new AbortController();
      const connecting = broker.connect(token, announcement, undefined, stop.signal);
      await clock.settle();
      stop.abort(new Error("enough"));
      await expect(clock.until(connecting)).rejects.toThrow("enough");
      expect(streams.every((stream) => stream.destroyed)).toBe(true);
      await expect(broker.connect(token, announcement, undefined, stop.signal)).rejects.toThrow("enough");
    },
  );

  it("because the broker talks nonsense ends in an error, whatever the nonsense", async () => {
    let seed = 1;
    const noise = (length: number): Buffer =>
      Buffer.from(
        Array.from({ length }, () => {
          seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
          return seed >> 16;
        }),
      );
    const { failure, clock } = await brokerWorld({
      protocol: "5",
      connectTimeoutMs: 1_000,
      openStream: async () => {
        const [ours, theirs] = duplexPair();
        theirs.resume();
        theirs.on("error", () => {});
        for (let count = 0; count < 5; count++) theirs.write(noise(40));
        return ours;
      },
    });
    for (let count = 0; count < 60; count++) expect(await failure()).toMatch(/^BROKER_/);
    expect(clock.waiting).toBe(0);
  });

  it("because the broker sends more than a board can hold ends before it is read", async () => {
    const { failure } = await brokerWorld({
      openStream: async () => {
        const [ours, theirs] = duplexPair();
        theirs.resume();
        theirs.on("error", () => {});
        theirs.write(Buffer.from([0x30, 0xff, 0xff, 0xff, 0x7f, 0x00]));
        return ours;
      },
    });
    expect(await failure()).toBe("BROKER_LOST");
  });
});

describe("a link", () => {
  it("is lost with BROKER_SILENT when the broker stops acknowledging while it answers pings", async () => {
    const { connect, sim, clock } = await brokerWorld();
    const link = await connect();
    await clock.advance(60_000);
    sim.stopAcking = true;
    link.report(reportOf(1));
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_SILENT" });
  });

  it("is lost when the broker answers nothing, pings included", async () => {
    const { connect, streams, clock } = await brokerWorld({ keepAliveS: 30 });
    const link = await connect();
    const { mono } = clock;
    const before = mono.call(clock);
    streams[0]?.pause();
    streams[0]?.unpipe();
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_LOST" });
    expect(clock.mono() - before).toBeLessThanOrEqual(60_000);
  });

  it.each<[what: string, bytes: readonly number[]]>([
    ["PUBLISH of QoS 1", [0x32, 3, 0, 1, 0x61]],
    ["PUBLISH of QoS 2", [0x34, 3, 0, 1, 0x61]],
    ["PUBREL", [0x62, 0]],
  ])(
    "is lost, and the program goes on, when a %s ends before its packet identifier",
    async (_what, bytes) => {
      const { connect, streams, clock } = await brokerWorld({ protocol: "3.1.1" });
      const link = await connect();
      streams[0]?.push(Buffer.from(bytes));
      expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_LOST" });
    },
  );

  it("asks as often as the broker wants it to", async () => {
    const { connect, sim, clock } = await brokerWorld({ keepAliveS: 600 });
    sim.serverKeepAliveS = 10;
    const link = await connect();
    let lost = false;
    void link.lost.then(() => {
      lost = true;
    });
    await clock.advance(120_000);
    expect(lost).toBe(false);
    expect(sim.connected).toEqual(["porch-1"]);
  });

  it("is lost with BROKER_TAKEN_OVER when another board has its name", async () => {
    const { connect, broker, clock } = await brokerWorld({ protocol: "5" });
    const first = await connect();
    await clock.until(broker.connect(token, announcement, undefined, never));
    expect(await clock.until(first.lost)).toMatchObject({ code: "BROKER_TAKEN_OVER" });
  });

  it("is lost with BROKER_BUSY when the broker shuts down", async () => {
    const { connect, sim, clock } = await brokerWorld({ protocol: "5" });
    const link = await connect();
    sim.restart({ keepSessions: true });
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_BUSY" });
  });

  it("subscribes again on a broker that has forgotten its session", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const first = await connect();
    sim.restart({ keepSessions: false });
    await clock.until(first.lost);
    const requests = collect(await connect(first));
    sim.publish(topic("light/set"), '{"state":"ON","id":"a"}');
    await clock.settle();
    expect(requests).toHaveLength(1);
  });

  it("ends with its token where the broker closes then", async () => {
    const clockStart = epochMs(Date.parse("2026-12-01T17:00:00Z"));
    const { connect, clock } = await brokerWorld({
      authenticate: async (credentials) => {
        const access = await allowAll(credentials);
        return access.ok ? { ...access, expiresAt: epochMs(clockStart + 60_000) } : access;
      },
    });
    const link = await connect();
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_REFUSED" });
    expect(clock.mono()).toBe(60_000);
  });

  it("says goodbye within seconds to a broker that is dead, and leaves no timer", async () => {
    const { connect, sim, clock, streams } = await brokerWorld();
    const link = await connect();
    sim.stopAcking = true;
    streams[0]?.pause();
    streams[0]?.unpipe();
    link.report(reportOf(1));
    const before = clock.mono();
    await clock.until(link[Symbol.asyncDispose]());
    expect(clock.mono() - before).toBeLessThanOrEqual(5_000);
    expect(streams[0]?.destroyed).toBe(true);
    sim.close();
    await clock.settle();
    expect(clock.waiting).toBe(0);
  });

  it("is lost when a state may no longer be published", async () => {
    let allowed = true;
    const { connect, clock } = await brokerWorld({ protocol: "5", authenticate: rules(() => allowed) });
    const link = await connect();
    allowed = false;
    link.report(reportOf(1));
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_FORBIDS" });
  });

  it("keeps a report of a lamp that it was not told about to itself", async () => {
    const { connect, sim, clock } = await brokerWorld();
    const link = await connect();
    link.report(reportOf(1, "attic"));
    await clock.settle();
    expect(sim.retained(topic("lights/attic/state"))).toBeUndefined();
    expect(sim.connected).toEqual(["porch-1"]);
  });

  it("can be closed twice, and after it was lost", async () => {
    const { connect, sim, clock } = await brokerWorld();
    const link = await connect();
    sim.dropConnections();
    await clock.until(link.lost);
    await clock.until(link[Symbol.asyncDispose]());
    await clock.until(link[Symbol.asyncDispose]());
    link.report(reportOf(1));
    await clock.settle();
  });
});

describe("a broker that cannot do everything", () => {
  it.each([
    [{ retainAvailable: false }],
    [{ maximumQoS: 0 as const }],
    [{ wildcardSubscriptionAvailable: false }],
  ])("is given no more than it can do: %j", async (limits) => {
    const { connect, sim, clock, collect } = await brokerWorld({ protocol: "5", lights: ["main", "hall"] });
    sim.limits = limits;
    const link = await connect();
    const requests = collect(link);
    sim.publish(topic("lights/hall/set"), '{"state":"ON"}');
    link.report(reportOf(1));
    await clock.settle();
    expect(requests).toHaveLength(1);
    expect(sim.connected).toEqual(["porch-1"]);
    expect(sim.received.filter((each) => each.topic === topic("light/state"))).toHaveLength(2);
  });

  it("is given a last will that it can do, at once the next time, and a whole one when it can do more again", async () => {
    const { connect, sim, clock, streams } = await brokerWorld({ protocol: "5" });
    const said: Message[] = [];
    sim.observe((message) => {
      if (message.topic === topic("availability")) said.push(message);
    });
    /** How it is said that the board has gone without a word, and how many connections it has tried. */
    const lived = async () => {
      const before = streams.length;
      const link = await connect();
      sim.dropConnections();
      await clock.until(link.lost);
      await clock.advance(31_000);
      const last = said.at(-1);
      return [last?.payload.toString(), last?.retain, last?.qos, streams.length - before];
    };
    sim.limits = { retainAvailable: false, maximumQoS: 0 };
    expect(await lived()).toEqual(["offline", false, 0, 3]);
    expect(await lived()).toEqual(["offline", false, 0, 1]);
    sim.limits = { retainAvailable: false };
    expect(await lived()).toEqual(["offline", false, 0, 1]);
    expect(await lived()).toEqual(["offline", false, 1, 1]);
    sim.limits = {};
    await lived();
    expect(await lived()).toEqual(["offline", true, 1, 1]);
  });

  it("gets one message at a time where it takes only one", async () => {
    const { connect, sim, clock } = await brokerWorld({ protocol: "5" });
    sim.limits = { receiveMaximum: 1 };
    sim.delayMs = 100;
    const before = clock.mono();
    await connect();
    // CONNACK, SUBACK, then about, state and online, each behind the one before
    expect(clock.mono() - before).toBe(500);
    expect(sim.received.map((each) => each.topic)).toEqual([
      topic("about"),
      topic("light/state"),
      topic("availability"),
    ]);
  });

  it("that goes away loses nobody who waits for his turn", async () => {
    const { connect, sim, clock } = await brokerWorld({ protocol: "5" });
    sim.limits = { receiveMaximum: 1 };
    const link = await connect();
    sim.stopAcking = true;
    link.report(reportOf(1));
    const closing = link[Symbol.asyncDispose]();
    await clock.until(closing);
    sim.close();
    await clock.settle();
    expect(clock.waiting).toBe(0);
  });
});

describe("an answer", () => {
  const ask = async (
    responseTopic: string,
    authenticate: Authenticate = allowAll,
    correlationData = Buffer.from("corr"),
  ): Promise<{ topic: string; correlation: string | undefined; id: unknown }> => {
    const { connect, sim, clock, collect } = await brokerWorld({ authenticate });
    const requests = collect(await connect());
    sim.received.length = 0;
    sim.publish(topic("light/set"), '{"state":"ON"}', {
      properties: { responseTopic, correlationData },
    });
    await clock.settle();
    const id = requests.map(plainId)[0] ?? null;
    requests[0]?.answer({ id, outcome: "done", code: null, message: null, light: "main", state: null });
    await clock.settle();
    const [answer] = sim.received;
    return {
      topic: answer?.topic ?? "",
      correlation: answer?.properties.correlationData?.toString(),
      id: JSON.parse(answer?.payload.toString() ?? "{}").id,
    };
  };

  it("goes to the sender's response topic, with its correlation data", async () => {
    expect(await ask("phones/anna")).toEqual({ topic: "phones/anna", correlation: "corr", id: "corr" });
  });

  it.each([["phones/+"], ["$SYS/x"], [topic("light/set")], [topic("command")], ["x".repeat(300)]])(
    "goes to the board's own topic when the response topic is %s",
    async (responseTopic) => {
      expect((await ask(responseTopic)).topic).toBe(topic("result"));
    },
  );

  it.each([
    [1024, "phones/anna"],
    [1025, topic("result")],
  ])("to a command with %d bytes of correlation data goes to %s", async (size, where) => {
    const answer = await ask("phones/anna", allowAll, Buffer.alloc(size, "c"));
    expect([answer.topic, answer.correlation?.length ?? null]).toEqual([where, size > 1024 ? null : size]);
  });

  it("goes to the board's own topic when the broker forbids the sender's", async () => {
    const authenticate = rules((_action, name) => name.startsWith("porchlight/"));
    expect((await ask("phones/anna", authenticate)).topic).toBe(topic("result"));
  });

  it("given while there is no connection is published over the next one", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link = await connect();
    const requests = collect(link);
    sim.publish(topic("light/set"), '{"state":"ON","id":"a"}');
    await clock.settle();
    sim.dropConnections();
    await clock.until(link.lost);
    const refusal = {
      id: "a",
      outcome: "refused",
      code: "COMMAND_STALE",
      message: null,
      light: "main",
      state: null,
    } as const;
    for (let count = 0; count < 40; count++) requests[0]?.answer({ ...refusal, id: String(count) });
    await connect(link);
    await clock.settle();
    const answers = sim.received.filter((each) => each.topic === topic("result"));
    // the newest 32; more would be a burst that nobody waits for
    expect(answers.map((each) => JSON.parse(each.payload.toString()).id)).toEqual(
      Array.from({ length: 32 }, (_, index) => String(index + 8)),
    );
  });
});

describe("an answer that does not get through", () => {
  const result = {
    id: "a",
    outcome: "done",
    code: null,
    message: null,
    light: "attic",
    state: null,
  } as const;

  it("is published again over the next connection", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link = await connect();
    const requests = collect(link);
    sim.publish(topic("lights/attic/set"), '{"state":"ON","id":"a"}');
    await clock.settle();
    sim.stopAcking = true;
    requests[0]?.answer(result);
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_SILENT" });
    sim.stopAcking = false;
    await connect(link);
    await clock.settle();
    // once over each connection: QoS 1 is at least once
    expect(sim.received.filter((each) => each.topic === topic("result"))).toHaveLength(2);
  });

  it("because the broker forbids it is dropped, and the link goes on", async () => {
    const { connect, sim, clock, collect } = await brokerWorld({
      authenticate: rules((_action, name) => !name.endsWith("/result")),
    });
    const requests = collect(await connect());
    sim.publish(topic("lights/attic/set"), '{"state":"ON","id":"a"}');
    await clock.settle();
    requests[0]?.answer(result);
    await clock.settle();
    expect(sim.connected).toEqual(["porch-1"]);
  });
});

describe("commands that wait", () => {
  it("push the oldest out, with an answer, when there are too many", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link: Link = await connect();
    sim.publish(topic("light/set"), "nonsense");
    for (let count = 1; count <= 70; count++)
      sim.publish(topic("light/set"), JSON.stringify({ brightness: count, id: String(count) }));
    await clock.settle();
    const refused = sim.received.filter((each) => each.topic === topic("result"));
    expect(refused.map((each) => JSON.parse(each.payload.toString()))).toMatchObject(
      Array.from({ length: 7 }, (_, index) => ({
        id: index === 0 ? null : String(index),
        outcome: "refused",
        code: "COMMAND_CROWDED",
      })),
    );
    const requests = collect(link);
    await clock.settle();
    expect(requests).toHaveLength(64);
  });

  it("in a flood leave few answers waiting while the broker does not acknowledge, and the newest come when it does", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link = await connect();
    sim.delayMs = 10_000;
    sim.received.length = 0;
    const correlationData = Buffer.alloc(1024, 1);
    for (let count = 0; count < 5_000; count++)
      sim.publish(topic("light/set"), JSON.stringify({ state: "ON", id: String(count) }), {
        qos: 0,
        properties: { correlationData },
      });
    await clock.advance(10_000);
    const requests = collect(link);
    await clock.settle();
    expect(requests).toHaveLength(64);
    for (const request of requests.slice(-8))
      request.answer({
        id: plainId(request),
        outcome: "done",
        code: null,
        message: null,
        light: "main",
        state: null,
      });
    await clock.advance(120_000);
    const answers = sim.received.filter((each) => each.topic === topic("result"));
    // 64 when the flood came, and those for which the first acknowledgements made room
    expect(answers.length).toBeLessThanOrEqual(64 + 32);
    expect(answers.slice(-8).map((each) => JSON.parse(each.payload.toString()).id)).toEqual(
      Array.from({ length: 8 }, (_, index) => String(4_992 + index)),
    );
    expect(sim.connected).toEqual(["porch-1"]);
  });

  it("of a key that was obeyed before keep their place in a flood of forged ones", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const signed = (kid: string, id: string): string => {
      const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
      return JSON.stringify({ osm: `${part({ alg: "ES256", kid })}.${part({ id })}.c2ln` });
    };
    const first = await connect();
    const early = collect(first);
    sim.publish(topic("command"), signed("owner", "0"));
    await clock.settle();
    early[0]?.answer({ id: "0", outcome: "done", code: null, message: null, light: "main", state: null });
    await first[Symbol.asyncDispose]();
    const link = await connect();
    sim.publish(topic("command"), signed("owner", "1"));
    for (let count = 0; count < 100; count++) sim.publish(topic("command"), signed(`forged-${count}`, "x"));
    await clock.settle();
    const requests = collect(link);
    await clock.settle();
    const payloads = requests.map(({ incoming }) =>
      incoming.channel === "signed" ? Buffer.from(incoming.payload ?? []).toString() : "",
    );
    expect(payloads).toHaveLength(64);
    expect(payloads).toContain(signed("owner", "1"));
  });

  it("expire in the queue of the broker, on the way, and in ours", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link = await connect();
    sim.publish(topic("light/set"), '{"state":"ON","id":"short"}', { expiresInS: 10 });
    sim.publish(topic("light/set"), '{"state":"ON","id":"long"}', { expiresInS: 60 });
    sim.publish(topic("light/set"), '{"state":"ON","id":"ever"}');
    await clock.advance(30_000);
    const requests = collect(link);
    await clock.settle();
    expect(requests.map(({ incoming }) => incoming.expired)).toEqual([true, false, false]);
  });

  it("while the board says goodbye are not acknowledged, so that the next connection has them", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const link = await connect();
    sim.delayMs = 100;
    const closing = link[Symbol.asyncDispose]();
    await clock.advance(50);
    sim.publish(topic("light/set"), '{"state":"ON","id":"a"}');
    await clock.until(closing);
    sim.delayMs = 0;
    const requests = collect(await connect());
    await clock.settle();
    expect(requests.map(plainId)).toEqual(["a"]);
  });

  it("on a topic that names no possible lamp are none", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const requests = collect(await connect());
    sim.publish(topic("lights/not a lamp/set"), '{"state":"ON"}');
    sim.publish(topic("light/set"), '{"state":"ON"}');
    await clock.settle();
    expect(requests).toHaveLength(1);
  });

  it("that are signed come on their own channel", async () => {
    const { connect, sim, clock, collect } = await brokerWorld();
    const requests = collect(await connect());
    const correlationData = Buffer.from("corr");
    sim.publish(topic("command"), "{}", { properties: { correlationData } });
    sim.publish(topic("command"), "x".repeat(16_385));
    sim.publish(topic("command"), "");
    await clock.settle();
    expect(requests.map(({ incoming }) => incoming)).toEqual([
      { channel: "signed", payload: Buffer.from("{}"), correlation: "corr", retained: false, expired: false },
      { channel: "signed", payload: null, correlation: null, retained: false, expired: false },
    ]);
  });
});

describe("the address of a link", () => {
  it.each([
    ["mqtt://broker.test", "broker.test:1883"],
    ["mqtts://user:pw@broker.test", "broker.test:8883"],
    ["wss://broker.test/mqtt", "broker.test:443"],
    ["mqtt://broker.test:7000", "broker.test:7000"],
    ["memory://sim", "sim"],
  ])("of %s is %s", async (url, address) => {
    const { connect } = await brokerWorld({ url: new URL(url) });
    expect((await connect()).address).toBe(address);
  });
});

describe("a hand-over that fails", () => {
  it("leaves the old link as it was when the new one never reached the broker", async () => {
    const { connect, failure, sim, clock, collect } = await brokerWorld({ protocol: "5" });
    const link = await connect();
    const requests = collect(link);
    sim.refuseConnects = 1;
    expect(await failure(link)).toBe("BROKER_BUSY");
    sim.publish(topic("light/set"), '{"state":"ON","id":"a"}');
    await clock.settle();
    expect(requests).toHaveLength(1);
    sim.dropConnections();
    expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_LOST" });
  });

  it.each([
    ["with an error", new Error("no route")],
    ["without a word", undefined],
  ])(
    "because the new stream breaks %s while MQTT 3.1.1 says goodbye on the old one is a loss, and no more",
    async (_how, error) => {
      const { broker, connect, sim, streams, clock } = await brokerWorld({ protocol: "3.1.1" });
      const link = await connect();
      // the goodbye waits for this acknowledgement
      sim.stopAcking = true;
      link.report(reportOf(1));
      const connecting = broker.connect(token, announcement, link, never);
      connecting.catch(() => {});
      await clock.advance(50);
      expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false]);
      streams[1]?.destroy(error);
      await expect(clock.until(connecting)).rejects.toMatchObject({ code: "BROKER_LOST" });
      expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_LOST" });
      sim.stopAcking = false;
      expect((await connect(link)).protocol).toBe("3.1.1");
    },
  );

  it("because it is called off while MQTT 3.1.1 says goodbye on the old link leaves no stream, and no CONNECT", async () => {
    const credentials: Credentials[] = [];
    const { broker, connect, sim, streams, clock } = await brokerWorld({
      protocol: "3.1.1",
      authenticate: (shown) => {
        credentials.push(shown);
        return allowAll(shown);
      },
    });
    const link = await connect();
    sim.stopAcking = true;
    link.report(reportOf(1));
    const stop = new AbortController();
    const connecting = broker.connect(token, announcement, link, stop.signal);
    connecting.catch(() => {});
    await clock.advance(50);
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    stop.abort(new Error("enough"));
    await expect(clock.until(connecting)).rejects.toThrow("enough");
    expect(streams.map(({ destroyed }) => destroyed)).toEqual([true, true]);
    expect(credentials).toHaveLength(1);
  });

  it.each(["5", "3.1.1"] as const)(
    "loses the old link when the broker has dropped it already (MQTT %s), and the next one has everything",
    async (protocol) => {
      const { connect, failure, sim, clock, collect } = await brokerWorld({ protocol });
      const link = await connect();
      sim.publish(topic("light/set"), '{"state":"ON","id":"before"}');
      await clock.settle();
      sim.closeAfterConnack = 1;
      expect(await failure(link)).toBe("BROKER_LOST");
      expect(await clock.until(link.lost)).toMatchObject({ code: "BROKER_LOST" });
      sim.publish(topic("light/set"), '{"state":"ON","id":"between"}');
      const requests = collect(await connect(link));
      await clock.settle();
      expect(requests.map(plainId)).toEqual(["before", "between"]);
    },
  );
});
