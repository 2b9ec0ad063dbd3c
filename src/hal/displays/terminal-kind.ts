// What a terminal can do, by its environment; and how it is left where the program ends at once.

import type { TerminalEnvironment, TerminalPorts } from "./terminal.ts";

export const SHOW_CURSOR = "\x1b[?25h";

/** Not an empty variable: POSIX takes an empty one as not set, and so does no-color.org. */
export const set = (value: string | undefined): string | undefined => (value === "" ? undefined : value);

/** What the terminal calls itself. Windows Terminal sets neither TERM nor LANG; it understands everything. */
export const termOf = ({ TERM, WT_SESSION }: TerminalEnvironment): string =>
  set(TERM) ?? (set(WT_SESSION) !== undefined ? "xterm-256color" : "dumb");

/** True where the cursor can be moved: a terminal, and not a dumb one. */
export const isLive = ({ out, env }: Pick<TerminalPorts, "out" | "env">): boolean =>
  out.isTTY === true && termOf(env) !== "dumb";

/** Gives a terminal its cursor back where nobody closes the display, because the program ends at once. */
export const leaveTerminal = (ports: Pick<TerminalPorts, "out" | "env">): void => {
  if (isLive(ports)) ports.out.write(SHOW_CURSOR);
};
