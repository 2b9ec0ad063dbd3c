import { accessSync, constants } from "node:fs";
import { serviceCredentials, withServiceCredentials } from "../adapters/service-credentials.ts";
import {
  createTextLoader,
  readBoardFacts,
  readSettingsFile,
  type SettingsFile,
} from "../adapters/settings-file.ts";
import { becomeOwnerOf } from "../adapters/state-owner.ts";
import type { Settings } from "../agent/settings.ts";
import { parseSettings, type SettingsResult, settingsError } from "../agent/settings-parse.ts";
import { settingKeys } from "../agent/settings-table.ts";
import type { Origin } from "../agent/settings-written.ts";
import { secretsPath } from "../service/files.ts";
import type { Arguments, Io } from "./command.ts";

/** The settings as this command was asked to use them. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
  /** Null when everything came from the environment. */
  readonly file: SettingsFile | null;
  /** Credentials that the settings name and that are not here; of texts, something else stands in their place. */
  readonly unread: readonly string[];
}

/** What a command makes of a settings file's text (null: none), with this machine's environment and facts. */
export type Parse = (
  file: SettingsFile | null,
  given: Io["env"],
) => SettingsResult & { readonly unread?: readonly string[] };

/** What a person is told of credentials that are not here. */
export const unreadNote = (unread: readonly string[]): string =>
  `Not looked at: ${unread.join(", ")}. Credentials are here while the service runs.`;

/** The value of a setting such as `org.url`. */
export const valueAt = (settings: Settings, key: string): unknown =>
  key
    .split(".")
    .reduce<unknown>(
      (node, name) => (typeof node === "object" && node !== null ? Reflect.get(node, name) : undefined),
      settings,
    );

/** Names of the credentials that are files, by where they would be. */
const filesAmong = (settings: Settings): readonly string[] => {
  const folder = `${serviceCredentials}/`;
  return settingKeys.flatMap((key) => {
    const value = valueAt(settings, key);
    return typeof value === "string" && value.startsWith(folder) ? [value.slice(folder.length)] : [];
  });
};

/** Credentials are called what they are called while the service runs. */
const asIfItRan = (env: Io["env"]): Io["env"] => ({ ...env, CREDENTIALS_DIRECTORY: serviceCredentials });

const mayRead = (folder: string): boolean => {
  try {
    accessSync(folder, constants.R_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** With all that the settings name. While the service is stopped, root takes texts from where systemd does (`secrets`). */
export const parseHere = (
  file: SettingsFile | null,
  given: Io["env"],
  secrets: string = secretsPath,
): SettingsResult => {
  const own = withServiceCredentials(given);
  const byHand = !own.CREDENTIALS_DIRECTORY && mayRead(secrets);
  const env = byHand ? asIfItRan(own) : own;
  return parseSettings({
    file,
    env,
    board: readBoardFacts(env),
    load: createTextLoader(env, byHand ? secrets : null),
  });
};

/**
 * As `parseHere`, for commands that need no secret: where no credentials are, those that the settings name are taken
 * unread, and their names are in `unread`. So it is while the service is stopped, and in the unit of updates, from which
 * systemd hides what it gave to others.
 */
export const parseToLook = (file: SettingsFile | null, given: Io["env"]): ReturnType<Parse> => {
  const env = withServiceCredentials(given);
  if (env.CREDENTIALS_DIRECTORY) return parseHere(file, env);
  const unread = new Set<string>();
  const read = createTextLoader(env);
  const result = parseSettings({
    file,
    env: asIfItRan(env),
    board: readBoardFacts(env),
    load(elsewhere) {
      if ("file" in elsewhere) return read(elsewhere);
      unread.add(elsewhere.credential);
      return { ok: true, text: "-" };
    },
  });
  return result.ok ? { ...result, unread: [...unread, ...filesAmong(result.settings)] } : result;
};

/** As `parseHere`, and as `parseToLook` where credentials are wanting, for commands that make do with what is there. */
export const parseToExamine = (
  file: SettingsFile | null,
  given: Io["env"],
  secrets: string = secretsPath,
): ReturnType<Parse> => {
  const whole = parseHere(file, given, secrets);
  if (!whole.ok) return parseToLook(file, given);
  return {
    ...whole,
    unread: withServiceCredentials(given).CREDENTIALS_DIRECTORY ? [] : filesAmong(whole.settings),
  };
};

/** Finds, reads and checks the settings. Throws SETTINGS_UNREADABLE, or SETTINGS_INVALID with all mistakes. */
export const loadSettings = (
  { values }: Arguments,
  { env }: Io,
  parse: Parse = parseHere,
): LoadedSettings => {
  const file = readSettingsFile(values.settings, env);
  const result = parse(file, env);
  if (!result.ok) throw settingsError(result.mistakes);
  becomeOwnerOf(result.settings.state.dir);
  const { settings, origins, unread = [] } = result;
  return { settings, origins, file, unread };
};
