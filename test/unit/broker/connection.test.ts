import { duplexPair } from "node:stream";
import mqttPacket, { type Packet } from "mqtt-packet";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { openConnection } from "../../../src/broker/connection.ts";
import type { Received } from "../../../src/broker/connection-options.ts";

/** A connection, and the broker's side of it by hand. */
const openByHand = async (protocol: "5" | "3.1.1" = "5") => {
  await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);
  const clock = new VirtualClock();
  const [ours, theirs] = duplexPair();
  const sent: Packet[] = [];
  const received: Received[] = [];
  const settings = { protocolVersion: protocol === "5" ? 5 : 4 };
  const say = (packet: Packet): void => {
    theirs.write(mqttPacket.generate(packet, settings));
  };
  const command = (messageId: number, qos: 1 | 2 = 1): Packet => ({
    cmd: "publish",
    topic: "t",
    payload: "x",
    qos,
    dup: false,
    retain: false,
    messageId,
  });
  const parser = mqttPacket.parser(settings);
  parser.on("packet", (packet) => {
    sent.push(packet);
    if (packet.cmd === "connect")
      say({ cmd: "connack", sessionPresent: false, reasonCode: 0, returnCode: 0, properties: {} });
    // a broker that has these two under way when the goodbye arrives
    if (packet.cmd === "disconnect") for (const id of [2, 3]) say(command(id));
  });
  theirs.on("data", (chunk: Buffer) => parser.parse(chunk));

  const opened = await clock.until(
    openConnection(
      ours,
      {
        protocol,
        clientId: "c",
        username: null,
        password: null,
        keepAliveS: 30,
        sessionExpiryS: 60,
        will: { topic: "w", payload: "offline", delayS: 0, qos: 1, retain: true },
        connectTimeoutMs: 1_000,
        ackTimeoutMs: 1_000,
        clock,
        onMessage: (message) => received.push(message),
      },
      new AbortController().signal,
    ),
  );
  if (opened.kind !== "open") throw new Error("not open");
  return { connection: opened.connection, ours, sent, received, say, command, clock };
};

describe("a connection that is being closed", () => {
  it("neither passes on nor acknowledges what the broker still sends", async () => {
    const { connection, ours, sent, received, say, command, clock } = await openByHand();
    say(command(1));
    await clock.settle();
    await clock.until(connection.close(500));
    expect(received).toHaveLength(1);
    expect(sent.filter(({ cmd }) => cmd === "puback").map(({ messageId }) => messageId)).toEqual([1]);
    expect(sent.at(-1)?.cmd).toBe("disconnect");
    expect([ours.destroyed, clock.waiting]).toEqual([true, 0]);
    await expect(connection.publish({ topic: "t", payload: "late", retain: false })).rejects.toMatchObject({
      code: "BROKER_LOST",
    });
  });
});

describe.each(["5", "3.1.1"] as const)("a connection with MQTT %s", (protocol) => {
  it("takes messages of QoS 2, though it asks for none, from a broker that releases them", async () => {
    const { connection, received, say, command, clock } = await openByHand(protocol);
    for (let id = 1; id <= 200; id++) {
      say(command(id, 2));
      await clock.settle();
      say({ cmd: "pubrel", messageId: id, reasonCode: 0 });
      await clock.settle();
    }
    expect(received).toHaveLength(200);
    await clock.until(connection.close(500));
  });

  it("ends when the broker releases none of them: each has to be kept", async () => {
    const { connection, received, say, command, clock } = await openByHand(protocol);
    for (let id = 1; id <= 65; id++) say(command(id, 2));
    expect(await clock.until(connection.ended, 1_000)).toMatchObject({ code: "BROKER_LOST" });
    expect([received, clock.waiting]).toEqual([[], 0]);
  });
});
