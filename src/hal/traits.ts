import { type DriverTraits, type LightTraits, lightEffects } from "../model.ts";

/** Colour temperatures, in kelvin, where a driver names none: usual warm and cold white LEDs. */
const USUAL_KELVIN = { minKelvin: 2700, maxKelvin: 6500 } as const;

/** What a lamp may be asked to do while nobody knows its hardware yet: announced as a plain dimmable lamp. */
export const unknownTraits: LightTraits = {
  dims: true,
  temperature: null,
  rgb: false,
  effects: lightEffects,
};

/** Everything a lamp could do: what a command is measured by until the hardware has said what it has. */
export const everyTrait: LightTraits = {
  dims: true,
  temperature: { minKelvin: 1667, maxKelvin: 25_000 },
  rgb: true,
  effects: lightEffects,
};

/**
 * What a lamp with these channels can do. Warm and cold together give colour temperature; so do red, green and
 * blue, which mix white light of any temperature. Every lamp can blink, a switched one too.
 */
export const lightTraits = (driver: DriverTraits): LightTraits => {
  const has = (...channels: readonly DriverTraits["channels"][number][]): boolean =>
    channels.every((channel) => driver.channels.includes(channel));
  const rgb = has("red", "green", "blue");
  const minKelvin = driver.minKelvin ?? USUAL_KELVIN.minKelvin;
  const maxKelvin = driver.maxKelvin ?? USUAL_KELVIN.maxKelvin;
  return {
    dims: driver.channels.some((channel) => channel !== "switch"),
    temperature: rgb || has("warm", "cold") ? { minKelvin, maxKelvin } : null,
    rgb,
    effects: lightEffects,
  };
};
