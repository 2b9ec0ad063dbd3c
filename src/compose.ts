// Puts the agent together: settings and surroundings in, exit code out. `cli/run.ts` calls it with the real
// world, `cli/sim.ts` and the tests with a simulated one. Nothing else knows all the parts.

import type { Duplex } from "node:stream";
import type { Settings } from "./agent/settings.ts";
import type { Clock, Controls, Display, Http, Inputs, Journal, OpenDriver, Random, Vault } from "./ports.ts";

/** Everything around the agent that differs between a board, a test and the simulator. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  readonly vault: Vault;
  readonly journal: Journal;
  readonly display: Display;
  readonly inputs: Inputs;
  readonly controls: Controls;
  /** Light drivers by the word before the colon, added to the built-in ones. */
  readonly drivers: Readonly<Record<string, OpenDriver>>;
  /** A connected byte stream to the broker; the default opens TCP, TLS or WebSocket by the URL. */
  readonly openStream?: (url: URL, signal: AbortSignal) => Promise<Duplex>;
  readonly version: string;
}

/**
 * Runs the agent until `signal` is aborted or it must stop; resolves with the exit code.
 * When it resolves, nothing is left open: no timer, socket, listener or lock.
 */
export const runAgent = async (
  _settings: Settings,
  _around: Surroundings,
  _signal: AbortSignal,
): Promise<number> => {
  throw new Error("being written");
};
