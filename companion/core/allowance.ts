// What a guest may do with a board, as the owner's link told it: for what the screen offers. The board decides. Pure.

import type { GuestMay } from "../../src/model.ts";
import { type Pass, readPasses } from "./pass.ts";

/** The part of a pass that its guest has to know. */
export type Allowance = Pick<Pass, "may" | "maxBrightness" | "until" | "lights" | "daily">;

/** As members of a link. */
export const allowanceFields = ({
  may,
  maxBrightness,
  until,
  lights,
  daily,
}: Allowance): Readonly<Record<string, string>> => ({
  may: may.join("."),
  until: String(until),
  ...(maxBrightness === null ? {} : { max: String(maxBrightness) }),
  ...(lights === null ? {} : { lights: lights.join(".") }),
  ...(daily === null ? {} : { daily: `${daily.from}-${daily.to}`, zone: daily.timeZone }),
});

/** Reads them again; null when they are not there, or make no sense. */
export const readAllowance = (fields: URLSearchParams): Allowance | null => {
  const until = Number(fields.get("until") ?? Number.NaN);
  if (!Number.isSafeInteger(until) || until < 0 || until > 253_402_300_799) return null;
  const [from, to] = (fields.get("daily") ?? "").split("-");
  const max = Number(fields.get("max") ?? Number.NaN);
  const [read] = readPasses([
    {
      id: "link",
      may: (fields.get("may") ?? "").split("."),
      until,
      ...(max >= 1 && max <= 255 ? { maxBrightness: max } : {}),
      ...(fields.has("lights") ? { lights: (fields.get("lights") ?? "").slice(0, 4096).split(".") } : {}),
      daily: { from, to, timeZone: fields.get("zone") },
    },
  ]);
  if (read === undefined || read.may.length === 0) return null;
  const { may, maxBrightness, lights, daily } = read;
  return { may, maxBrightness, until, lights, daily };
};

/** What may be done with one lamp, now. */
export interface Allowed {
  readonly may: (what: GuestMay) => boolean;
  /** 0..1 */
  readonly maxBrightness: number;
  /** Why nothing may be done; null when something may. */
  readonly refusal: "ended" | "another lamp" | null;
}

const everything: Allowed = { may: () => true, maxBrightness: 1, refusal: null };

/** `allowance` is null for the owner, and where nobody has told: then the board alone decides. `now` is in milliseconds. */
export const allowedFor = (allowance: Allowance | null, lamp: string, now: number): Allowed => {
  if (allowance === null) return everything;
  const { may, lights, until } = allowance;
  const refusal =
    now >= until * 1000 ? "ended" : lights !== null && !lights.includes(lamp) ? "another lamp" : null;
  return {
    may: (what) => refusal === null && may.includes(what),
    maxBrightness: (allowance.maxBrightness ?? 255) / 255,
    refusal,
  };
};
