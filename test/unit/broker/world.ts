import { type Duplex, duplexPair } from "node:stream";
import { type Authenticate, allowAll } from "../../../firmware-sim/broker/access.ts";
import { SimulatedBroker } from "../../../firmware-sim/broker/broker.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { exampleAbout } from "../../../src/broker/contract-examples.ts";
import { type BrokerOptions, createBroker } from "../../../src/broker/mqtt.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { LightReport, LightTraits } from "../../../src/model.ts";
import type { Announcement, Broker, BrokerPass, CommandRequest, Link } from "../../../src/ports.ts";
import { Secret } from "../../../src/units.ts";
import { holdToContract } from "../../contract/published.ts";

export const never = new AbortController().signal;
export const token: BrokerPass = { kind: "token", token: new Secret("the-token"), expiresAtMono: null };

const published = holdToContract();

const dimmable: LightTraits = { dims: true, temperature: null, rgb: false, effects: [] };

export const reportOf = (brightness: number, light = "main"): LightReport => ({
  light,
  target: { on: true, brightness, colour: { mode: "none" }, effect: null },
  available: true,
  fault: null,
  cause: { kind: "agent" },
});

export const announcement: Announcement = {
  about: {
    device: { id: "porch-1", name: "Porch light", serial: "0001" },
    version: "0.1.0",
    trust: "broker",
    lights: [{ id: "main", name: "Porch", traits: dimmable }],
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
  lights: [reportOf(0.5)],
};

/** A board's side of the broker and the simulated broker, over streams in memory and on virtual time. */
export interface BrokerWorld {
  readonly clock: VirtualClock;
  readonly sim: SimulatedBroker;
  readonly broker: Broker;
  /** Every stream of the board's side, oldest first. */
  readonly streams: Duplex[];
  connect(previous?: Link, pass?: BrokerPass): Promise<Link>;
  /** The code a connection attempt fails with. */
  failure(previous?: Link): Promise<ErrorCode>;
  collect(link: Link): CommandRequest[];
}

export const brokerWorld = async (
  options: Partial<BrokerOptions> & { authenticate?: Authenticate } = {},
): Promise<BrokerWorld> => {
  await Promise.all([import("mqtt-packet"), import("mqtt/lib/client")]);
  const clock = new VirtualClock();
  const sim = new SimulatedBroker({ clock, authenticate: options.authenticate ?? allowAll });
  sim.observe(({ topic, payload, from, qos }) => {
    if (from === "porch-1") published.note({ topic, payload: payload.toString("utf8"), qos });
  });
  const streams: Duplex[] = [];
  const broker = createBroker({
    url: new URL("mqtt://broker.test"),
    protocol: "auto",
    username: null,
    password: null,
    deviceId: "porch-1",
    lights: ["main"],
    clock,
    openStream: async () => {
      const [ours, theirs] = duplexPair();
      streams.push(ours);
      sim.attach(theirs);
      return ours;
    },
    ...options,
  });
  const connect = (previous?: Link, pass = token): Promise<Link> =>
    clock.until(broker.connect(pass, announcement, previous, never));
  return {
    clock,
    sim,
    broker,
    streams,
    connect,
    failure: async (previous) => {
      try {
        await connect(previous);
      } catch (error) {
        if (error instanceof AgentError) return error.code;
        throw error;
      }
      throw new Error("it connected");
    },
    collect: (link) => {
      const requests: CommandRequest[] = [];
      void (async () => {
        for await (const request of link.requests) requests.push(request);
      })();
      return requests;
    },
  };
};
