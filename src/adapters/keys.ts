import type { Readable } from "node:stream";
import type { Input, Inputs } from "../ports.ts";

/** Where keys come from: `process.stdin`, whatever it is connected to. */
export interface KeyStream extends Readable {
  readonly isTTY?: boolean;
  /** Only on a terminal. */
  setRawMode?(on: boolean): unknown;
}

/** Terminals send these for Enter, space and n. */
const PRESS = new Set(["\r", "\n", " ", "n", "N"]);
/** Capital P, as on a shift key held down: the long press of a board's button. */
const LONG_PRESS = new Set(["P"]);
/** And O, as in out: the very long press, which signs the board out. */
const VERY_LONG_PRESS = new Set(["O"]);
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const CTRL_Z = "\u001a";
/** More presses than this wait for nobody. */
const MAX_WAITING = 8;

/** What a key does; null for any other. */
const inputOf = (key: string): Input | null => {
  if (PRESS.has(key)) return "press";
  if (VERY_LONG_PRESS.has(key)) return "veryLongPress";
  return LONG_PRESS.has(key) ? "longPress" : null;
};

/**
 * Keys of the terminal as presses of the board's button: Enter, space or n for a press, P for a long one, O for a very long one. In raw mode
 * the terminal no longer makes signals of Ctrl-C, Ctrl-D and Ctrl-Z, so `interrupt` is called instead. Without a
 * terminal there are no presses. The terminal is as before when `signal` is aborted.
 */
export const openKeys = (
  stdin: KeyStream | null,
  interrupt: (name: "SIGINT" | "SIGTSTP") => void,
  signal: AbortSignal,
): Inputs => {
  const waiting: Input[] = [];
  let wake = Promise.withResolvers<void>();
  const onData = (chunk: Buffer | string): void => {
    for (const key of chunk.toString()) {
      if (key === CTRL_C || key === CTRL_D) interrupt("SIGINT");
      else if (key === CTRL_Z) interrupt("SIGTSTP");
      const input = inputOf(key);
      if (input !== null && waiting.length < MAX_WAITING) waiting.push(input);
    }
    wake.resolve();
  };
  const close = (): void => {
    stdin?.off("data", onData);
    stdin?.off("error", close);
    if (stdin?.isTTY && !stdin.destroyed) stdin.setRawMode?.(false);
    stdin?.pause();
    wake.resolve();
  };
  if (stdin?.isTTY && !signal.aborted) {
    stdin.setRawMode?.(true);
    stdin.on("data", onData);
    stdin.on("error", close);
    signal.addEventListener("abort", close, { once: true });
  } else signal.addEventListener("abort", () => wake.resolve(), { once: true });

  return {
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
