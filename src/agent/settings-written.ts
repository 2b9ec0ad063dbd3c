// From the settings file and the environment to values as somebody wrote them, by key: names are checked here,
// values are not. Pure.

import { nearest } from "./nearest.ts";
import { isObject, type Json, readJsonc } from "./settings-jsonc.ts";
import { allowedWords, isJsonKind, pointsElsewhere } from "./settings-kinds.ts";
import { type AnyRow, envName, rowOf, type SettingKey, settingKeys } from "./settings-table.ts";

/** Where a value comes from, in words: `/etc/porchlight/settings.json`, `$PORCHLIGHT_ORG_URL`, `default`, `board`. */
export type Origin = string;

/** One mistake, fit to be shown. */
export interface SettingsMistake {
  /** `org.url`, `lights[0].driver`; empty for the file as a whole. */
  readonly key: string;
  /** The value as written; null where there is none, or where it could be a secret. */
  readonly value: string | null;
  readonly origin: Origin;
  /** What is wrong and what is allowed, as one sentence. */
  readonly problem: string;
}

/** `org.url = "ftp://x" (/etc/porchlight/settings.json): is not such a URL; allowed is …` */
export const describeMistake = ({ key, value, origin, problem }: SettingsMistake): string =>
  `${key === "" ? "" : `${key}${value === null ? "" : ` = ${value}`} `}(${origin}): ${problem}`;

/** A value as somebody wrote it. */
export interface Written {
  readonly raw: Json;
  readonly origin: Origin;
  /** Folder that relative paths start from; empty is the working folder. */
  readonly folder: string;
}

/** Environment names that are no setting. */
const FILE_NAME = "PORCHLIGHT_SETTINGS";
/** The key of the list of lamps, which has a table of its own. */
export const LIGHTS = "lights";
const MAX_SHOWN = 100;

const folderOf = (path: string): string =>
  path.slice(0, Math.max(path.lastIndexOf("/"), 0)) || (path.startsWith("/") ? "/" : "");

/** The value as a message may show it: shortened, and never a secret. */
export const shown = (raw: Json, row: AnyRow): string | null => {
  if (row.kind.kind === "secret" && raw !== null && !pointsElsewhere(raw, row.kind)) return "[secret]";
  // A password written into a URL is a mistake that must not be repeated in the message about it.
  const text = JSON.stringify(raw).replace(/\/\/[^/\s"]*@/g, "//[secret]@");
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
};

/** Every key that may be set, `lights` included. */
export const allKeys = (): readonly string[] => [...settingKeys, LIGHTS];

const known: ReadonlySet<string> = new Set([...settingKeys, LIGHTS]);

/** Keys that have others below them: `org`, `assetToken`, `assetToken.verify`. */
const groups: ReadonlySet<string> = new Set(
  settingKeys.flatMap((key) => {
    const parts = key.split(".");
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
  }),
);

/** Comparing names takes time, and a file with more mistakes than this is none that a person meant for us. */
const MOST_SUGGESTIONS = 20;

/** As many are told at once; the file is refused all the same. */
const MOST_MISTAKES = 200;

/** `; did you mean org.url?`, or nothing when no name is near, or `mistakes` are many already. */
export const suggestion = (name: string, names: Iterable<string>, mistakes: number): string => {
  const near = mistakes < MOST_SUGGESTIONS ? nearest(name, names) : undefined;
  return near === undefined ? "" : `; did you mean ${near}?`;
};

/** Takes the file's tree apart into written values by key; what is no setting is a mistake. */
const flatten = (
  value: Json,
  path: string,
  file: { readonly origin: Origin; readonly folder: string },
  written: Map<string, Written>,
  mistakes: SettingsMistake[],
): void => {
  if (!isObject(value)) {
    const key = path === "" ? "the file" : path;
    mistakes.push({
      key: path,
      value: null,
      origin: file.origin,
      problem: `${key} must be an object in { }`,
    });
    return;
  }
  for (const [name, child] of Object.entries(value)) {
    if (mistakes.length >= MOST_MISTAKES) return;
    const key = path === "" ? name : `${path}.${name}`;
    if (path === "" && name === "$schema") continue;
    if (groups.has(key)) flatten(child, key, file, written, mistakes);
    else if (known.has(key)) written.set(key, { raw: child, ...file });
    else
      mistakes.push({
        key,
        value: null,
        origin: file.origin,
        problem: `there is no such setting${suggestion(key, [...allKeys(), ...groups], mistakes.length)}`,
      });
  }
};

/**
 * One value out of an environment variable or the command line: texts as they are, `{"file": …}` and the rest as
 * JSON. `row` is undefined for the list of lamps. Undefined when it cannot be read.
 */
export const fromText = (text: string, row: AnyRow | undefined): Json | undefined => {
  const read = readJsonc(text);
  const value = read.ok ? read.value : undefined;
  const isText = row !== undefined && !isJsonKind(row.kind);
  if (!isText) return value;
  if (value === null && row.nullable && row.kind.kind !== "secret") return null;
  return value !== undefined && pointsElsewhere(value, row.kind) ? value : text;
};

/** Lays the environment over the file. NAME_FILE names a file that holds the value; empty variables are not set. */
const overlay = (
  env: Readonly<Record<string, string | undefined>>,
  written: Map<string, Written>,
  mistakes: SettingsMistake[],
): void => {
  const keys = new Map(allKeys().map((key) => [envName(key), key]));
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith("PORCHLIGHT_") || name === FILE_NAME || text === undefined || text === "") continue;
    const origin = `$${name}`;
    const direct = keys.get(name);
    const indirect = name.endsWith("_FILE") ? keys.get(name.slice(0, -"_FILE".length)) : undefined;
    const key = direct ?? indirect;
    if (key === undefined) {
      const problem = `there is no such setting${suggestion(name, [...keys.keys(), FILE_NAME], mistakes.length)}`;
      mistakes.push({ key: name, value: null, origin, problem });
      continue;
    }
    const row = key === LIGHTS ? undefined : rowOf(key as SettingKey);
    const raw = direct === undefined ? { file: text } : fromText(text, row);
    if (raw !== undefined) written.set(key, { raw, origin, folder: "" });
    else {
      written.delete(key);
      const allowed = row === undefined ? "a JSON list of lamps" : allowedWords(row.kind);
      mistakes.push({
        key,
        value: shown(text, row ?? rowOf("display")),
        origin,
        problem: `is not ${allowed}`,
      });
    }
  }
};

/** What file and environment say, by key; names nobody knows are among the mistakes. */
export const readWritten = (
  file: { readonly path: string; readonly text: string } | null,
  env: Readonly<Record<string, string | undefined>>,
): { readonly written: ReadonlyMap<string, Written>; readonly mistakes: readonly SettingsMistake[] } => {
  const mistakes: SettingsMistake[] = [];
  const written = new Map<string, Written>();
  if (file !== null) {
    const read = readJsonc(file.text);
    if (read.ok) {
      flatten(read.value, "", { origin: file.path, folder: folderOf(file.path) }, written, mistakes);
    } else {
      const { line, column, problem } = read.mistake;
      mistakes.push({
        key: "",
        value: null,
        origin: `${file.path}, line ${line}, column ${column}`,
        problem,
      });
    }
  }
  overlay(env, written, mistakes);
  return { written, mistakes };
};
