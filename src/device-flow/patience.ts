import { AgentError } from "../errors.ts";
import type { Clock } from "../ports.ts";

/** How long a token request that is out already may hold up a stop, in milliseconds. systemd waits for thirty seconds. */
export const PATIENCE_MS = 10_000;

/**
 * The signal that token requests are made with: aborted `PATIENCE_MS` after `stop` is, and by nothing else. The org may have
 * acted on such a request before its answer is here: given an approval that nobody else has, or made the refresh
 * token worthless. So neither a press nor a sign-out ends one; it ends with its answer or by its own time limit, and whoever
 * asked then decides what becomes of that. Disposed of, no timer is left.
 */
export const createPatience = (
  clock: Clock,
  stop: AbortSignal,
): Disposable & { readonly signal: AbortSignal } => {
  const over = new AbortController();
  const done = new AbortController();
  const onStop = (): void => {
    clock.sleep(PATIENCE_MS, done.signal).then(
      () => over.abort(new AgentError("ORG_TIMEOUT", "the board stops")),
      () => undefined, // all had ended before
    );
  };
  if (stop.aborted) onStop();
  else stop.addEventListener("abort", onStop, { once: true });
  return {
    signal: over.signal,
    [Symbol.dispose]() {
      stop.removeEventListener("abort", onStop);
      done.abort();
    },
  };
};
