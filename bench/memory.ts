import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dropCaches, eventually, type Memory, median, memoryOf, startProgram, stop } from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { type BenchBroker, newBoard } from "./surroundings.ts";

/** Medians in bytes, all processes alive and idle at the same time, none sharing its program's pages with another. */
export interface MemoryFigures {
  readonly settleS: number;
  readonly transport: "TLS" | "TCP";
  /** What the kernel had read of files was dropped before. */
  readonly cold: boolean;
  readonly bare: Memory;
  /** node after one `node:http` request, listening on a Unix socket, with a connection to the broker: what an agent cannot do without. */
  readonly connected: Memory;
  readonly agent: Memory;
}

/** Like an agent without anything that makes it one. Arguments: the org, the broker and its authority's file, a socket's path. */
const bareConnections = `
const [org, broker, ca, path] = process.argv.slice(1);
const { hostname, port } = new URL(broker);
require("node:http").get(org, (answer) => answer.resume());
require("node:net").createServer().listen(path);
const options = { host: hostname, port: Number(port) };
if (ca === "") require("node:net").connect(options);
else require("node:tls").connect({ ...options, ca: require("node:fs").readFileSync(ca) });
setInterval(() => {}, 2 ** 30);
`;

/**
 * Node as a file of its own. The Node that measures, and any other on this machine, would share the pages of theirs, and
 * PSS would count a half of them or less; nobody shares the binary's, nor anything on a board.
 */
const ownNode = (folder: string, name: string): string => {
  const path = join(folder, name);
  copyFileSync(process.execPath, path);
  return path;
};

/** Signs an agent in, lets it and a bare node idle for `settleS` seconds, and looks at both for 5 more. */
export const measureMemory = async (
  command: string,
  folder: string,
  org: YesOrg,
  broker: BenchBroker,
  settleS: number,
): Promise<MemoryFigures> => {
  const [bareNode, connectedNode] = [ownNode(folder, "node-bare"), ownNode(folder, "node-connected")];
  const cold = dropCaches();
  const target = broker.tls ?? { url: broker.plain, ca: "" };
  const settings = newBoard(folder, org.issuer, broker.tls ?? { url: broker.plain });
  const agent = startProgram(command, ["run", "--json", "--settings", settings]);
  const bare = startProgram(bareNode, ["-e", "setInterval(() => {}, 2 ** 30)"]);
  const connected = startProgram(connectedNode, [
    ...["-e", bareConnections, org.issuer, target.url, target.ca],
    join(folder, "connected.sock"),
  ]);
  try {
    await eventually(
      "online",
      () => agent.printed().includes('"event":"online"') || undefined,
      agent.printed,
    );
    await sleep(settleS * 1000);
    const samples = { bare: [] as Memory[], connected: [] as Memory[], agent: [] as Memory[] };
    for (let sample = 0; sample < 10; sample++) {
      samples.bare.push(memoryOf(bare.child.pid ?? 0));
      samples.connected.push(memoryOf(connected.child.pid ?? 0));
      samples.agent.push(memoryOf(agent.child.pid ?? 0));
      await sleep(500);
    }
    const middle = (memories: readonly Memory[]): Memory => ({
      pss: median(memories.map(({ pss }) => pss)),
      rss: median(memories.map(({ rss }) => rss)),
      anonymous: median(memories.map(({ anonymous }) => anonymous)),
    });
    const transport = broker.tls ? "TLS" : "TCP";
    return {
      settleS,
      transport,
      cold,
      bare: middle(samples.bare),
      connected: middle(samples.connected),
      agent: middle(samples.agent),
    };
  } finally {
    await Promise.all([agent, bare, connected].map(({ child }) => stop(child)));
  }
};
