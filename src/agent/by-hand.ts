import { AgentError } from "../errors.ts";
import type { Callbacks, CallbackVisit, ControlRequest } from "../ports.ts";

type Brought = Pick<Extract<ControlRequest, { kind: "callback" }>, "address" | "answer" | "fail">;

/** Callbacks that people can also bring by hand, out of a browser that does not reach this machine. */
export interface ByHand extends Callbacks {
  /** Hands an address to whoever listens now; fails with CALLBACK_STRANGE where nobody does. */
  bring(brought: Brought): void;
}

const nobody = (): AgentError => new AgentError("CALLBACK_STRANGE", "the board waits for none now");

export const byHand = (callbacks: Callbacks): ByHand => {
  let take: ((visit: CallbackVisit) => void) | null = null;
  const waiting = new Set<CallbackVisit>();
  return {
    host: callbacks.host,
    async open(callback, visited, signal) {
      const listener = await callbacks.open(callback, visited, signal);
      take = visited;
      return {
        lead: (url) => listener.lead(url),
        async [Symbol.asyncDispose]() {
          take = null;
          for (const visit of waiting) visit.answer(nobody());
          await listener[Symbol.asyncDispose]();
        },
      };
    },
    bring({ address, answer, fail }) {
      if (take === null) return fail(nobody());
      const visit: CallbackVisit = {
        address,
        answer(outcome) {
          if (!waiting.delete(visit)) return;
          if (outcome === null) answer();
          else fail(outcome);
        },
      };
      waiting.add(visit);
      take(visit);
    },
  };
};
