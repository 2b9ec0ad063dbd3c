import type { IPublishPacket } from "mqtt-packet";
import type { Clock } from "../../src/ports.ts";
import { after, type MonoMs } from "../../src/units.ts";
import { matches } from "./topic-names.ts";

/** A message on its way through the broker. */
export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1 | 2;
  readonly retain: boolean;
  /** Client id of the sender. */
  readonly from: string;
  /** End of its MQTT 5 message expiry. */
  readonly expiresAt: MonoMs | null;
  /** MQTT 5 properties that are passed on unchanged. */
  readonly properties: Readonly<
    Pick<
      NonNullable<IPublishPacket["properties"]>,
      "payloadFormatIndicator" | "contentType" | "responseTopic" | "correlationData" | "userProperties"
    >
  >;
}

export interface Subscription {
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** The most QoS 1 messages kept for a client that is away; the oldest is dropped beyond. */
const QUEUE_LIMIT = 1_000;

/** What the broker keeps about a client, connected or not (MQTT 5 section 4.1). */
export interface Session {
  readonly clientId: string;
  readonly subscriptions: Map<string, Subscription>;
  /** Sent with QoS 1, not acknowledged. */
  readonly inFlight: Map<number, Message>;
  readonly queue: Message[];
  /** QoS 2 messages taken, not yet released. */
  readonly taken: Set<number>;
  lastId: number;
  /** The connection, while there is one. */
  sink: Sink | null;
  /** Ends the session when it runs out, or publishes the last will: both wait while nobody is connected. */
  cancelEnd: () => void;
  cancelWill: () => void;
}

/** The way to a connected client. */
export interface Sink {
  readonly receiveMaximum: number;
  /**
   * `id` is null for QoS 0. `expiresInS` counts down what the sender allowed. False: the client cannot take it, and
   * never gets it (MQTT 5 section 3.1.2.11.4).
   */
  publish(message: Message, id: number | null, dup: boolean, expiresInS: number | null): boolean;
}

export const createSession = (clientId: string): Session => ({
  clientId,
  subscriptions: new Map(),
  inFlight: new Map(),
  queue: [],
  taken: new Set(),
  lastId: 0,
  sink: null,
  cancelEnd: () => {},
  cancelWill: () => {},
});

/** How a session takes a topic: the best of its matching subscriptions, or null. */
export const subscriptionFor = (session: Session, message: Message): Subscription | null => {
  let best: Subscription | null = null;
  for (const [filter, subscription] of session.subscriptions) {
    if (!matches(filter, message.topic)) continue;
    if (subscription.noLocal && message.from === session.clientId) continue;
    if (best === null || subscription.qos > best.qos) best = subscription;
  }
  return best;
};

/** Sends a message, or keeps it: QoS 1 waits while the client is away or has too much to acknowledge. */
export const deliver = (session: Session, message: Message, clock: Clock): void => {
  if (message.qos === 0) {
    session.sink?.publish(message, null, false, secondsLeft(message, clock));
    return;
  }
  session.queue.push(message);
  if (session.queue.length > QUEUE_LIMIT) session.queue.shift();
  sendQueued(session, clock);
};

/** Sends what waits, as far as the client's receive maximum goes; what has expired is dropped. */
export const sendQueued = (session: Session, clock: Clock): void => {
  while (session.sink !== null && session.inFlight.size < session.sink.receiveMaximum) {
    const message = session.queue.shift();
    if (message === undefined) return;
    const left = secondsLeft(message, clock);
    if (left !== null && left <= 0) continue;
    const id = freeId(session);
    session.inFlight.set(id, message);
    if (!session.sink.publish(message, id, false, left)) session.inFlight.delete(id);
  }
};

/** A client is back: what it has not acknowledged is sent again (MQTT 5 section 4.4), then what waits. */
export const resume = (session: Session, clock: Clock): void => {
  for (const [id, message] of session.inFlight)
    if (session.sink?.publish(message, id, true, secondsLeft(message, clock)) === false)
      session.inFlight.delete(id);
  sendQueued(session, clock);
};

/** A PUBLISH as it goes through the broker. */
export const messageOf = (packet: IPublishPacket, from: string, clock: Clock): Message => {
  const {
    messageExpiryInterval,
    payloadFormatIndicator,
    contentType,
    responseTopic,
    correlationData,
    userProperties,
  } = packet.properties ?? {};
  return {
    topic: packet.topic,
    payload: Buffer.from(packet.payload),
    qos: packet.qos,
    retain: packet.retain,
    from,
    expiresAt: expiryOf(messageExpiryInterval, clock),
    properties: {
      ...(payloadFormatIndicator === undefined ? {} : { payloadFormatIndicator }),
      ...(contentType === undefined ? {} : { contentType }),
      ...(responseTopic === undefined ? {} : { responseTopic }),
      ...(correlationData === undefined ? {} : { correlationData }),
      ...(userProperties === undefined ? {} : { userProperties }),
    },
  };
};

/** The message with its expiry from now. */
export const expiryOf = (seconds: number | undefined, clock: Clock): MonoMs | null =>
  seconds === undefined ? null : after(clock.mono(), seconds * 1000);

const secondsLeft = (message: Message, clock: Clock): number | null =>
  message.expiresAt === null ? null : Math.max(0, Math.ceil((message.expiresAt - clock.mono()) / 1000));

const freeId = (session: Session): number => {
  do session.lastId = (session.lastId % 65_535) + 1;
  while (session.inFlight.has(session.lastId));
  return session.lastId;
};
