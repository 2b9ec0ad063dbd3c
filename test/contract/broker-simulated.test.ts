import { duplexPair } from "node:stream";
import { beforeAll } from "vitest";
import { allowAll } from "../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { type BrokerUnderTest, brokerLinkContract } from "./broker-link.ts";
import { holdToContract } from "./published.ts";

const published = holdToContract();

beforeAll(async () => {
  await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);
});

const start = async (): Promise<BrokerUnderTest> => {
  const clock = new VirtualClock();
  const broker = new SimulatedBroker({ clock, authenticate: allowAll });
  const seen: { topic: string; payload: string }[] = [];
  broker.observe((message) => {
    const [topic, payload] = [message.topic, message.payload.toString("utf8")];
    seen.push({ topic, payload });
    if (message.from === "porch-1")
      published.note({ topic, payload, retain: message.retain, qos: message.qos });
  });
  return {
    clock,
    url: new URL("mqtt://broker.test"),
    openStream: async () => {
      const [ours, theirs] = duplexPair();
      broker.attach(theirs);
      return ours;
    },
    publish: async (topic, payload, options = {}) => {
      broker.publish(topic, payload, options);
      await clock.settle();
    },
    retained: async (topic) => broker.retained(topic),
    seen: async (topic) => seen.filter((each) => each.topic === topic).map((each) => each.payload),
    until: async (condition, withinMs = 10_000) => {
      const end = clock.mono() + withinMs;
      await clock.settle();
      while (!(await condition())) {
        if (clock.mono() >= end) throw new Error(`not within ${withinMs} ms`);
        await clock.advance(100);
      }
    },
    done: (promise) => clock.until(promise),
    cutConnections: () => broker.dropConnections(),
    close: async () => {
      broker.close();
      await clock.settle();
      if (clock.waiting > 0) throw new Error(`${clock.waiting} timers were left behind`);
      clock[Symbol.dispose]();
    },
  };
};

brokerLinkContract("simulated broker", "5", start);
brokerLinkContract("simulated broker", "3.1.1", start);
