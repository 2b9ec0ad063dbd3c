// Reads what a person types behind `porchlight light`. Pure.

import type { LightChange } from "../model.ts";
import { type Arguments, noSuch, usageError } from "./command.ts";
import { durationMs } from "./duration.ts";

const verbs = ["on", "off", "toggle", "blink", "identify", "stop"] as const;

/** What is to be done with a lamp. */
export type LightVerb = (typeof verbs)[number];

/** What a person asked for; `verb` null means that brightness or colour alone were given. */
export interface LightWish {
  /** Null: the first lamp. */
  readonly id: string | null;
  readonly verb: LightVerb | null;
  readonly change: LightChange;
  readonly fadeMs: number;
}

const numberIn = (text: string, pattern: RegExp, min: number, max: number, mistake: string): number => {
  const value = Number(pattern.exec(text)?.[1] ?? Number.NaN);
  if (!(value >= min && value <= max)) throw usageError(`${mistake}, not ${JSON.stringify(text)}`);
  return value;
};

const brightness = (text: string): number =>
  numberIn(text, /^(\d+(?:\.\d+)?)\s*%?$/, 1, 100, "--brightness takes 1 to 100, with or without %") / 100;

const kelvin = (text: string): number =>
  numberIn(text, /^(\d+)\s*K?$/i, 1000, 20_000, "--kelvin takes 1000 to 20000");

const LONGEST_FADE_MS = 3_600_000;
const fade = (text: string): number => durationMs("fade", text, LONGEST_FADE_MS);

const rgb = (text: string): readonly [number, number, number] => {
  const [, red, green, blue] = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(text) ?? [];
  if (red === undefined || green === undefined || blue === undefined)
    throw usageError(`--colour takes six hexadecimal digits such as ff8800, not ${JSON.stringify(text)}`);
  const part = (digits: string): number => Number.parseInt(digits, 16) / 255;
  return [part(red), part(green), part(blue)];
};

const verbOf = (word: string): LightVerb | undefined => verbs.find((verb) => verb === word);

const changeOf = ({ values }: Arguments): LightChange => {
  if (values.kelvin !== undefined && values.colour !== undefined)
    throw usageError("--kelvin and --colour exclude each other");
  return {
    ...(values.brightness === undefined ? {} : { brightness: brightness(values.brightness) }),
    ...(values.kelvin === undefined
      ? {}
      : { colour: { mode: "temperature", kelvin: kelvin(values.kelvin) } }),
    ...(values.colour === undefined ? {} : { colour: { mode: "rgb", rgb: rgb(values.colour) } }),
  };
};

const LONGEST_SCAN_S = 300;

/** Seconds to listen for Bluetooth lamps; null when that is not what is asked. Throws USAGE. */
export const readScan = ({ words, values }: Arguments): number | null => {
  if (words[0] !== "scan" || words.length !== 1) return null;
  const text = values.seconds ?? "10";
  return numberIn(text, /^(\d+)$/, 1, LONGEST_SCAN_S, "--seconds takes 1 to 300");
};

/** Reads the wish; null asks for the list (of one lamp when `id` is named). Throws USAGE. */
export const readWish = (args: Arguments): LightWish | { readonly list: string | null } => {
  const [first, second] = args.words;
  const lonely = second === undefined && first !== undefined ? verbOf(first) : undefined;
  const id = lonely === undefined ? (first ?? null) : null;
  const verb = lonely ?? (second === undefined ? null : verbOf(second));
  if (verb === undefined) throw noSuch("thing to do with a lamp called", second ?? "", verbs);
  const change = changeOf(args);
  const fadeMs = args.values.fade === undefined ? 0 : fade(args.values.fade);
  const changes = Object.keys(change).length > 0;
  if (verb === null && !changes) {
    if (args.values.fade !== undefined)
      throw usageError("--fade needs something to change: on, off, --brightness …");
    return { list: id };
  }
  if (changes && (verb === "off" || verb === "stop"))
    throw usageError(`brightness and colour make no sense with ${verb}`);
  return { id, verb, change, fadeMs };
};

/** The change that a wish comes to on a lamp that is on or off now. */
export const changeFor = ({ verb, change }: LightWish, isOn: boolean): LightChange => {
  switch (verb) {
    case null:
    case "on":
      return { ...change, on: true };
    case "off":
      return { on: false, effect: null };
    case "toggle":
      return isOn ? { on: false, effect: null } : { ...change, on: true };
    case "blink":
    case "identify":
      return { ...change, effect: verb };
    case "stop":
      return { effect: null };
  }
};
