// What the world has given out, or was shown, that nobody else may ever see. Whoever makes or receives a secret says so
// here; tests look for all of them in everything that was printed, published, shown and written.

import { forgetOldest } from "./newest.ts";

/** A world that is left running for months gives out new ones every hour; a story of days has some hundreds. */
export const REMEMBERED = 1000;

export interface HandedOut {
  /** `access token`, `device code`, `PKCE verifier` … */
  readonly kind: string;
  readonly value: string;
}

export class Secrets {
  readonly #kinds = new Map<string, string>();

  /** The first word for a secret counts: an asset token stays one when it is shown as a password. */
  hand(kind: string, value: string | null | undefined): void {
    if (!value || this.#kinds.has(value)) return;
    this.#kinds.set(value, kind);
    forgetOldest(this.#kinds, REMEMBERED);
  }

  /** The newest `REMEMBERED`, each once, in the order they came into the world. */
  get list(): readonly HandedOut[] {
    return [...this.#kinds].map(([value, kind]) => ({ kind, value }));
  }
}
