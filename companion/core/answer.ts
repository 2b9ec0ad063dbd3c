// What a board answers to a command (docs/topics.md). Pure.

import type { LightState } from "../../src/model.ts";
import { readMembers, textOf } from "./http.ts";
import { stateOf } from "./light.ts";
import { type Pass, readPasses } from "./pass.ts";

export interface Answer {
  /** The command's, when the board could read it. */
  readonly id: string | null;
  readonly outcome: "done" | "refused" | "failed";
  readonly code: string | null;
  /** Why, in the board's words. */
  readonly message: string | null;
  readonly state: LightState | null;
  /** After commands about guests: the passes that the board keeps. */
  readonly guests: readonly Pass[] | null;
}

/** The answer to a command; null when it is none. */
export const readAnswer = (text: string): Answer | null => {
  const members = readMembers(text);
  const outcome = members?.outcome;
  if (members === null || (outcome !== "done" && outcome !== "refused" && outcome !== "failed")) return null;
  return {
    id: textOf(members.id, 128),
    outcome,
    code: textOf(members.code, 64),
    message: textOf(members.message, 500),
    state: stateOf(members.state),
    guests: Array.isArray(members.guests) ? readPasses(members.guests) : null,
  };
};
