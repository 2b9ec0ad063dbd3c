import type { Duplex } from "node:stream";
import type { VirtualClock } from "../../firmware-sim/clock.ts";
import type { Surroundings } from "../../src/compose.ts";
import type { Clock, Http, Vault } from "../../src/ports.ts";

/**
 * The plug of a board. Once it is pulled, nothing that the program waits for ever comes, nothing that it says is heard,
 * and its connections are gone: it stands still in the middle of whatever it did, as after a real power cut.
 */
export class Power {
  readonly #off = new AbortController();
  readonly #streams = new Set<Duplex>();
  readonly #sleeps = new Set<() => void>();
  #left: number | null = null;
  #steps = 0;

  get on(): boolean {
    return !this.#off.signal.aborted;
  }

  /** Things that were waited for and have come. */
  get steps(): number {
    return this.#steps;
  }

  /** Aborted when the plug is pulled. */
  get off(): AbortSignal {
    return this.#off.signal;
  }

  pull(): void {
    if (!this.on) return;
    this.#off.abort(new Error("the plug is pulled"));
    for (const stream of this.#streams) stream.destroy();
    for (const cancel of this.#sleeps) cancel();
    this.#sleeps.clear();
  }

  /** Pulls it in the very moment in which the nth thing from now has happened, and before the program learns of it. */
  pullAfter(steps: number): void {
    this.#left = steps;
  }

  /** Something has come; whether the program learns of it. */
  #step(): boolean {
    this.#steps += 1;
    if (this.#left !== null && --this.#left <= 0) this.pull();
    return this.on;
  }

  /** What the program waits for: it comes only while there is power. */
  async #wait<T>(work: Promise<T>): Promise<T> {
    const settled = await work.then(
      (value) => ({ ok: true as const, value }),
      (error: unknown) => ({ ok: false as const, error }),
    );
    if (!this.#step()) return new Promise<never>(() => {});
    if (settled.ok) return settled.value;
    throw settled.error;
  }

  /** `signal` or the end of power: what is under way outside is given up. */
  #until(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.off]);
  }

  /** `timer` of the world's clock is what sleeps. */
  clock(inner: Clock, timer: VirtualClock["timer"]): Clock {
    return {
      wall: () => inner.wall(),
      wallKnown: () => inner.wallKnown(),
      mono: () => inner.mono(),
      sleep: (ms, signal) => this.#sleep(timer, ms, signal),
    };
  }

  #sleep(timer: VirtualClock["timer"], ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (!this.on) return;
      const over = (end: () => void) => (): void => {
        signal.removeEventListener("abort", onAbort);
        cancel();
        this.#sleeps.delete(cancel);
        if (this.#step()) end();
      };
      const onAbort = over(() => reject(signal.reason));
      const cancel = timer(ms, over(resolve));
      this.#sleeps.add(cancel);
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  http(inner: Http): Http {
    return (request, signal) => {
      if (!this.on) return new Promise<never>(() => {});
      return this.#wait(inner(request, this.#until(signal)));
    };
  }

  vault(inner: Vault): Vault {
    return {
      read: (key, least) => this.#wait(inner.read(key, least)),
      write: (key, value, generations) => this.#write(() => inner.write(key, value, generations)),
      setAside: (key) => this.#write(() => inner.setAside(key)),
      settle: (proven) => this.#write(() => inner.settle(proven)),
      locked: (name, work, signal) => inner.locked(name, work, this.#until(signal)),
    };
  }

  #write(write: () => Promise<void>): Promise<void> {
    return this.on ? this.#wait(write()) : new Promise<never>(() => {});
  }

  openStream(inner: NonNullable<Surroundings["openStream"]>): NonNullable<Surroundings["openStream"]> {
    return async (url, signal) => {
      if (!this.on) return new Promise<never>(() => {});
      const stream = await this.#wait(inner(url, this.#until(signal)));
      this.#streams.add(stream);
      stream.once("close", () => this.#streams.delete(stream));
      return stream;
    };
  }
}
