// How things are said on the screen. Pure.

import type { Allowance } from "../core/allowance.ts";
import type { ShownLamp } from "../core/boards.ts";
import type { BoardHealth } from "../core/health.ts";
import { within } from "../core/name.ts";
import type { Pass } from "../core/pass.ts";

export const lampWords = ({ state, waiting, available, info }: ShownLamp, reachable: boolean): string => {
  if (!available) return "Its hardware does not answer";
  if (state === null) return "No report yet";
  const word = state.on ? (info.traits.dims ? `On, ${percent(state.brightness)}` : "On") : "Off";
  return waiting ? `${word}…` : reachable ? word : `Was ${word.toLowerCase()}`;
};

export const percent = (share: number): string => `${Math.round(share * 100)} %`;

/** "just now", "5 minutes ago", "on 3 December". Times in milliseconds since 1970. */
export const agoWords = (at: number, now: number): string => {
  const minutes = Math.floor((now - at) / 60_000);
  if (minutes < 1) return "just now";
  if (minutes < 60) return minutes === 1 ? "a minute ago" : `${minutes} minutes ago`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours === 1 ? "an hour ago" : `${hours} hours ago`;
  return `on ${new Date(at).toLocaleDateString(undefined, { day: "numeric", month: "long" })}`;
};

export const dayWords = (at: number): string =>
  new Date(at).toLocaleString(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "2-digit",
    minute: "2-digit",
  });

export const mayWords = { switch: "switch", brightness: "dim", colour: "colour", effect: "blink" } as const;

/** "May switch and dim, up to 50 %, until Fri 4 Dec 22:00, daily 18:00 to 22:00" */
export const passWords = ({ may, maxBrightness, until, daily }: Omit<Allowance, "lights">): string => {
  const words = may.map((each) => mayWords[each]);
  const last = words.pop() ?? "nothing";
  return [
    `May ${words.length === 0 ? last : `${words.join(", ")} and ${last}`}`,
    maxBrightness === null ? null : `up to ${percent(maxBrightness / 255)}`,
    `until ${dayWords(until * 1000)}`,
    daily === null ? null : `daily ${daily.from} to ${daily.to}`,
  ]
    .filter((part) => part !== null)
    .join(", ");
};

/** What taking a pass back has come to; `left` are the passes that the board still keeps. */
export const takenBackWords = ({ name, user, key }: Pass, left: readonly Pass[]): string => {
  const hasAnother = left.some((pass) =>
    user === null ? key !== null && pass.key?.x === key.x : pass.user === user,
  );
  return hasAnother
    ? `${within(name)} is still a guest, by another pass.`
    : `${within(name)} is no guest any more.`;
};

const problemWords: Readonly<Record<string, string>> = {
  LIGHT_FAULT: "the hardware does not answer",
  STATE_UNWRITABLE: "Its memory card is full or worn out, so it forgets what is new",
  STATE_DAMAGED: "Its memory card has lost something and may be worn out",
  CLOCK_UNSET: "It does not know the time",
  SIGN_IN_ENDING: "Its sign-in ends soon, unless it gets a better connection",
  AGENT_RESTARTS: "Its program had to start again several times",
  UPDATE_WENT_BACK: "A new version of its program did not work, so the one before runs",
  HOME_UNKNOWN: "Its evening lacks where home is",
  HOME_BY_TIME_ZONE: "Its evening only guesses where home is",
  TIME_ZONE_UNKNOWN: "It does not know the time zone of its evening any more",
  NO_DUSK: "It does not get dark before its evening ends",
  ORG_UNREACHABLE: "It cannot reach your organisation",
};

/** What is wrong with a board now, a line each, with the code for whoever helps: "Porch: the hardware does not answer, since Tue 1 Dec 18:00 (LIGHT_FAULT)". */
export const healthLines = (
  { problems }: BoardHealth,
  lamps: readonly { readonly id: string; readonly name: string }[],
): readonly string[] =>
  problems.map(({ code, light, since }) => {
    const lamp = light === null ? "" : `${lamps.find(({ id }) => id === light)?.name ?? light}: `;
    const words = Object.hasOwn(problemWords, code) ? problemWords[code] : "Something is wrong";
    return `${lamp}${words}${since === null ? "" : `, since ${dayWords(since)}`} (${code})`;
  });

/** Words that begin a sentence, within one. */
export const lowerFirst = (words: string): string => words.charAt(0).toLowerCase() + words.slice(1);

/** sRGB, each 0..255, of what a lamp shows; warm white when it does not say. */
export const glowOf = (colour: NonNullable<ShownLamp["state"]>["colour"]): string => {
  switch (colour.mode) {
    case "rgb":
      return colour.rgb.map((part) => Math.round(part * 255)).join(" ");
    case "temperature":
      return kelvinGlow(colour.kelvin);
    case "none":
      return kelvinGlow(2700);
  }
};

/** Close enough for a picture of a lamp: amber at 2000 K, white at 5000 K, bluish above. */
const kelvinGlow = (kelvin: number): string => {
  const stops = [
    [2000, 255, 160, 72],
    [2700, 255, 190, 115],
    [4000, 255, 222, 180],
    [5000, 255, 243, 230],
    [6500, 214, 229, 255],
  ] as const;
  const above = stops.findIndex(([at]) => at >= kelvin);
  const high = stops[above === -1 ? stops.length - 1 : above] ?? stops[0];
  const low = stops[Math.max(0, (above === -1 ? stops.length : above) - 1)] ?? high;
  const span = high[0] - low[0];
  const way = span === 0 ? 0 : Math.min(1, (kelvin - low[0]) / span);
  return [1, 2, 3]
    .map((part) => Math.round((low[part] ?? 0) + ((high[part] ?? 0) - (low[part] ?? 0)) * way))
    .join(" ");
};
