// johnny-five on the Pi itself: an IO plugin (github.com/rwaldron/io-plugins) over the kernel's own GPIO and PWM, in place
// of raspi-io, which is not maintained and knows no Pi 5.

import { EventEmitter } from "node:events";
import { AgentError } from "../../errors.ts";
import type { Clock, LightDriver } from "../../ports.ts";
import { type GpioKernel, type GpioLine, linuxGpio } from "../linux/gpio.ts";
import { lineFlags } from "../linux/gpio-uapi.ts";
import { takePlace } from "./gpio.ts";
import { openPwm } from "./pwm.ts";

/** Lines of the header by the number of their pin (40-pin header of every Raspberry Pi since the B+). */
const headerPins: Readonly<Record<number, number>> = {
  ...{
    3: 2,
    5: 3,
    7: 4,
    8: 14,
    10: 15,
    11: 17,
    12: 18,
    13: 27,
    15: 22,
    16: 23,
    18: 24,
    19: 10,
    21: 9,
    22: 25,
  },
  ...{
    23: 11,
    24: 8,
    26: 7,
    27: 0,
    28: 1,
    29: 5,
    31: 6,
    32: 12,
    33: 13,
    35: 19,
    36: 16,
    37: 26,
    38: 20,
    40: 21,
  },
};
const LINES = 28;

const MODES = { INPUT: 0, OUTPUT: 1, PWM: 3, PULLUP: 11 } as const;
type Mode = (typeof MODES)[keyof typeof MODES];

export interface HeaderIoParts {
  readonly clock: Clock;
  /** Lines that dim, and the PWM output (as in `pwm:`) that the board's overlay leads to them: `{ 18: "0" }`. */
  readonly pwm?: Readonly<Record<number, string>>;
  readonly kernel?: GpioKernel;
  readonly openPwm?: (address: string) => Promise<LightDriver>;
}

interface Pin {
  readonly supportedModes: readonly Mode[];
  mode: Mode | null;
  value: number;
  readonly report: 1;
  readonly analogChannel: 127;
}

/** Writes the newest duty of a PWM output, one write at a time. */
class PwmPin {
  readonly #driver: LightDriver;
  #wanted: number | null = null;
  #running: Promise<void> = Promise.resolve();
  #busy = false;

  constructor(driver: LightDriver) {
    this.#driver = driver;
  }

  write(duty: number): void {
    this.#wanted = duty;
    if (this.#busy) return;
    this.#busy = true;
    this.#running = this.#run();
    // Told by `settled`, to whoever waits for it.
    this.#running.catch(() => undefined);
  }

  settled(): Promise<void> {
    return this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = new AbortController();
    try {
      for (let duty = this.#wanted; duty !== null; duty = this.#wanted) {
        this.#wanted = null;
        await this.#driver.write([duty], signal);
      }
    } finally {
      this.#busy = false;
    }
  }

  close(): PromiseLike<void> {
    return this.#driver[Symbol.asyncDispose]();
  }
}

/** The header of a Raspberry Pi as johnny-five's `io`. Pins are named 17, "GPIO17" or "P1-11". Dispose it when done. */
export class HeaderIo extends EventEmitter implements AsyncDisposable {
  readonly name = "porchlight";
  readonly isReady = true;
  readonly MODES = MODES;
  readonly HIGH = 1;
  readonly LOW = 0;
  readonly analogPins: readonly number[] = [];
  readonly pins: readonly Pin[];
  readonly #kernel: GpioKernel;
  readonly #pwm: ReadonlyMap<number, PwmPin>;
  readonly #lines = new Map<number, GpioLine>();
  readonly #driven = new Set<number>();
  #fault: AgentError | null = null;

  constructor(pwm: ReadonlyMap<number, LightDriver>, kernel: GpioKernel) {
    super();
    this.#kernel = kernel;
    this.#pwm = new Map([...pwm].map(([line, driver]) => [line, new PwmPin(driver)]));
    this.pins = Array.from({ length: LINES }, (_, line): Pin => {
      const supportedModes = pwm.has(line) ? [MODES.PWM] : [MODES.INPUT, MODES.OUTPUT, MODES.PULLUP];
      return { supportedModes, mode: null, value: 0, report: 1, analogChannel: 127 };
    });
  }

  /** The line's number of any name of a pin. Throws SETTINGS_INVALID. */
  normalize(pin: number | string): number {
    const [, kind, digits] = /^(GPIO|P1-|)(\d{1,2})$/.exec(String(pin)) ?? [];
    const line = kind === "P1-" ? headerPins[Number(digits)] : Number(digits);
    if (line !== undefined && line < LINES) return line;
    throw new AgentError("SETTINGS_INVALID", `the header has no pin ${pin}; name it 17, GPIO17 or P1-11`);
  }

  pinMode(pin: number, mode: Mode): void {
    const { supportedModes } = this.#pin(pin);
    if (!supportedModes.includes(mode))
      throw new AgentError(
        "SETTINGS_INVALID",
        `GPIO${pin} cannot do that; it can dim only where an overlay leads hardware PWM to it`,
      );
    this.#pin(pin).mode = mode;
    if (mode !== MODES.INPUT && mode !== MODES.PULLUP) return;
    const pull = mode === MODES.PULLUP ? lineFlags.biasPullUp : 0n;
    const flags = lineFlags.input | lineFlags.edgeRising | lineFlags.edgeFalling | pull;
    this.#line(pin).configure({ flags, debounceUs: 5000 });
  }

  digitalWrite(pin: number, value: 0 | 1): void {
    const pwm = this.#pwm.get(pin);
    this.#pin(pin).value = value;
    if (pwm !== undefined) {
      pwm.write(value);
      return;
    }
    const line = this.#line(pin);
    if (this.#driven.has(pin)) line.set(value);
    else line.configure({ flags: lineFlags.output, value });
    this.#driven.add(pin);
  }

  /** `value` is 0 to 255. */
  pwmWrite(pin: number, value: number): void {
    const pwm = this.#pwm.get(pin);
    // Says what a plain line cannot do.
    if (pwm === undefined) this.pinMode(pin, MODES.PWM);
    this.#pin(pin).value = value;
    pwm?.write(Math.min(1, Math.max(0, value / 255)));
  }

  analogWrite(pin: number, value: number): void {
    this.pwmWrite(pin, value);
  }

  /** Calls `handler` with the level now and at every change. */
  digitalRead(pin: number, handler: (value: 0 | 1) => void): void {
    const line = this.#line(pin);
    const tell = (value: 0 | 1): void => {
      this.#pin(pin).value = value;
      handler(value);
      this.emit(`digital-read-${pin}`, value);
    };
    line.edges(
      (edges) => {
        for (const { active } of edges) tell(active ? 1 : 0);
      },
      (fault) => {
        this.#fault = fault;
        try {
          this.emit("error", fault);
        } catch (error) {
          // Nobody listens, here or at the board: `settled` tells.
          if (error !== fault) throw error;
        }
      },
    );
    tell(line.get());
  }

  /** Resolves when every duty is written; rejects with the fault of one that was not, or of an input. */
  async settled(): Promise<void> {
    if (this.#fault !== null) throw this.#fault;
    await Promise.all([...this.#pwm.values()].map((pin) => pin.settled()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const line of this.#lines.values()) line[Symbol.dispose]();
    this.#lines.clear();
    await Promise.all([...this.#pwm.values()].map((pin) => pin.close()));
  }

  #pin(line: number): Pin {
    const pin = this.pins[line];
    if (pin === undefined) throw new AgentError("SETTINGS_INVALID", `the header has no line ${line}`);
    return pin;
  }

  #line(pin: number): GpioLine {
    const held = this.#lines.get(pin);
    if (held !== undefined) return held;
    const place = `GPIO${pin}`;
    const line = takePlace("gpio", place, place, { flags: 0n }, this.#kernel);
    this.#lines.set(pin, line);
    return line;
  }
}

/** Opens the header; lines are taken when they are first used. Throws LIGHT_FAULT for PWM that is not there. */
export const openHeaderIo = async (parts: HeaderIoParts, signal: AbortSignal): Promise<HeaderIo> => {
  const { clock, pwm = {}, kernel = linuxGpio } = parts;
  const open = parts.openPwm ?? ((address: string) => openPwm(address, { clock }, signal));
  const drivers = new Map<number, LightDriver>();
  try {
    for (const [line, address] of Object.entries(pwm)) drivers.set(Number(line), await open(address));
  } catch (error) {
    for (const driver of drivers.values()) await driver[Symbol.asyncDispose]();
    throw error;
  }
  return new HeaderIo(drivers, kernel);
};
