// What every examination of `porchlight doctor` is given.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { askAgent } from "../adapters/control.ts";
import type { StatusAnswer } from "../adapters/control-answers.ts";
import { createHttp, type OrgHttp } from "../adapters/http.ts";
import { readNamedText } from "../adapters/settings-file.ts";
import type { Settings } from "../agent/settings.ts";
import type { Check } from "../doctor/check.ts";
import type { Vault } from "../ports.ts";
import type { Arguments, Io } from "./command.ts";
import { openState } from "./org-session.ts";
import { userAgent } from "./run.ts";

/** For each request and connection, in milliseconds: somebody is waiting at the terminal. */
export const PATIENCE_MS = 15_000;
/** For a program of the system, in milliseconds. */
const TOOL_MS = 5_000;
const MOST_OUTPUT = 1024 * 1024;

/** The board that is examined. */
export interface Board {
  readonly args: Arguments;
  readonly io: Io;
  readonly settings: Settings;
  /** Credentials that the settings name and that are not here. */
  readonly unread: readonly string[];
}

/** Yields what it finds; may throw AgentError when it cannot even begin. */
export type Examine = (board: Board, signal: AbortSignal) => AsyncGenerator<Check, void>;

/** What the agent that runs with the board's state folder says; undefined when none does. Throws as `askAgent`. */
export const agentOf = (
  { settings }: Pick<Board, "settings">,
  signal: AbortSignal,
): Promise<StatusAnswer | undefined> =>
  within(
    PATIENCE_MS,
    (limited) => askAgent(settings.state.dir, { ask: "status" }, limited),
    () => undefined,
    signal,
  );

/** The state folder, where there is one: looking must not make it. */
export const stateOf = async ({ settings, io }: Board): Promise<Vault | null> =>
  existsSync(settings.state.dir) ? await openState(settings, io.env) : null;

/** HTTP as the agent has it, but impatient. Throws SETTINGS_INVALID. */
export const clientOf = async ({ settings, io }: Board): Promise<OrgHttp> => {
  const ca = settings.org.ca === null ? null : await readNamedText(settings.org.ca);
  return createHttp({ ca, env: io.env, userAgent, timeoutMs: PATIENCE_MS });
};

/** `work`, or what `late` gives (or throws) after so many milliseconds; rejects with the signal's reason. */
export const within = async <T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  late: () => T,
  signal: AbortSignal,
): Promise<T> => {
  signal.throwIfAborted();
  const limited = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
  const ended = Promise.withResolvers<never>();
  const onAbort = (): void => ended.reject(limited.reason);
  limited.addEventListener("abort", onAbort, { once: true });
  try {
    // Not everything that is asked for can be broken off: a name that is looked up, for one.
    return await Promise.race([work(limited), ended.promise]);
  } catch (error) {
    signal.throwIfAborted();
    if (limited.aborted) return late();
    throw error;
  } finally {
    limited.removeEventListener("abort", onAbort);
  }
};

const run = promisify(execFile);

/** Standard output of a program of the system; null where it is not there, fails or takes too long. */
export const toolOutput = async (
  { env }: Pick<Io, "env">,
  [program = "", ...args]: readonly string[],
  signal: AbortSignal,
): Promise<string | null> => {
  try {
    const limits = { timeout: TOOL_MS, maxBuffer: MOST_OUTPUT, signal };
    const { stdout } = await run(program, args, { ...limits, env: { ...env, LC_ALL: "C.UTF-8" } });
    return stdout;
  } catch {
    signal.throwIfAborted();
    return null;
  }
};
