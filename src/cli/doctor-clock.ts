// `porchlight doctor clock`

import { systemClock } from "../adapters/clock.ts";
import { readBound } from "../agent/time.ts";
import { clockSteps, readTimeService } from "../doctor/clock.ts";
import { examine } from "../doctor/examine.ts";
import { clientOf, type Examine, stateOf, toolOutput } from "./doctor-board.ts";

const ask = ["timedatectl", "show", "--property=NTPSynchronized", "--property=NTP"];

/** Looks at the clock, and who keeps it. */
export const examineClock: Examine = async function* (board, signal) {
  await using client = await clientOf(board);
  const steps = clockSteps(
    { orgUrl: board.settings.org.url },
    {
      timeService: async () => readTimeService(await toolOutput(board.io, ask, signal)),
      wall: systemClock.wall,
      wallKnown: systemClock.wallKnown,
      past: async () => {
        const state = await stateOf(board).catch(() => null);
        return state === null ? null : readBound(state);
      },
      http: client.http,
    },
  );
  yield* examine(steps, signal);
};
