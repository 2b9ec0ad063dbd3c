// Whether this board takes a release. Pure.

import { createHash } from "node:crypto";
import { compareVersions, type Release } from "./release.ts";

/** What is known here when a release is looked at. */
export interface Here {
  /** The version that runs. */
  readonly running: string;
  readonly deviceId: string;
  /** How often this board went back from each version. */
  readonly failures: Readonly<Record<string, number>>;
}

/** What a person asked for beyond what the board does by itself. */
export interface Wish {
  /** Also a version older than the one that runs. */
  readonly older: boolean;
  /** Whatever the share of the boards, and however often it failed here. */
  readonly asked: boolean;
}

export type Choice =
  | { readonly kind: "take" }
  /** The version runs already. */
  | { readonly kind: "upToDate" }
  | { readonly kind: "older" }
  /** Not yet for this board. */
  | { readonly kind: "later" }
  /** This board went back from it too often. */
  | { readonly kind: "givenUp" };

/** A version that this board went back from this often is taken again only when a person asks. */
export const MOST_TRIES = 3;

/**
 * Where a board stands among all, 0 to 100: a release for 20 % of the boards is for those below 20. Another place for each
 * version, so that it is not always the same boards that go first.
 */
export const placeOf = (deviceId: string, version: string): number =>
  (createHash("sha256").update(`${version} ${deviceId}`).digest().readUInt32BE() / 2 ** 32) * 100;

export const choose = (release: Release, here: Here, wish: Wish): Choice => {
  const order = compareVersions(release.version, here.running);
  if (order === 0) return { kind: "upToDate" };
  if (order < 0) return wish.older ? { kind: "take" } : { kind: "older" };
  if (wish.asked) return { kind: "take" };
  if ((here.failures[release.version] ?? 0) >= MOST_TRIES) return { kind: "givenUp" };
  return placeOf(here.deviceId, release.version) < release.rollout ? { kind: "take" } : { kind: "later" };
};
