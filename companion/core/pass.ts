// Guest passes as they go over the wire (docs/signed-commands.md), from the phone's side. Pure.

import type { GuestMay } from "../../src/model.ts";
import { membersOf, textOf } from "./http.ts";
import { readName } from "./name.ts";

/** A key as a pass names it: a public JWK without anything else. */
export interface GuestKey {
  readonly crv: "P-256";
  readonly kty: "EC";
  readonly x: string;
  readonly y: string;
}

export interface Pass {
  readonly id: string;
  readonly name: string;
  /** The org's user id of the guest, or null for a guest with a key alone. */
  readonly user: string | null;
  readonly key: GuestKey | null;
  readonly lights: readonly string[] | null;
  readonly may: readonly GuestMay[];
  /** 1..255, or null for no limit. */
  readonly maxBrightness: number | null;
  /** Seconds since 1970. */
  readonly from: number | null;
  readonly until: number;
  readonly daily: { readonly from: string; readonly to: string; readonly timeZone: string } | null;
}

/** The pass as the command `admit` carries it: members without a value are left out. */
export const passFields = (pass: Pass): Record<string, unknown> =>
  Object.fromEntries(Object.entries(pass).filter(([, value]) => value !== null));

const mays: readonly GuestMay[] = ["switch", "brightness", "colour", "effect"];

/** The passes in an answer; what cannot be read is left out. */
export const readPasses = (list: readonly unknown[]): readonly Pass[] =>
  list.slice(0, 64).flatMap((value) => {
    const members = membersOf(value);
    const id = textOf(members?.id, 64);
    const until = members?.until;
    if (members === null || id === null || typeof until !== "number") return [];
    const { may: allowed } = members;
    const daily = membersOf(members.daily);
    const [from, to, timeZone] = [textOf(daily?.from, 5), textOf(daily?.to, 5), textOf(daily?.timeZone, 64)];
    return [
      {
        id,
        name: readName(members.name, 64) ?? id,
        user: textOf(members.user, 255),
        key: readGuestKey(members.key),
        lights: Array.isArray(members.lights)
          ? members.lights.filter((light) => typeof light === "string")
          : null,
        may: Array.isArray(allowed) ? mays.filter((may) => allowed.includes(may)) : [],
        maxBrightness: typeof members.maxBrightness === "number" ? members.maxBrightness : null,
        from: typeof members.from === "number" ? members.from : null,
        until,
        daily: from === null || to === null || timeZone === null ? null : { from, to, timeZone },
      },
    ];
  });

/** A public key on P-256; null for anything else, also for one with a private half. */
export const readGuestKey = (value: unknown): GuestKey | null => {
  const jwk = membersOf(value);
  if (jwk?.kty !== "EC" || jwk.crv !== "P-256" || "d" in jwk) return null;
  const { x, y } = jwk;
  const coordinate = /^[\w-]{43}$/;
  return typeof x === "string" && typeof y === "string" && coordinate.test(x) && coordinate.test(y)
    ? { crv: "P-256", kty: "EC", x, y }
    : null;
};
