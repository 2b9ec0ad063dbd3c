// The contract of the board's link to its broker, on Mosquitto: what keeps the simulated broker honest.

import { randomUUID } from "node:crypto";
import type { Duplex } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { connectAsync, type MqttClient } from "mqtt";
import { systemClock } from "../../src/adapters/clock.ts";
import { channelOf, channelOfTopic } from "../../src/broker/contract.ts";
import { openStream } from "../../src/broker/stream.ts";
import { type BrokerUnderTest, brokerLinkContract } from "../contract/broker-link.ts";
import { holdToContract } from "../contract/published.ts";
import { makeCertificates } from "./peers/certificates.ts";
import { startMosquitto } from "./peers/mosquitto.ts";
import { scratchFolder, within } from "./peers/scratch.ts";

const LIMIT_MS = 10_000;

const published = holdToContract();

interface Message {
  readonly topic: string;
  readonly payload: string;
}

/** A client that keeps all it gets, and can tell when it has got all that the broker had for it. */
const openObserver = async (url: string) => {
  const { hostname, port } = new URL(url);
  const client: MqttClient = await connectAsync({
    protocol: "mqtt",
    host: hostname,
    port: Number(port),
    protocolVersion: 5,
    reconnectPeriod: 0,
  });
  const mark = `observer/${randomUUID()}`;
  const messages: Message[] = [];
  const marks = new Map<string, () => void>();
  client.on("message", (topic, bytes) => {
    const payload = bytes.toString("utf8");
    if (topic === mark) marks.get(payload)?.();
    else messages.push({ topic, payload });
  });
  await client.subscribeAsync(mark, { qos: 1 });
  return {
    client,
    messages,
    /** Resolves when everything that the broker had for this client before has come: it keeps the order. */
    async caughtUp(): Promise<void> {
      const token = randomUUID();
      const { promise, resolve } = Promise.withResolvers<void>();
      marks.set(token, resolve);
      await client.publishAsync(mark, token, { qos: 1 });
      await within(LIMIT_MS, () => "the observer's own mark comes back", promise);
      marks.delete(token);
    },
  };
};

const start = async (): Promise<BrokerUnderTest> => {
  await using opening = new AsyncDisposableStack();
  const folder = opening.use(scratchFolder()).path;
  const nobody = { username: "nobody", password: randomUUID() };
  const mosquitto = opening.use(
    await startMosquitto({
      folder,
      certificates: makeCertificates(folder, "porch-1"),
      deviceId: "porch-1",
      board: nobody,
      phone: { ...nobody, username: "phone" },
    }),
  );
  const everything = await openObserver(mosquitto.open);
  everything.client.on("message", (topic, payload, { retain }) => {
    const ofBoard =
      channelOf(channelOfTopic(topic)).from === "board" && /^(porchlight|homeassistant)\//.test(topic);
    // A message that was retained before is handed out as such, a new one is not: what it was sent as cannot be told.
    if (ofBoard && !retain) published.note({ topic, payload: payload.toString("utf8") });
  });
  opening.defer(() => everything.client.endAsync(true));
  const retainedOnly = await openObserver(mosquitto.open);
  opening.defer(() => retainedOnly.client.endAsync(true));
  await everything.client.subscribeAsync(["porchlight/#", "homeassistant/#"], { qos: 1 });

  const streams = new Set<Duplex>();
  const owned = opening.move();
  return {
    clock: systemClock,
    url: new URL(mosquitto.open),
    openStream: async (url, signal) => {
      const stream = await openStream(url, { ca: null, cert: null, key: null }, signal);
      streams.add(stream);
      stream.once("close", () => streams.delete(stream));
      return stream;
    },
    publish: async (topic, payload, { retain = false } = {}) => {
      await everything.client.publishAsync(topic, payload, { qos: 1, retain });
    },
    retained: async (topic) => {
      const { client, messages, caughtUp } = retainedOnly;
      messages.length = 0;
      await client.subscribeAsync(topic, { qos: 1 });
      await caughtUp();
      await client.unsubscribeAsync(topic);
      return messages.at(-1)?.payload;
    },
    seen: async (topic) => {
      await everything.caughtUp();
      return everything.messages.filter((each) => each.topic === topic).map(({ payload }) => payload);
    },
    until: async (condition, withinMs = LIMIT_MS) => {
      const end = performance.now() + withinMs;
      while (!(await condition())) {
        if (performance.now() >= end) throw new Error(`not within ${withinMs} ms`);
        await sleep(20);
      }
    },
    done: (promise) => promise,
    cutConnections: () => {
      for (const stream of streams) stream.destroy();
    },
    close: () => owned.disposeAsync(),
  };
};

brokerLinkContract("Mosquitto", "5", start);
brokerLinkContract("Mosquitto", "3.1.1", start);
