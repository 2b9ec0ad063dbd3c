import { randomUUID } from "node:crypto";
import { connectAsync, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import type { Account } from "./mosquitto.ts";
import { within } from "./scratch.ts";

/** What the phone received on a topic: text, or parsed JSON where it is JSON. */
export interface Received {
  readonly topic: string;
  readonly payload: unknown;
  readonly retained: boolean;
  readonly correlation: string | undefined;
}

/** Somebody else's MQTT client: watches every topic of the board and sends commands. */
export interface Phone extends AsyncDisposable {
  readonly received: readonly Received[];
  /** The first message that fits, among those received since the call before (`all`: since the beginning, and the next call
   * goes on where it would have). */
  until(
    what: string,
    fits: (message: Received) => boolean,
    options?: { all?: boolean; limitMs?: number },
  ): Promise<Received>;
  /** Publishes to `porchlight/<device>/<topic>` with QoS 1; resolves when the broker has it. */
  publish(topic: string, payload: unknown, options?: { retain?: boolean }): Promise<void>;
  /** As `publish` to light/set, with a response topic (its own, or `at`); resolves with the board's answer. */
  ask(payload: Record<string, unknown>, at?: string): Promise<Received>;
}

const LIMIT_MS = 15_000;

const read = (payload: Buffer): unknown => {
  const text = payload.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
};

/** Joins the broker at `url` as `account`. */
export const openPhone = async (
  url: string,
  account: Account,
  deviceId: string,
  options: Pick<IClientOptions, "ca"> = {},
): Promise<Phone> => {
  const base = `porchlight/${deviceId}`;
  const answersAt = `phone/answers/${randomUUID()}`;
  const { protocol, hostname, port } = new URL(url);
  const client: MqttClient = await connectAsync({
    ...options,
    protocol: protocol === "mqtts:" ? "mqtts" : "mqtt",
    host: hostname,
    port: Number(port),
    protocolVersion: 5,
    ...account,
    reconnectPeriod: 0,
  });
  const received: Received[] = [];
  const listeners = new Set<() => void>();
  client.on("message", (topic: string, payload: Buffer, packet: IPublishPacket) => {
    received.push({
      topic: topic.startsWith(`${base}/`) ? topic.slice(base.length + 1) : topic,
      payload: read(payload),
      retained: packet.retain,
      correlation: packet.properties?.correlationData?.toString(),
    });
    for (const listener of listeners) listener();
  });
  await client.subscribeAsync([`${base}/#`, answersAt], { qos: 1 });

  let seen = 0;
  const until: Phone["until"] = async (what, fits, { all = false, limitMs = LIMIT_MS } = {}) => {
    const { promise, resolve } = Promise.withResolvers<Received>();
    let index = all ? 0 : seen;
    const look = (): void => {
      for (; index < received.length; index++) {
        const message = received[index];
        if (message !== undefined && fits(message)) {
          if (!all) seen = index + 1;
          resolve(message);
          return;
        }
      }
    };
    listeners.add(look);
    look();
    try {
      return await within(
        limitMs,
        () => `${what}; received: ${JSON.stringify(received.slice(-12))}`,
        promise,
      );
    } finally {
      listeners.delete(look);
    }
  };
  const bytes = (payload: unknown): string =>
    typeof payload === "string" ? payload : JSON.stringify(payload);

  return {
    received,
    until,
    publish: async (topic, payload, { retain = false } = {}) => {
      await client.publishAsync(`${base}/${topic}`, bytes(payload), { qos: 1, retain });
    },
    ask: async (payload, at = answersAt) => {
      const correlation = randomUUID();
      await client.publishAsync(`${base}/light/set`, bytes(payload), {
        qos: 1,
        properties: {
          responseTopic: at,
          correlationData: Buffer.from(correlation),
          messageExpiryInterval: 10,
        },
      });
      return until(
        "an answer",
        (message) => message.correlation === correlation && message.topic !== "light/set",
        { all: true },
      );
    },
    [Symbol.asyncDispose]: () => client.endAsync(true),
  };
};
