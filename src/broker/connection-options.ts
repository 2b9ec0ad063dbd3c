import type { IClientOptions, IPublishPacket } from "mqtt";
import type { Clock } from "../ports.ts";
import type { Secret } from "../units.ts";
import type { Protocol } from "./reasons.ts";

/** The largest packet the board takes, in bytes: a command has at most 16 KiB, and headers need some room. */
export const MAX_PACKET_BYTES = 65_536;

/** Seconds of silence after which either side asks; the broker may impose another. */
export const KEEP_ALIVE_S = 30;

/** How long the broker keeps QoS 1 commands for a board that is away (MQTT 5), in seconds. */
export const SESSION_EXPIRY_S = 3600;

/** How long the broker waits before it says `offline` for a board that went without a word (MQTT 5), in seconds. */
export const WILL_DELAY_S = 30;

/** The longest correlation data that is given back, in bytes. */
export const MAX_CORRELATION_BYTES = 1_024;

/** What a broker does with messages; some can do less (MQTT 5 sections 3.2.2.3.4 and 3.2.2.3.5). */
export interface Abilities {
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

/** What one connection needs to know. */
export interface ConnectionOptions {
  readonly protocol: Protocol;
  readonly clientId: string;
  readonly username: string | null;
  readonly password: Secret | null;
  readonly keepAliveS: number;
  /** How long the broker keeps the session; 0: it keeps none, and forgets one that there was. */
  readonly sessionExpiryS: number;
  /** What the broker says when this ends without a word, and how; null: nothing. */
  readonly will:
    | ({ readonly topic: string; readonly payload: string; readonly delayS: number } & Abilities)
    | null;
  readonly connectTimeoutMs: number;
  readonly ackTimeoutMs: number;
  readonly clock: Clock;
  /** What has to be over before CONNECT goes out; the stream is watched meanwhile. */
  beforeConnect?(): Promise<void>;
  /** Called for every message, in order, before it is acknowledged. Must not throw. */
  onMessage(message: Received): void;
}

/** A message as it came in. */
export interface Received {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retained: boolean;
  /** MQTT 5 message expiry: what is left of it at receipt, in milliseconds. */
  readonly expiresInMs: number | undefined;
  readonly responseTopic: string | undefined;
  readonly correlation: Uint8Array | undefined;
}

/** What of it is said in CONNECT. */
export type ConnectWords = Pick<
  ConnectionOptions,
  "protocol" | "clientId" | "username" | "password" | "keepAliveS" | "sessionExpiryS" | "will"
>;

/** The options of MQTT.js for one connection: it neither reconnects nor logs. */
export const clientOptions = (options: ConnectWords): IClientOptions => ({
  manualConnect: true,
  reconnectPeriod: 0,
  resubscribe: false,
  clean: options.sessionExpiryS === 0,
  // Ours is on the Clock port; this one is a real timer, ended with the stream.
  connectTimeout: 2 ** 31 - 1,
  // Its log knows every packet, the password among them; nothing of that may reach a terminal.
  log: () => {},
  protocolId: "MQTT",
  protocolVersion: options.protocol === "5" ? 5 : 4,
  clientId: options.clientId,
  ...(options.username === null ? {} : { username: options.username }),
  ...(options.password === null ? {} : { password: options.password.reveal() }),
  keepalive: options.keepAliveS,
  ...(options.will === null
    ? {}
    : {
        will: {
          topic: options.will.topic,
          payload: Buffer.from(options.will.payload),
          qos: options.will.qos,
          retain: options.will.retain,
          ...(options.protocol === "5" ? { properties: { willDelayInterval: options.will.delayS } } : {}),
        },
      }),
  ...(options.protocol === "5"
    ? {
        properties: {
          sessionExpiryInterval: options.sessionExpiryS,
          receiveMaximum: 32,
          maximumPacketSize: MAX_PACKET_BYTES,
        },
      }
    : {}),
});

/**
 * A PUBLISH packet as the rest of the board sees it. Who asks with more correlation data than is given back could not tell
 * what an answer on their response topic belongs to: neither counts then.
 */
export const received = (
  topic: string,
  payload: Uint8Array,
  { retain, properties = {} }: IPublishPacket,
): Received => {
  const { messageExpiryInterval, responseTopic, correlationData } = properties;
  const answerable = correlationData === undefined || correlationData.length <= MAX_CORRELATION_BYTES;
  return {
    topic,
    payload,
    retained: retain,
    expiresInMs: messageExpiryInterval === undefined ? undefined : messageExpiryInterval * 1000,
    responseTopic: answerable ? responseTopic : undefined,
    // a copy: it waits with the command and its answer, and would keep all that was read with it
    correlation: answerable && correlationData ? Uint8Array.from(correlationData) : undefined,
  };
};
