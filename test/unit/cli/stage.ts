import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { program } from "../../../src/cli/program.ts";

/** What a command wrote, and how it ended. */
export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface Stage extends AsyncDisposable {
  readonly dir: string;
  readonly stateDir: string;
  readonly settingsPath: string;
  /** Runs a command to its end, with the stage's settings file in the environment. */
  run(
    args: readonly string[],
    options?: { env?: Readonly<Record<string, string>>; input?: string },
  ): Promise<Outcome>;
  /** Starts a command; `written` grows while it runs. */
  start(
    args: readonly string[],
    options?: { env?: Readonly<Record<string, string>>; tty?: boolean; keys?: boolean | "terminal" },
  ): Started;
}

export interface Started {
  readonly done: Promise<number>;
  readonly written: { out: string; err: string };
  readonly stdin: PassThrough;
  /** Resolves as soon as standard output or error holds `text`. */
  until(text: string): Promise<void>;
}

/** A settings file that is complete: an org nobody answers for, a lamp in memory, no display. */
export const completeSettings = (stateDir: string) => ({
  device: { id: "porch-1", name: "Porch", serial: "1" },
  org: { url: "http://127.0.0.1:9", clientId: "client" },
  broker: { url: "mqtt://127.0.0.1:9" },
  lights: [
    { id: "main", name: "Porch", driver: "memory:" },
    { id: "hall", driver: "memory:rgb" },
  ],
  display: "none",
  state: { dir: stateDir },
});

/** A folder with a settings file, and the program to run in it. */
export const openStage = async (settings?: object | string | null): Promise<Stage> => {
  const dir = await mkdtemp(join(tmpdir(), "porchlight-cli-"));
  const stateDir = join(dir, "state");
  const settingsPath = join(dir, "settings.json");
  const content = settings === undefined ? completeSettings(stateDir) : settings;
  if (content !== null)
    await writeFile(settingsPath, typeof content === "string" ? content : JSON.stringify(content));
  const home = { PORCHLIGHT_SETTINGS: settingsPath, NO_COLOR: "1" };

  const start: Stage["start"] = (args, { env = {}, tty = false, keys = false } = {}) => {
    const written = { out: "", err: "" };
    const listeners = new Set<() => void>();
    const sink = (name: "out" | "err") => ({
      isTTY: tty,
      write(text: string): boolean {
        written[name] += text;
        for (const listener of listeners) listener();
        return true;
      },
    });
    const stdin = Object.assign(new PassThrough(), keys === "terminal" ? { isTTY: true } : {});
    const done = program(args, {
      env: { ...home, ...env },
      stdin,
      keys: keys === false ? null : stdin,
      stdout: sink("out"),
      stderr: sink("err"),
    });
    const until = (text: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (`${written.out}\n${written.err}`.includes(text)) resolve();
        };
        listeners.add(look);
        look();
        void done.then((code) => reject(new Error(`ended with ${code}: ${written.err}`)), reject);
      });
    return { done, written, stdin, until };
  };

  return {
    dir,
    stateDir,
    settingsPath,
    start,
    async run(args, { env = {}, input } = {}) {
      const started = start(args, { env });
      if (input !== undefined) started.stdin.end(input);
      const code = await started.done;
      return { code, ...started.written };
    },
    async [Symbol.asyncDispose]() {
      await rm(dir, { recursive: true, force: true });
    },
  };
};
