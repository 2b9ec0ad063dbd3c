// A guest's blink ends when the pass does, as a guest's fade does: it is the only thing a lamp goes on doing by itself.

import type { LightChange } from "../model.ts";
import type { Clock, Light } from "../ports.ts";
import type { EpochMs } from "../units.ts";

/** Who asked for a change, when it was a guest: their pass, and when it counts no more. */
export interface ByGuest {
  readonly pass: string;
  readonly until: EpochMs;
}

export interface GuestBlinks {
  /** A lamp was given a change; `guest` is null for everybody else. */
  changed(light: Light, change: LightChange, guest: ByGuest | null): void;
  /** The owner has taken a pass back. */
  revoked(pass: string): void;
}

/** Pause between looks at the clock, which somebody may set meanwhile, in milliseconds. */
const LOOK_MS = 60_000;

/** `signal` ends it all; what blinks then, blinks on with the lamp. */
export const createGuestBlinks = (clock: Clock, signal: AbortSignal): GuestBlinks => {
  const blinking = new Map<
    Light,
    { readonly pass: string; readonly own: AbortController; readonly over: () => void }
  >();

  return {
    changed(light, { effect }, guest) {
      const blinks = light.target.effect === "blink";
      // A blink goes on through all that does not end it; whoever asked for it last has it.
      if (blinks && effect !== "blink") return;
      blinking.get(light)?.own.abort();
      blinking.delete(light);
      if (!blinks || guest === null) return;
      const own = new AbortController();
      const over = (): void => {
        own.abort();
        blinking.delete(light);
        // A lamp that does not answer has a loop of its own that tries again.
        light.apply({ effect: null }, { fadeMs: 0, cause: { kind: "agent" } }, signal).catch(() => undefined);
      };
      blinking.set(light, { pass: guest.pass, own, over });
      const either = AbortSignal.any([signal, own.signal]);
      const untilOver = async (): Promise<void> => {
        for (let left = guest.until - clock.wall(); left > 0; left = guest.until - clock.wall())
          await clock.sleep(Math.min(left, LOOK_MS), either);
      };
      untilOver().then(over, () => undefined);
    },
    revoked(pass) {
      for (const each of [...blinking.values()]) if (each.pass === pass) each.over();
    },
  };
};
