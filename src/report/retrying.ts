import { retryPauseMs } from "../agent/retry.ts";
import { type AgentError, asAgentError } from "../errors.ts";
import type { Clock, Random } from "../ports.ts";

const MAX_TRIES = 5;

/** Does `work` again after a growing pause while its fault is one that passes. `before` is told of each such fault. */
export const retrying = async <T>(
  work: () => Promise<T>,
  before: (fault: AgentError) => Promise<"again" | "pause">,
  { clock, random }: { readonly clock: Clock; readonly random: Random },
  signal: AbortSignal,
): Promise<T> => {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      const fault = asAgentError(error);
      if (fault.remedy !== "retry" || attempt + 1 >= MAX_TRIES) throw fault;
      if ((await before(fault)) === "pause")
        await clock.sleep(retryPauseMs(fault, attempt, random()), signal);
    }
  }
};
