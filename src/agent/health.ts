// How the board is: what is wrong now, and how bad that is. Pure: facts in, words out.

import type { ErrorCode } from "../errors.ts";
import type { Health, HealthProblem, Started, StateName } from "../model.ts";

/** All that the health of a board is worked out from. */
export interface HealthFacts {
  readonly state: StateName;
  /** What keeps the board from going on, once it is worth a person's look. */
  readonly stopped: ErrorCode | null;
  readonly lights: readonly { readonly id: string; readonly fault: ErrorCode | null }[];
  /** Why credentials or sign-in could not be renewed the last time, while the board is online by the old ones. */
  readonly renewal: ErrorCode | null;
  /** CLOCK_UNSET or CLOCK_WRONG. */
  readonly clock: ErrorCode | null;
  /** STATE_UNWRITABLE while the disk takes nothing. */
  readonly disk: ErrorCode | null;
  /** Something on the disk could not be read in this run. */
  readonly damaged: boolean;
  readonly evening: ErrorCode | null;
  /** Why the last update was not installed, or none could be looked for. */
  readonly update: ErrorCode | null;
  /** Why the board's Asset record cannot be written. */
  readonly asset: ErrorCode | null;
  /** Less than a quarter of the sign-in's life is left. */
  readonly signInEnding: boolean;
  readonly started: Pick<Started, "after" | "restarts"> | null;
}

export type Trouble = Omit<HealthProblem, "since">;

/** So many starts in a row that nobody asked for are no accident any more. */
const TOO_MANY_RESTARTS = 3;

/** A board that loses its power is not to blame. */
const restartsOften = ({ started }: HealthFacts): boolean =>
  started !== null && started.after !== "power" && started.restarts >= TOO_MANY_RESTARTS;

/** What is wrong now, the worst first; nothing twice. */
export const troublesOf = (facts: HealthFacts): readonly Trouble[] => {
  const { stopped, lights, renewal, disk, clock, evening, update, asset } = facts;
  const codes: readonly (ErrorCode | null)[] = [
    stopped,
    disk,
    facts.damaged ? "STATE_DAMAGED" : null,
    clock,
    renewal,
    facts.signInEnding ? "SIGN_IN_ENDING" : null,
    restartsOften(facts) ? "AGENT_RESTARTS" : null,
    evening,
    update,
    asset,
  ];
  const faulty = lights.flatMap(({ id, fault }) => (fault === null ? [] : [{ code: fault, light: id }]));
  const others = [...new Set(codes)].flatMap((code) => (code === null ? [] : [{ code, light: null }]));
  return [...faulty, ...others];
};

/** Whether anybody can move a lamp. A board that waits for its owner to approve it is well. */
export const statusOf = (facts: HealthFacts, troubles: readonly Trouble[]): Health["status"] => {
  const { lights, state, stopped, clock } = facts;
  const dark = lights.length > 0 && lights.every(({ fault }) => fault !== null);
  const waitsForTime = clock === "CLOCK_UNSET" && state === "exchanging";
  if (dark || stopped !== null || waitsForTime) return "fail";
  return troubles.length === 0 ? "pass" : "warn";
};
