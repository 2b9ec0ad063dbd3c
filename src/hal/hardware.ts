import { AgentError } from "../errors.ts";
import type { DriverTraits, Frame } from "../model.ts";
import type { Clock, LightDriver } from "../ports.ts";

/** Longest times that hardware may take, in milliseconds. Connecting to a Bluetooth lamp is the slowest honest case. */
const OPEN_LIMIT_MS = 20_000;
const WRITE_LIMIT_MS = 5000;
const CLOSE_LIMIT_MS = 2000;

/** Nobody reads it; without one, a reason with a stack is made for each frame. */
const over = new Error("it is over");

/** Whatever a driver threw, as LIGHT_FAULT. */
export const asLightFault = (error: unknown): AgentError =>
  error instanceof AgentError && error.code === "LIGHT_FAULT"
    ? error
    : new AgentError("LIGHT_FAULT", error instanceof Error ? error.message : String(error), { cause: error });

/** A wrong address stays SETTINGS_INVALID: trying again would not mend it. */
const asOpenFault = (error: unknown): AgentError =>
  error instanceof AgentError && error.code === "SETTINGS_INVALID" ? error : asLightFault(error);

/**
 * One lamp's driver: opened when it is needed, closed after any fault, and never waited for beyond a limit.
 * Its faults are LIGHT_FAULT, or SETTINGS_INVALID for an address that cannot be meant.
 */
export class Hardware implements AsyncDisposable {
  readonly #open: (signal: AbortSignal) => Promise<LightDriver>;
  readonly #clock: Clock;
  #driver: LightDriver | undefined;

  constructor(open: (signal: AbortSignal) => Promise<LightDriver>, clock: Clock) {
    this.#open = open;
    this.#clock = clock;
  }

  /** Opens the driver unless it is open; what it has. */
  async ready(signal: AbortSignal): Promise<DriverTraits> {
    this.#driver ??= await this.#opened(signal);
    return this.#driver.traits;
  }

  /** Writes a frame to the open driver; after a fault the driver is closed. */
  async write(frame: Frame, signal: AbortSignal): Promise<void> {
    const driver = this.#driver;
    if (driver === undefined) throw new AgentError("LIGHT_FAULT", "it is not open");
    try {
      await this.#within(WRITE_LIMIT_MS, signal, (limited) => driver.write(frame, limited));
    } catch (error) {
      // An aborted write says nothing about the hardware: the last frame may still be written before it is closed.
      if (!signal.aborted) await this[Symbol.asyncDispose]();
      throw asLightFault(error);
    }
  }

  /** Whether the open driver can say what it shows, or that it has gone. */
  get tells(): boolean {
    return this.#driver?.shown !== undefined;
  }

  /** What the open driver says that it shows; undefined when it cannot say, or was not waited for. Faults as with `write`. */
  async shown(signal: AbortSignal): Promise<Frame | undefined> {
    const driver = this.#driver;
    try {
      return await this.#within(WRITE_LIMIT_MS, signal, async (limited) => driver?.shown?.(limited));
    } catch (error) {
      if (signal.aborted) return undefined;
      await this[Symbol.asyncDispose]();
      throw asLightFault(error);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const driver = this.#driver;
    this.#driver = undefined;
    if (driver !== undefined) await this.#close(driver);
  }

  async #opened(signal: AbortSignal): Promise<LightDriver> {
    try {
      return await this.#within(OPEN_LIMIT_MS, signal, async (limited) => {
        const driver = await this.#open(limited);
        // Opened after all, when nobody waits for it any more.
        if (limited.aborted) await this.#close(driver);
        return driver;
      });
    } catch (error) {
      throw asOpenFault(error);
    }
  }

  /** Hardware that faults is often unable to close too; there is nothing more to be done about it then. */
  async #close(driver: LightDriver): Promise<void> {
    const { signal } = new AbortController();
    await this.#within(CLOSE_LIMIT_MS, signal, () => driver[Symbol.asyncDispose]()).catch(() => undefined);
  }

  /** `work`, or LIGHT_FAULT after `limitMs`, or the signal's reason. Leaves no timer and no listener. */
  async #within<T>(
    limitMs: number,
    signal: AbortSignal,
    work: (limited: AbortSignal) => PromiseLike<T>,
  ): Promise<T> {
    signal.throwIfAborted();
    const ending = new AbortController();
    const onAbort = (): void => ending.abort(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const tooLate = this.#clock.sleep(limitMs, ending.signal).then((): never => {
      const fault = new AgentError("LIGHT_FAULT", `it has not answered for ${limitMs / 1000} s`);
      ending.abort(fault);
      throw fault;
    });
    try {
      return await Promise.race([work(ending.signal), tooLate]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      ending.abort(over);
    }
  }
}
