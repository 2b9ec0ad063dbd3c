// Brings the assertion that a board signs in with, from a file or a program that the settings name. Loaded when such a
// board signs in: most never do.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { constants } from "node:fs";
import type { Readable } from "node:stream";
import type { Settings } from "../agent/settings.ts";
import { AgentError } from "../errors.ts";
import { close, fstat, open, read } from "./files.ts";
import { plainLine, redact } from "./redact.ts";
import { why } from "./settings-file.ts";

/** 64 KiB of XML in base64, in lines. In bytes. */
const MAX_ASSERTION = 96 * 1024;
/** What a program may say about itself before it is ended, and the most of it that is told, in characters. */
const MAX_SAID = 1024 * 1024;
const MAX_TOLD = 160;

/** How long a program may take, in milliseconds. */
const LIMIT_MS = 30_000;
/** For what it printed last, after it has ended, in milliseconds. */
const LAST_WORDS_MS = 500;

/** How to find programs, proxies, and the secrets that systemd gives the service. */
const PASSED = /^(?:PATH|HOME|LANG|TZ|CREDENTIALS_DIRECTORY|(?:https?|no)_proxy)$/i;

const smallEnv = (env: Readonly<Record<string, string | undefined>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value !== undefined && PASSED.test(name) ? [[name, value]] : [],
    ),
  );

/** Throws AgentError where it is no plain file or too large, and what the system throws. */
const readPlainFile = async (path: string, unreadable: (what: string) => AgentError): Promise<Uint8Array> => {
  // Without waiting, not even for a pipe that nobody writes to.
  const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = await fstat(handle);
    if (!stat.isFile()) throw unreadable(stat.isDirectory() ? "is a folder" : "is no plain file");
    // Its length may have changed since, or be told wrong as in /proc.
    const bytes = Buffer.alloc(MAX_ASSERTION + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await read(handle, bytes, length, bytes.length - length, null);
      length += bytesRead;
      if (length > MAX_ASSERTION) throw unreadable(`has more than ${MAX_ASSERTION / 1024} KiB`);
      if (bytesRead === 0) return bytes.subarray(0, length);
    }
  } finally {
    await close(handle);
  }
};

const readFile = (path: string): Promise<Uint8Array> => {
  const unreadable = (what: string, cause?: unknown): AgentError =>
    new AgentError("ASSERTION_UNREADABLE", `${path} ${what}`, { cause });
  return readPlainFile(path, unreadable).catch((error: unknown) => {
    throw error instanceof AgentError ? error : unreadable(why(error), error);
  });
};

/** The program, and what it has started, unless that has left its group. */
const kill = (group: number): void => {
  try {
    process.kill(-group, "SIGKILL");
  } catch {
    // All have ended.
  }
};

/**
 * What a program prints. It gets a session of its own, nothing to read and a small environment; when it has printed too much, or
 * said too much, or taken too long, it is ended. Throws ASSERTION_COMMAND_FAILED, or the signal's reason.
 */
const runCommand = async (
  [program = "", ...args]: readonly string[],
  { env, limitMs }: { readonly env: Record<string, string>; readonly limitMs: number },
  signal: AbortSignal,
): Promise<Uint8Array> => {
  signal.throwIfAborted();
  const failed = (what: string): AgentError =>
    new AgentError("ASSERTION_COMMAND_FAILED", `${program} ${what}`);
  const unstarted = ({ code }: NodeJS.ErrnoException): AgentError => failed(`cannot be started (${code})`);
  const ended = Promise.withResolvers<Buffer>();
  const child = ((): ChildProcessByStdio<null, Readable, Readable> => {
    try {
      return spawn(program, args, { env, cwd: "/", detached: true, stdio: ["ignore", "pipe", "pipe"] });
    } catch (error) {
      // What Node does not tell by an event: a path through a file, arguments that are too long.
      throw unstarted(error as NodeJS.ErrnoException);
    }
  })();
  child.on("error", (error: NodeJS.ErrnoException) => ended.reject(unstarted(error)));
  // That comes soon; there may be no pipes to listen to.
  const { pid, stdout, stderr } = child;
  if (pid === undefined) return ended.promise;
  const end = (reason: unknown): void => {
    ended.reject(reason);
    kill(pid);
  };
  const late = setTimeout(() => end(failed(`takes longer than ${limitMs / 1000} s`)), limitMs);
  const onAbort = (): void => end(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });

  const printed: Buffer[] = [];
  let [length, heard, said] = [0, 0, ""];
  stdout.on("data", (chunk: Buffer) => {
    length += chunk.length;
    if (length > MAX_ASSERTION) end(failed(`prints more than ${MAX_ASSERTION / 1024} KiB`));
    else printed.push(chunk);
  });
  stderr.setEncoding("utf8");
  stderr.on("data", (chunk: string) => {
    heard += chunk.length;
    if (said.length < 4096) said += chunk.slice(0, 4096);
    if (heard > MAX_SAID) end(failed("says more than 1 MiB on its standard error"));
  });
  let lastWords: NodeJS.Timeout | undefined;
  const conclude = (code: number | null, by: string | null): void => {
    if (code === 0) {
      ended.resolve(Buffer.concat(printed));
      return;
    }
    const [line = ""] = said.split("\n").filter((each) => each.trim() !== "");
    const told = plainLine(redact(line)).slice(0, MAX_TOLD);
    const how = by === null ? `ended with ${code}` : `was ended by ${by}`;
    ended.reject(failed(told === "" ? how : `${how} and said: ${told}`));
  };
  child.on("exit", (code, by) => {
    // What it left running in its group holds the pipes open; what has left the group may not keep anybody waiting.
    kill(pid);
    lastWords = setTimeout(() => conclude(code, by), LAST_WORDS_MS);
  });
  child.on("close", conclude);
  try {
    return await ended.promise;
  } finally {
    clearTimeout(late);
    clearTimeout(lastWords);
    // One that was killed ends later than this, and nobody asks how.
    child.removeAllListeners("exit").removeAllListeners("close");
    signal.removeEventListener("abort", onAbort);
    stdout.destroy();
    stderr.destroy();
  }
};

/** What `org.assertion` names, as it is now. Throws ASSERTION_UNREADABLE, ASSERTION_COMMAND_FAILED. */
export const fetchAssertion = (
  { file, command }: Settings["org"]["assertion"],
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
  limitMs = LIMIT_MS,
): Promise<Uint8Array> =>
  command === null ? readFile(file ?? "") : runCommand(command, { env: smallEnv(env), limitMs }, signal);
