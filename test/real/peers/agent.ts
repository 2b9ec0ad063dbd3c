import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { AgentEvent } from "../../../src/model.ts";
import type { EpochMs } from "../../../src/units.ts";
import { within } from "./scratch.ts";

const root = join(import.meta.dirname, "..", "..", "..");

/** The program as it is shipped; `PORCHLIGHT_COMMAND=source` tests src/main.ts instead. */
const program =
  process.env.PORCHLIGHT_COMMAND === "source"
    ? { command: process.execPath, script: ["src/main.ts"] }
    : { command: join(root, `dist/porchlight-linux-${process.arch}`), script: [] };

type Name = AgentEvent["event"];

type Printed<T> = T extends EpochMs ? string : T;

/** An event as it stands on the line: moments are ISO 8601 texts. */
export type PrintedEvent<N extends Name = Name> = { readonly event: N; readonly at: string } & {
  readonly [F in Exclude<keyof EventOf<N>, "event">]: Printed<EventOf<N>[F]>;
};
type EventOf<N extends Name> = Extract<AgentEvent, { event: N }>;
type AnyPrinted = { readonly [N in Name]: PrintedEvent<N> }[Name];

const isNamed = <N extends Name>(
  event: AnyPrinted | undefined,
  name: N,
): event is AnyPrinted & PrintedEvent<N> => event?.event === name;

export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

/** The command as a child process. */
export interface Running extends AsyncDisposable {
  readonly pid: number;
  readonly ended: Promise<Ending>;
  /** Everything printed so far, stdout and stderr. */
  output(): string;
  stdout(): string;
  kill(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): void;
  /** The exit, which must come within `limitMs`. */
  end(limitMs?: number): Promise<Ending>;
}

/** `porchlight run --json` as a child process. */
export interface RunningAgent extends Running {
  readonly events: readonly AnyPrinted[];
  /** The next event of that name (after the one found before) that fits. */
  next<N extends Name>(
    name: N,
    fits?: (event: PrintedEvent<N>) => boolean,
    limitMs?: number,
  ): Promise<PrintedEvent<N>>;
}

const EVENT_LIMIT_MS = 20_000;
const END_LIMIT_MS = 10_000;

const start = (args: readonly string[]): { child: ChildProcess; running: Running } => {
  if (!existsSync(program.command)) throw new Error(`${program.command} is missing: npm run build`);
  const environment = { ...process.env };
  for (const name of Object.keys(environment))
    if (/^(PORCHLIGHT_|NODE_OPTIONS|VITEST|XDG_|.*_PROXY$)/i.test(name)) delete environment[name];
  const child = spawn(program.command, [...program.script.map((file) => join(root, file)), ...args], {
    env: environment,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  const ended = new Promise<Ending>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal }));
  });
  ended.catch(() => undefined);
  const end = (limitMs = END_LIMIT_MS): Promise<Ending> =>
    within(limitMs, () => `porchlight ${args[0]} ends; it printed:\n${output}`, ended);
  return {
    child,
    running: {
      pid: child.pid ?? 0,
      ended,
      output: () => output,
      stdout: () => stdout,
      kill: (signal) => child.kill(signal),
      end,
      async [Symbol.asyncDispose]() {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill("SIGKILL");
        await end();
      },
    },
  };
};

/** `porchlight <args>`, for commands that end by themselves. */
export const startCommand = (...args: readonly string[]): Running => start(args).running;

/** Starts `porchlight run --json --settings <file>`. */
export const startAgent = (settingsFile: string): RunningAgent => {
  const { child, running } = start(["run", "--json", "--settings", settingsFile]);
  if (child.stdout === null) throw new Error("stdout is a pipe");
  const events: AnyPrinted[] = [];
  const notJson: string[] = [];
  const listeners = new Set<() => void>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    try {
      events.push(JSON.parse(line));
    } catch {
      notJson.push(line);
    }
    for (const listener of listeners) listener();
  });
  let seen = 0;
  return {
    ...running,
    events,
    async next(name, fits = () => true, limitMs = EVENT_LIMIT_MS) {
      const found = Promise.withResolvers<PrintedEvent<typeof name>>();
      const look = (): void => {
        if (notJson.length > 0) found.reject(new Error(`not JSON on stdout: ${notJson[0]}`));
        for (; seen < events.length; seen++) {
          const event = events[seen];
          if (isNamed(event, name) && fits(event)) {
            seen++;
            // At once: more lines may come before whoever waits goes on, and they are for the next one to look at.
            listeners.delete(look);
            found.resolve(event);
            return;
          }
        }
      };
      listeners.add(look);
      running.ended.then(
        ({ code, signal }) => {
          look();
          found.reject(
            new Error(`ended (${code ?? signal}) without ${name}; it printed:\n${running.output()}`),
          );
        },
        (error: unknown) => found.reject(error),
      );
      look();
      try {
        return await within(limitMs, () => `event ${name}; it printed:\n${running.output()}`, found.promise);
      } finally {
        listeners.delete(look);
      }
    },
  };
};
