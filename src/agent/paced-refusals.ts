// What strangers send is told once a minute: whoever can publish many commands is not to fill the log.

import type { ErrorCode } from "../errors.ts";
import type { Clock, Journal } from "../ports.ts";

/** Refusals with the same code within so long of a line are counted, in milliseconds. */
const WINDOW_MS = 60_000;

/** Tells of a refusal for a lamp: at once, or as one of a number when the minute is over. */
export type TellRefusal = (id: string | null, light: string, code: ErrorCode) => void;

/** `signal` ends it; what was counted until then is told. */
export const createPacedRefusals = (clock: Clock, journal: Journal, signal: AbortSignal): TellRefusal => {
  /** By code: how many since the last line, and the lamp of the last. */
  const windows = new Map<ErrorCode, { more: number; light: string }>();

  const watch = async (code: ErrorCode, window: { more: number; light: string }): Promise<void> => {
    do {
      window.more = 0;
      await clock.sleep(WINDOW_MS, signal).catch(() => undefined);
      if (window.more > 0)
        journal.record({ event: "refused", id: null, code, light: window.light, count: window.more });
    } while (window.more > 0 && !signal.aborted);
    windows.delete(code);
  };

  return (id, light, code) => {
    const window = windows.get(code);
    if (window !== undefined) {
      window.more += 1;
      window.light = light;
      return;
    }
    journal.record({ event: "refused", id, code, light });
    const opened = { more: 0, light };
    windows.set(code, opened);
    void watch(code, opened);
  };
};
