import { setTimeout as sleep } from "node:timers/promises";
import {
  dropCaches,
  eventually,
  type Memory,
  median,
  memoryOf,
  startNode,
  startProgram,
  stop,
} from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { type BenchBroker, newBoard } from "./surroundings.ts";

/** Medians in bytes, both processes alive and idle at the same time. */
export interface MemoryFigures {
  readonly settleS: number;
  readonly transport: "TLS" | "TCP";
  /** What the kernel had read of files was dropped before. */
  readonly cold: boolean;
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
): Promise<MemoryFigures> => {
  const cold = dropCaches();
  const settings = newBoard(folder, org.issuer, broker.tls ?? { url: broker.plain });
  const agent = startProgram(command, ["run", "--json", "--settings", settings]);
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
    return { settleS, transport, cold, bare: middle(samples.bare), agent: middle(samples.agent) };
  } finally {
    await Promise.all([stop(agent.child), stop(bare.child)]);
  }
};
