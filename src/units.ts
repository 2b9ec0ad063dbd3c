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

/** Porchlight was not there before 2026-11-01: a wall clock that says so has not been set. */
export const NOT_BEFORE = epochMs(1_793_491_200_000);

/** `moment + ms`, on the same clock. */
export const after = <M extends EpochMs | MonoMs>(moment: M, ms: number): M => (moment + ms) as M;

/** JWT NumericDate (RFC 7519 section 2: seconds since 1970) to milliseconds. */
export const fromNumericDate = (seconds: number): EpochMs => epochMs(seconds * 1000);

/** Milliseconds to JWT NumericDate, rounded down to whole seconds. */
export const toNumericDate = (at: EpochMs): number => Math.floor(at / 1000);

const DAY_MS = 86_400_000;
const DAYS_IN_400_YEARS = 146_097;
/** Days from 0000-03-01 to 1970-01-01: years that begin in March have the leap day at their end. */
const DAYS_BEFORE_1970 = 719_468;

/** The day that is so many days after 1970-01-01 in the Gregorian calendar; months and days count from 1. */
const dateOf = (days: number): readonly [year: number, month: number, day: number] => {
  const since = days + DAYS_BEFORE_1970;
  const age = Math.floor(since / DAYS_IN_400_YEARS);
  const rest = since - age * DAYS_IN_400_YEARS;
  const years = Math.floor(
    (rest - Math.floor(rest / 1460) + Math.floor(rest / 36_524) - Math.floor(rest / 146_096)) / 365,
  );
  const dayOfYear = rest - (365 * years + Math.floor(years / 4) - Math.floor(years / 100));
  const month = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * month + 2) / 5) + 1;
  return month < 10 ? [age * 400 + years, month + 3, day] : [age * 400 + years + 1, month - 9, day];
};

/**
 * ISO 8601 in UTC, as events and documents carry it. Throws RangeError for a moment that no Date can hold.
 *
 * Reckoned here, for V8 asks ICU for the time zone before it writes a moment in UTC: a megabyte of memory for good.
 */
export const iso = (at: EpochMs): string => {
  const ms = Math.trunc(at);
  const days = Math.floor(ms / DAY_MS);
  const [year, month, day] = dateOf(days);
  if (!(year >= 0 && year <= 9999)) return new Date(at).toISOString();
  const of = (divisor: number, range: number, digits: number): string =>
    String(Math.floor((ms - days * DAY_MS) / divisor) % range).padStart(digits, "0");
  const date = [String(year).padStart(4, "0"), ...[month, day].map((part) => String(part).padStart(2, "0"))];
  return `${date.join("-")}T${of(3_600_000, 24, 2)}:${of(60_000, 60, 2)}:${of(1000, 60, 2)}.${of(1, 1000, 3)}Z`;
};

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

/** Clocks that are no further apart agree. It is what Salesforce lets a signature or an assertion be off. In milliseconds. */
export const MOST_SKEW_MS = 180_000;
