import { asAgentError } from "../errors.ts";
import { type Check, faultFinding, notTried, type Step } from "./check.ts";

const taken = async (step: Step, signal: AbortSignal): Promise<Check> => {
  const { id, title } = step;
  const why = step.notNow();
  if (why !== null) return { id, title, ...notTried(why) };
  try {
    return { id, title, ...(await step.look(signal)) };
  } catch (error) {
    signal.throwIfAborted();
    return { id, title, ...faultFinding(asAgentError(error)) };
  }
};

/** Takes the steps one after the other and tells each as soon as it is done. Rejects with the signal's reason only. */
export async function* examine(steps: readonly Step[], signal: AbortSignal): AsyncGenerator<Check, void> {
  for (const step of steps) {
    signal.throwIfAborted();
    yield await taken(step, signal);
  }
}
