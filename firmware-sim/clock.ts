import { createHook } from "node:async_hooks";
import type { Clock } from "../src/ports.ts";
import { type EpochMs, epochMs, type MonoMs, monoMs } from "../src/units.ts";

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly fire: () => void;
}

// Work that Node does off the main thread (threadpool crypto, file requests): virtual time must not pass while
// some is under way, or an hour would go by during one RSA signature. async_hooks sees each begin (init) and end (after).
const inFlight = new Set<number>();
/** Told when the last of it has ended. */
let landed: PromiseWithResolvers<void> | null = null;
/** How often the program has put something off with `setImmediate`. */
let putOff = 0;
let ownImmediate = false;
let watchers = 0;

const offThread = /REQUEST$|^FSREQ|^GETADDRINFO|^ZLIB/;
const kinds = new Map<string, boolean>();
const isOffThread = (type: string): boolean => {
  const known = kinds.get(type);
  if (known !== undefined) return known;
  kinds.set(type, offThread.test(type));
  return offThread.test(type);
};

const land = (id: number): void => {
  if (!inFlight.delete(id) || inFlight.size > 0) return;
  landed?.resolve();
  landed = null;
};

const hook = createHook({
  init(id, type, _trigger, resource) {
    if (type === "Immediate") {
      if (!ownImmediate) putOff += 1;
    } else if (isOffThread(type)) {
      inFlight.add(id);
      endWithRun(id, resource);
    }
  },
  after: land,
  // There are thousands of them for each piece of such work.
  trackPromises: false,
});

/**
 * Synchronous crypto (randomUUID, generateKeyPairSync) begins with `init` as well, and has no end before its object is
 * collected. What its `run` gives tells it apart: the result, where other work gives nothing or a promise.
 */
const endWithRun = (id: number, resource: object): void => {
  if (!("run" in resource) || typeof resource.run !== "function") return;
  const { run } = resource;
  resource.run = function (this: unknown, ...args: unknown[]): unknown {
    const result: unknown = Reflect.apply(run, this, args);
    if (Array.isArray(result)) land(id);
    return result;
  };
};

const macrotask = (): Promise<void> =>
  new Promise((resolve) => {
    ownImmediate = true;
    setImmediate(resolve);
    ownImmediate = false;
  });

/** Macrotasks without any work in flight, and without anything put off, before the program counts as having nothing left to do. */
const QUIET_ROUNDS = 2;
/** The same where parts talk over sockets of this machine: what one side writes, the other reads a few rounds later. */
const QUIET_ROUNDS_WITH_SOCKETS = 24;

/**
 * A clock that moves only when told to. Everything that waits through the `Clock` port waits on it, so a simulated
 * week takes as long as the work done in it. Between two timers it lets promises, streams and threadpool work finish.
 */
export class VirtualClock implements Clock {
  #mono = 0;
  #wallOffset: number;
  #known: boolean;
  #order = 0;
  readonly #quietRounds: number;
  /** The next one last. */
  readonly #timers: Timer[] = [];

  /**
   * `wall` is the time of day at the start; `wallKnown: false` is a board that has not been told the time; `sockets`: the
   * world's parts talk over real ones.
   */
  constructor(start: { wall?: EpochMs; wallKnown?: boolean; sockets?: boolean } = {}) {
    this.#quietRounds = start.sockets === true ? QUIET_ROUNDS_WITH_SOCKETS : QUIET_ROUNDS;
    this.#wallOffset = start.wall ?? Date.parse("2026-12-01T17:00:00Z");
    this.#known = start.wallKnown ?? true;
    if (watchers++ === 0) hook.enable();
  }

  mono(): MonoMs {
    return monoMs(this.#mono);
  }

  wall(): EpochMs {
    return epochMs(this.#wallOffset + this.#mono);
  }

  wallKnown(): boolean {
    return this.#known;
  }

  /** The board is told the time: the wall clock jumps, the monotonic one does not. */
  setWall(at: EpochMs, known = true): void {
    this.#wallOffset = at - this.#mono;
    this.#known = known;
  }

  /** How many sleeps and timers are waiting: 0 when nothing was left behind. */
  get waiting(): number {
    return this.#timers.length;
  }

  /** Calls `fire` after `ms` of virtual time; returns the way to cancel it. */
  timer(ms: number, fire: () => void): () => void {
    const due = this.#mono + Math.max(0, ms);
    // So short that it is lost in the rounding: time has to move all the same, or whoever waits for it waits for ever.
    const at = ms > 0 && due === this.#mono ? this.#mono * (1 + Number.EPSILON) : due;
    const timer: Timer = { at, order: this.#order++, fire };
    this.#timers.splice(this.#place(timer), 0, timer);
    return () => {
      const place = this.#place(timer);
      if (this.#timers[place] === timer) this.#timers.splice(place, 1);
    };
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(signal.reason);
      };
      const cancel = this.timer(ms, () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      });
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  /** Lets everything that can happen without time passing happen. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < this.#quietRounds; ) {
      const before = putOff;
      if (inFlight.size > 0) {
        landed ??= Promise.withResolvers();
        await landed.promise;
      }
      await macrotask();
      quiet = inFlight.size === 0 && putOff === before ? quiet + 1 : 0;
    }
  }

  /** Moves time forward by `ms`, firing timers in order and settling after each moment. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await this.settle();
    for (let next = this.#next(); next !== undefined && next.at <= end; next = this.#next()) {
      this.#fireAllAt(next.at);
      await this.settle();
    }
    this.#mono = end;
  }

  /** Moves time forward until `promise` settles; fails after `withinMs` of virtual time, or when nothing waits. */
  async until<T>(promise: Promise<T>, withinMs = 3_600_000): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    promise.then(mark, mark);
    const end = this.#mono + withinMs;
    await this.settle();
    while (!settled) {
      const next = this.#next();
      if (next === undefined) throw new Error("virtual clock: nothing is waiting, so this can never happen");
      if (next.at > end) throw new Error(`virtual clock: not within ${withinMs} ms of virtual time`);
      this.#fireAllAt(next.at);
      await this.settle();
    }
    return promise;
  }

  /** Moves time forward until `condition` holds; fails after `withinMs` of virtual time. */
  async untilTrue(condition: () => boolean, withinMs = 3_600_000): Promise<void> {
    const end = this.#mono + withinMs;
    await this.settle();
    while (!condition()) {
      const next = this.#next();
      if (next === undefined)
        throw new Error("virtual clock: nothing is waiting, so this can never become true");
      if (next.at > end) throw new Error(`virtual clock: not true within ${withinMs} ms of virtual time`);
      this.#fireAllAt(next.at);
      await this.settle();
    }
  }

  [Symbol.dispose](): void {
    this.#timers.length = 0;
    if (--watchers === 0) {
      hook.disable();
      inFlight.clear();
    }
  }

  #next(): Timer | undefined {
    return this.#timers.at(-1);
  }

  /** Where a timer stands, or would. */
  #place({ at, order }: Timer): number {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#timers[middle];
      if (other !== undefined && (other.at > at || (other.at === at && other.order > order)))
        low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What these timers set for the same moment comes after all else has settled. */
  #fireAllAt(at: number): void {
    this.#mono = Math.max(this.#mono, at);
    const before = this.#order;
    for (let next = this.#next(); next !== undefined && next.at <= at; next = this.#next()) {
      if (next.order >= before) return;
      this.#timers.pop();
      next.fire();
    }
  }
}
