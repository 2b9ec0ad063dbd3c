import type { LightEffect, LightState } from "../model.ts";

interface Rhythm {
  /** Lit and dark time of one flash, each, in milliseconds. Under 3 flashes a second (WCAG 2.2, 2.3.1). */
  readonly halfMs: number;
  /** Length of the whole effect in milliseconds, or null while it goes on until ended. */
  readonly lastsMs: number | null;
}

const rhythms: Readonly<Record<LightEffect, Rhythm>> = {
  blink: { halfMs: 500, lastsMs: null },
  identify: { halfMs: 250, lastsMs: 5000 },
};

/** What an effect shows at a moment, and in how many milliseconds it shows something else. */
export interface EffectMoment {
  readonly state: LightState;
  readonly nextInMs: number;
}

/**
 * An effect `elapsedMs` after its start, over the lamp's own state; null when it has ended by itself.
 * `blink` is the lamp's own light, half a second lit and half a second dark, until it is ended. `identify` is two full
 * flashes a second for 5 s, on a lamp that is off too, so that a person can find it.
 */
export const effectAt = (effect: LightEffect, elapsedMs: number, base: LightState): EffectMoment | null => {
  const { halfMs, lastsMs } = rhythms[effect];
  const elapsed = Math.max(0, elapsedMs);
  if (lastsMs !== null && elapsed >= lastsMs) return null;
  const lit = Math.floor(elapsed / halfMs) % 2 === 0;
  return {
    state: { ...base, on: lit, brightness: effect === "identify" ? 1 : base.brightness },
    nextInMs: halfMs - (elapsed % halfMs),
  };
};
