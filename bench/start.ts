import { ended, median, startNode, startProgram, stop } from "./measure.ts";
import type { YesOrg } from "./org.ts";
import { newBoard } from "./surroundings.ts";

/** Medians in milliseconds, from spawning the process. */
export interface StartFigures {
  readonly rounds: number;
  /** `node -e 0`, to its end. */
  readonly bareMs: number;
  /** node with one `node:http` request, to that request's arrival: what no Node program can be quicker than. */
  readonly requestMs: number;
  /** `porchlight version`, to its end. */
  readonly versionMs: number;
  /** The agent on a new board, to the arrival of its first request. */
  readonly agentMs: number;
}

const untilFirstRequest = async (org: YesOrg, command: string, args: readonly string[]): Promise<number> => {
  const arrived = Promise.withResolvers<number>();
  org.onFirstRequest = arrived.resolve;
  const startedAt = performance.now();
  const { child, printed } = startProgram(command, args);
  child.once("close", () => arrived.reject(new Error(`ended without a request:\n${printed()}`)));
  const at = await arrived.promise;
  await stop(child);
  return at - startedAt;
};

/** Starts all in turn, `rounds` times; a first round warms the page cache and does not count. */
export const measureStart = async (
  command: string,
  folder: string,
  org: YesOrg,
  rounds: number,
): Promise<StartFigures> => {
  const bare: number[] = [];
  const version: number[] = [];
  const request: number[] = [];
  const agent: number[] = [];
  const oneRequest = `require("node:http").get(${JSON.stringify(org.issuer)}, (r) => r.resume())`;
  for (let round = 0; round <= rounds; round++) {
    const startedAt = performance.now();
    await ended(startNode(["-e", "0"]).child);
    const bareMs = performance.now() - startedAt;
    const versionAt = performance.now();
    await ended(startProgram(command, ["version"]).child);
    const versionMs = performance.now() - versionAt;
    const requestMs = await untilFirstRequest(org, process.execPath, ["-e", oneRequest]);
    const settings = newBoard(folder, org.issuer, { url: "mqtt://127.0.0.1:1" });
    const agentMs = await untilFirstRequest(org, command, ["run", "--json", "--settings", settings]);
    if (round === 0) continue;
    bare.push(bareMs);
    version.push(versionMs);
    request.push(requestMs);
    agent.push(agentMs);
  }
  return {
    rounds,
    bareMs: median(bare),
    versionMs: median(version),
    requestMs: median(request),
    agentMs: median(agent),
  };
};
