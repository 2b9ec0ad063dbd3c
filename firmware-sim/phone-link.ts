import type { Duplex } from "node:stream";
import type { MqttClient } from "mqtt";
import type { Link } from "../companion/core/link.ts";
import type { Clock } from "../src/ports.ts";

/** One connection of the phone to the broker, as the app has it. */
export interface PhoneLink extends Omit<Link, "subscribe" | "check"> {
  /** Throws when the broker's rules do not let this phone read a topic. */
  subscribe(topics: readonly string[]): Promise<void>;
}

/** The broker turned the phone away: its token does not count (any more). */
export class PhoneRefused extends Error {}

/** MQTT 5 reason codes of a refused CONNECT that a new attempt will not mend: bad user name, not authorised. */
const REFUSALS: readonly unknown[] = [0x86, 0x87, 4, 5];

const DISCONNECT = Uint8Array.of(0xe0, 0x00);

/** A broker that has not answered by then will not: a phone connects anew. */
const ANSWER_MS = 20_000;

/** Connects with MQTT 5 over a connected stream. Throws PhoneRefused, or what broke the stream. */
export const openPhoneLink = async (
  stream: Duplex,
  options: {
    readonly clock: Clock;
    readonly clientId: string;
    readonly username: string;
    readonly password: string;
    readonly onMessage: (topic: string, payload: string, correlation: string | null) => void;
  },
  signal: AbortSignal,
): Promise<PhoneLink> => {
  const { default: mqtt } = await import("mqtt/lib/client");
  const Client = mqtt.default;
  signal.throwIfAborted();
  const ended = Promise.withResolvers<void>();
  const client: MqttClient = new Client(() => stream as never, {
    manualConnect: true,
    reconnectPeriod: 0,
    // The phone's program ends with its stream; a real timer would outlive a virtual evening.
    connectTimeout: 2 ** 31 - 1,
    keepalive: 0,
    log: () => {},
    protocolVersion: 5,
    clean: true,
    clientId: options.clientId,
    username: options.username,
    password: options.password,
  });
  const drop = (): void => {
    stream.destroy();
  };
  signal.addEventListener("abort", drop, { once: true });
  // A pair of streams would stay half open after the broker's last word.
  stream.once("end", drop);
  stream.once("close", () => {
    signal.removeEventListener("abort", drop);
    ended.resolve();
  });
  client.on("message", (topic, payload, packet) => {
    const correlation = packet.properties?.correlationData?.toString() ?? null;
    options.onMessage(topic, payload.toString("utf8"), correlation);
  });
  /** MQTT.js leaves an answer that can no longer come open for ever. Ends the connection when it takes too long. */
  const answered = async <T>(answer: Promise<T>): Promise<T> => {
    const over = new AbortController();
    const silence = options.clock.sleep(ANSWER_MS, over.signal).then(() => {
      drop();
      throw new Error(`the broker has not answered for ${ANSWER_MS / 1000} s`);
    });
    const gone = ended.promise.then(() => {
      throw new Error("the connection to the broker ended");
    });
    try {
      return await Promise.race([answer, gone, silence]);
    } finally {
      over.abort();
    }
  };
  await answered(
    new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.on("error", (error) => {
        drop();
        reject("code" in error && REFUSALS.includes(error.code) ? new PhoneRefused(error.message) : error);
      });
      client.connect();
    }),
  );
  return {
    ended: ended.promise,
    async subscribe(topics) {
      const granted = await answered(client.subscribeAsync([...topics], { qos: 1 }));
      const refused = granted.find(({ qos }) => qos >= 0x80);
      if (refused !== undefined) throw new Error(`the broker does not let this phone read ${refused.topic}`);
    },
    async publish({ topic, payload, responseTopic, correlation, expiresInS }) {
      const properties = {
        responseTopic,
        correlationData: Buffer.from(correlation),
        messageExpiryInterval: expiresInS,
      };
      await answered(client.publishAsync(topic, payload, { qos: 1, properties }));
    },
    close() {
      stream.end(DISCONNECT, () => stream.destroy());
    },
  };
};
