// `porchlight settings set` and `unset`: one key of the settings file, written by the package conf.

import { chmodSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { basename, dirname, extname, join, resolve } from "node:path";
import { makeFolders } from "../adapters/make-folders.ts";
import { readSettingsFile, type SettingsFile } from "../adapters/settings-file.ts";
import { isObject, type Json, type JsonObject, readJsonc } from "../agent/settings-jsonc.ts";
import { settingsError } from "../agent/settings-parse.ts";
import { envName, rowOf, type SettingKey, settingKeys } from "../agent/settings-table.ts";
import {
  allKeys,
  describeMistake,
  fromText,
  LIGHTS,
  type SettingsMistake,
} from "../agent/settings-written.ts";
import { AgentError } from "../errors.ts";
import { type Arguments, type Io, noSuch, usageError } from "./command.ts";
import { parseHere } from "./load-settings.ts";

/** A key that may be set: those of the table, and the list of lamps as a whole. */
export type ChangeableKey = SettingKey | typeof LIGHTS;

/** The key called `name`. Throws USAGE with the nearest one. */
export const changeableKey = (name: string): ChangeableKey => {
  const found = name === LIGHTS ? LIGHTS : settingKeys.find((key) => key === name);
  if (found === undefined) throw noSuch("setting", name, allKeys());
  return found;
};

/** Mode of a new file; it may come to hold a secret. */
const NEW_FILE_MODE = 0o600;
/** A folder whose files belong to its group (setgid), such as the service's /etc/porchlight, lets that group read. */
const newFileMode = (folder: string): number =>
  (statSync(folder, { throwIfNoEntry: false })?.mode ?? 0) & 0o2000 ? NEW_FILE_MODE | 0o040 : NEW_FILE_MODE;

/** Where a new settings file goes when there is none: root's in /etc, anybody else's among their own. */
const newPath = ({ values }: Arguments, { env }: Io): string =>
  values.settings ??
  (env.PORCHLIGHT_SETTINGS ||
    (process.getuid?.() === 0
      ? "/etc/porchlight/settings.json"
      : join(env.XDG_CONFIG_HOME || join(homedir(), ".config"), "porchlight", "settings.json")));

/** By its whole path, as mistakes tell it: those from before a change and from after it are held against each other. */
const existing = ({ values }: Arguments, { env }: Io): SettingsFile | null => {
  try {
    const file = readSettingsFile(values.settings, env);
    return file === null ? null : { ...file, path: resolve(file.path) };
  } catch (error) {
    const cause = error instanceof AgentError ? error.cause : undefined;
    // `set` may begin the file that --settings names.
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return null;
    throw error;
  }
};

const readTree = (file: SettingsFile | null): { readonly tree: JsonObject; readonly comments: boolean } => {
  if (file === null) return { tree: {}, comments: false };
  const read = readJsonc(file.text);
  if (read.ok && isObject(read.value)) return { tree: read.value, comments: read.comments };
  const { line, column, problem } = read.ok
    ? { line: 1, column: 1, problem: "the file must be an object in { }" }
    : read.mistake;
  const origin = `${file.path}, line ${line}, column ${column}`;
  throw settingsError([{ key: "", value: null, origin, problem }]);
};

/** A copy of `tree` with `value` at `path`; undefined takes it away, and groups that are empty then. */
const changed = (
  tree: JsonObject,
  [name = "", ...deeper]: readonly string[],
  value: Json | undefined,
): JsonObject => {
  const { [name]: old, ...others } = tree;
  const next = deeper.length === 0 ? value : changed(isObject(old) ? old : {}, deeper, value);
  const gone =
    next === undefined || (value === undefined && isObject(next) && Object.keys(next).length === 0);
  return gone ? others : { ...tree, [name]: next };
};

const toText = (tree: unknown): string => `${JSON.stringify(tree, null, 2)}\n`;

const mistakesOf = (file: SettingsFile | null, env: Io["env"]): readonly SettingsMistake[] => {
  const result = parseHere(file, env);
  return result.ok ? [] : result.mistakes;
};

/** What a change came to. */
export interface Changed {
  readonly path: string;
  /** What is still missing or wrong, and was before. */
  readonly left: readonly SettingsMistake[];
  /** The environment variable that wins over the file for this key, if any. */
  readonly hiddenBy: string | null;
}

const write = async (path: string, key: string, value: Json | undefined, isNew: boolean): Promise<void> => {
  // conf makes missing folders for everybody to read; a new one may come to hold secrets' neighbours.
  await makeFolders(dirname(path), 0o755);
  const { default: Conf } = await import("conf");
  const extension = extname(path);
  const mode = isNew ? newFileMode(dirname(path)) : statSync(path).mode & 0o7777;
  const store = new Conf<Record<string, unknown>>({
    cwd: dirname(path),
    configName: basename(path, extension),
    fileExtension: extension.slice(1),
    configFileMode: mode,
    serialize: toText,
    deserialize: (text) => {
      const read = readJsonc(text);
      return read.ok && isObject(read.value) ? { ...read.value } : {};
    },
  });
  if (value === undefined) {
    // conf leaves empty groups behind; the copy that was checked has none.
    store.delete(key);
  } else store.set(key, value);
  chmodSync(path, mode);
};

/**
 * Sets `key` in the settings file (undefined takes it out), unless that would be a new mistake. Throws USAGE for a
 * file with comments (`--drop-comments` gives them up), SETTINGS_INVALID, SETTINGS_UNREADABLE.
 */
export const changeSetting = async (
  key: ChangeableKey,
  value: Json | undefined,
  args: Arguments,
  io: Io,
): Promise<Changed> => {
  const file = existing(args, io);
  const { tree, comments } = readTree(file);
  if (file !== null && comments && !args.flags.has("drop-comments"))
    throw usageError(
      `${file.path} has comments, which would be lost; edit it by hand, or add --drop-comments`,
    );
  const path = file?.path ?? resolve(newPath(args, io));
  const known = new Set(mistakesOf(file, io.env).map(describeMistake));
  const after = mistakesOf({ path, text: toText(changed(tree, key.split("."), value)) }, io.env);
  // A file that was not there before changes where mistakes are said to come from.
  const isOld = (mistake: SettingsMistake): boolean =>
    known.has(describeMistake(mistake)) || (mistake.value === null && mistake.key !== key && file === null);
  const fresh = after.filter((mistake) => !isOld(mistake));
  if (fresh.length > 0) throw settingsError(fresh);
  try {
    await write(path, key, value, file === null);
  } catch (error) {
    throw new AgentError("SETTINGS_UNREADABLE", `${path} cannot be written`, { cause: error });
  }
  const variable = [envName(key), `${envName(key)}_FILE`].find((name) => io.env[name]);
  return { path, left: after, hiddenBy: variable ?? null };
};

/** The value that a person wrote on the command line. Throws USAGE. */
export const valueFromText = (key: ChangeableKey, text: string): Json => {
  const value = fromText(text, key === LIGHTS ? undefined : rowOf(key));
  if (value === undefined) throw usageError(`the value of ${key} must be JSON`);
  return value;
};
