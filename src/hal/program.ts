import type { LightEffect, LightState } from "../model.ts";
import type { MonoMs } from "../units.ts";
import { effectAt } from "./effect.ts";
import { stateAt } from "./fade.ts";

/** What a lamp is doing, from a moment on: staying as it is, fading, or showing an effect. */
export type Program =
  | { readonly kind: "still" }
  | { readonly kind: "fade"; readonly from: LightState; readonly fadeMs: number; readonly startedAt: MonoMs }
  | { readonly kind: "effect"; readonly effect: LightEffect; readonly startedAt: MonoMs };

/** What a program shows at a moment. */
export interface ProgramMoment {
  readonly shown: LightState;
  /** When to look again, in milliseconds; null when nothing changes any more. */
  readonly nextInMs: number | null;
  /** True when the program has come to its end with this moment. */
  readonly ended: boolean;
}

/** More steps than the eye can tell apart in one fade; keeps an hour of sunset from writing 180 000 frames. */
const MOST_STEPS_OF_A_FADE = 1000;

/** What `program` shows at `now` on its way to, or over, `target`; a fade moves in frames of the hardware's rate. */
export const momentOf = (
  program: Program,
  target: LightState,
  now: MonoMs,
  framesPerSecond: number,
): ProgramMoment => {
  const still: ProgramMoment = { shown: { ...target, effect: null }, nextInMs: null, ended: true };
  if (program.kind === "still") return still;
  const elapsedMs = now - program.startedAt;
  if (program.kind === "effect") {
    const moment = effectAt(program.effect, elapsedMs, target);
    return moment === null ? still : { shown: moment.state, nextInMs: moment.nextInMs, ended: false };
  }
  const leftMs = program.fadeMs - elapsedMs;
  if (leftMs <= 0) return still;
  const frameMs = Math.max(1000 / framesPerSecond, program.fadeMs / MOST_STEPS_OF_A_FADE);
  return {
    shown: stateAt(program.from, still.shown, elapsedMs / program.fadeMs),
    nextInMs: Math.min(frameMs, leftMs),
    ended: false,
  };
};
