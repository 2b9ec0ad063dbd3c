// What the world has given out, or was shown, that nobody else may ever see. Whoever makes or receives a secret says so
// here; tests look for all of them in everything that was printed, published, shown and written.

export interface HandedOut {
  /** `access token`, `device code`, `PKCE verifier` … */
  readonly kind: string;
  readonly value: string;
}

export class Secrets {
  readonly #kinds = new Map<string, string>();

  /** The first word for a secret counts: an asset token stays one when it is shown as a password. */
  hand(kind: string, value: string | null | undefined): void {
    if (value && !this.#kinds.has(value)) this.#kinds.set(value, kind);
  }

  /** Each once, in the order they came into the world. */
  get list(): readonly HandedOut[] {
    return [...this.#kinds].map(([value, kind]) => ({ kind, value }));
  }
}
