// Programs that root has another account run. Nothing of root's reaches them: a session of their own (on root's terminal a
// program can type for root, tty_ioctl(4) TIOCSTI), pipes instead of that terminal, and a small environment.

import { spawn } from "node:child_process";

/** An account by its numbers; null: the one that runs this. */
export type Account = { readonly uid: number; readonly gid: number } | null;

export interface Ran {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** What a program of the service needs of the environment: how to find programs, settings, proxies, credentials. */
const PASSED = /^(?:PATH|LANG|NO_COLOR|CREDENTIALS_DIRECTORY|(?:https?|no)_proxy|PORCHLIGHT_\w+)$/i;

const smallEnv = (env: Env): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && PASSED.test(name) ? [[name, value]] : [],
    ),
  ),
  HOME: "/var/lib/porchlight",
});

/** What is kept of an output, in characters. */
const MOST_OUTPUT = 1024 * 1024;

/** Runs a program to its end, at most `limitMs`. Rejects only when it cannot be started, or with the signal's reason. */
export const runAs = (
  account: Account,
  [command = "", ...args]: readonly string[],
  options: {
    readonly env: Env;
    readonly limitMs: number;
    /** Hears what it says on standard error, as it comes. */
    readonly said?: (text: string) => void;
    readonly started?: (pid: number) => void;
  },
  signal: AbortSignal,
): Promise<Ran> =>
  new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const child = spawn(command, args, {
      ...account,
      env: smallEnv(options.env),
      cwd: "/",
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.limitMs,
      killSignal: "SIGKILL",
    });
    const onAbort = (): void => void child.kill("SIGKILL");
    signal.addEventListener("abort", onAbort, { once: true });
    const kept = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8");
      child[name].on("data", (chunk: string) => {
        if (kept[name].length < MOST_OUTPUT) kept[name] += chunk;
        if (name === "stderr") options.said?.(chunk);
      });
    }
    child.on("error", reject);
    child.on("close", (code, ending) => {
      signal.removeEventListener("abort", onAbort);
      if (signal.aborted) reject(signal.reason);
      else resolve({ code, signal: ending, ...kept });
    });
    if (child.pid !== undefined) options.started?.(child.pid);
  });
