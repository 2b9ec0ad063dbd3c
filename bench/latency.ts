import { Socket } from "node:net";
import { join } from "node:path";
import { connectAsync } from "mqtt";
import { eventually, quantile, startNode, startProgram, stop } from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { type BenchBroker, deviceId, newBoard, watcher } from "./surroundings.ts";

/** Round trips of QoS 1 commands in milliseconds: `light/set` published to the report on `light/state` received. */
export interface LatencyFigures {
  readonly commands: number;
  readonly broker: string;
  readonly echo: Percentiles;
  readonly agent: Percentiles;
}

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

  const roundTrip = async (device: string, brightness: number): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    awaited = { topic: `porchlight/${device}/light/state`, brightness, done: resolve };
    const timer = setTimeout(() => reject(new Error(`no report from ${device}`)), LIMIT_MS);
    const startedAt = performance.now();
    client.publish(`porchlight/${device}/light/set`, JSON.stringify({ state: "ON", brightness }), { qos: 1 });
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
    const times = { echo: [] as number[], [deviceId]: [] as number[] };
    const block = 50;
    for (let done = -block; done < commands; done += block)
      for (const [device, list] of Object.entries(times))
        for (let index = 0; index < block; index++) {
          const ms = await roundTrip(device, 1 + ((done + block + index) % 250));
          if (done >= 0) list.push(ms);
        }
    const percentiles = (list: readonly number[]): Percentiles => ({
      p50: quantile(list, 0.5),
      p99: quantile(list, 0.99),
    });
    return {
      commands,
      broker: broker.name,
      echo: percentiles(times.echo),
      agent: percentiles(times[deviceId]),
    };
  } finally {
    await client.endAsync(true);
    await Promise.all([stop(agent.child), stop(echo.child)]);
  }
};
