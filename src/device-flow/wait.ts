import { AgentError } from "../errors.ts";
import type { DeviceCode, Grant } from "../model.ts";
import type { Clock, Org } from "../ports.ts";
import { unreachable } from "../units.ts";

/** RFC 8628 section 3.5: what every slow_down adds, for good. In milliseconds. */
const SLOW_DOWN_MS = 5_000;

/** A board's clock may run fast and an org may count whole seconds: never be early. */
const MARGIN = 1.1;

/** The longest pause that lost answers alone can lead to, in milliseconds. */
const LONGEST_PAUSE_MS = 60_000;

/**
 * Polls until somebody has approved the code (RFC 8628 sections 3.4 and 3.5) and gives the grant. The first poll comes
 * after one interval. Lost, late and senseless answers double the pause until an answer comes; the org's Retry-After is
 * obeyed. After the grant the code is never used again, since that ends the grant at some orgs.
 *
 * A poll that is out when `signal` is aborted is waited for until `patience` is over: a grant that it brings is given all the
 * same, since nobody else has it.
 *
 * Throws CODE_EXPIRED by the board's own monotonic clock (some orgs stay "pending" for ever), CODE_DENIED and
 * CODE_INVALID as the org says, and every fault that a pause does not heal.
 */
export const waitForApproval = async (
  org: Pick<Org, "poll">,
  code: DeviceCode,
  clock: Clock,
  patience: AbortSignal,
  signal: AbortSignal,
): Promise<Grant> => {
  let intervalMs = code.intervalMs;
  let pauseMs = intervalMs;
  for (;;) {
    const leftMs = code.expiresAt - clock.mono();
    const nextMs = pauseMs * MARGIN;
    await clock.sleep(Math.max(0, Math.min(nextMs, leftMs)), signal);
    if (nextMs >= leftMs) throw new AgentError("CODE_EXPIRED");
    try {
      const answer = await org.poll(code, patience);
      switch (answer.kind) {
        case "granted":
          return answer.grant;
        case "slowDown":
          intervalMs = Math.max(intervalMs + SLOW_DOWN_MS, answer.intervalMs ?? 0);
          break;
        case "pending":
          break;
        default:
          unreachable(answer);
      }
      pauseMs = intervalMs;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (!(error instanceof AgentError) || error.remedy !== "retry") throw error;
      const doubledMs = Math.min(pauseMs * 2, Math.max(LONGEST_PAUSE_MS, intervalMs));
      pauseMs = Math.max(doubledMs, error.retryAfterMs ?? 0);
    }
  }
};
