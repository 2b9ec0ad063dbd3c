import type { ErrorCode } from "../errors.ts";
import type { LightChange, LightColour, LightEffect, ParsedCommand, Rgb } from "../model.ts";
import { type EpochMs, epochMs } from "../units.ts";
import { MOMENT, type Ranged, ranges, rgbModes, TEMPERATURE_MODE, words } from "./codec-limits.ts";

/** The most bytes a command may have. */
export const MAX_COMMAND_BYTES = 16_384;

/** The longest id a sender may give a command, in characters. */
export const MAX_ID_LENGTH = 128;

/** A field that is not what the schema says; never leaves this file. */
class Wrong extends Error {}

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a plain command in Home Assistant's JSON light schema, with our optional `id` and `expiresAt`.
 *
 * `null` is an empty payload: somebody clears a retained message, which is no command. Members that the schema does
 * not know are ignored, as hubs send some; a known member of a wrong type is COMMAND_INVALID with the member named.
 * `brightness` alone means on, and 0 means off, as hubs other than Home Assistant have it.
 *
 * `correlation` (MQTT 5 correlation data as text) stands in for a missing `id`. Never throws.
 */
export const parseCommand = (
  payload: Uint8Array,
  light: string,
  correlation: string | null,
): ParsedCommand | null => {
  if (payload.length === 0) return null;
  if (payload.length > MAX_COMMAND_BYTES)
    return refused(correlation, "COMMAND_TOO_LARGE", `${payload.length} bytes`);
  const fields = readObject(payload);
  if (fields === null) return refused(correlation, "COMMAND_INVALID", "the payload is not a JSON object");
  let id = correlation;
  try {
    id = readId(fields) ?? correlation;
    return {
      ok: true,
      command: {
        id,
        light,
        change: readChange(fields),
        fadeMs: readFade(fields),
        expiresAt: readExpiry(fields),
      },
    };
  } catch (error) {
    if (error instanceof Wrong) return refused(id, "COMMAND_INVALID", error.message);
    throw error;
  }
};

/** What a light is asked for, without the envelope of a plain command. */
export type ParsedSet =
  | { readonly ok: true; readonly change: LightChange; readonly fadeMs: number }
  | { readonly ok: false; readonly detail: string };

/** Reads the member `set` of a signed command: the same schema, without `id` and `expiresAt`. Never throws. */
export const parseSet = (set: unknown): ParsedSet => {
  if (!isObject(set)) return { ok: false, detail: "set must be an object" };
  try {
    for (const name of ["id", "expiresAt"])
      if (Object.hasOwn(set, name)) throw new Wrong(`${name} does not belong into set`);
    return { ok: true, change: readChange(set), fadeMs: readFade(set) };
  } catch (error) {
    if (error instanceof Wrong) return { ok: false, detail: error.message };
    throw error;
  }
};

/** MQTT 5 correlation data as an id: text as it is, other bytes in hexadecimal; null when it is empty or too long. */
export const correlationId = (data: Uint8Array | undefined): string | null => {
  if (data === undefined || data.length === 0 || data.length > MAX_ID_LENGTH / 2) return null;
  const text = utf8(data);
  return text !== null && /^[\x20-\x7e]+$/.test(text)
    ? text
    : [...data].map((byte) => byte.toString(16).padStart(2, "0")).join("");
};

const refused = (id: string | null, code: ErrorCode, detail: string): ParsedCommand => ({
  ok: false,
  id,
  code,
  detail,
});

const utf8 = (bytes: Uint8Array): string | null => {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
};

const isObject = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const readObject = (payload: Uint8Array): Fields | null => {
  const text = utf8(payload);
  if (text === null) return null;
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
};

/** A member's own value; `null` counts as not there, as some hubs fill what they do not set. */
const member = (fields: Fields, name: string): unknown =>
  Object.hasOwn(fields, name) ? (fields[name] ?? undefined) : undefined;

const number = (fields: Fields, name: Ranged, path: string = name): number | undefined => {
  const value = member(fields, name);
  if (value === undefined) return undefined;
  const [low, high] = ranges[name];
  if (typeof value !== "number" || !(value >= low && value <= high))
    throw new Wrong(`${path} must be a number from ${low} to ${high}`);
  return value;
};

const word = <N extends keyof typeof words>(
  fields: Fields,
  name: N,
): (typeof words)[N][number] | undefined => {
  const value = member(fields, name);
  if (value === undefined) return undefined;
  const known: readonly (typeof words)[N][number][] = words[name];
  // not what a foreign letter becomes in lower case: the Kelvin sign is no k
  const text = typeof value === "string" && /^[a-z]+$/i.test(value) ? value.toLowerCase() : undefined;
  const found = known.find((each) => each === text);
  if (found === undefined) throw new Wrong(`${name} must be one of ${known.join(", ")}`);
  return found;
};

const readId = (fields: Fields): string | null => {
  const id = member(fields, "id");
  if (id === undefined) return null;
  const text = typeof id === "number" && Number.isSafeInteger(id) ? String(id) : id;
  // characters as people count them, and JSON Schema: an emoji is one
  if (typeof text !== "string" || text.length === 0 || [...text].length > MAX_ID_LENGTH)
    throw new Wrong(`id must be a text of 1 to ${MAX_ID_LENGTH} characters`);
  return text;
};

const isoMoment = new RegExp(MOMENT);

const readExpiry = (fields: Fields): EpochMs | null => {
  const value = member(fields, "expiresAt");
  if (value === undefined) return null;
  const ms = typeof value === "string" && isoMoment.test(value) ? Date.parse(value) : value;
  if (typeof ms !== "number" || !Number.isFinite(ms) || ms < 0)
    throw new Wrong("expiresAt must be an ISO 8601 time with its zone, or milliseconds since 1970");
  return epochMs(ms);
};

const readFade = (fields: Fields): number => Math.round((number(fields, "transition") ?? 0) * 1000);

const readChange = (fields: Fields): LightChange => {
  const state = word(fields, "state");
  const brightness = number(fields, "brightness");
  const colour = readColour(fields);
  const effect = readEffect(fields);
  const on =
    brightness === 0
      ? false
      : state === undefined
        ? brightness === undefined
          ? undefined
          : true
        : state === "on";
  const change: LightChange = {
    ...(on === undefined ? {} : { on }),
    ...(brightness === undefined || brightness === 0
      ? {}
      : { brightness: Math.max(1, brightness) / ranges.brightness[1] }),
    ...(colour === undefined ? {} : { colour }),
    ...(effect === undefined ? {} : { effect }),
  };
  if (Object.keys(change).length === 0)
    throw new Wrong("it names nothing to change: give state, brightness, color, color_temp, effect or flash");
  return change;
};

const readEffect = (fields: Fields): LightEffect | null | undefined => {
  // read both before choosing, so that a wrong one is always reported
  const effect = word(fields, "effect");
  const flash = readFlash(fields);
  if (effect !== undefined) return effect === "none" ? null : effect;
  if (flash !== undefined) return flash === "short" ? "blink" : "identify";
  // an explicit null ends the effect, as Home Assistant's state has it
  return Object.hasOwn(fields, "effect") ? null : undefined;
};

/** Home Assistant's JSON schema sends a flash as seconds: a lamp that shows itself for a moment. Others send the word. */
const readFlash = (fields: Fields): "short" | "long" | undefined => {
  if (typeof member(fields, "flash") !== "number") return word(fields, "flash");
  number(fields, "flash");
  return "long";
};

const readColour = (fields: Fields): LightColour | undefined => {
  const temperature = readTemperature(fields);
  const rgb = readRgb(fields);
  if (temperature === undefined) return rgb;
  if (rgb === undefined) return temperature;
  // a state that is sent back as a command carries both, and says which one counts
  const mode = member(fields, "color_mode");
  if (mode === TEMPERATURE_MODE) return temperature;
  if (rgbModes.includes(mode)) return rgb;
  throw new Wrong("color and color_temp exclude each other unless color_mode says which one counts");
};

const readTemperature = (fields: Fields): LightColour | undefined => {
  const value = number(fields, "color_temp");
  // below 1000 it can only be mireds (1e6 / kelvin), which hubs sent before Home Assistant 2026.3
  return value === undefined
    ? undefined
    : { mode: "temperature", kelvin: value < 1000 ? Math.round(1_000_000 / value) : value };
};

const readRgb = (fields: Fields): LightColour | undefined => {
  const color = member(fields, "color");
  if (color === undefined) return undefined;
  if (!isObject(color)) throw new Wrong("color must be an object");
  const part = (name: Ranged): number | undefined => number(color, name, `color.${name}`);
  const [r, g, b] = [part("r"), part("g"), part("b")];
  const [h, s] = [part("h"), part("s")];
  const [x, y] = [part("x"), part("y")];
  if (r !== undefined && g !== undefined && b !== undefined)
    return { mode: "rgb", rgb: [r / 255, g / 255, b / 255] };
  if (h !== undefined && s !== undefined) return { mode: "rgb", rgb: fromHueSaturation(h, s / 100) };
  if (x !== undefined && y !== undefined) return { mode: "rgb", rgb: fromChromaticity(x, y) };
  throw new Wrong("color must have r, g and b, or h and s, or x and y");
};

/** Hue 0..360 and saturation 0..1 at full value to red, green, blue (HSV, one third of the circle per channel). */
const fromHueSaturation = (hue: number, saturation: number): Rgb => {
  const channel = (offset: number): number => {
    const k = (offset + hue / 60) % 6;
    return 1 - saturation * Math.max(0, Math.min(k, 4 - k, 1));
  };
  return [channel(5), channel(3), channel(1)];
};

/** CIE 1931 x, y to sRGB at full value (IEC 61966-2-1 matrix and transfer curve); what lies outside is clipped. */
const fromChromaticity = (x: number, y: number): Rgb => {
  const safeY = Math.max(y, 1e-6);
  const [X, Z] = [x / safeY, Math.max(0, 1 - x - y) / safeY];
  const linear = [
    3.2406 * X - 1.5372 - 0.4986 * Z,
    -0.9689 * X + 1.8758 + 0.0415 * Z,
    0.0557 * X - 0.204 + 1.057 * Z,
  ] as const;
  const most = Math.max(...linear, 1e-9);
  const seen = (value: number): number => {
    const part = Math.max(0, value / most);
    return Math.min(1, part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055);
  };
  return [seen(linear[0]), seen(linear[1]), seen(linear[2])];
};
