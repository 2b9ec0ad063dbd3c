import type { LightState, Signal } from "../model.ts";
import { signalRgb } from "../signal.ts";
import type { MonoMs } from "../units.ts";

/** A pattern that is being shown. */
export interface Signalling {
  readonly signal: Signal;
  readonly startedAt: MonoMs;
}

/** What a signal shows at a moment, and in how many milliseconds it shows something else. */
interface SignalMoment {
  readonly shown: LightState;
  readonly nextInMs: number;
}

/** Lit and dark time of one flash, each, in milliseconds: 1.25 flashes a second, where WCAG 2.2 (2.3.1) allows 3. */
const HALF_MS = 400;
/** Between the groups, long enough to see where one ends. */
const PAUSE_MS = 3000;
/** A flash is seen from across the room, however far the lamp was dimmed. */
const LEAST_BRIGHTNESS = 0.5;

/** The parts of one group: what the lamp does in each half, from the first change to the last. */
type Half = "flash" | "dark" | "asItIs";

const halvesOf = (count: number, lit: boolean, coloured: boolean): readonly Half[] => {
  const flashes = Array.from({ length: count }, (): readonly Half[] => ["flash", "dark"]).flat();
  // A lamp that is off flashes out of the dark.
  if (!lit) return flashes;
  // One that is on goes dark for each flash; with a colour of the signal's it is dark before and after, so that its own
  // light is not counted with the flashes.
  if (!coloured) return Array.from({ length: count }, (): readonly Half[] => ["dark", "asItIs"]).flat();
  return ["dark", "dark", ...flashes, "dark"];
};

/**
 * What a lamp that is at `target` shows at `now`: groups of flashes, 400 ms each and 400 ms apart, with pauses of 3 s in
 * which it is as it is, an effect aside. Only lamps that mix colours (`rgb`) show the signal's colour.
 */
export const signalAt = (
  { signal: { colour, count }, startedAt }: Signalling,
  target: LightState,
  now: MonoMs,
  rgb: boolean,
): SignalMoment => {
  const itself: LightState = { ...target, effect: null };
  const coloured = rgb && colour !== null;
  const halves = halvesOf(count, itself.on, coloured);
  const groupMs = halves.length * HALF_MS;
  const elapsedMs = Math.max(0, now - startedAt) % (groupMs + PAUSE_MS);
  const half = halves[Math.floor(elapsedMs / HALF_MS)] ?? "asItIs";
  const nextInMs = elapsedMs < groupMs ? HALF_MS - (elapsedMs % HALF_MS) : groupMs + PAUSE_MS - elapsedMs;
  switch (half) {
    case "asItIs":
      return { shown: itself, nextInMs };
    case "dark":
      return { shown: { ...itself, on: false }, nextInMs };
    case "flash":
      return {
        shown: {
          ...itself,
          on: true,
          brightness: Math.max(itself.brightness, LEAST_BRIGHTNESS),
          ...(coloured ? { colour: { mode: "rgb", rgb: signalRgb[colour] } } : {}),
        },
        nextInMs,
      };
  }
};
