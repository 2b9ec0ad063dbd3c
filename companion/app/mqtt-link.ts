import type { OpenLink } from "../core/link.ts";
import { Trouble } from "../core/trouble.ts";

/** MQTT 5 reason codes of a refused CONNECT that only other credentials will mend. */
const REFUSALS: readonly unknown[] = [0x86, 0x87, 4, 5];
const PATIENCE_MS = 15_000;
/** How long the broker may take to answer a ping that somebody waits for. */
const CHECK_MS = 5000;

/** MQTT 5 over a WebSocket; the library is loaded at the first connection. */
export const openMqttLink =
  (url: string): OpenLink =>
  async (credentials, onMessage, signal) => {
    const { default: mqtt } = await import("mqtt");
    signal.throwIfAborted();
    const client = mqtt.connect(url, {
      ...credentials,
      protocolVersion: 5,
      clean: true,
      // The app comes back by itself, with credentials that count.
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      connectTimeout: PATIENCE_MS,
      keepalive: 45,
      // The other way needs workers made of texts, which the policy of the page forbids.
      timerVariant: "native",
    });
    const ended = new Promise<void>((resolve) => {
      client.once("close", () => resolve());
    });
    const close = (): void => {
      client.end(true);
    };
    signal.addEventListener("abort", close, { once: true });
    void ended.then(() => signal.removeEventListener("abort", close));
    client.on("message", (topic, payload, packet) => {
      const correlation = packet.properties?.correlationData;
      onMessage(
        { topic, payload: new TextDecoder().decode(payload), retained: packet.retain },
        correlation === undefined ? null : new TextDecoder().decode(correlation),
      );
    });
    await new Promise<void>((resolve, reject) => {
      client.once("connect", () => resolve());
      client.on("error", (error) => {
        close();
        reject(
          "code" in error && REFUSALS.includes(error.code)
            ? new Trouble("BROKER_REFUSED", error.message)
            : error,
        );
      });
      void ended.then(() => reject(new Error("the broker closed the connection")));
    });
    const whileOpen = <T>(answer: Promise<T>): Promise<T> =>
      Promise.race([
        answer,
        ended.then(() => {
          throw new Trouble("OFFLINE", "the connection to the broker ended");
        }),
      ]);
    let checking: ReturnType<typeof setTimeout> | null = null;
    client.on("packetreceive", ({ cmd }) => {
      if (cmd !== "pingresp" || checking === null) return;
      clearTimeout(checking);
      checking = null;
    });
    return {
      ended,
      check() {
        if (checking !== null) return;
        checking = setTimeout(close, CHECK_MS);
        client.sendPing();
      },
      close,
      async subscribe(topics) {
        const granted = await whileOpen(client.subscribeAsync([...topics], { qos: 1 }));
        return topics.map((topic) => granted.some((each) => each.topic === topic && each.qos < 0x80));
      },
      async publish({ topic, payload, responseTopic, correlation, expiresInS }) {
        const correlationData = new TextEncoder().encode(correlation);
        const properties = { responseTopic, messageExpiryInterval: expiresInS };
        const published = client.publishAsync(topic, payload, {
          qos: 1,
          // The library's own Buffer is made for Node; what it reads of it here is what every byte array has.
          properties: Object.assign(properties, { correlationData }) as never,
        });
        // Without a reason of the broker's it is the connection that has ended, which the library tells here first.
        const sent = published.catch((error: Error) => {
          throw "code" in error ? error : new Trouble("OFFLINE", error.message);
        });
        await whileOpen(sent);
      },
    };
  };
