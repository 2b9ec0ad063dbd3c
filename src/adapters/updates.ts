// Updates as the running agent sees them. Fetching is a process of its own: it needs memory and time that the lamp
// should not feel. Installing is root's: the agent leaves a file that systemd waits for (porchlight-update.path).

import { chmod, mkdir, writeFile } from "node:fs/promises";
import { setPriority } from "node:os";
import { join } from "node:path";
import { AgentError, type ErrorCode, errorTable } from "../errors.ts";
import type { Updates } from "../ports.ts";
import { fetchedPath, programsPath, REQUEST } from "../service/programs.ts";
import { readRecord } from "../update/programs.ts";
import { type Account, runAs } from "./as-account.ts";

/** How long a download may take, in milliseconds: 30 MB over a very slow line. */
const LIMIT_MS = 3 * 3_600_000;
/** Nicer than the lamp: nice(2). */
const PRIORITY = 10;

/** What `porchlight update fetch --json` writes: one line. */
export type FetchAnswer =
  | { readonly ok: true; readonly version: string; readonly ready: boolean }
  | { readonly ok: false; readonly code: ErrorCode; readonly detail: string | null };

/** Reads that line. Throws UPDATE_UNFIT for what makes no sense. */
export const readFetchAnswer = (text: string): FetchAnswer => {
  try {
    const raw: Partial<Record<string, unknown>> = JSON.parse(text);
    const { ok, version, ready, code, detail } = raw;
    if (ok === true && typeof version === "string" && typeof ready === "boolean")
      return { ok, version, ready };
    if (ok === false && typeof code === "string" && Object.hasOwn(errorTable, code))
      return { ok, code: code as ErrorCode, detail: typeof detail === "string" ? detail : null };
  } catch {
    // Told below.
  }
  throw new AgentError("UPDATE_UNFIT", "porchlight update fetch did not say what came of it");
};

/**
 * Has the first half of an update run as a process of its own, by `account`. `said` hears its progress. Throws what it
 * throws, and UPDATE_UNREACHABLE when it takes too long.
 */
export const fetchApart = async (
  program: readonly string[],
  args: readonly string[],
  options: {
    readonly account: Account;
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly said: (text: string) => void;
  },
  signal: AbortSignal,
): Promise<{ readonly version: string; readonly ready: boolean }> => {
  const { account, env, said } = options;
  const ran = await runAs(
    account,
    [...program, "update", "fetch", "--json", ...args],
    {
      env,
      limitMs: LIMIT_MS,
      said,
      started(pid) {
        try {
          setPriority(pid, PRIORITY);
        } catch {
          // The service may not; then it takes turns with the lamp.
        }
      },
    },
    signal,
  );
  if (ran.signal !== null) throw new AgentError("UPDATE_UNREACHABLE", `fetching was ended by ${ran.signal}`);
  const answer = readFetchAnswer(ran.stdout);
  if (!answer.ok) throw new AgentError(answer.code, answer.detail ?? undefined);
  return answer;
};

/** `program` are the words that start this very program. */
export const createUpdates = (
  program: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  folder = fetchedPath,
  programs = programsPath,
): Updates => ({
  async fetch(signal) {
    const { version, ready } = await fetchApart(program, [], { account: null, env, said: () => {} }, signal);
    return ready ? { version } : null;
  },
  async request() {
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(join(folder, REQUEST), "");
      await chmod(join(folder, REQUEST), 0o600);
    } catch (error) {
      throw new AgentError("UPDATE_CANNOT_WRITE", folder, { cause: error });
    }
  },
  last: async () => (await readRecord(programs)).last,
});
