import { type Duplex, duplexPair } from "node:stream";
import mqttPacket, { type IConnectPacket, type IPublishPacket, type Packet } from "mqtt-packet";
import type { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import type { VirtualClock } from "../../../firmware-sim/clock.ts";

/** A client that sends exactly the packets it is told to and keeps what comes back. */
export interface RawClient {
  readonly stream: Duplex;
  readonly got: Packet[];
  readonly closed: boolean;
  /** Sends, and waits until everything that follows has happened. */
  send(packet: Packet): Promise<void>;
  bytes(bytes: Uint8Array): Promise<void>;
  /** The packets of one kind that came so far. */
  all<C extends Packet["cmd"]>(cmd: C): Extract<Packet, { cmd: C }>[];
  publishes(): { topic: string; payload: string; qos: number; retain: boolean; dup: boolean }[];
}

export const rawClient = (
  broker: SimulatedBroker,
  clock: VirtualClock,
  protocolVersion: 4 | 5 = 5,
): RawClient => {
  const [stream, theirs] = duplexPair();
  broker.attach(theirs);
  const got: Packet[] = [];
  let closed = false;
  const parser = mqttPacket.parser({ protocolVersion });
  parser.on("packet", (packet) => got.push(packet));
  stream.on("data", (chunk: Buffer) => parser.parse(chunk));
  stream.on("error", () => {});
  stream.on("end", () => {
    closed = true;
    stream.end();
  });
  stream.on("close", () => {
    closed = true;
  });
  const all = <C extends Packet["cmd"]>(cmd: C): Extract<Packet, { cmd: C }>[] =>
    got.filter((packet): packet is Extract<Packet, { cmd: C }> => packet.cmd === cmd);
  return {
    stream,
    got,
    get closed() {
      return closed;
    },
    send: async (packet) => {
      stream.write(mqttPacket.generate(packet, { protocolVersion }));
      await clock.settle();
    },
    bytes: async (bytes) => {
      stream.write(bytes);
      await clock.settle();
    },
    all,
    publishes: () =>
      all("publish").map(({ topic, payload, qos, retain, dup }: IPublishPacket) => ({
        topic,
        payload: payload.toString(),
        qos,
        retain,
        dup,
      })),
  };
};

/** CONNECT with the usual things in it. */
export const connectPacket = (clientId: string, more: Partial<IConnectPacket> = {}): IConnectPacket => ({
  cmd: "connect",
  protocolId: "MQTT",
  protocolVersion: 5,
  clientId,
  clean: true,
  keepalive: 0,
  ...more,
});
