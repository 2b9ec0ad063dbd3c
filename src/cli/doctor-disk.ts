// `porchlight doctor disk`: the state folder, without a change to it. The vault itself would mend what it finds.

import { constants } from "node:fs";
import { access, lstat, readdir, stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { systemRandom } from "../adapters/clock.ts";
import { disk } from "../adapters/files.ts";
import { withServiceCredentials } from "../adapters/service-credentials.ts";
import { readStateKey } from "../adapters/state-key.ts";
import { codeOf, createVaultFiles, isKey, keysAmong } from "../adapters/vault-files.ts";
import { newestOf, type Slots } from "../adapters/vault-slots.ts";
import type { Settings } from "../agent/settings.ts";
import { type DiskFacts, diskSteps, type Unusable } from "../doctor/disk.ts";
import { examine } from "../doctor/examine.ts";
import type { Io } from "./command.ts";
import type { Examine } from "./doctor-board.ts";

const nothing = { readable: false, open: [], foreign: [], aside: [], unusable: [] };

const spaceOf = async (path: string): Promise<DiskFacts["space"]> => {
  const found = await statfs(path).catch(() => null);
  return found === null
    ? null
    : { freeBytes: found.bavail * found.bsize, files: found.files, freeFiles: found.ffree };
};

/** What it comes to, as the agent takes it; null where nothing is wrong with it. `keyed`: a key was looked for. */
const unusableIn = (slots: Slots, keyed: boolean): Unusable | null => {
  const newest = newestOf(slots);
  const damaged = [slots.bare, ...slots.pair].some(({ kind }) => kind === "damaged");
  const keyless = newest.kind === "refused" && newest.code === "STATE_LOCKED" && !keyed;
  if (newest.kind === "refused" && !keyless) return newest.code;
  if (damaged) return "older";
  return keyless ? "keyless" : null;
};

/** Of each kept thing that has a file which cannot be used, what is wrong with it. */
const unusableOf = async (
  { state }: Settings,
  env: Io["env"],
  names: readonly string[],
): Promise<DiskFacts["unusable"]> => {
  const around = withServiceCredentials(env);
  const { seal, unseal } = await readStateKey(around, state.encrypt);
  const bare = new Set(names.filter(isKey));
  const files = createVaultFiles(state.dir, {
    disk,
    random: systemRandom,
    seal,
    unseal: unseal ?? seal,
    writing: new Set(),
    bare,
  });
  const found: DiskFacts["unusable"][number][] = [];
  for (const key of keysAmong(names)) {
    const slots = await files.look(key);
    const is = unusableIn(slots, Boolean(around.CREDENTIALS_DIRECTORY));
    if (is !== null) found.push({ said: files.describe(key, slots), is });
  }
  return found;
};

const factsOf = async (settings: Settings, env: Io["env"]): Promise<DiskFacts> => {
  const { dir } = settings.state;
  const folder = await stat(dir).catch(() => null);
  if (folder === null) return { dir, folder: null, space: await spaceOf(join(dir, "..")), ...nothing };
  const unwritable = await access(dir, constants.W_OK | constants.X_OK).then(() => null, codeOf);
  const seen = { dir, folder: { owner: folder.uid, mode: folder.mode & 0o7777, unwritable } };
  const names = await readdir(dir).catch(() => null);
  if (names === null) return { ...seen, space: await spaceOf(dir), ...nothing };
  const files = await Promise.all(
    names.map(async (name) => ({ name, found: await lstat(join(dir, name)).catch(() => null) })),
  );
  // Files that may not be read: not their fault, and told by the folder's own step.
  const unusable = await unusableOf(settings, env, names).catch((error: unknown) => {
    if (unwritable === null) throw error;
    return null;
  });
  return {
    ...seen,
    space: await spaceOf(dir),
    readable: unusable !== null,
    open: files.flatMap(({ name, found }) => (found?.isFile() && (found.mode & 0o077) !== 0 ? [name] : [])),
    foreign: files.flatMap(({ name, found }) => (found && found.uid !== folder.uid ? [name] : [])),
    aside: names.filter((name) => /\.damaged-\d+$/.test(name)),
    unusable: unusable ?? [],
  };
};

/** Looks at the state folder of the settings. */
export const examineDisk: Examine = ({ settings, io }, signal) =>
  examine(
    diskSteps(() => factsOf(settings, io.env)),
    signal,
  );
