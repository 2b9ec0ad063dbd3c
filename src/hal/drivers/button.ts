import type { AgentError } from "../../errors.ts";
import type { Clock, Input, Inputs } from "../../ports.ts";
import { choiceOf, parseAddress } from "../address.ts";
import { asLightFault } from "../hardware.ts";
import { type GpioKernel, type GpioLine, linuxGpio } from "../linux/gpio.ts";
import { lineFlags } from "../linux/gpio-uapi.ts";
import { afterEdge, type Held } from "../presses.ts";
import { takePlace } from "./gpio.ts";

const EXAMPLE = "GPIO3";
/** Contacts bounce for a few milliseconds; nobody presses faster than this. */
const DEBOUNCE_US = 20_000;
/** More presses than this wait for nobody. */
const MAX_WAITING = 8;
/** Pauses before a button that is not there is looked for again, in milliseconds. */
const retryPauseMs = (failures: number): number => Math.min(1000 * 2 ** (failures - 1), 60_000);

const biases = {
  up: lineFlags.biasPullUp,
  down: lineFlags.biasPullDown,
  none: lineFlags.biasDisabled,
} as const;

const take = (address: string, kernel: GpioKernel): GpioLine => {
  const [driver, place] = ["gpio", address] as const;
  const parsed = parseAddress(driver, place, ["active", "pull"], EXAMPLE);
  const active = choiceOf(driver, place, parsed, "active", ["low", "high"], EXAMPLE);
  const pull = choiceOf(
    driver,
    place,
    parsed,
    "pull",
    [active === "low" ? "up" : "down", "up", "down", "none"],
    EXAMPLE,
  );
  const flags =
    lineFlags.input |
    lineFlags.edgeRising |
    lineFlags.edgeFalling |
    biases[pull] |
    (active === "low" ? lineFlags.activeLow : 0n);
  return takePlace(driver, place, parsed.place, { flags, debounceUs: DEBOUNCE_US }, kernel);
};

/** The presses of a button. Disposing waits until its line is free; abort the signal first. */
export interface Button extends Inputs, AsyncDisposable {}

/**
 * The presses of a button on a GPIO line until `signal` is aborted; `address` is `GPIO3` (to ground, with the chip's own
 * pull-up), with `?active=high` and `?pull=up|down|none` for others. Under 3 s is a press, under 10 s a long one, else a
 * very long one. A button that is not there (yet) is told to `failed` once and looked for again, less and less often.
 * Throws SETTINGS_INVALID for an address that cannot be meant.
 */
export const openButton = (
  address: string,
  { clock, failed }: { readonly clock: Clock; readonly failed: (fault: AgentError) => void },
  signal: AbortSignal,
  kernel: GpioKernel = linuxGpio,
): Button => {
  const waiting: Input[] = [];
  let wake = Promise.withResolvers<void>();

  const listen = async (line: GpioLine): Promise<void> => {
    let held: Held = null;
    const lost = Promise.withResolvers<never>();
    const ended = Promise.withResolvers<void>();
    const onAbort = (): void => ended.resolve();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      using _edges = line.edges((edges) => {
        for (const edge of edges) {
          const after = afterEdge(held, edge);
          held = after.held;
          if (after.input !== null && waiting.length < MAX_WAITING) waiting.push(after.input);
        }
        wake.resolve();
      }, lost.reject);
      await Promise.race([ended.promise, lost.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };

  const live = async (first: GpioLine | null): Promise<void> => {
    for (let line = first, failures = 0; !signal.aborted; line = null) {
      try {
        using taken = line ?? take(address, kernel);
        failures = 0;
        await listen(taken);
      } catch (error) {
        failures += 1;
        if (failures === 1) failed(asLightFault(error));
        await clock.sleep(retryPauseMs(failures), signal).catch(() => undefined);
      }
    }
    wake.resolve();
  };

  const begin = (): GpioLine | null => {
    try {
      return take(address, kernel);
    } catch (error) {
      const fault = asLightFault(error);
      if (fault.cause !== error) return null;
      throw error;
    }
  };

  const lived = signal.aborted ? Promise.resolve() : live(begin());
  return {
    [Symbol.asyncDispose]: () => lived,
    async *[Symbol.asyncIterator]() {
      while (!signal.aborted) {
        const input = waiting.shift();
        if (input !== undefined) yield input;
        else {
          wake = Promise.withResolvers<void>();
          await wake.promise;
        }
      }
    },
  };
};
