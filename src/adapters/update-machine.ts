// The machine around an update: systemd, and programs that are asked as the service's own account.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";
import type { Health, Machine } from "../update/apply.ts";

const run = promisify(execFile);

/** A program that is asked for its version, or how it is, in milliseconds; a slow board starts it in seconds. */
const ANSWER_MS = 60_000;
/** systemd answers a restart when the service is ready. */
const RESTART_MS = 200_000;
const MOST_OUTPUT = 1024 * 1024;
const UNIT = "porchlight.service";

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** What `porchlight status --json` says; null when no agent answered, or not in a way that is understood. */
export const readHealth = (text: string): Health | null => {
  const raw = parsed(text);
  if (!isRecord(raw) || raw.running !== true || !Array.isArray(raw.lights)) return null;
  const lights = raw.lights.filter(isRecord).map(({ id, state, available }) => ({
    id: String(id),
    on: isRecord(state) && state.on === true,
    available: available === true,
  }));
  return {
    version: typeof raw.version === "string" ? raw.version : null,
    online: raw.state === "online",
    lights,
  };
};

const why = (error: unknown): string => {
  const { code, signal, stderr } = { code: "", signal: "", stderr: "", ...(error as object) };
  const said = String(stderr).trim().split("\n")[0] ?? "";
  if (said !== "") return said.slice(0, 500);
  return signal ? `it was ended by ${signal}` : `it ended with ${code}`;
};

/** The account that programs of the service run as. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
}

export const openMachine = (
  account: Account,
  env: Readonly<Record<string, string | undefined>>,
  systemctl = "systemctl",
): Machine => {
  const ask = async (program: string, args: readonly string[], signal: AbortSignal): Promise<string> => {
    const { stdout } = await run(program, [...args], {
      ...account,
      env: { ...env, HOME: "/var/lib/porchlight" },
      cwd: "/",
      timeout: ANSWER_MS,
      killSignal: "SIGKILL",
      maxBuffer: MOST_OUTPUT,
      signal,
    });
    return stdout;
  };
  const active = async (): Promise<boolean> => {
    const { stdout } = await run(systemctl, ["show", "--value", "-p", "ActiveState", UNIT], {
      timeout: ANSWER_MS,
    });
    return !["inactive", "failed"].includes(stdout.trim());
  };
  return {
    async probe(program, signal) {
      const unfit = (error: unknown): AgentError => {
        signal.throwIfAborted();
        return new AgentError("UPDATE_UNFIT", `the new program does not run here: ${why(error)}`, {
          cause: error,
        });
      };
      const raw = parsed(
        await ask(program, ["version", "--json"], signal).catch((error: unknown) => {
          throw unfit(error);
        }),
      );
      if (!isRecord(raw) || typeof raw.porchlight !== "string")
        throw new AgentError("UPDATE_UNFIT", "the new program does not say which version it is");
      // The secrets that settings point to are there while the service runs.
      if (await active())
        await ask(program, ["settings", "check"], signal).catch((error: unknown) => {
          signal.throwIfAborted();
          throw new AgentError(
            "UPDATE_UNFIT",
            `the new version does not take this board's settings: ${why(error)}`,
            { cause: error },
          );
        });
      return { version: raw.porchlight };
    },
    async health(program, signal) {
      return ask(program, ["status", "--json"], signal).then(readHealth, () => {
        signal.throwIfAborted();
        return null;
      });
    },
    active,
    async restart() {
      await run(systemctl, ["restart", UNIT], { timeout: RESTART_MS }).catch(() => undefined);
    },
  };
};
