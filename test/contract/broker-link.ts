import type { Duplex } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import type { DiscoveryOptions } from "../../src/broker/announcer.ts";
import { exampleAbout } from "../../src/broker/contract-examples.ts";
import { createBroker } from "../../src/broker/mqtt.ts";
import type { AgentError } from "../../src/errors.ts";
import type { CommandResult, Incoming, LightReport, LightTraits } from "../../src/model.ts";
import type { Announcement, Broker, Clock, CommandRequest, Link } from "../../src/ports.ts";
import { Secret } from "../../src/units.ts";

/** A broker that the contract runs on, and a plain client to look at it from outside. */
export interface BrokerUnderTest {
  readonly clock: Clock;
  openStream(url: URL, signal: AbortSignal): Promise<Duplex>;
  readonly url: URL;
  /** Another client publishes, with QoS 1. */
  publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<void>;
  /** The retained payload of a topic. */
  retained(topic: string): Promise<string | undefined>;
  /** All payloads published on a topic since the start, last wills included, oldest first. */
  seen(topic: string): Promise<readonly string[]>;
  /** Waits until `condition` holds; fails after `withinMs` of the clock. */
  until(condition: () => boolean | Promise<boolean>, withinMs?: number): Promise<void>;
  /** Lets a promise come to its end, moving time when it has to pass. */
  done<T>(promise: Promise<T>): Promise<T>;
  /** Breaks every connection without a word. */
  cutConnections(): void;
  close(): Promise<void>;
}

const dimmable: LightTraits = { dims: true, temperature: null, rgb: false, effects: [] };

const reportOf = (brightness: number, light = "main"): LightReport => ({
  light,
  target: { on: true, brightness, colour: { mode: "none" }, effect: null },
  available: true,
  fault: null,
  cause: { kind: "agent" },
});

const announcementOf = (brightness: number): Announcement => ({
  about: {
    device: { id: "porch-1", name: "Porch light", serial: "0001" },
    version: "0.1.0",
    trust: "broker",
    lights: [
      { id: "main", name: "Porch", traits: dimmable },
      { id: "hall", name: "Hall", traits: dimmable },
    ],
    keyThumbprint: null,
    owner: null,
    evening: null,
    eveningFrom: null,
    eveningSettings: null,
    eveningFault: null,
    homeFrom: null,
    signedInUntil: null,
    approvals: null,
    update: null,
    started: null,
    health: exampleAbout.health,
  },
  lights: [reportOf(brightness), reportOf(brightness, "hall")],
});

const done = (light: string, id: string | null): CommandResult => ({
  id,
  outcome: "done",
  code: null,
  message: null,
  light,
  state: null,
});

const topic = (name: string): string => `porchlight/porch-1/${name}`;

/** What a link to a broker must do, on every broker and in both protocols. */
export const brokerLinkContract = (
  name: string,
  protocol: "5" | "3.1.1",
  start: () => Promise<BrokerUnderTest>,
): void => {
  describe(`${name}, MQTT ${protocol}: a link`, () => {
    let world: BrokerUnderTest;
    let broker: Broker;
    const links: Link[] = [];
    const disk = createMemoryDisk();
    const never = new AbortController().signal;

    const connect = async (
      previous?: Link,
      announcement = announcementOf(0.5),
      password = "a-token",
    ): Promise<Link> => {
      const link = await world.done(
        broker.connect(
          { kind: "token", token: new Secret(password), expiresAtMono: null },
          announcement,
          previous,
          never,
        ),
      );
      links.push(link);
      return link;
    };

    /** Collects requests in the background, as the agent would. */
    const collect = (link: Link): { requests: CommandRequest[]; ended: Promise<void> } => {
      const requests: CommandRequest[] = [];
      const ended = (async () => {
        for await (const request of link.requests) requests.push(request);
      })();
      return { requests, ended };
    };

    const idsOf = (requests: readonly CommandRequest[]): (string | null)[] =>
      plain(requests).map(({ parsed }) => (parsed.ok ? parsed.command.id : parsed.id));

    const plain = (requests: readonly CommandRequest[]): Extract<Incoming, { channel: "plain" }>[] =>
      requests.map(({ incoming }) => incoming).filter((incoming) => incoming.channel === "plain");

    const brightnessIn = (payload: string | undefined): unknown => JSON.parse(payload ?? "{}").brightness;

    /** A board as it is after a start, with this setting. */
    const boot = (discovery: boolean): Broker => {
      const discoveryOptions: DiscoveryOptions = {
        on: discovery,
        vault: openMemoryVault(disk),
        random: () => 0.1,
        refused: (error) => {
          throw error;
        },
      };
      return createBroker({
        url: world.url,
        protocol,
        username: null,
        password: null,
        deviceId: "porch-1",
        lights: ["main", "hall"],
        clock: world.clock,
        openStream: world.openStream,
        discovery: discoveryOptions,
      });
    };

    beforeEach(async () => {
      world = await start();
      disk.files.clear();
      broker = boot(false);
    });

    afterEach(async () => {
      for (const link of links.splice(0)) await world.done(link[Symbol.asyncDispose]());
      await world.close();
    });

    it("says online, what it is and what its lamps do, all retained", async () => {
      const link = await connect();
      expect(link.protocol).toBe(protocol);
      expect(await world.retained(topic("availability"))).toBe("online");
      expect(JSON.parse((await world.retained(topic("about"))) ?? "{}").device.id).toBe("porch-1");
      expect(brightnessIn(await world.retained(topic("light/state")))).toBe(128);
      expect(brightnessIn(await world.retained(topic("lights/hall/state")))).toBe(128);
    });

    it("hands out commands in order and publishes an answer to each", async () => {
      const { requests } = collect(await connect());
      await world.publish(topic("light/set"), '{"state":"ON","id":"a"}');
      await world.publish(topic("lights/hall/set"), '{"state":"OFF","id":"b"}');
      await world.publish(topic("lights/attic/set"), '{"state":"OFF","id":"c"}');
      await world.publish(topic("light/set"), "{nonsense");
      await world.until(() => requests.length === 4);
      expect(idsOf(requests)).toEqual(["a", "b", "c", null]);
      expect(plain(requests).map(({ light }) => light)).toEqual(["main", "hall", "attic", "main"]);
      expect(plain(requests).map(({ parsed }) => parsed.ok)).toEqual([true, true, true, false]);
      expect(requests.some(({ incoming }) => incoming.retained || incoming.expired)).toBe(false);
      for (const request of requests.slice(0, 2)) request.answer(done("main", idsOf([request])[0] ?? null));
      await world.until(async () => (await world.seen(topic("result"))).length === 2);
      expect((await world.seen(topic("result"))).map((each) => JSON.parse(each).id)).toEqual(["a", "b"]);
    });

    it("marks a retained command as such, and takes an empty payload for none", async () => {
      await world.publish(topic("light/set"), '{"state":"ON","id":"old"}', { retain: true });
      const { requests } = collect(await connect());
      await world.until(() => requests.length === 1);
      await world.publish(topic("light/set"), "", { retain: true });
      await world.publish(topic("light/set"), '{"state":"ON","id":"new"}');
      await world.until(() => requests.length === 2);
      expect(requests.map(({ incoming }) => incoming.retained)).toEqual([true, false]);
      expect(idsOf(requests)).toEqual(["old", "new"]);
    });

    it("sends the newest state of a lamp and skips what it has overtaken", async () => {
      const link = await connect();
      for (let step = 1; step <= 100; step++) link.report(reportOf(step / 100));
      await world.until(async () => brightnessIn(await world.retained(topic("light/state"))) === 255);
      const states = await world.seen(topic("light/state"));
      expect(states.length).toBeLessThan(20);
      expect(brightnessIn(states.at(-1))).toBe(255);
    });

    it("says offline when it is closed, and its requests end", async () => {
      const link = await connect();
      const { ended } = collect(link);
      await world.done(link[Symbol.asyncDispose]());
      await world.done(ended);
      expect(await world.retained(topic("availability"))).toBe("offline");
    });

    it("is lost when the connection breaks, and the last will says offline", async () => {
      const link = await connect();
      const { ended } = collect(link);
      world.cutConnections();
      const error: AgentError = await world.done(link.lost);
      expect(error.code).toBe("BROKER_LOST");
      await world.done(ended);
      await world.until(async () => (await world.retained(topic("availability"))) === "offline", 60_000);
    });

    it("gets the commands that came while it was away", async () => {
      const first = await connect();
      world.cutConnections();
      await world.done(first.lost);
      await world.publish(topic("light/set"), '{"state":"ON","id":"while-away"}');
      const { requests } = collect(await connect(first));
      await world.until(() => requests.length > 0);
      expect(idsOf(requests)).toEqual(["while-away"]);
      expect(await world.retained(topic("availability"))).toBe("online");
    });

    it("hands over to a new token without losing a command and without an offline", async () => {
      let link = await connect();
      const got: string[] = [];
      const drain = (from: Link): void => {
        void (async () => {
          for await (const request of from.requests) got.push(String(idsOf([request])[0]));
        })();
      };
      drain(link);
      const sent: string[] = [];
      for (let round = 0; round < 5; round++) {
        const handOver = connect(link, announcementOf(0.5), `token-${round}`);
        for (let count = 0; count < 5; count++) {
          const id = `${round}-${count}`;
          sent.push(id);
          await world.publish(topic("light/set"), JSON.stringify({ state: "ON", id }));
        }
        link = await handOver;
        drain(link);
      }
      await world.until(() => new Set(got).size === sent.length);
      expect([...new Set(got)]).toEqual(sent);
      expect(new Set(await world.seen(topic("availability")))).toEqual(new Set(["online"]));
    });

    it("delivers after a hand-over what was taken but not looked at before it", async () => {
      const first = await connect();
      await world.publish(topic("light/set"), '{"state":"ON","id":"waiting"}');
      await world.until(() => true);
      const { requests } = collect(await connect(first));
      await world.until(() => requests.length > 0);
      expect(idsOf(requests)).toContain("waiting");
    });

    it("publishes through the new link what is said through the old one", async () => {
      const first = await connect();
      const { requests } = collect(first);
      await world.publish(topic("light/set"), '{"state":"ON","id":"slow"}');
      await world.until(() => requests.length === 1);
      const handOver = connect(first, announcementOf(0.25));
      first.report(reportOf(1));
      await handOver;
      requests[0]?.answer(done("main", "slow"));
      await world.until(async () => (await world.seen(topic("result"))).length === 1);
      await world.until(async () => brightnessIn(await world.retained(topic("light/state"))) === 255);
      expect(brightnessIn(await world.retained(topic("lights/hall/state")))).toBe(64);
    });

    it("announces its lamps to Home Assistant, and again when that has started anew", async () => {
      broker = boot(true);
      await connect();
      const config = "homeassistant/device/porch-1/config";
      const { components } = JSON.parse((await world.retained(config)) ?? "{}");
      expect(components.hall).toMatchObject({
        command_topic: topic("lights/hall/set"),
        state_topic: topic("lights/hall/state"),
        supported_color_modes: ["brightness"],
      });
      await world.publish("homeassistant/status", "offline");
      await world.publish("homeassistant/status", "online");
      await world.until(async () => (await world.seen(config)).length === 2);
      await world.until(async () => (await world.seen(topic("availability"))).length === 2);
      expect(new Set(await world.seen(config)).size).toBe(1);
    });

    it("takes its announcement back once, when it is not wanted any more", async () => {
      const config = "homeassistant/device/porch-1/config";
      broker = boot(true);
      await world.done((await connect())[Symbol.asyncDispose]());
      expect(await world.retained(config)).toContain("components");
      broker = boot(false);
      await world.done((await connect())[Symbol.asyncDispose]());
      expect(await world.retained(config)).toBeUndefined();
      expect((await world.seen(config)).length).toBe(2);
      broker = boot(false);
      await connect();
      expect((await world.seen(config)).length).toBe(2);
    });

    it("says what it is again when its lamps turn out to be others, and their states with it", async () => {
      broker = boot(true);
      const link = await connect();
      const { about } = announcementOf(0.5);
      link.announce(about);
      const [main, hall] = about.lights;
      if (main === undefined || hall === undefined) throw new Error("two lamps");
      link.announce({
        ...about,
        lights: [{ ...main, traits: { ...dimmable, dims: false } }, hall],
      });
      await world.until(async () => (await world.seen(topic("light/state"))).length === 2);
      const config = JSON.parse((await world.retained("homeassistant/device/porch-1/config")) ?? "{}");
      expect(config.components.main.supported_color_modes).toEqual(["onoff"]);
      expect(JSON.parse((await world.retained(topic("about"))) ?? "{}").lights[0].traits.dims).toBe(false);
      expect(JSON.parse((await world.retained(topic("light/state"))) ?? "{}").color_mode).toBe("onoff");
      expect((await world.seen(topic("about"))).length).toBe(2);
    });

    it("gives up at once when it is told to, and leaves nothing behind", async () => {
      const stop = new AbortController();
      const pass = { kind: "token", token: new Secret("a-token"), expiresAtMono: null } as const;
      const connecting = broker.connect(pass, announcementOf(0.5), undefined, stop.signal);
      stop.abort(new Error("changed my mind"));
      await expect(world.done(connecting)).rejects.toThrow("changed my mind");
      const link = await connect();
      expect(await world.retained(topic("availability"))).toBe("online");
      expect(link.address).toContain(world.url.hostname);
    });
  });
};
