import { withServiceCredentials } from "../adapters/service-credentials.ts";
import {
  createTextLoader,
  readBoardFacts,
  readSettingsFile,
  type SettingsFile,
} from "../adapters/settings-file.ts";
import { becomeOwnerOf } from "../adapters/state-owner.ts";
import type { Settings } from "../agent/settings.ts";
import { parseSettings, type SettingsResult, settingsError } from "../agent/settings-parse.ts";
import type { Origin } from "../agent/settings-written.ts";
import type { Arguments, Io } from "./command.ts";

/** The settings as this command was asked to use them. */
export interface LoadedSettings {
  readonly settings: Settings;
  readonly origins: ReadonlyMap<string, Origin>;
  /** Null when everything came from the environment. */
  readonly file: SettingsFile | null;
}

/** Parses a settings file's text (null: none) with this machine's environment and facts. */
export const parseHere = (file: SettingsFile | null, given: Io["env"]): SettingsResult => {
  const env = withServiceCredentials(given);
  return parseSettings({ file, env, board: readBoardFacts(env), load: createTextLoader(env) });
};

/** Finds, reads and checks the settings. Throws SETTINGS_UNREADABLE, or SETTINGS_INVALID with all mistakes. */
export const loadSettings = ({ values }: Arguments, { env }: Io): LoadedSettings => {
  const file = readSettingsFile(values.settings, env);
  const result = parseHere(file, env);
  if (!result.ok) throw settingsError(result.mistakes);
  becomeOwnerOf(result.settings.state.dir);
  return { settings: result.settings, origins: result.origins, file };
};
