import { AgentError } from "../../errors.ts";
import type { Channel, DriverTraits, Frame } from "../../model.ts";
import type { LightDriver, OpenDriver } from "../../ports.ts";
import type { MonoMs } from "../../units.ts";

/** A frame and the moment it was written. */
export interface WrittenFrame {
  readonly at: MonoMs;
  readonly frame: Frame;
}

/** A lamp that exists only in memory. `frames` are the newest frames, oldest first, at most 1000. */
export interface MemoryDriver extends LightDriver {
  readonly frames: readonly WrittenFrame[];
}

const FRAMES_KEPT = 1000;

const rgb: readonly Channel[] = ["red", "green", "blue"];
const kinds: Readonly<Record<string, readonly Channel[]>> = {
  "": rgb,
  switch: ["switch"],
  white: ["white"],
  "warm,cold": ["warm", "cold"],
  rgb,
  rgbw: [...rgb, "white"],
  rgbww: [...rgb, "warm", "cold"],
};

const channelsOf = (address: string): readonly Channel[] => {
  const channels = Object.hasOwn(kinds, address) ? kinds[address] : undefined;
  if (channels !== undefined) return channels;
  throw new AgentError(
    "SETTINGS_INVALID",
    `the driver memory: knows no lamp ${JSON.stringify(address.slice(0, 40))}; there are ${Object.keys(kinds)
      .map((kind) => JSON.stringify(`memory:${kind}`))
      .join(", ")}`,
  );
};

/**
 * Opens a lamp in memory, for first steps and tests. The address says what kind it is: `switch`, `white`, `warm,cold`
 * (tunable white), `rgb` (also when empty), `rgbw` or `rgbww`. Throws SETTINGS_INVALID for any other address;
 * `write` throws LIGHT_FAULT once the lamp is closed, or for a frame that does not fit its channels.
 */
export const openMemory = async (
  address: string,
  { clock }: Parameters<OpenDriver>[1],
  signal: AbortSignal,
): Promise<MemoryDriver> => {
  const traits: DriverTraits = { channels: channelsOf(address), framesPerSecond: 50 };
  signal.throwIfAborted();
  const frames: WrittenFrame[] = [];
  let closed = false;
  return {
    traits,
    frames,
    async write(frame, writeSignal) {
      writeSignal.throwIfAborted();
      if (closed) throw new AgentError("LIGHT_FAULT", "the memory lamp is closed");
      if (frame.length !== traits.channels.length || !frame.every((value) => value >= 0 && value <= 1))
        throw new AgentError(
          "LIGHT_FAULT",
          `the memory lamp takes ${traits.channels.length} duties of 0 to 1`,
        );
      frames.push({ at: clock.mono(), frame: [...frame] });
      if (frames.length > FRAMES_KEPT) frames.shift();
    },
    async [Symbol.asyncDispose]() {
      closed = true;
    },
  };
};
