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

/**
 * As `parseHere`, for commands that need no secret: where no credentials are, those that the settings name are taken
 * unread, and their names are in `unread`. So it is while the service is stopped, and in the unit of updates, from which
 * systemd hides what it gave to others.
 */
export const parseToLook = (
  file: SettingsFile | null,
  given: Io["env"],
): SettingsResult & { readonly unread: readonly string[] } => {
  const env = withServiceCredentials(given);
  if (env.CREDENTIALS_DIRECTORY) return { ...parseHere(file, env), unread: [] };
  const unread = new Set<string>();
  const read = createTextLoader(env);
  const result = parseSettings({
    file,
    // Where they would be does not matter.
    env: { ...env, CREDENTIALS_DIRECTORY: "/" },
    board: readBoardFacts(env),
    load(elsewhere) {
      if ("file" in elsewhere) return read(elsewhere);
      unread.add(elsewhere.credential);
      return { ok: true, text: "-" };
    },
  });
  return { ...result, unread: [...unread] };
};

/** Finds, reads and checks the settings. Throws SETTINGS_UNREADABLE, or SETTINGS_INVALID with all mistakes. */
export const loadSettings = (
  { values }: Arguments,
  { env }: Io,
  parse: (file: SettingsFile | null, env: Io["env"]) => SettingsResult = parseHere,
): LoadedSettings => {
  const file = readSettingsFile(values.settings, env);
  const result = parse(file, env);
  if (!result.ok) throw settingsError(result.mistakes);
  becomeOwnerOf(result.settings.state.dir);
  return { settings: result.settings, origins: result.origins, file };
};
