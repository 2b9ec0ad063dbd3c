// Mistakes in the settings on the board's own display, for a board that nobody can type on.

import { existsSync, writeFileSync } from "node:fs";
import type { ServiceManager } from "../adapters/service-manager.ts";
import type { AgentError } from "../errors.ts";
import { openDisplay } from "../hal/displays/open.ts";
import type { TerminalStream } from "../hal/displays/terminal.ts";
import type { View } from "../model.ts";
import type { Clock, Display } from "../ports.ts";
import type { Io } from "./command.ts";

/** What a board may have to show something on. */
export const boardScreens = { framebuffer: "/dev/fb0", console: "/dev/console" } as const;
/** The driver of a screen may still be loading, in milliseconds. */
const PATIENCE_MS = 5_000;
const PAUSE_MS = 1_000;
/** A serial console does not say how wide it is; nearly all are this wide, less the last column. */
const CONSOLE_COLUMNS = 79;

/** The text console, printed to below what is there. */
const consoleStream = (path: string): TerminalStream => ({
  columns: CONSOLE_COLUMNS,
  write(text) {
    writeFileSync(path, text.replaceAll("\n", "\r\n"), { flag: "a" });
    return true;
  },
});

/** The display that the settings name, where it is one of the board's own; else undefined: whatever there is. */
const boardDisplay = (named: string | undefined): string | undefined =>
  named === "terminal" ? undefined : named;

export interface Showing {
  readonly view: View;
  /** The display of the settings, as far as they name one. */
  readonly display: string | undefined;
  readonly screens: { readonly framebuffer: string; readonly console: string };
  readonly clock: Clock;
  readonly io: Pick<Io, "env" | "stderr">;
  readonly manager: ServiceManager;
  /** True once there is nothing to show any more. */
  readonly settled: () => Promise<boolean>;
}

/** Shows `view` until it is settled or `signal` is aborted. */
export const showMistakes = async (showing: Showing, signal: AbortSignal): Promise<void> => {
  const { view, screens, clock, io, manager, settled } = showing;
  const pause = (): Promise<void> => clock.sleep(PAUSE_MS, signal).catch(() => undefined);
  const named = boardDisplay(showing.display);
  const attended = io.stderr.isTTY === true;
  if (named === undefined && !attended)
    for (
      let waited = 0;
      !existsSync(screens.framebuffer) && waited < PATIENCE_MS && !signal.aborted;
      waited += PAUSE_MS
    )
      await pause();
  const found = existsSync(screens.framebuffer) ? `framebuffer:${screens.framebuffer}` : "terminal";
  const ports = {
    clock,
    env: io.env,
    out: attended ? io.stderr : consoleStream(screens.console),
    failed: ({ message }: AgentError) => void io.stderr.write(`${message}\n`),
  };
  const never = new AbortController().signal;
  const open = (spec: string): Promise<Display> => openDisplay(spec, ports, never);
  // A display that nobody has may be the very mistake.
  await using display = await open(named ?? found).catch(() => open(found));
  manager.watch(display).show(view);
  while (!signal.aborted && !(await settled())) await pause();
};
