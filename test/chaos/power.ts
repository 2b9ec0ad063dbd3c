import type { Duplex } from "node:stream";
import type { VirtualClock } from "../../firmware-sim/clock.ts";
import type { FileLock } from "../../src/adapters/file-lock.ts";
import { type Disk, disk as realDisk } from "../../src/adapters/files.ts";
import type { Surroundings } from "../../src/compose.ts";
import type { Clock, Http } from "../../src/ports.ts";

const calls = Object.keys(realDisk) as (keyof Disk)[];

/**
 * The plug of a board. Once it is pulled, nothing that the program waits for ever comes, nothing that it says is heard,
 * and its connections are gone: it stands still in the middle of whatever it did, as after a real power cut.
 */
export class Power {
  readonly #off = new AbortController();
  readonly #streams = new Set<Duplex>();
  readonly #locks = new Set<string>();
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
    for (const forget of [...this.#sleeps]) forget();
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
      // Forgotten whole: Node keeps a combined signal for ever that somebody listens to.
      const forget = (): void => {
        signal.removeEventListener("abort", onAbort);
        cancel();
        this.#sleeps.delete(forget);
      };
      const over = (end: () => void) => (): void => {
        forget();
        if (this.#step()) end();
      };
      const onAbort = over(() => reject(signal.reason));
      const cancel = timer(ms, over(resolve));
      this.#sleeps.add(forget);
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

  /** It may be pulled between any two calls. */
  disk(inner: Disk): Disk {
    const call = (name: keyof Disk) => {
      const asked = inner[name].bind(inner) as (...args: readonly unknown[]) => Promise<unknown>;
      return (...args: readonly unknown[]): Promise<unknown> =>
        this.on ? this.#wait(asked(...args)) : new Promise<never>(() => {});
    };
    return Object.fromEntries(calls.map((name) => [name, call(name)])) as unknown as Disk;
  }

  /** Locks by file, as the kernel has them: they end with the power. */
  readonly tryLock = async (path: string): Promise<FileLock | undefined> => {
    if (this.#locks.has(path)) return undefined;
    this.#locks.add(path);
    return { [Symbol.asyncDispose]: async () => void this.#locks.delete(path) };
  };

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
