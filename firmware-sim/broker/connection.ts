import type { Duplex } from "node:stream";
import mqttPacket, {
  type IConnectPacket,
  type IPubackPacket,
  type IPubcompPacket,
  type IPublishPacket,
  type IPubrecPacket,
  type Packet,
} from "mqtt-packet";
import type { Access } from "./access.ts";
import type { Hub, Limits } from "./hub.ts";
import { faultOf } from "./malformed.ts";
import { reason, returnCode } from "./reasons.ts";
import { type Message, messageOf, type Sink } from "./session.ts";
import { later } from "./timer.ts";
import { validTopic } from "./topic-names.ts";

/** Where CONNACK says nothing else (MQTT 5 section 3.2.2.3.3). */
const MOST_AHEAD = 65_535;

/** One connected client, from the first byte to the last. */
export class Client implements Sink {
  readonly #stream: Duplex;
  readonly #hub: Hub;
  readonly #settings: { protocolVersion: number } = { protocolVersion: 4 };
  #work: Promise<void> = Promise.resolve();
  #keepAliveS = 0;
  #cancelKeepAlive: () => void = () => {};
  #disconnect: number | null = null;
  #sessionExpiryS: number | null = null;
  #over = false;
  #greeted = false;
  /** How many messages may be ahead of their last acknowledgement, and the ids of those that are (MQTT 5 section 3.3.4). */
  #receiveMaximum = MOST_AHEAD;
  readonly #ahead = new Set<number>();
  /** Fault of this connection alone: nothing is acknowledged any more. */
  silent = false;
  /** Filled in by the broker when it accepts. */
  access: Access | null = null;
  connectPacket: IConnectPacket | null = null;
  cancelExpiry: () => void = () => {};

  constructor(stream: Duplex, hub: Hub) {
    this.#stream = stream;
    this.#hub = hub;
    const parser = mqttPacket.parser(this.#settings);
    parser.on("packet", (packet) => {
      // the parser reads everything after CONNECT by its version
      if (packet.cmd === "connect" && !this.#greeted)
        this.#settings.protocolVersion = packet.protocolVersion ?? 4;
      this.#work = this.#work.then(() => this.#handle(packet)).catch(() => this.#fail(reason.protocolError));
    });
    parser.on("error", () => this.#fail(reason.malformed));
    stream.on("data", (chunk: Buffer) => {
      try {
        if (!this.#over && parser.parse(chunk) > hub.maxPacketBytes) this.#fail(reason.tooLarge);
      } catch {
        this.#fail(reason.malformed);
      }
    });
    stream.on("error", () => {});
    // behind the packets that came before it: a DISCONNECT among them makes it a goodbye
    const onEnd = (): void => {
      this.#work = this.#work.then(() => {
        this.#end();
        // both sides have said their last word; a pair of streams would stay half open
        stream.destroy();
      });
    };
    stream.once("end", onEnd);
    stream.once("close", onEnd);
  }

  get clientId(): string {
    return this.connectPacket?.clientId ?? "";
  }

  get protocol(): "5" | "3.1.1" {
    return this.#settings.protocolVersion === 5 ? "5" : "3.1.1";
  }

  get receiveMaximum(): number {
    return this.connectPacket?.properties?.receiveMaximum ?? 65_535;
  }

  /** CONNACK 0, and the keep-alive watch. */
  accept(sessionPresent: boolean, limits: Limits, serverKeepAliveS: number | null): void {
    const keepAliveS = serverKeepAliveS ?? this.connectPacket?.keepalive ?? 0;
    this.#greeted = true;
    if (this.protocol === "5") this.#receiveMaximum = limits.receiveMaximum ?? MOST_AHEAD;
    this.#send({
      cmd: "connack",
      sessionPresent,
      returnCode: 0,
      reasonCode: 0,
      properties: {
        sharedSubscriptionAvailable: false,
        maximumPacketSize: this.#hub.maxPacketBytes,
        topicAliasMaximum: 0,
        ...limits,
        ...(serverKeepAliveS === null ? {} : { serverKeepAlive: serverKeepAliveS }),
      },
    });
    this.#keepAliveS = keepAliveS;
    this.#watch();
  }

  /** CONNACK with a refusal, then the end. */
  refuse(code: number): void {
    this.#send({ cmd: "connack", sessionPresent: false, reasonCode: code, returnCode: returnCode(code) });
    this.#disconnect = code;
    this.#end();
  }

  /** Ends the connection from this side, in MQTT 5 with a reason; the last will is due. */
  end(code: number): void {
    if (this.#over) return;
    if (this.protocol === "5" && this.#greeted) this.#send({ cmd: "disconnect", reasonCode: code });
    this.#end();
  }

  /** Closes in mid-sentence: what was said before still arrives, and nothing more. */
  hangUp(): void {
    this.#end();
  }

  /** The network is gone: not a word. */
  drop(): void {
    this.#stream.destroy();
    this.#end();
  }

  publish(message: Message, id: number | null, dup: boolean, expiresInS: number | null): boolean {
    const bytes = this.#encoded({
      cmd: "publish",
      topic: message.topic,
      payload: message.payload,
      qos: id === null ? 0 : 1,
      retain: message.retain,
      dup,
      ...(id === null ? {} : { messageId: id }),
      ...(this.protocol === "5"
        ? {
            properties: {
              ...message.properties,
              ...(expiresInS === null ? {} : { messageExpiryInterval: expiresInS }),
            },
          }
        : {}),
    });
    const most = this.connectPacket?.properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY;
    if (bytes === null || bytes.length > most) return false;
    this.#hub.sent(this, message);
    this.#write(bytes);
    return true;
  }

  /** Null for a message that cannot be put into a packet: it is nobody's end. */
  #encoded(packet: Packet): Buffer | null {
    try {
      return mqttPacket.generate(packet, this.#settings);
    } catch {
      return null;
    }
  }

  #watch(): void {
    this.#cancelKeepAlive();
    // MQTT 5 section 3.1.2.10: one and a half times the keep-alive
    if (this.#keepAliveS > 0 && !this.#over)
      this.#cancelKeepAlive = later(this.#hub.clock, this.#keepAliveS * 1500, () =>
        this.end(reason.keepAlive),
      );
  }

  #fail(code: number): void {
    if (this.#greeted) this.end(code);
    else this.drop();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelKeepAlive();
    this.cancelExpiry();
    this.#hub.ended(this, { disconnect: this.#disconnect, sessionExpiryS: this.#sessionExpiryS });
    if (this.#hub.delayMs === 0) this.#stream.end();
    else later(this.#hub.clock, this.#hub.delayMs, () => this.#stream.end());
  }

  #send(packet: Packet): void {
    this.#write(mqttPacket.generate(packet, this.#settings));
  }

  #write(bytes: Buffer, onLeft: () => void = () => {}): void {
    const write = (): void => {
      if (this.#stream.writableEnded || this.#stream.destroyed) return;
      onLeft();
      this.#stream.write(bytes);
    };
    if (this.#over) return;
    if (this.#hub.delayMs === 0) write();
    else later(this.#hub.clock, this.#hub.delayMs, write);
  }

  #acknowledge(packet: Packet): void {
    if (this.silent || this.#hub.stopAcking) return;
    this.#write(mqttPacket.generate(packet, this.#settings), () => {
      if (isLast(packet)) this.#ahead.delete(packet.messageId ?? 0);
    });
  }

  async #handle(packet: Packet): Promise<void> {
    if (this.#over) return;
    const fault = faultOf(packet);
    if (fault !== null) return this.#fail(fault);
    if (!this.#greeted) {
      if (packet.cmd !== "connect") return this.drop();
      this.connectPacket = packet;
      return this.#hub.connect(this, packet);
    }
    this.#watch();
    switch (packet.cmd) {
      case "publish":
        return this.#take(packet);
      case "puback":
        return this.#hub.acknowledged(this, packet.messageId ?? 0);
      case "pubrel":
        this.#hub.release(this, packet.messageId ?? 0);
        return this.#acknowledge({ cmd: "pubcomp", messageId: packet.messageId ?? 0 });
      case "subscribe": {
        // SUBACK goes out before the retained messages that the subscription brings (MQTT 5 section 3.8.4)
        const granted = this.#hub.subscribe(this, packet);
        return this.#acknowledge({ cmd: "suback", messageId: packet.messageId ?? 0, granted });
      }
      case "unsubscribe": {
        const granted = this.#hub.unsubscribe(this, packet.unsubscriptions);
        return this.#acknowledge({ cmd: "unsuback", messageId: packet.messageId ?? 0, granted });
      }
      case "pingreq":
        return this.#send({ cmd: "pingresp" });
      case "disconnect":
        this.#disconnect = packet.reasonCode ?? reason.success;
        this.#sessionExpiryS = packet.properties?.sessionExpiryInterval ?? null;
        return this.#end();
      default:
        return this.end(reason.protocolError);
    }
  }

  #take(packet: IPublishPacket): void {
    const id = packet.messageId ?? 0;
    if (packet.qos > 0) this.#ahead.add(id);
    const wrong = !validTopic(packet.topic)
      ? reason.badTopic
      : (packet.length ?? 0) > this.#hub.maxPacketBytes
        ? reason.tooLarge
        : packet.retain && this.#hub.limits.retainAvailable === false
          ? reason.retainRefused
          : packet.qos > (this.#hub.limits.maximumQoS ?? 2)
            ? reason.qosRefused
            : this.#ahead.size > this.#receiveMaximum
              ? reason.tooManyAhead
              : null;
    if (wrong !== null) {
      this.end(wrong);
      return;
    }
    const fresh = packet.qos !== 2 || this.#hub.take(this, id);
    const code = fresh
      ? this.#hub.publish(this, messageOf(packet, this.clientId, this.#hub.clock))
      : reason.success;
    if (packet.qos === 0) return;
    // MQTT 3.1.1 has no way to say no: such a message is acknowledged and forgotten
    this.#acknowledge({
      cmd: packet.qos === 1 ? "puback" : "pubrec",
      messageId: id,
      reasonCode: this.protocol === "5" ? code : 0,
    });
  }
}

/** No other acknowledgement of that message follows (MQTT 5 section 4.3). */
const isLast = (packet: Packet): packet is IPubackPacket | IPubcompPacket | IPubrecPacket =>
  packet.cmd === "puback" ||
  packet.cmd === "pubcomp" ||
  (packet.cmd === "pubrec" && (packet.reasonCode ?? 0) >= 0x80);
