import type { Frame } from "../model.ts";

/**
 * Duties of 0 to 1 as whole steps of 0 to `top`. Only a dark frame is dark in steps, too: of one that is dimmer than the
 * hardware can, its strongest channels are at the first step.
 */
export const stepsOf = (frame: Frame, top: number): readonly number[] => {
  const steps = frame.map((duty) => Math.round(duty * top));
  const strongest = Math.max(...frame);
  if (!(strongest > 0) || steps.some((step) => step > 0)) return steps;
  return frame.map((duty) => (duty === strongest ? 1 : 0));
};
