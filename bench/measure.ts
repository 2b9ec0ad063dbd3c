import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

/** The value below which `share` (0..1) of the values lie; nearest rank. */
export const quantile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const value = sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
};

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The environment of a process under test: nothing of the caller's that could change a start. */
export const plainEnvironment = (extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  ...extra,
});

/** Starts `node ARGS`; see startProgram. */
export const startNode = (args: readonly string[]): { child: ChildProcess; printed: () => string } =>
  startProgram(process.execPath, args);

/** Starts a program with nothing on stdin; what it prints is kept for an error message. */
export const startProgram = (
  command: string,
  args: readonly string[],
): { child: ChildProcess; printed: () => string } => {
  let printed = "";
  const child = spawn(command, args, { env: plainEnvironment(), stdio: ["ignore", "pipe", "pipe"] });
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => {
      printed = `${printed}${chunk.toString()}`.slice(-20_000);
    });
  return { child, printed: () => printed };
};

export const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve(child.exitCode);
      return;
    }
    child.once("error", reject);
    child.once("close", resolve);
  });

/** Ends a process that may be gone already. */
export const stop = async (child: ChildProcess, signal: "SIGTERM" | "SIGKILL" = "SIGKILL"): Promise<void> => {
  const end = ended(child);
  child.kill(signal);
  await end;
};

/** Looks until `look` gives something; fails with what `printed` says after `limitMs`. */
export const eventually = async <T>(
  what: string,
  look: () => T | undefined,
  printed: () => string,
  limitMs = 30_000,
): Promise<T> => {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}\n${printed()}`);
    await sleep(5);
  }
};

/**
 * Drops what the kernel has read of files, where this account may: a file that was just written lies in larger pieces in
 * memory than one that was read, and a process that uses a little of a piece is charged with all of it. True when done.
 */
export const dropCaches = (): boolean => {
  execFileSync("sync");
  try {
    writeFileSync("/proc/sys/vm/drop_caches", "3");
    return true;
  } catch {
    return false;
  }
};

/** Memory of a process, in bytes (proc(5), smaps_rollup). */
export interface Memory {
  /** Proportional set size: shared pages count by share. */
  readonly pss: number;
  /** Resident set size. */
  readonly rss: number;
  /** Memory that belongs to it alone and is no file's: what cannot be dropped. */
  readonly anonymous: number;
}

/** Linux only. */
export const memoryOf = (pid: number): Memory => memoryIn(readFileSync(`/proc/${pid}/smaps_rollup`, "utf8"));

/** What a text of smaps_rollup says. */
export const memoryIn = (text: string): Memory => {
  const field = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text);
    if (match === null) throw new Error(`smaps_rollup has no ${name}`);
    return Number(match[1]) * 1024;
  };
  return { pss: field("Pss"), rss: field("Rss"), anonymous: field("Anonymous") };
};
