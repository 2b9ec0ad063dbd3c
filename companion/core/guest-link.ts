// What guests and owners hand each other as links to the app. Behind the `#`, so that no server sees it. Pure.

import { type Allowance, allowanceFields, readAllowance } from "./allowance.ts";
import { base64url, fromBase64url } from "./base64url.ts";
import type { SignAs } from "./boards.ts";
import { isDeviceId } from "./config.ts";
import { membersOf, readMembers, textOf } from "./http.ts";
import { readName } from "./name.ts";
import { type GuestKey, readGuestKey } from "./pass.ts";
import type { PublicJwk } from "./phone-key.ts";

/** Who asks to be a guest: somebody of the org by their id, or a phone by its key. */
export interface GuestCard {
  readonly name: string;
  readonly user: string | null;
  readonly key: GuestKey | null;
}

/** The link that a guest shows to an owner. `app` is the app's address. */
export const guestLink = (
  app: string,
  who: { readonly name: string; readonly user: string } | { readonly name: string; readonly key: PublicJwk },
): string => {
  const { name } = who;
  if ("user" in who) return `${app}#guest=${base64url(JSON.stringify({ name, user: who.user }))}`;
  const { crv, kty, x, y } = who.key;
  return `${app}#guest=${base64url(JSON.stringify({ name, key: { crv, kty, x, y } }))}`;
};

/** The card in a guest's link, or in what is behind its `#guest=`; null when there is none. */
export const readGuestLink = (text: string): GuestCard | null => {
  const code = /(?:#guest=|^)([\w-]{8,2000})$/.exec(text.trim())?.[1];
  if (code === undefined) return null;
  const card = decoded(code);
  const user = textOf(card?.user, 255);
  const key = user === null ? readGuestKey(card?.key) : null;
  return user === null && key === null ? null : { name: readName(card?.name, 64) ?? "Guest", user, key };
};

const decoded = (code: string): Readonly<Record<string, unknown>> | null => {
  try {
    return membersOf(readMembers(new TextDecoder().decode(fromBase64url(code))));
  } catch {
    return null;
  }
};

/** A board that an owner shows a guest, and what the guest may do with it, where the link says so. */
export interface ShownBoard {
  readonly device: string;
  readonly as: SignAs;
  readonly allowance: Allowance | null;
}

/** The link with which an owner shows a guest the board. */
export const boardLink = (app: string, { device, as, allowance }: ShownBoard): string => {
  const told = allowance === null ? "" : `&${new URLSearchParams(allowanceFields(allowance))}`;
  return `${app}#lamp=${device}${told}${as === "key" ? "&as=key" : ""}`;
};

/** The board in such a link, or a bare id; null when there is none. */
export const readBoardLink = (text: string): ShownBoard | null => {
  const [, fields = text.trim()] = /#(lamp=.{1,8000})$/.exec(text.trim()) ?? [];
  const shown = new URLSearchParams(fields.startsWith("lamp=") ? fields : { lamp: fields });
  const device = shown.get("lamp") ?? "";
  if (!isDeviceId(device)) return null;
  return { device, as: shown.get("as") === "key" ? "key" : "person", allowance: readAllowance(shown) };
};
