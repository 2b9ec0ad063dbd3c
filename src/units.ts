// Branded units. A board without a clock battery has two clocks that must never be mixed: the wall
// clock (may jump by years when the network tells it the time) and the monotonic one (never jumps).

declare const epochBrand: unique symbol;
declare const monoBrand: unique symbol;

/** A moment on the wall clock, in milliseconds since 1970-01-01T00:00:00Z. May jump. */
export type EpochMs = number & { readonly [epochBrand]: true };

/** A moment on the monotonic clock, in milliseconds since an arbitrary start. Never goes back. */
export type MonoMs = number & { readonly [monoBrand]: true };

export const epochMs = (ms: number): EpochMs => ms as EpochMs;
export const monoMs = (ms: number): MonoMs => ms as MonoMs;

/** `moment + ms`, on the same clock. */
export const after = <M extends EpochMs | MonoMs>(moment: M, ms: number): M => (moment + ms) as M;

/** JWT NumericDate (RFC 7519 section 2: seconds since 1970) to milliseconds. */
export const fromNumericDate = (seconds: number): EpochMs => epochMs(seconds * 1000);

/** Milliseconds to JWT NumericDate, rounded down to whole seconds. */
export const toNumericDate = (at: EpochMs): number => Math.floor(at / 1000);

/** ISO 8601 in UTC, as events and documents carry it. */
export const iso = (at: EpochMs): string => new Date(at).toISOString();

/**
 * A text that must never be printed: token, password, private key, device code.
 * Prints as `[secret]` in strings, JSON and `util.inspect`; only `reveal()` gives the text.
 */
export class Secret {
  readonly #text: string;
  constructor(text: string) {
    this.#text = text;
  }
  /** The text itself, for the one place that puts it on the wire or on disk. */
  reveal(): string {
    return this.#text;
  }
  equals(other: Secret): boolean {
    return this.#text === other.#text;
  }
  toString(): string {
    return "[secret]";
  }
  toJSON(): string {
    return "[secret]";
  }
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return "[secret]";
  }
}

/** Ends an exhaustive `switch`: the compiler refuses it while a case is missing. */
export const unreachable = (value: never): never => {
  throw new Error(`unreachable: ${JSON.stringify(value)}`);
};
