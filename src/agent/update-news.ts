import type { ErrorCode } from "../errors.ts";
import type { UpdateOutcome } from "../model.ts";
import type { Updates } from "../ports.ts";

/** What became of the last update of the program. Another program writes it down, so it has to be looked for. */
export interface UpdateNews {
  /** As of the last look; null: nothing is known. */
  readonly last: UpdateOutcome | null;
  /** Why there is no newer version here than this one: what became of the last look for one, else of the last update. */
  readonly fault: ErrorCode | null;
  /** What became of a look for a new version; null: it went well. */
  looked(fault: ErrorCode | null): void;
  /** Looks for news. Never throws. */
  refresh(): Promise<void>;
  /** Calls `listener` when there are news; returns the way to stop. */
  subscribe(listener: (news: UpdateOutcome) => void): () => void;
}

/** `updates` is null where the program does not change. */
export const createUpdateNews = (updates: Pick<Updates, "last"> | null): UpdateNews => {
  const listeners = new Set<(news: UpdateOutcome) => void>();
  let last: UpdateOutcome | null = null;
  let lookFault: ErrorCode | null = null;
  return {
    get fault() {
      return lookFault ?? last?.code ?? null;
    },
    looked(fault) {
      lookFault = fault;
    },
    get last() {
      return last;
    },
    async refresh() {
      const now = await updates?.last().catch(() => null);
      if (now === undefined || now === null || now.at === last?.at) return;
      last = now;
      for (const listener of listeners) listener(now);
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
};
