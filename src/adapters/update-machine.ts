// The machine around an update: systemd, and programs that are asked as the service's own account.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";
import type { Machine } from "../update/apply.ts";
import type { Health } from "../update/health.ts";
import { type Account, type Ran, runAs } from "./as-account.ts";

const run = promisify(execFile);

/** A program that is asked for its version, or how it is, in milliseconds; a slow board starts it in seconds. */
const ANSWER_MS = 60_000;
/** systemd answers a restart when the service is ready, and a stop when it has ended: the unit's TimeoutStopSec= and TimeoutStartSec=. */
export const RESTART_MS = 200_000;
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

const why = ({ code, signal, stderr }: Ran): string => {
  const said = stderr.trim().split("\n")[0] ?? "";
  if (said !== "") return said.slice(0, 500);
  return signal === null ? `it ended with ${code}` : `it was ended by ${signal}`;
};

export const openMachine = (
  account: Account,
  env: Readonly<Record<string, string | undefined>>,
  systemctl = "systemctl",
): Machine => {
  const ask = (program: string, args: readonly string[], signal: AbortSignal): Promise<Ran> =>
    runAs(account, [program, ...args], { env, limitMs: ANSWER_MS }, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      return { code: null, signal: null, stdout: "", stderr: String(error) };
    });
  const active = async (): Promise<boolean> => {
    const { stdout } = await run(systemctl, ["show", "--value", "-p", "ActiveState", UNIT], {
      timeout: ANSWER_MS,
    });
    return !["inactive", "failed"].includes(stdout.trim());
  };
  return {
    async probe(program, signal) {
      const said = await ask(program, ["version", "--json"], signal);
      if (said.code !== 0)
        throw new AgentError("UPDATE_UNFIT", `the new program does not run here: ${why(said)}`);
      const raw = parsed(said.stdout);
      if (!isRecord(raw) || typeof raw.porchlight !== "string")
        throw new AgentError("UPDATE_UNFIT", "the new program does not say which version it is");
      // While it is stopped nothing hangs on them, and older programs miss the credentials that they name.
      if (await active()) {
        const checked = await ask(program, ["settings", "check"], signal);
        if (checked.code !== 0)
          throw new AgentError(
            "UPDATE_UNFIT",
            `the new version does not take this board's settings: ${why(checked)}`,
          );
      }
      return { version: raw.porchlight };
    },
    async health(program, signal) {
      const said = await ask(program, ["status", "--json"], signal);
      return said.code === 0 ? readHealth(said.stdout) : null;
    },
    active,
    async restart() {
      await run(systemctl, ["restart", UNIT], { timeout: RESTART_MS }).catch(() => undefined);
    },
  };
};
