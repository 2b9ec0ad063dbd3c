import type { LightState } from "../model.ts";
import type { Clock, Vault, VaultKey } from "../ports.ts";
import { encodeState } from "./stored.ts";

/** Least time between two writes, so that a dragged slider does not wear the SD card out. */
const BETWEEN_WRITES_MS = 2000;
/** Pause after a write that failed: a full or read-only disk rarely mends itself quickly. A new state is tried earlier. */
const AFTER_A_FAULT_MS = 60_000;

const same = (a: Uint8Array | undefined, b: Uint8Array): boolean =>
  a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index]);

/**
 * Keeps a lamp's newest state in the vault: the first change at once, then at most one write every 2 s, the last one
 * when it is closed. A vault that cannot write is tried again after a minute and never stops the lamp.
 */
export class Keeper implements AsyncDisposable {
  readonly #vault: Vault;
  readonly #clock: Clock;
  readonly #key: VaultKey;
  readonly #closing = new AbortController();
  #kept: Uint8Array | undefined;
  #wanted: Uint8Array | undefined;
  #running: Promise<void> | undefined;
  /** Ends the pause after a fault. */
  #news = new AbortController();

  /** `kept` is what the vault holds now. */
  constructor(vault: Vault, clock: Clock, key: VaultKey, kept: Uint8Array | undefined) {
    this.#vault = vault;
    this.#clock = clock;
    this.#key = key;
    this.#kept = kept;
  }

  /** Takes a state to keep; never throws, never waits. */
  keep(state: LightState): void {
    this.#wanted = encodeState(state);
    if (this.#isKept()) return;
    this.#news.abort();
    this.#running ??= this.#run();
  }

  #isKept(): boolean {
    return this.#wanted === undefined || same(this.#kept, this.#wanted);
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    const sleep = (ms: number, until: AbortSignal): Promise<void> =>
      this.#clock.sleep(ms, until).catch(() => undefined);
    do {
      this.#news = new AbortController();
      const isWritten = await this.#write();
      await sleep(BETWEEN_WRITES_MS, signal);
      if (!isWritten)
        await sleep(AFTER_A_FAULT_MS - BETWEEN_WRITES_MS, AbortSignal.any([signal, this.#news.signal]));
    } while (!signal.aborted && !this.#isKept());
    this.#running = undefined;
  }

  async #write(): Promise<boolean> {
    const bytes = this.#wanted;
    try {
      await this.#vault.write(this.#key, bytes);
      this.#kept = bytes;
      return true;
    } catch {
      // It may be there all the same: what was kept before is no longer known to be.
      this.#kept = undefined;
      return false;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort();
    await this.#running;
    if (!this.#isKept()) await this.#write();
  }
}
