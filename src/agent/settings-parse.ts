// From the text of the settings file, the environment and what the board knows to `Settings`, or to the list of
// all mistakes at once. Pure.

import { AgentError } from "../errors.ts";
import type { Settings } from "./settings.ts";
import { crossMistakes } from "./settings-checks.ts";
import { isObject, type Json } from "./settings-jsonc.ts";
import { type Around, allowedWords, readValue } from "./settings-kinds.ts";
import {
  type AnyRow,
  type BoardFacts,
  lightTable,
  rowOf,
  type SettingKey,
  type SettingValues,
  settingKeys,
} from "./settings-table.ts";
import {
  describeMistake,
  LIGHTS,
  type Origin,
  readWritten,
  type SettingsMistake,
  shown,
  suggestion,
  type Written,
} from "./settings-written.ts";

const DEFAULT: Origin = "default";
const BOARD: Origin = "board";
const NO_FILE: Origin = "no settings file";
const MAX_LIGHTS = 32;

export interface SettingsSources {
  /** The settings file; null when there is none. */
  readonly file: { readonly path: string; readonly text: string } | null;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly board: BoardFacts;
  readonly load: Around["load"];
}

export type SettingsResult =
  | {
      readonly ok: true;
      readonly settings: Settings;
      /** By key, `lights` included. */
      readonly origins: ReadonlyMap<string, Origin>;
    }
  | { readonly ok: false; readonly mistakes: readonly SettingsMistake[] };

/** Reads one value by its row; pushes a mistake and gives undefined where it is wrong. */
const readOne = (
  key: string,
  row: AnyRow,
  from: Written,
  around: Omit<Around, "folder">,
  mistakes: SettingsMistake[],
): unknown => {
  if (from.raw === null && row.nullable) return null;
  const reading = readValue(from.raw, row.kind, { ...around, folder: from.folder });
  if (reading.ok) return reading.value;
  const allowed = `allowed is ${allowedWords(row.kind)}${row.nullable ? ", or null" : ""}`;
  mistakes.push({
    key,
    value: shown(from.raw, row),
    origin: from.origin,
    problem: `${reading.problem}; ${allowed}`,
  });
  return undefined;
};

/** What stands where nobody wrote a value; undefined when the setting is needed. */
const fallbackOf = ({ fallback }: AnyRow, values: SettingValues, board: BoardFacts): unknown => {
  switch (fallback.kind) {
    case "required":
      return undefined;
    case "always":
      return fallback.value;
    case "derived":
      return fallback.value(values, board);
  }
};

const missing = (key: string, { doc }: AnyRow, origin: Origin): SettingsMistake => ({
  key,
  value: null,
  origin,
  problem: `is needed. ${doc}`,
});

/** Reads the list of lamps, which should stand in `place`. */
const readLights = (
  from: Written | undefined,
  values: SettingValues,
  board: BoardFacts,
  around: Omit<Around, "folder">,
  place: Origin,
  mistakes: SettingsMistake[],
): Settings["lights"] => {
  const wrong = (key: string, problem: string, origin = from?.origin ?? place): void => {
    mistakes.push({ key, value: null, origin, problem });
  };
  if (from === undefined) {
    wrong(LIGHTS, `is needed: a list with at least one lamp, such as [{ "driver": "memory:" }]`);
    return [];
  }
  if (!Array.isArray(from.raw) || from.raw.length === 0 || from.raw.length > MAX_LIGHTS) {
    wrong(LIGHTS, `must be a list of 1 to ${MAX_LIGHTS} lamps`);
    return [];
  }
  const list: readonly Json[] = from.raw;
  const alone = list.length === 1;
  const seen = new Set<string>();
  return list.flatMap((raw, index) => {
    const at = `${LIGHTS}[${index}]`;
    if (!isObject(raw)) {
      wrong(at, "must be an object in { }");
      return [];
    }
    for (const name of Object.keys(raw))
      if (!Object.hasOwn(lightTable, name))
        wrong(
          `${at}.${name}`,
          `there is no such setting${suggestion(name, Object.keys(lightTable), mistakes.length)}`,
        );
    const field = (name: keyof typeof lightTable, otherwise?: unknown): unknown => {
      const row: AnyRow = lightTable[name];
      const given = raw[name];
      if (given !== undefined)
        return readOne(`${at}.${name}`, row, { ...from, raw: given }, around, mistakes);
      const value = otherwise ?? fallbackOf(row, values, board);
      if (value === undefined) mistakes.push(missing(`${at}.${name}`, row, from.origin));
      return value;
    };
    // With several lamps, each has to say who it is.
    if (!alone && raw.id === undefined) mistakes.push(missing(`${at}.id`, lightTable.id, from.origin));
    const id = field("id");
    const name = field("name", alone ? undefined : id);
    const driver = field("driver");
    const powerOn = field("powerOn");
    if (raw.id !== undefined && seen.has(String(id)))
      wrong(`${at}.id`, `the lamp ${JSON.stringify(id)} is in the list twice`);
    seen.add(String(id));
    return [{ id, name, driver, powerOn } as Settings["lights"][number]];
  });
};

const assemble = (values: ReadonlyMap<string, unknown>): Settings => {
  const tree: Record<string, unknown> = {};
  for (const [key, value] of values) {
    const parts = key.split(".");
    const last = parts.pop() ?? key;
    let node = tree;
    for (const part of parts) {
      node[part] ??= {};
      node = node[part] as Record<string, unknown>;
    }
    node[last] = value;
  }
  // The table's type has one row for every place in Settings, and each row's kind fits the place's type.
  return tree as unknown as Settings;
};

/** Who wants the settings: a board, or `porchlight report` on a server without lamps and perhaps without a broker. */
export type SettingsUse = "board" | "report";

/** What a server need not have. */
const notForReport: readonly SettingKey[] = ["broker.url", "device.id", "device.serial"];

/** Reads all settings. Mistakes are collected, not thrown; secrets are in none of them. */
export const parseSettings = (sources: SettingsSources, use: SettingsUse = "board"): SettingsResult => {
  const { file, env, board, load } = sources;
  const around = { load, credentialsFolder: env.CREDENTIALS_DIRECTORY || undefined };
  const { written, mistakes: misnamed } = readWritten(file, env);
  // Nothing else can be said about a file that is no JSON.
  if (misnamed.some((mistake) => mistake.key === "")) return { ok: false, mistakes: misnamed };
  const mistakes = [...misnamed];
  const place: Origin = file?.path ?? NO_FILE;

  const values = new Map<string, unknown>();
  const origins = new Map<string, Origin>();
  const given = (key: SettingKey): boolean => written.has(key) || rowOf(key).fallback.kind === "always";
  for (const key of settingKeys.filter(given)) {
    const from = written.get(key);
    origins.set(key, from?.origin ?? DEFAULT);
    values.set(
      key,
      from ? readOne(key, rowOf(key), from, around, mistakes) : fallbackOf(rowOf(key), {}, board),
    );
  }
  const chosen = Object.fromEntries(values) as SettingValues;
  for (const key of settingKeys.filter((key) => !given(key))) {
    const value = fallbackOf(rowOf(key), chosen, board);
    origins.set(key, key.startsWith("device.") || key === "state.dir" ? BOARD : DEFAULT);
    values.set(key, value);
    // These defaults hang on others, and what is wrong with those has been told already.
    const told =
      (key === "org.url" && chosen["org.dialect"] === undefined) ||
      (key === "commands.clientId" && chosen["org.clientId"] === undefined);
    if (value === undefined && !told && !(use === "report" && notForReport.includes(key)))
      mistakes.push(missing(key, rowOf(key), place));
  }

  const all = Object.fromEntries(values) as SettingValues;
  const writtenLights = written.get(LIGHTS);
  const lights =
    use === "report" && writtenLights === undefined
      ? []
      : readLights(writtenLights, all, board, around, place, mistakes);
  origins.set(LIGHTS, written.get(LIGHTS)?.origin ?? DEFAULT);
  values.set(LIGHTS, lights);
  const lampIds = lights.map(({ id }) => id);
  for (const { key, problem } of crossMistakes(all, lampIds, use)) {
    const value = all[key];
    mistakes.push({
      key,
      value: value === undefined ? null : shown(value as Json, rowOf(key)),
      origin: origins.get(key) ?? DEFAULT,
      problem,
    });
  }
  // The dialect adds paths of its own; "https://login.salesforce.com/" means the same as without the slash.
  if (all["org.dialect"] === "salesforce" && all["org.url"] !== undefined)
    values.set("org.url", all["org.url"].replace(/\/$/, ""));
  return mistakes.length > 0 ? { ok: false, mistakes } : { ok: true, settings: assemble(values), origins };
};

/** All mistakes as the one error that ends the program. */
export const settingsError = (mistakes: readonly SettingsMistake[]): AgentError => {
  const lines = mistakes.map((mistake) => `  ${describeMistake(mistake)}`);
  if (mistakes.some(({ origin }) => origin === NO_FILE))
    lines.unshift(
      "  There is no settings file. --settings FILE names one; porchlight run --help says where else.",
    );
  return new AgentError("SETTINGS_INVALID", `\n${lines.join("\n")}`);
};
