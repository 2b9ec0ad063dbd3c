// What is written to a Bluetooth lamp for a frame: templates of bytes, as the profiles and the settings have them.

import type { Channel, Frame } from "../../model.ts";
import { stepsOf } from "../steps.ts";
import type { Profile, StatusQuestion } from "./ble-profiles.ts";

/** One byte of a message: fixed, the duty of a channel as 0..`top`, or a checksum of all bytes before it. */
type Part =
  | { readonly kind: "byte"; readonly value: number }
  | { readonly kind: "duty"; readonly channel: number; readonly top: number }
  | { readonly kind: "xor" | "sum" };

export type Template = readonly Part[];

/** The longest attribute value that fits one packet of Bluetooth 4.2 and later. */
const LONGEST = 244;
const letters: Readonly<Record<string, Channel>> = { r: "red", g: "green", b: "blue", w: "white" };

/**
 * Reads a template: pairs of hex digits; `{r}`, `{g}`, `{b}`, `{w}` for the duty of a channel as a byte of 0..255, or 0..n
 * with `{w:n}`; `{xor}` and `{sum}` for checksums of the bytes before. Each of `channels` must be in it, and no other.
 * For a template that cannot be meant, returns what is wrong with it, to go behind its name.
 */
export const parseTemplate = (
  text: string,
  channels: readonly Channel[],
): Template | { readonly wrong: string } => {
  const parts: Part[] = [];
  const used = new Set<number>();
  for (const [token, hex, letter = "", top] of text.matchAll(
    /([0-9a-f]{2})|\{([rgbw])(?::(\d{1,3}))?\}|\{(?:xor|sum)\}|./gis,
  )) {
    if (hex !== undefined) parts.push({ kind: "byte", value: Number.parseInt(hex, 16) });
    else if (token === "{xor}" || token === "{sum}") parts.push({ kind: token === "{xor}" ? "xor" : "sum" });
    else {
      const named = letters[letter.toLowerCase()];
      const channel = named === undefined ? -1 : channels.indexOf(named);
      const most = Number(top ?? 255);
      if (channel < 0 || most < 1 || most > 255)
        return { wrong: `has ${JSON.stringify(token)}, which is neither two hex digits nor a channel` };
      parts.push({ kind: "duty", channel, top: most });
      used.add(channel);
    }
  }
  if (used.size !== channels.length) return { wrong: `has no place for ${channels.join(", ")}` };
  if (parts.length === 0 || parts.length > LONGEST) return { wrong: `must make 1 to ${LONGEST} bytes` };
  return parts;
};

/** The bytes of a template for a frame. */
export const fill = (template: Template, frame: Frame): Uint8Array => {
  const bytes = new Uint8Array(template.length);
  template.forEach((part, at) => {
    const before = bytes.subarray(0, at);
    bytes[at] =
      part.kind === "byte"
        ? part.value
        : part.kind === "duty"
          ? (stepsOf(frame, part.top)[part.channel] ?? 0)
          : before.reduce((sum, byte) => (part.kind === "xor" ? sum ^ byte : sum + byte), 0);
  });
  return bytes;
};

/** A profile whose templates have been read. */
export interface Messages {
  readonly frame: Template | null;
  readonly on: Template | null;
  readonly off: Template | null;
}

/** Reads the templates of a profile; names the one that is wrong. */
export const messagesOf = (
  profile: Pick<Profile, "channels" | "frame" | "on" | "off">,
): Messages | { readonly wrong: string } => {
  const read: { -readonly [name in keyof Messages]: Template | null } = { frame: null, on: null, off: null };
  for (const name of ["frame", "on", "off"] as const) {
    const text = profile[name];
    if (text === null) continue;
    const template = parseTemplate(text, name === "frame" ? profile.channels : []);
    if ("wrong" in template) return { wrong: `the message ${JSON.stringify(text)} ${template.wrong}` };
    read[name] = template;
  }
  return read;
};

/**
 * What to write, in order, so that the lamp shows the frame. `lit` says whether it is on: unknown counts as off. A lamp that
 * is switched on gets the colour before and after: before, lest the last one flashes up; after, for lamps that do not
 * listen while they are off.
 */
export const writesFor = (messages: Messages, frame: Frame, lit: boolean): readonly Uint8Array[] => {
  const shown = messages.frame === null ? [] : [fill(messages.frame, frame)];
  const filled = (template: Template | null): readonly Uint8Array[] =>
    template === null ? [] : [fill(template, frame)];
  if (isDark(frame)) return messages.off === null ? shown : filled(messages.off);
  if (lit || messages.on === null) return shown;
  return [...shown, ...filled(messages.on), ...shown];
};

export const isDark = (frame: Frame): boolean => frame.every((duty) => duty === 0);

/**
 * The frame that an answer tells of; undefined for bytes that are no answer. Light of channels that the profile does not
 * have is told as that much of all that it has, and a program of the lamp's own as full: it is on.
 */
export const readStatus = (question: StatusQuestion, bytes: Uint8Array): Frame | undefined => {
  const { length, fixed, power, program, duties, others } = question;
  if (bytes.length !== length) return undefined;
  if (!Object.entries(fixed).every(([at, value]) => bytes[Number(at)] === value)) return undefined;
  const at = (index: number): number => bytes[index] ?? 0;
  if (at(power.at) !== power.on) return duties.map(() => 0);
  if (at(program.at) >= program.from && at(program.at) <= program.to) return duties.map(() => 1);
  const own = duties.map((index) => at(index) / 255);
  return isDark(own) ? own.map(() => Math.max(...others.map(at)) / 255) : own;
};
