// `porchlight doctor permissions`, and what access(2) and the lists of accounts say.

import { constants, readFileSync, statSync } from "node:fs";
import { access } from "node:fs/promises";
import type { Settings } from "../agent/settings.ts";
import { type AccountFacts, accountSteps, neededGroups } from "../doctor/account.ts";
import { examine } from "../doctor/examine.ts";
import type { Access } from "../doctor/hardware.ts";
import { parseDriver } from "../hal/open.ts";
import type { Examine } from "./doctor-board.ts";

/** Names by number, out of passwd(5) or group(5). */
const namesIn = (path: string): ReadonlyMap<number, string> => {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch {
    // A system without the file has no names.
  }
  return new Map(
    text.split("\n").flatMap((line): [number, string][] => {
      const [name = "", , id] = line.split(":");
      return id === undefined || name === "" ? [] : [[Number(id), name]];
    }),
  );
};

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/** Whether this account may use a file, and whose members may. `etc` is where the list of groups is, `ask` access(2). */
export const accessOf = async (
  path: string,
  how: "write" | "both",
  etc = "/etc",
  ask: typeof access = access,
): Promise<Access> => {
  const asked = how === "write" ? constants.W_OK : constants.R_OK | constants.W_OK;
  try {
    await ask(path, asked);
    return { kind: "ok" };
  } catch (error) {
    const code = codeOf(error);
    if (code === "ENOENT" || code === "ENOTDIR") return { kind: "missing" };
    if (code !== "EACCES" && code !== "EPERM") return { kind: "failed", code };
    const found = statSync(path, { throwIfNoEntry: false });
    const group =
      found === undefined || (found.mode & 0o020) === 0 || found.gid === 0 ? undefined : found.gid;
    return {
      kind: "denied",
      group: group === undefined ? null : (namesIn(`${etc}/group`).get(group) ?? null),
    };
  }
};

/** `etc` is where the lists of accounts and groups are. */
export const accountFacts = async (
  { state }: Pick<Settings, "state">,
  etc = "/etc",
): Promise<AccountFacts> => {
  const users = namesIn(`${etc}/passwd`);
  const groups = namesIn(`${etc}/group`);
  const uid = process.getuid?.() ?? 0;
  const ids = [process.getgid?.() ?? 0, ...(process.getgroups?.() ?? [])];
  const owner = statSync(state.dir, { throwIfNoEntry: false })?.uid;
  return {
    uid,
    name: users.get(uid) ?? null,
    groups: ids.flatMap((id) => groups.get(id) ?? []),
    known: [...groups.values()],
    stateOwner: owner === undefined ? null : { uid: owner, name: users.get(owner) ?? null },
  };
};

/** Looks at the account, and the groups of the hardware that the settings name. */
export const examinePermissions: Examine = ({ settings }, signal) => {
  const lights = settings.lights.map(({ id, driver }) => ({ id, ...parseDriver(driver) }));
  return examine(
    accountSteps(() => accountFacts(settings), neededGroups(lights, settings.display, settings.button)),
    signal,
  );
};
