import type { LightColour, LightState } from "../model.ts";

/** The largest stored state that is read, in bytes: about thirty times what one needs. */
const MAX_BYTES = 4096;

/** A lamp's state as it is kept: version 1 holds on, brightness and colour; effects end with the power. */
export const encodeState = ({ on, brightness, colour }: LightState): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: 1, on, brightness, colour }));

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isShare = (value: unknown): value is number => typeof value === "number" && value >= 0 && value <= 1;

const readColour = (value: unknown): LightColour | undefined => {
  if (!isRecord(value)) return undefined;
  const { mode, kelvin, rgb } = value;
  if (mode === "none") return { mode };
  if (mode === "temperature" && typeof kelvin === "number" && kelvin > 0) return { mode, kelvin };
  if (mode !== "rgb" || !Array.isArray(rgb) || rgb.length !== 3) return undefined;
  const [red, green, blue] = rgb as readonly unknown[];
  return isShare(red) && isShare(green) && isShare(blue) ? { mode, rgb: [red, green, blue] } : undefined;
};

/** Reads what `encodeState` wrote; undefined for anything else, so that a damaged file never stops a lamp. */
export const decodeState = (bytes: Uint8Array): LightState | undefined => {
  if (bytes.byteLength > MAX_BYTES) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value.version !== 1) return undefined;
  const { on, brightness } = value;
  const colour = readColour(value.colour);
  return typeof on === "boolean" && isShare(brightness) && colour !== undefined
    ? { on, brightness, colour, effect: null }
    : undefined;
};
