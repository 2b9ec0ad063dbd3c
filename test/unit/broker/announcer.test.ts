import { expect, it } from "vitest";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import type { DiscoveryOptions } from "../../../src/broker/announcer.ts";
import type { AgentError } from "../../../src/errors.ts";
import { brokerWorld } from "./world.ts";

const config = "homeassistant/device/porch-1/config";

const discoveryOf = (on: boolean, more: Partial<DiscoveryOptions> = {}) => {
  const refusals: AgentError[] = [];
  const options: DiscoveryOptions = {
    on,
    vault: openMemoryVault(createMemoryDisk()),
    random: () => 0.5,
    refused: (error) => refusals.push(error),
    ...more,
  };
  return { options, refusals };
};

it("a board that was never announced leaves Home Assistant's topics alone, also where nothing is remembered", async () => {
  for (const discovery of [discoveryOf(false).options, undefined]) {
    const { connect, sim } = await brokerWorld(discovery === undefined ? {} : { discovery });
    await connect();
    expect(sim.received.map(({ topic }) => topic).filter((topic) => topic.startsWith("home"))).toEqual([]);
    sim.publish("homeassistant/status", "online");
  }
});

it("a broker that forbids the announcement is told of, and the lamps obey all the same", async () => {
  const { options, refusals } = discoveryOf(true);
  const { connect, sim, collect, clock } = await brokerWorld({
    discovery: options,
    protocol: "5",
    authenticate: async ({ clientId }) => ({
      ok: true,
      who: { kind: "other", name: clientId },
      may: (_action, topic) => topic.startsWith("porchlight/"),
      expiresAt: null,
    }),
  });
  const requests = collect(await connect());
  sim.publish("porchlight/porch-1/light/set", '{"state":"ON"}');
  await clock.untilTrue(() => requests.length === 1);
  expect(refusals.map(({ code }) => code)).toEqual(["BROKER_FORBIDS", "BROKER_FORBIDS"]);
  expect(refusals.map(({ detail }) => detail?.split(":")[0])).toEqual([
    "Home Assistant's discovery",
    "Home Assistant's discovery",
  ]);
  expect(sim.retained(config)).toBeUndefined();
  expect(sim.retained("porchlight/porch-1/availability")).toBe("online");
});

it("a disk that cannot be read or written does not keep the lamps from Home Assistant", async () => {
  const full = async (): Promise<never> => {
    throw new Error("no space left on device");
  };
  const vault = { ...openMemoryVault(createMemoryDisk()), read: full, write: full };
  const { connect, sim } = await brokerWorld({ discovery: discoveryOf(true, { vault }).options });
  await connect();
  expect(sim.retained(config)).toContain("components");
});

it("an announcement for another device id is left to that device", async () => {
  const vault = openMemoryVault(createMemoryDisk());
  await vault.write("discovery", new TextEncoder().encode("homeassistant/device/porch-2/config"));
  const { connect, sim } = await brokerWorld({ discovery: discoveryOf(false, { vault }).options });
  await connect();
  expect(sim.received.some(({ topic }) => topic.startsWith("home"))).toBe(false);
});

it("a hub's start from before the connection is no reason to say everything again", async () => {
  const { connect, sim, clock } = await brokerWorld({ discovery: discoveryOf(true).options });
  sim.publish("homeassistant/status", "online", { retain: true });
  await connect();
  await clock.advance(10_000);
  expect(sim.received.filter(({ topic }) => topic === config).length).toBe(1);
  sim.publish("homeassistant/status", "online");
  await clock.advance(2_400);
  expect(sim.received.filter(({ topic }) => topic === config).length).toBe(1);
  await clock.advance(200);
  expect(sim.received.filter(({ topic }) => topic === config).length).toBe(2);
});

it("a hub that says a thousand times that it has started is told everything once, and once more while that is on its way", async () => {
  const { connect, sim, clock } = await brokerWorld({ discovery: discoveryOf(true).options });
  await connect();
  const configs = (): number => sim.received.filter(({ topic }) => topic === config).length;
  const flood = (): void => {
    for (let count = 0; count < 1_000; count++) sim.publish("homeassistant/status", "online", { qos: 0 });
  };
  sim.delayMs = 10_000;
  flood();
  // These are here after 10 s, answered at 12.5 s, and the answer is acknowledged at 22.5 s; those come meanwhile.
  await clock.advance(5_000);
  flood();
  await clock.advance(3_000);
  flood();
  await clock.advance(60_000);
  expect(configs()).toBe(3);
  sim.delayMs = 0;
  sim.publish("homeassistant/status", "online");
  await clock.advance(5_000);
  expect(configs()).toBe(4);
});

it("a hub's start in the last moment of a connection leaves nothing behind", async () => {
  const { connect, sim, clock } = await brokerWorld({ discovery: discoveryOf(true).options });
  const link = await connect();
  sim.publish("homeassistant/status", "online");
  await clock.settle();
  await clock.until(link[Symbol.asyncDispose]());
  sim.close();
  await clock.settle();
  expect(clock.waiting).toBe(0);
});

it("a connection that ends in the middle of the announcement ends the attempt", async () => {
  const world = await brokerWorld({ discovery: discoveryOf(true).options, protocol: "5" });
  world.sim.observe(({ topic }) => {
    if (topic === config) world.sim.dropConnections();
  });
  expect(await world.failure()).toBe("BROKER_LOST");
});
