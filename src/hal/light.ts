import { AgentError } from "../errors.ts";
import type {
  DriverTraits,
  Frame,
  LightCause,
  LightChange,
  LightReport,
  LightState,
  LightTraits,
  Signal,
} from "../model.ts";
import type { Clock, Light, LightDriver } from "../ports.ts";
import { fitState, mergeChange } from "./change.ts";
import { asLightFault, Hardware } from "./hardware.ts";
import type { Keeper } from "./keeper.ts";
import { frameOf, stateOf } from "./mix.ts";
import { momentOf, type Program } from "./program.ts";
import { type Signalling, signalAt } from "./signal.ts";
import { everyTrait, lightTraits, unknownTraits } from "./traits.ts";

const LONGEST_FADE_MS = 3_600_000;

/** Pause before the hardware is tried again after the `failures`th fault in a row: 1 s, 2 s, 4 s … 60 s. */
const retryPauseMs = (failures: number): number => Math.min(1000 * 2 ** (failures - 1), 60_000);

/** How often hardware that can tell is asked what it shows, while nothing moves. */
const LOOK_MS = 5000;
/** Two steps of eight bits: less is the lamp's own rounding. */
const ROUNDING = 2 / 255;

/** A command that waits for its first frame. */
type Waiting = PromiseWithResolvers<void>;

const sameFrame = (a: Frame | undefined, b: Frame, tolerance = 0): boolean =>
  a !== undefined &&
  a.length === b.length &&
  a.every((value, index) => Math.abs(value - (b[index] ?? Number.NaN)) <= tolerance);

/**
 * A lamp on its hardware. One loop draws: it works out what to show now, writes it, and sleeps until the next step of a
 * fade or effect or until a command wakes it. So only one write is ever under way, and the newest state wins.
 */
export class HardwareLight implements Light {
  readonly id: string;
  readonly name: string;
  /** Settles when the first frame is written or has failed; rejects only for settings that cannot be meant. */
  readonly tried = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #hardware: Hardware;
  readonly #keeper: Keeper;
  readonly #life = new AbortController();
  readonly #listeners = new Set<(report: LightReport) => void>();
  readonly #loop: Promise<void>;
  #driverTraits: DriverTraits | undefined;
  #target: LightState;
  #shown: LightState;
  #program: Program = { kind: "still" };
  #signalling: Signalling | null = null;
  #fault: AgentError | null = null;
  #available = false;
  #written: Frame | undefined;
  #waiting: Waiting[] = [];
  /** Ends the loop's present sleep. */
  #nap = new AbortController();
  #closed: Promise<void> | undefined;

  constructor(
    names: { readonly id: string; readonly name: string },
    restored: LightState,
    clock: Clock,
    open: (signal: AbortSignal) => Promise<LightDriver>,
    keeper: Keeper,
  ) {
    this.id = names.id;
    this.name = names.name;
    this.#clock = clock;
    this.#target = restored;
    this.#shown = restored;
    this.#hardware = new Hardware(open, clock);
    this.#keeper = keeper;
    this.#loop = this.#draw();
  }

  /** Until the hardware has said once what it has, those of a plain dimmable lamp. */
  get traits(): LightTraits {
    return this.#driverTraits === undefined ? unknownTraits : lightTraits(this.#driverTraits);
  }

  get target(): LightState {
    return this.#target;
  }

  get shown(): LightState {
    return this.#shown;
  }

  get fault(): AgentError | null {
    return this.#fault;
  }

  get signalled(): Signal | null {
    if (this.#signalling === null || this.#fault !== null) return null;
    const { colour, count } = this.#signalling.signal;
    return { colour: this.traits.rgb ? colour : null, count };
  }

  signal(pattern: Signal | null): void {
    if (pattern === null && this.#signalling === null) return;
    this.#signalling = pattern === null ? null : { signal: pattern, startedAt: this.#clock.mono() };
    this.#nap.abort();
  }

  async apply(
    change: LightChange,
    options: { fadeMs: number; cause: LightCause },
    signal: AbortSignal,
  ): Promise<LightState> {
    signal.throwIfAborted();
    if (this.#life.signal.aborted) throw new AgentError("LIGHT_FAULT", `the lamp ${this.id} is closed`);
    // Hardware that has not shown up yet may be able to do anything: what does not fit is put right once it has.
    const traits = this.#driverTraits === undefined ? everyTrait : this.traits;
    const merged = mergeChange(this.#target, change, traits);
    if (!merged.ok) throw new AgentError(merged.code, merged.detail);
    this.#program = this.#programTo(merged.target, change, traits.dims ? options.fadeMs : 0);
    this.#target = merged.target;
    this.#signalling = null;
    this.#keeper.keep(this.#target);
    this.#report(options.cause);
    if (this.#fault !== null) throw this.#fault;
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.push(waiting);
    this.#nap.abort();
    const onAbort = (): void => waiting.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await waiting.promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
    return merged.target;
  }

  subscribe(listener: (report: LightReport) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Whoever opened the lamp waits no longer: until the hardware answers, that is a fault. */
  stopWaiting(): void {
    if (this.#available || this.#fault !== null) return;
    this.#down(new AgentError("LIGHT_FAULT", "it has not answered yet"));
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    this.#life.abort(new AgentError("LIGHT_FAULT", `the lamp ${this.id} is closed`));
    this.#nap.abort();
    await this.#loop;
    this.#listeners.clear();
    this.#program = { kind: "still" };
    if (this.#available && this.#driverTraits !== undefined) {
      const frame = frameOf(this.#target, this.#driverTraits);
      // A lamp must not stay half faded, or dark in the middle of a blink, because the agent ends.
      if (!sameFrame(this.#written, frame))
        await this.#hardware.write(frame, new AbortController().signal).catch(() => undefined);
    }
    await this.#hardware[Symbol.asyncDispose]();
    await this.#keeper[Symbol.asyncDispose]();
  }

  #programTo(target: LightState, change: LightChange, fadeMs: number): Program {
    const startedAt = this.#clock.mono();
    const running = this.#program;
    if (target.effect !== null) {
      const goesOn =
        change.effect === undefined && running.kind === "effect" && running.effect === target.effect;
      return goesOn ? running : { kind: "effect", effect: target.effect, startedAt };
    }
    return fadeMs > 0
      ? { kind: "fade", from: this.#shown, fadeMs: Math.min(fadeMs, LONGEST_FADE_MS), startedAt }
      : { kind: "still" };
  }

  async #draw(): Promise<void> {
    const { signal } = this.#life;
    for (let failures = 0; !signal.aborted; ) {
      let answering: Waiting[] = [];
      try {
        const traits = await this.#hardware.ready(signal);
        this.#learn(traits);
        answering = this.#waiting.splice(0);
        this.#nap = new AbortController();
        const program = this.#program;
        const moment = momentOf(program, this.#target, this.#clock.mono(), traits.framesPerSecond);
        const over =
          this.#signalling && signalAt(this.#signalling, this.#target, this.#clock.mono(), this.traits.rgb);
        const frame = frameOf(over?.shown ?? moment.shown, traits);
        if (answering.length > 0 || !this.#available || !sameFrame(this.#written, frame)) {
          this.#written = undefined;
          await this.#hardware.write(frame, signal);
          this.#written = frame;
        }
        this.#shown = moment.shown;
        failures = 0;
        this.#up();
        for (const { resolve } of answering) resolve();
        // A command that came during the write has set another program: that one has not ended.
        if (moment.ended && program === this.#program) this.#finish();
        const nextInMs = over && Math.min(over.nextInMs, moment.nextInMs ?? over.nextInMs);
        await this.#sleep(nextInMs ?? moment.nextInMs);
        if (nextInMs === null && moment.nextInMs === null) await this.#look(traits);
      } catch (error) {
        this.#waiting.push(...answering);
        if (signal.aborted) break;
        if (error instanceof AgentError && error.code === "SETTINGS_INVALID") this.tried.reject(error);
        this.#down(asLightFault(error));
        failures += 1;
        await this.#clock.sleep(retryPauseMs(failures), signal).catch(() => undefined);
      }
    }
    for (const { reject } of this.#waiting.splice(0)) reject(signal.reason);
  }

  /** Takes note of what the hardware has, at every opening: it may have been exchanged for another. */
  #learn(traits: DriverTraits): void {
    if (this.#driverTraits === traits) return;
    this.#driverTraits = traits;
    this.#target = fitState(this.#target, this.traits);
  }

  #up(): void {
    if (this.#available) return;
    const first = this.#fault === null;
    this.#available = true;
    this.#fault = null;
    this.tried.resolve();
    this.#report(first ? { kind: "restore" } : { kind: "agent" });
  }

  #down(fault: AgentError): void {
    const news = this.#available || this.#fault === null;
    this.#available = false;
    this.#fault = fault;
    for (const { reject } of this.#waiting.splice(0)) reject(fault);
    this.tried.resolve();
    if (news) this.#report({ kind: "agent" });
  }

  /** A fade has arrived or an effect has ended by itself. */
  #finish(): void {
    const { kind } = this.#program;
    this.#program = { kind: "still" };
    if (kind !== "effect") return;
    this.#target = { ...this.#target, effect: null };
    this.#report({ kind: "agent" });
  }

  /** Asks the hardware what it shows, unless a command waits, and takes over what was changed at the lamp itself. */
  async #look(traits: DriverTraits): Promise<void> {
    const { signal } = this.#nap;
    if (signal.aborted || !this.#hardware.tells) return;
    const shown = await this.#hardware.shown(signal);
    if (shown === undefined || signal.aborted || this.#program.kind !== "still" || this.#signalling !== null)
      return;
    if (sameFrame(this.#written, shown, ROUNDING)) return;
    this.#target = stateOf(shown, traits, this.#target);
    this.#shown = this.#target;
    this.#written = frameOf(this.#target, traits);
    this.#keeper.keep(this.#target);
    this.#report({ kind: "lamp" });
  }

  /**
   * Sleeps for that long, or when null until a command or until the hardware is to be asked; a command or the end of the
   * lamp's life ends it.
   */
  async #sleep(length: number | null): Promise<void> {
    const { signal } = this.#nap;
    if (signal.aborted || this.#life.signal.aborted) return;
    const ms = length ?? (this.#hardware.tells ? LOOK_MS : null);
    if (ms !== null) await this.#clock.sleep(ms, signal).catch(() => undefined);
    else await new Promise<void>((wake) => signal.addEventListener("abort", () => wake(), { once: true }));
  }

  #report(cause: LightCause): void {
    const report: LightReport = {
      light: this.id,
      target: this.#target,
      available: this.#available,
      fault: this.#fault,
      cause,
    };
    for (const listener of [...this.#listeners]) listener(report);
  }
}
