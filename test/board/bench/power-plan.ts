// When the power goes: a seed decides. Pure.

import type { Random } from "../../../src/ports.ts";
import { seeded, whole } from "../../chaos/seeded.ts";
import type { Wait } from "./power-board.ts";

export type Phase = "sign-in" | "refresh" | "commands";

const phases: readonly Phase[] = ["sign-in", "refresh", "commands"];

/** What has just happened when the wait for the cut begins. */
const moments = {
  "sign-in": ["the code is shown", "a person has approved", "the tokens are sent", "the tokens are used"],
  refresh: ["new tokens are asked for", "the new tokens are sent", "the new tokens are used"],
  commands: ["a command has come", "a command is answered"],
} as const;
export type Moment = (typeof moments)[Phase][number];

/** Where much is written, the drive's requests are counted; elsewhere time passes. Most of each that a cut waits. */
const most: Readonly<Record<Moment, { readonly requests?: number; readonly ms: number }>> = {
  "the code is shown": { ms: 2000 },
  "a person has approved": { ms: 1500 },
  "the tokens are sent": { requests: 30, ms: 500 },
  "the tokens are used": { requests: 12, ms: 1000 },
  // The org takes its time with the answer meanwhile.
  "new tokens are asked for": { ms: 500 },
  "the new tokens are sent": { requests: 20, ms: 500 },
  "the new tokens are used": { requests: 12, ms: 1000 },
  "a command has come": { requests: 8, ms: 400 },
  "a command is answered": { requests: 8, ms: 3000 },
};

export interface PlannedCut {
  readonly number: number;
  readonly phase: Phase;
  readonly moment: Moment;
  readonly wait: Wait;
  /** How much of what was not flushed is on the drive all the same, 0 to 1. */
  readonly share: number;
  /** For what the drive keeps. */
  readonly random: Random;
}

/** So many cuts, the phases in turn. */
export const plannedCuts = (seed: number, count: number): readonly PlannedCut[] =>
  Array.from({ length: count }, (_, index) => {
    const random = seeded(seed * 1000 + index);
    const phase = phases[index % phases.length] ?? "sign-in";
    const choice: readonly Moment[] = moments[phase];
    const moment = choice[whole(random, 0, choice.length - 1)] ?? choice[0];
    if (moment === undefined) throw new RangeError("nothing happens in this phase");
    const { requests, ms } = most[moment];
    const wait: Wait =
      requests !== undefined && random() < 0.7
        ? { requests: whole(random, 0, requests) }
        : { ms: whole(random, 0, ms) };
    // A third of the drives keep nothing that was not flushed.
    const share = random() < 1 / 3 ? 0 : random();
    return { number: index + 1, phase, moment, wait, share, random };
  });

export const inWords = ({ number, moment, wait, share }: PlannedCut): string =>
  `cut ${number}: ${moment}, and ${"ms" in wait ? `${wait.ms} ms` : `${wait.requests} requests of the drive`} later, ${Math.round(share * 100)} % of what was not flushed is kept`;
