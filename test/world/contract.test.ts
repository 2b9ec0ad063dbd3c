import { afterEach, expect, it } from "vitest";
import { channelNames, channelOf, channelOfTopic } from "../../src/broker/contract.ts";
import { openStage, published, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

it("every channel of the written contract is used, and no other", async () => {
  const lights = [
    { id: "porch", name: "Porch", driver: "sim:" },
    { id: "hall", name: "Hall", driver: "memory:white" },
  ];
  stage = await openStage({ settings: { lights, commands: { trust: "broker" } }, discovery: true });
  const used = new Set<string>();
  const { broker, deviceId } = stage.world;
  broker.observe(({ topic }) => used.add(channelOfTopic(topic)));
  await stage.signIn();
  const root = `porchlight/${deviceId}`;
  broker.publish(`${root}/light/set`, '{"state":"ON"}');
  broker.publish(`${root}/lights/hall/set`, '{"brightness":0}');
  broker.publish(`${root}/command`, "{}");
  broker.publish(`${root}/light/set`, '{"effect":"identify"}', {
    properties: { responseTopic: `${root}/answers/me`, correlationData: Buffer.from("7f1c") },
  });
  broker.publish("homeassistant/status", "online");
  await stage.clock.advance(10_000);
  await stage.run?.stop();
  expect([...used].toSorted()).toEqual([...channelNames].toSorted());
  // What the board said on them was held to its schema, as in every test of the world.
  const said = channelNames.filter((name) => channelOf(name).from === "board");
  expect([...published.channels].toSorted()).toEqual(said.toSorted());
});
