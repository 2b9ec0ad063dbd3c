import { randomUUID } from "node:crypto";
import { Socket } from "node:net";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { createPhoneKey, nonceOf } from "../companion/core/phone-key.ts";
import { createPkToken } from "../companion/core/pk-token.ts";
import { signCommand } from "../companion/core/signed-message.ts";
import { eventually, quantile, startNode, startProgram, stop } from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { type BenchBroker, deviceId, newBoard, watcher } from "./surroundings.ts";

/** Round trips of QoS 1 commands in milliseconds: published to the report on `light/state` received. */
export interface LatencyFigures {
  readonly commands: number;
  readonly broker: string;
  readonly echo: Percentiles;
  /** Plain commands on `light/set`. */
  readonly agent: Percentiles;
  /** Signed ones on `command`; the phone's own signing is not in it. */
  readonly signed: Percentiles;
}

/** The app that the commands are signed by, and the board's client: the same, as by default. */
const clientId = "bench";

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

const LIMIT_MS = 5_000;

/** `commands` to each side, in blocks of 50 by turns; a first block of each warms up and does not count. */
export const measureLatency = async (
  command: string,
  folder: string,
  org: YesOrg,
  broker: BenchBroker,
  commands: number,
): Promise<LatencyFigures> => {
  const settings = newBoard(folder, org.issuer, { url: broker.plain });
  const agent = startProgram(command, ["run", "--json", "--settings", settings]);
  const echo = startNode([
    join(import.meta.dirname, "echo.ts"),
    broker.plain,
    watcher.username,
    watcher.password,
  ]);
  const { hostname, port } = new URL(broker.plain);
  const client = await connectAsync({
    protocol: "mqtt",
    host: hostname,
    port: Number(port),
    protocolVersion: 5,
    ...watcher,
    reconnectPeriod: 0,
  });
  if (client.stream instanceof Socket) client.stream.setNoDelay(true);

  let awaited: { topic: string; brightness: number; done: (at: number) => void } | undefined;
  client.on("message", (topic, payload) => {
    const at = performance.now();
    if (topic !== awaited?.topic) return;
    const { brightness }: { brightness?: number } = JSON.parse(payload.toString());
    if (brightness === awaited.brightness) awaited.done(at);
  });

  const key = await createPhoneKey();
  const pkToken = await createPkToken(await org.idToken(clientId, nonceOf(key)), key);
  const signer = { kind: "person", key, pkToken, freshIdToken: null } as const;

  const plain = async (device: string, set: object): Promise<[string, string]> => [
    `porchlight/${device}/light/set`,
    JSON.stringify(set),
  ];
  const signed = async (device: string, set: object): Promise<[string, string]> => [
    `porchlight/${device}/command`,
    await signCommand(signer, { device, id: randomUUID(), ask: { do: "light", set } }, Date.now()),
  ];

  const roundTrip = async (device: string, brightness: number, make: typeof plain): Promise<number> => {
    const [command, payload] = await make(device, { state: "ON", brightness });
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    awaited = { topic: `porchlight/${device}/light/state`, brightness, done: resolve };
    const timer = setTimeout(() => reject(new Error(`no report from ${device}`)), LIMIT_MS);
    const startedAt = performance.now();
    client.publish(command, payload, { qos: 1 });
    try {
      return (await promise) - startedAt;
    } finally {
      clearTimeout(timer);
    }
  };

  try {
    await client.subscribeAsync("porchlight/+/light/state", { qos: 1 });
    await eventually(
      "online",
      () => agent.printed().includes('"event":"online"') || undefined,
      agent.printed,
    );
    await eventually("the echo", () => echo.printed().includes("ready") || undefined, echo.printed);
    const series = [
      { device: "echo", make: plain, times: [] as number[] },
      { device: deviceId, make: plain, times: [] as number[] },
      { device: deviceId, make: signed, times: [] as number[] },
    ] as const;
    const block = 50;
    let brightness = 0;
    for (let done = -block; done < commands; done += block)
      for (const { device, make, times } of series)
        for (let index = 0; index < block; index++) {
          brightness = (brightness % 250) + 1;
          const ms = await roundTrip(device, brightness, make);
          if (done >= 0) times.push(ms);
        }
    const [echoed, obeyed, proven] = series;
    const percentiles = (list: readonly number[]): Percentiles => ({
      p50: quantile(list, 0.5),
      p99: quantile(list, 0.99),
    });
    return {
      commands,
      broker: broker.name,
      echo: percentiles(echoed.times),
      agent: percentiles(obeyed.times),
      signed: percentiles(proven.times),
    };
  } finally {
    await client.endAsync(true);
    await Promise.all([stop(agent.child), stop(echo.child)]);
  }
};
