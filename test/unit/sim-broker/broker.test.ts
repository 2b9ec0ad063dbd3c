import mqttPacket, { type IPublishPacket, type ISubscribePacket } from "mqtt-packet";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type Authenticate, allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { Wire } from "../../../firmware-sim/wire.ts";
import { connectPacket, type RawClient, rawClient } from "./raw-client.ts";

const publish = (topic: string, payload: string, more: Partial<IPublishPacket> = {}): IPublishPacket => ({
  cmd: "publish",
  topic,
  payload,
  qos: 0,
  dup: false,
  retain: false,
  ...more,
});

const subscribe = (
  topic: string,
  more: Partial<ISubscribePacket["subscriptions"][number]> = {},
): ISubscribePacket => ({ cmd: "subscribe", messageId: 1, subscriptions: [{ topic, qos: 1, ...more }] });

/** How a broker lets acknowledgements wait, and what for. */
interface Limited {
  readonly faults: Partial<Pick<SimulatedBroker, "stopAcking" | "delayMs">>;
  readonly qos: 1 | 2;
}

const will = { topic: "will", payload: "gone", qos: 1, retain: true } as const;

describe("the simulated broker", () => {
  let clock: VirtualClock;
  let broker: SimulatedBroker;
  let wire: Wire;
  let authenticate: Authenticate;

  beforeEach(() => {
    clock = new VirtualClock();
    wire = new Wire(clock);
    authenticate = allowAll;
    broker = new SimulatedBroker({ clock, wire, authenticate: (credentials) => authenticate(credentials) });
  });

  afterEach(async () => {
    broker.close();
    await clock.settle();
    expect(clock.waiting).toBe(0);
    clock[Symbol.dispose]();
  });

  const client = async (
    id: string,
    more: Parameters<typeof connectPacket>[1] = {},
    version: 4 | 5 = 5,
  ): Promise<RawClient> => {
    const raw = rawClient(broker, clock, version);
    await raw.send(connectPacket(id, { protocolVersion: version, ...more }));
    return raw;
  };

  const session = { clean: false, properties: { sessionExpiryInterval: 3600 } } as const;

  describe("passes messages on", () => {
    it("in the lower of both QoS, and grants QoS 1 for 2", async () => {
      const reader = await client("reader");
      const writer = await client("writer");
      await reader.send({
        cmd: "subscribe",
        messageId: 1,
        subscriptions: [
          { topic: "zero", qos: 0 },
          { topic: "one", qos: 1 },
          { topic: "two", qos: 2 },
        ],
      });
      expect(reader.all("suback")[0]?.granted).toEqual([0, 1, 1]);
      for (const topic of ["zero", "one", "two"])
        await writer
          .send(publish(topic, topic, { qos: 2, messageId: 7 }))
          .then(() => writer.send({ cmd: "pubrel", messageId: 7 }));
      expect(reader.publishes().map(({ payload, qos }) => [payload, qos])).toEqual([
        ["zero", 0],
        ["one", 1],
        ["two", 1],
      ]);
      expect(writer.all("pubcomp")).toHaveLength(3);
    });

    it("once, although a QoS 2 sender repeats itself", async () => {
      const reader = await client("reader");
      await reader.send(subscribe("t"));
      const writer = await client("writer");
      await writer.send(publish("t", "a", { qos: 2, messageId: 3 }));
      await writer.send(publish("t", "a", { qos: 2, messageId: 3, dup: true }));
      expect(reader.publishes()).toHaveLength(1);
      expect(writer.all("pubrec")).toHaveLength(2);
    });

    it("with their properties, and the expiry counted down", async () => {
      const reader = await client("reader", session);
      await reader.send(subscribe("t"));
      reader.stream.destroy();
      await clock.settle();
      const writer = await client("writer");
      const properties = {
        responseTopic: "answers",
        correlationData: Buffer.from("c"),
        contentType: "application/json",
        payloadFormatIndicator: true,
        userProperties: { a: "b" },
      };
      await writer.send(
        publish("t", "a", { qos: 1, messageId: 1, properties: { ...properties, messageExpiryInterval: 60 } }),
      );
      await writer.send(
        publish("t", "b", { qos: 1, messageId: 2, properties: { messageExpiryInterval: 10 } }),
      );
      await clock.advance(20_000);
      const again = await client("reader", session);
      expect(again.all("publish").map(({ payload }) => payload.toString())).toEqual(["a"]);
      expect(again.all("publish")[0]?.properties).toMatchObject({ ...properties, messageExpiryInterval: 40 });
    });

    it("not back to a sender that does not want it", async () => {
      const both = await client("both");
      await both.send(subscribe("t", { nl: true }));
      await both.send(publish("t", "own"));
      expect(both.publishes()).toEqual([]);
    });

    it("until it is unsubscribed", async () => {
      const reader = await client("reader");
      await reader.send(subscribe("t"));
      await reader.send({ cmd: "unsubscribe", messageId: 2, unsubscriptions: ["t", "never"] });
      expect(reader.all("unsuback")[0]?.granted).toEqual([0, 0x11]);
      broker.publish("t", "late");
      await clock.settle();
      expect(reader.publishes()).toEqual([]);
    });

    it("but nothing larger than the client can take, nor what cannot be said, and goes on behind it", async () => {
      const reader = await client("reader", {
        ...session,
        properties: { ...session.properties, maximumPacketSize: 200 },
      });
      await reader.send(subscribe("t"));
      const large = "x".repeat(200);
      broker.publish("t", large, { retain: true });
      broker.publish("t", "odd", { properties: { correlationData: null as never } });
      broker.publish("t", "small");
      await clock.settle();
      expect(reader.publishes().map(({ payload }) => payload)).toEqual(["small"]);
      await reader.send({ cmd: "puback", messageId: reader.all("publish")[0]?.messageId ?? 0 });
      // an unacknowledged one, and a client that takes less when it comes again
      broker.publish("t", "y".repeat(100));
      await clock.settle();
      expect(reader.publishes()).toHaveLength(2);
      reader.stream.destroy();
      await clock.settle();
      const least = {
        ...session,
        properties: { ...session.properties, maximumPacketSize: 50, receiveMaximum: 1 },
      };
      const again = await client("reader", least);
      broker.publish("t", "next");
      await clock.settle();
      await again.send(subscribe("t"));
      expect(again.publishes().map(({ payload }) => payload)).toEqual(["next"]);
      expect(wire.messages.filter(({ detail }) => detail.some(([, said]) => said === large))).toEqual([]);
    });

    it("no more at a time than the client can take", async () => {
      const reader = await client("reader", { properties: { receiveMaximum: 2 } });
      await reader.send(subscribe("t"));
      for (const text of ["a", "b", "c"]) broker.publish("t", text);
      await clock.settle();
      expect(reader.publishes().map(({ payload }) => payload)).toEqual(["a", "b"]);
      await reader.send({ cmd: "puback", messageId: reader.all("publish")[0]?.messageId ?? 0 });
      expect(reader.publishes().map(({ payload }) => payload)).toEqual(["a", "b", "c"]);
    });
  });

  describe("keeps retained messages", () => {
    it("for new subscribers, until they are cleared or expire", async () => {
      const writer = await client("writer");
      await writer.send(publish("a/1", "one", { retain: true }));
      await writer.send(publish("a/2", "two", { retain: true, properties: { messageExpiryInterval: 10 } }));
      await writer.send(publish("a/3", "three", { retain: true }));
      await writer.send(publish("a/3", "", { retain: true }));
      expect(["a/1", "a/2", "a/3"].map((topic) => broker.retained(topic))).toEqual(["one", "two", undefined]);
      await clock.advance(10_000);
      expect(broker.retained("a/2")).toBeUndefined();
      const reader = await client("reader");
      await reader.send(subscribe("a/#"));
      expect(reader.got.map(({ cmd }) => cmd)).toEqual(["connack", "suback", "publish"]);
      expect(reader.publishes()).toMatchObject([{ topic: "a/1", retain: true }]);
    });

    it("and sends them as the subscription's retain handling asks", async () => {
      broker.publish("t", "kept", { retain: true });
      const counts: number[] = [];
      for (const rh of [0, 1, 2]) {
        const reader = await client(`reader-${rh}`);
        await reader.send(subscribe("t", { rh }));
        await reader.send(subscribe("t", { rh }));
        counts.push(reader.publishes().length);
      }
      expect(counts).toEqual([2, 1, 0]);
    });

    it("and leaves the flag on for who wants to see it", async () => {
      const [plain, curious] = [await client("plain"), await client("curious")];
      await plain.send(subscribe("t"));
      await curious.send(subscribe("t", { rap: true }));
      broker.publish("t", "x", { retain: true });
      await clock.settle();
      expect([plain, curious].map((each) => each.publishes()[0]?.retain)).toEqual([false, true]);
    });
  });

  describe("keeps sessions", () => {
    it("with what is not acknowledged first, marked as a repetition", async () => {
      const first = await client("c", session);
      expect(first.all("connack")[0]?.sessionPresent).toBe(false);
      await first.send(subscribe("t"));
      broker.publish("t", "unacknowledged");
      await clock.settle();
      broker.dropConnections();
      broker.publish("t", "while away");
      broker.publish("t", "QoS 0 is not kept", { qos: 0 });
      const second = await client("c", session);
      expect(second.all("connack")[0]?.sessionPresent).toBe(true);
      expect(second.publishes().map(({ payload, dup }) => [payload, dup])).toEqual([
        ["unacknowledged", true],
        ["while away", false],
      ]);
    });

    it.each([
      ["a clean start", { clean: true }, 0],
      ["the end of the session", { clean: false }, 3_600_000],
    ])("until %s", async (_what, more, ms) => {
      const first = await client("c", session);
      await first.send(subscribe("t"));
      first.stream.destroy();
      await clock.advance(ms);
      const second = await client("c", more);
      expect(second.all("connack")[0]?.sessionPresent).toBe(false);
    });

    it("no longer than the connection without an expiry, and as DISCONNECT says last", async () => {
      await (await client("a", { clean: false })).send({ cmd: "disconnect" });
      expect((await client("a", { clean: false })).all("connack")[0]?.sessionPresent).toBe(false);
      const leaving = await client("b", session);
      await leaving.send({ cmd: "disconnect", properties: { sessionExpiryInterval: 0 } });
      expect((await client("b", session)).all("connack")[0]?.sessionPresent).toBe(false);
    });

    it("in MQTT 3.1.1 for ever unless they are clean", async () => {
      (await client("a", { clean: false }, 4)).stream.destroy();
      (await client("b", { clean: true }, 4)).stream.destroy();
      await clock.advance(86_400_000);
      expect((await client("a", { clean: false }, 4)).all("connack")[0]?.sessionPresent).toBe(true);
      expect((await client("b", { clean: false }, 4)).all("connack")[0]?.sessionPresent).toBe(false);
    });

    it("for one connection at a time: the newest takes over", async () => {
      const first = await client("c", session);
      await client("c", session);
      expect(first.all("disconnect")[0]?.reasonCode).toBe(0x8e);
      expect(first.closed).toBe(true);
      expect(broker.connected).toEqual(["c"]);
    });

    it("until somebody else takes its id over", async () => {
      const first = await client("c", session);
      broker.takeOver("c");
      broker.takeOver("nobody");
      await clock.settle();
      expect(first.all("disconnect")[0]?.reasonCode).toBe(0x8e);
      expect((await client("c", session)).all("connack")[0]?.sessionPresent).toBe(true);
    });

    it("but not those of a restart that loses them", async () => {
      const [kept, lost] = [await client("kept", session), () => client("kept", session)];
      broker.restart({ keepSessions: true });
      await clock.settle();
      expect(kept.all("disconnect")[0]?.reasonCode).toBe(0x8b);
      expect((await lost()).all("connack")[0]?.sessionPresent).toBe(true);
      broker.restart({ keepSessions: false });
      await clock.settle();
      expect((await lost()).all("connack")[0]?.sessionPresent).toBe(false);
    });
  });

  describe("publishes the last will", () => {
    it.each([
      ["a lost connection", "drop", "gone"],
      ["a take-over", "take over", "gone"],
      ["DISCONNECT with will", "with will", "gone"],
      ["DISCONNECT", "goodbye", undefined],
    ])("after %s", async (_what, end, expected) => {
      const leaving = await client("c", { will });
      if (end === "drop") leaving.stream.destroy();
      if (end === "take over") await client("c");
      if (end === "with will") await leaving.send({ cmd: "disconnect", reasonCode: 4 });
      if (end === "goodbye") await leaving.send({ cmd: "disconnect" });
      await clock.settle();
      expect(broker.retained("will")).toBe(expected);
    });

    it("after its delay, unless the client is back by then", async () => {
      const delayed = { ...session, will: { ...will, properties: { willDelayInterval: 30 } } };
      (await client("c", delayed)).stream.destroy();
      await clock.advance(29_000);
      expect(broker.retained("will")).toBeUndefined();
      const back = await client("c", delayed);
      await clock.advance(60_000);
      expect(broker.retained("will")).toBeUndefined();
      back.stream.destroy();
      await clock.advance(30_000);
      expect(broker.retained("will")).toBe("gone");
    });

    it("when the session ends before the delay", async () => {
      const properties = { willDelayInterval: 300 };
      (
        await client("c", { will: { ...will, properties }, properties: { sessionExpiryInterval: 5 } })
      ).stream.destroy();
      await clock.advance(5_000);
      expect(broker.retained("will")).toBe("gone");
    });
  });

  describe("lets nobody do what he may not", () => {
    it("and says so in MQTT 5, while 3.1.1 has no words for a message", async () => {
      authenticate = async () => ({
        ok: true,
        who: { kind: "phone", name: "anna" },
        may: (_action, topic) => topic === "mine",
        expiresAt: null,
      });
      const [five, four] = [await client("five"), await client("four", {}, 4)];
      for (const each of [five, four]) {
        await each.send(subscribe("theirs"));
        await each.send(publish("theirs", "x", { qos: 1, messageId: 2 }));
        await each.send(publish("mine", "x", { qos: 1, messageId: 3 }));
      }
      expect([five, four].map((each) => each.all("suback")[0]?.granted)).toEqual([[0x87], [0x80]]);
      expect(five.all("puback").map(({ reasonCode }) => reasonCode ?? 0)).toEqual([0x87, 0]);
      expect(four.all("puback")).toHaveLength(2);
      expect(broker.received.map(({ topic }) => topic)).toEqual(["mine", "mine"]);
      const unfit = await client("will", { will });
      expect(unfit.all("connack")[0]?.reasonCode).toBe(0x87);
    });

    it("nor read on when the right has ended", async () => {
      let allowed = true;
      authenticate = async () => ({
        ok: true,
        who: { kind: "phone", name: "anna" },
        may: () => allowed,
        expiresAt: null,
      });
      const reader = await client("reader");
      await reader.send(subscribe("t"));
      broker.publish("t", "before");
      allowed = false;
      broker.publish("t", "after");
      await clock.settle();
      expect(reader.publishes().map(({ payload }) => payload)).toEqual(["before"]);
    });

    it("and refuses shared and malformed subscriptions", async () => {
      const reader = await client("reader");
      await reader.send(subscribe("$share/group/t"));
      await reader.send(subscribe("a/#/b"));
      expect(reader.all("suback").map(({ granted }) => granted)).toEqual([[0x9e], [0x8f]]);
    });

    it("and turns away who has no name or no right", async () => {
      expect((await client("")).all("connack")[0]?.reasonCode).toBe(0x86);
      authenticate = async () => ({ ok: false, reason: "no" });
      expect((await client("c")).all("connack")[0]?.reasonCode).toBe(0x86);
      const four = await client("c", {}, 4);
      expect(four.all("connack")[0]?.returnCode).toBe(4);
      expect(four.closed).toBe(true);
    });
  });

  describe("ends a connection", () => {
    it.each<[string, (raw: RawClient) => Promise<void>, number]>([
      ["that publishes to a wildcard", (raw) => raw.send(publish("t/#", "x")), 0x90],
      ["that connects twice", (raw) => raw.send(connectPacket("c")), 0x82],
      ["whose packet is too large", (raw) => raw.send(publish("t", "x".repeat(300_000))), 0x95],
      [
        "that announces a gigantic packet",
        (raw) => raw.bytes(Buffer.concat([Buffer.of(0x30, 0xff, 0xff, 0xff, 0x7f), Buffer.alloc(300_000)])),
        0x95,
      ],
      ["that talks nonsense", (raw) => raw.bytes(Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff)), 0x81],
    ])("%s, with the reason", async (_what, act, code) => {
      const raw = await client("c");
      await act(raw);
      expect(raw.all("disconnect").map(({ reasonCode }) => reasonCode)).toEqual([code]);
      expect(raw.closed).toBe(true);
    });

    /** A retained PUBLISH with QoS 1, as nobody who follows the standard writes it. */
    const oddPublish = (topic: Buffer, properties: Buffer): Buffer => {
      const two = (number: number): Buffer => Buffer.of(number >> 8, number & 0xff);
      const varying = (number: number): Buffer =>
        Buffer.of((number & 0x7f) | 0x80, ((number >> 7) & 0x7f) | 0x80, number >> 14);
      const rest = [two(topic.length), topic, two(7), varying(properties.length), properties];
      return Buffer.concat([Buffer.of(0x33), varying(Buffer.concat(rest).length), ...rest]);
    };
    const t = Buffer.from("t");
    const notUtf8 = Buffer.alloc(30_000, 0xff);

    it.each<[string, Buffer, number]>([
      ["correlation data that goes on behind the packet", oddPublish(t, Buffer.of(9, 0xff, 0xff)), 0x81],
      ["a response topic that goes on behind the packet", oddPublish(t, Buffer.of(8, 0xff, 0xff)), 0x81],
      [
        "a user property that goes on behind the packet",
        oddPublish(t, Buffer.of(0x26, 0, 1, 0x61, 0xff, 0xff)),
        0x81,
      ],
      [
        "a content type that is no UTF-8 and would grow too long",
        oddPublish(t, Buffer.concat([Buffer.of(3, 0x75, 0x30), notUtf8])),
        0x81,
      ],
      ["a topic that is no UTF-8 and would grow too long", oddPublish(notUtf8, Buffer.of()), 0x90],
      ["two expiries", oddPublish(t, Buffer.of(2, 0, 0, 0, 1, 2, 0, 0, 0, 2)), 0x82],
    ])("that sends %s, and passes nothing of it on", async (_what, bytes, code) => {
      const reader = await client("reader", session);
      await reader.send(subscribe("#"));
      const raw = await client("c");
      await raw.bytes(bytes);
      expect(raw.all("disconnect").map(({ reasonCode }) => reasonCode)).toEqual([code]);
      reader.stream.destroy();
      await clock.settle();
      const again = await client("reader", session);
      await again.send(subscribe("#"));
      broker.publish("t", "still here");
      await clock.settle();
      expect([reader, again].map((each) => each.publishes().map(({ payload }) => payload))).toEqual([
        [],
        ["still here"],
      ]);
      expect(again.closed).toBe(false);
    });

    it.each<[string, Limited]>([
      ["nothing is acknowledged", { faults: { stopAcking: true }, qos: 1 }],
      ["acknowledgements are late", { faults: { delayMs: 100 }, qos: 1 }],
      ["it releases nothing", { faults: {}, qos: 2 }],
    ])("that sends more than it may while %s", async (_what, { faults, qos }) => {
      broker.limits = { receiveMaximum: 2 };
      const [raw, old] = [await client("c"), await client("old", {}, 4)];
      Object.assign(broker, faults);
      // what was told to those who are connected still counts
      broker.limits = {};
      const send = async (messageId: number): Promise<void> => {
        for (const each of [raw, old]) await each.send(publish("t", "x", { qos, messageId }));
      };
      // an id that comes again is the same message
      for (const messageId of [1, 2, 2]) await send(messageId);
      await clock.advance(99);
      expect([raw.closed, broker.received.length]).toEqual([false, qos === 1 ? 6 : 4]);
      await send(3);
      await clock.advance(100);
      expect(raw.all("disconnect").map(({ reasonCode }) => reasonCode)).toEqual([0x93]);
      expect([raw.closed, old.closed]).toEqual([true, false]);
      broker.delayMs = 0;
    });

    it("but nobody who sends one after the other, in either QoS, allowed or not", async () => {
      authenticate = async () => ({
        ok: true,
        who: { kind: "phone", name: "anna" },
        may: (_action, topic) => topic === "mine",
        expiresAt: null,
      });
      broker.limits = { receiveMaximum: 1 };
      const raw = await client("c");
      let messageId = 0;
      for (const topic of ["mine", "theirs", "mine"]) {
        await raw.send(publish(topic, "x", { qos: 1, messageId: ++messageId }));
        await raw.send(publish(topic, "x", { qos: 2, messageId: ++messageId }));
        if (topic === "mine") await raw.send({ cmd: "pubrel", messageId });
      }
      expect([raw.closed, broker.received.length, raw.all("puback").length]).toEqual([false, 4, 3]);
    });

    it("that wants to join with a last will which expires twice, without a word", async () => {
      const raw = rawClient(broker, clock);
      const connect = mqttPacket.generate(
        connectPacket("c", { will: { ...will, properties: { messageExpiryInterval: 1 } } }),
        { protocolVersion: 5 },
      );
      const [expiry, end] = [Buffer.of(2, 0, 0, 0, 1), connect.indexOf(Buffer.of(5, 2, 0, 0, 0, 1)) + 6];
      const twice = Buffer.concat([connect.subarray(0, end), expiry, connect.subarray(end)]);
      twice.writeUInt8(twice.readUInt8(1) + expiry.length, 1);
      twice.writeUInt8(10, end - 6);
      await raw.bytes(twice);
      expect([raw.got.length, raw.closed]).toEqual([0, true]);
    });

    it("that does not begin with CONNECT, without a word", async () => {
      const raw = rawClient(broker, clock);
      await raw.send({ cmd: "pingreq" });
      expect(raw.got).toEqual([]);
      expect(raw.closed).toBe(true);
    });

    it("that has been silent for one and a half times its keep-alive", async () => {
      const raw = await client("c", { keepalive: 10 });
      for (let count = 0; count < 3; count++) {
        await clock.advance(14_000);
        await raw.send({ cmd: "pingreq" });
      }
      expect(raw.all("pingresp")).toHaveLength(3);
      await clock.advance(15_000);
      expect(raw.all("disconnect")[0]?.reasonCode).toBe(0x8d);
    });

    it.each([
      ["close", true, 0],
      ["silent", false, 0],
      ["nothing", false, 1],
    ] as const)("when its token ends: %s", async (behaviour, closed, acknowledged) => {
      broker.expiryBehaviour = behaviour;
      const expiresAt = clock.wall();
      authenticate = async (credentials) => {
        const access = await allowAll(credentials);
        return access.ok ? { ...access, expiresAt } : access;
      };
      const raw = await client("c");
      await clock.advance(1);
      await raw.send({ cmd: "pingreq" });
      await raw.send(publish("t", "x", { qos: 1, messageId: 1 }));
      expect([raw.closed, raw.all("puback").length]).toEqual([closed, acknowledged]);
      expect(raw.all("pingresp")).toHaveLength(closed ? 0 : 1);
    });

    it("whatever bytes it sends, without harm to the others", async () => {
      const good = await client("good");
      await good.send(subscribe("t"));
      let seed = 7;
      const byte = (): number => {
        seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
        return (seed >> 16) & 0xff;
      };
      for (let count = 0; count < 200; count++) {
        const bad = count % 2 === 0 ? rawClient(broker, clock) : await client("bad");
        await bad.bytes(Buffer.from(Array.from({ length: 30 }, byte)));
        bad.stream.destroy();
      }
      broker.publish("t", "still here");
      await clock.settle();
      expect(good.publishes().at(-1)?.payload).toBe("still here");
    });
  });

  describe("misbehaves when it is told to", () => {
    it("by turning away a number of clients, or all while it is busy", async () => {
      broker.refuseConnects = 1;
      broker.refuseReason = 0x9f;
      expect((await client("c")).all("connack")[0]?.reasonCode).toBe(0x9f);
      expect((await client("c")).all("connack")[0]?.reasonCode).toBe(0);
      broker.busy = true;
      expect((await client("c", {}, 4)).all("connack")[0]?.returnCode).toBe(3);
    });

    it("by being a broker of before MQTT 5", async () => {
      broker.refuseProtocol5 = true;
      expect((await client("c")).all("connack")[0]?.reasonCode).toBe(0x84);
      expect((await client("c", {}, 4)).all("connack")[0]?.returnCode).toBe(0);
      broker.refuseProtocol5 = "silently";
      const raw = await client("c");
      expect([raw.got.length, raw.closed]).toEqual([0, true]);
    });

    it("by no longer acknowledging, at once or after a while", async () => {
      broker.silentAfterMs = 1000;
      const raw = await client("c");
      await raw.send(publish("t", "x", { qos: 1, messageId: 1 }));
      await clock.advance(1000);
      await raw.send(publish("t", "x", { qos: 1, messageId: 2 }));
      await raw.send({ cmd: "pingreq" });
      expect(raw.all("puback").map(({ messageId }) => messageId)).toEqual([1]);
      expect(raw.all("pingresp")).toHaveLength(1);
      broker.silentAfterMs = null;
      broker.stopAcking = true;
      const other = await client("d");
      await other.send(subscribe("t"));
      expect(other.all("suback")).toEqual([]);
    });

    it("by being slow", async () => {
      broker.delayMs = 250;
      const raw = await client("c");
      expect(raw.got).toEqual([]);
      await clock.advance(250);
      expect(raw.all("connack")).toHaveLength(1);
      await raw.send({ cmd: "disconnect" });
      await clock.advance(250);
      expect(raw.closed).toBe(true);
    });
  });

  it("tells the story of what goes through it, with secrets shortened", async () => {
    authenticate = async ({ clientId }) => ({
      ok: true,
      who: { kind: clientId === "board" ? "device" : "phone", name: clientId },
      may: (action, topic) => action === "subscribe" || topic.endsWith("set"),
      expiresAt: null,
    });
    const board = await client("board", {
      username: "board",
      password: Buffer.from("a-very-long-secret-token"),
    });
    await board.send(subscribe("porchlight/board/light/set"));
    const phone = await client("phone");
    await phone.send(publish("porchlight/board/light/set", "x".repeat(500)));
    await phone.send(publish("other", "x"));
    await phone.send({ cmd: "disconnect" });
    board.stream.destroy();
    authenticate = async () => ({ ok: false, reason: "no" });
    await client("thief");
    expect(wire.messages.map(({ from, to, title, ok }) => [from, to, title, ok])).toEqual([
      ["board", "broker", "CONNECT board", true],
      ["broker", "board", "CONNACK", true],
      ["board", "broker", "SUBSCRIBE", true],
      ["phone", "broker", "CONNECT phone", true],
      ["broker", "phone", "CONNACK", true],
      ["phone", "broker", "PUBLISH light/set", true],
      ["broker", "board", "PUBLISH light/set", true],
      ["phone", "broker", "PUBLISH other", false],
      ["phone", "broker", "DISCONNECT", true],
      ["broker", "board", "connection ended", false],
      ["phone", "broker", "CONNECT thief", true],
      ["broker", "phone", "CONNACK 134", false],
    ]);
    expect(wire.messages.every(({ meaning }) => meaning.length > 20)).toBe(true);
    expect(JSON.stringify(wire.messages)).not.toContain("a-very-long-secret-token");
  });

  it("shows every message to who observes it, until he stops", async () => {
    const seen: string[] = [];
    const stop = broker.observe(({ topic }) => seen.push(topic));
    broker.publish("a", "1");
    stop();
    broker.publish("b", "1");
    expect(seen).toEqual(["a"]);
  });
});
