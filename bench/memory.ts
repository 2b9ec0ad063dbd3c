import { setTimeout as sleep } from "node:timers/promises";
import { eventually, type Memory, median, memoryOf, startNode, stop } from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { type BenchBroker, newBoard } from "./surroundings.ts";

/** Medians in bytes, both processes alive and idle at the same time. */
export interface MemoryFigures {
  /** V8's options for the agent. */
  readonly options: readonly string[];
  readonly settleS: number;
  readonly transport: "TLS" | "TCP";
  readonly bare: Memory;
  readonly agent: Memory;
}

/** Signs an agent in, lets it and a bare node idle for `settleS` seconds, and looks at both for 5 more. */
export const measureMemory = async (
  command: string,
  folder: string,
  org: YesOrg,
  broker: BenchBroker,
  settleS: number,
  options: readonly string[],
): Promise<MemoryFigures> => {
  const settings = newBoard(folder, org.issuer, broker.tls ?? { url: broker.plain });
  const agent = startNode([...options, command, "run", "--json", "--settings", settings]);
  const bare = startNode(["-e", "setInterval(() => {}, 2 ** 30)"]);
  try {
    await eventually(
      "online",
      () => agent.printed().includes('"event":"online"') || undefined,
      agent.printed,
    );
    await sleep(settleS * 1000);
    const samples = { bare: [] as Memory[], agent: [] as Memory[] };
    for (let sample = 0; sample < 10; sample++) {
      samples.bare.push(memoryOf(bare.child.pid ?? 0));
      samples.agent.push(memoryOf(agent.child.pid ?? 0));
      await sleep(500);
    }
    const middle = (memories: readonly Memory[]): Memory => ({
      pss: median(memories.map(({ pss }) => pss)),
      rss: median(memories.map(({ rss }) => rss)),
      anonymous: median(memories.map(({ anonymous }) => anonymous)),
    });
    const transport = broker.tls ? "TLS" : "TCP";
    return { options, settleS, transport, bare: middle(samples.bare), agent: middle(samples.agent) };
  } finally {
    await Promise.all([stop(agent.child), stop(bare.child)]);
  }
};
