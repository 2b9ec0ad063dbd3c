// What runs in each state: one async generator of events per state. Leaving the state aborts its activity and
// waits until it has ended, so no answer can arrive for a state that is gone.

import type { ErrorCode } from "../errors.ts";
import { unreachable } from "../units.ts";
import type { ActivityParts } from "./activity-parts.ts";
import type { Event, State } from "./machine.ts";
import { obtain } from "./obtaining.ts";
import { serve } from "./serve.ts";
import { askCode, start } from "./signing-in.ts";

/** The activity of a state; it ends when it has nothing more to say, or throws AgentError. */
export const activity = (state: State, parts: ActivityParts, signal: AbortSignal): AsyncGenerator<Event> => {
  switch (state.name) {
    case "starting":
      return start(parts, signal);
    case "askingCode":
      return askCode(parts, state, signal);
    case "waitingForApproval":
      // Its activity is that of askingCode, which goes on.
      return nothing();
    case "exchanging":
      return exchange(parts, state.replace, signal);
    case "connecting":
    case "online":
      return serve(parts, state.credentials, signal);
    case "pausing":
      return pause(parts, state, signal);
    case "stopping":
    case "stopped":
      return nothing();
    default:
      return unreachable(state);
  }
};

async function* nothing(): AsyncGenerator<Event> {}

async function* exchange(parts: ActivityParts, replace: boolean, signal: AbortSignal): AsyncGenerator<Event> {
  yield { type: "credentialsReady", credentials: await obtain(parts, replace, signal) };
}

/** What another time of day may mend. */
const byClock: ReadonlySet<ErrorCode> = new Set([
  "CLOCK_UNSET",
  "CLOCK_WRONG",
  "ORG_TLS",
  "BROKER_TLS",
  "ASSET_TOKEN_INVALID",
  "ASSET_TOKEN_REFUSED",
  "ASSERTION_REFUSED",
]);

async function* pause(
  { clock, time }: ActivityParts,
  { until, error }: Extract<State, { name: "pausing" }>,
  signal: AbortSignal,
): AsyncGenerator<Event> {
  const over = new AbortController();
  const either = AbortSignal.any([signal, over.signal]);
  const ends = [
    ...(until === null ? [] : [clock.sleep(Math.max(0, until - clock.mono()), either)]),
    ...(byClock.has(error.code) ? [time.moved(either)] : []),
  ];
  if (ends.length === 0) return;
  try {
    await Promise.race(ends);
  } finally {
    over.abort();
    await Promise.allSettled(ends);
  }
  yield { type: "pauseOver" };
}
