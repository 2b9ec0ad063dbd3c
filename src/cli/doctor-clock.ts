// `porchlight doctor clock`

import { systemClock } from "../adapters/clock.ts";
import { clockSteps, readTimeService } from "../doctor/clock.ts";
import { examine } from "../doctor/examine.ts";
import { clientOf, type Examine, toolOutput } from "./doctor-board.ts";

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
      http: client.http,
    },
  );
  yield* examine(steps, signal);
};
