// Settings that came on a partition that everybody can read: what of them goes where only root may read, and what stays
// in their place. Pure; files are read by the caller's `read`.

import { isObject, type Json, type JsonObject, readJsonc } from "./settings-jsonc.ts";
import { type LoadedText, readValue, resolvePath } from "./settings-kinds.ts";
import { parseSettings } from "./settings-parse.ts";
import { type BoardFacts, rowOf, type SettingKey, settingKeys } from "./settings-table.ts";
import { readWritten, type SettingsMistake, shown } from "./settings-written.ts";

/** Certificates are for everybody to read, but this file's content is a secret. */
const secretFiles: ReadonlySet<SettingKey> = new Set(["broker.key", "org.assertion.file"]);
/** What a board knows that has not been switched on yet: stands for defaults that will be there. */
export const boardToCome: BoardFacts = {
  deviceId: "porch-000000000000",
  hostname: "porchlight",
  serial: undefined,
  stateDir: "/var/lib/porchlight",
  timeZone: undefined,
};
/** Where systemd's LoadCredential=secret:FOLDER puts the folder's file NAME. */
const CREDENTIAL = "secret_";

/** What the board has, by the board's own paths. */
export interface TakeOverPlaces {
  /** Where the settings go, such as /etc/porchlight. */
  readonly folder: string;
  readonly secrets: string;
}

export interface TakeOverAround extends TakeOverPlaces {
  readonly board: BoardFacts;
  /** The whole text of a file; size capped. */
  readonly read: (path: string) => LoadedText;
  /** Text of the settings in force, or null. */
  readonly inForce: string | null;
}

/** A file to be written on the board. */
export interface TakenFile {
  readonly path: string;
  readonly text: string;
}

/** What a take-over writes, and what it wipes. */
export interface TakeOver {
  /** The settings without secrets, as JSON. */
  readonly settings: string;
  readonly secrets: readonly TakenFile[];
  readonly files: readonly TakenFile[];
  /** Files of earlier settings that these do not name any more. */
  readonly stale: readonly string[];
}

export type Judged =
  | { readonly ok: true; readonly plan: TakeOver }
  | { readonly ok: false; readonly mistakes: readonly SettingsMistake[] };

/** A value that leaves the settings. */
interface Part {
  readonly key: SettingKey;
  readonly secret: boolean;
  /** The text itself, or the file that holds it. */
  readonly from: { readonly text: string } | { readonly path: string };
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));

/** True for a path in the folder of the settings, or below it. */
const isBeside = (path: string, file: string): boolean =>
  path.startsWith(`${folderOf(file)}/`) && !path.split("/").includes("..");

const fileOf = (raw: Json): string | undefined =>
  isObject(raw) && typeof raw.file === "string" ? raw.file : undefined;

/** The path that a value means; undefined where it is a word, a URL, or kept elsewhere already. */
const pathOf = (key: SettingKey, raw: Json, file: string): string | undefined => {
  const { kind } = rowOf(key);
  const folder = folderOf(file);
  const named = fileOf(raw);
  if (kind.kind === "secret") return named === undefined ? undefined : resolvePath(named, folder);
  if (kind.kind === "path" || kind.kind === "place") {
    if (named !== undefined) return resolvePath(named, folder);
    const read = readValue(raw, kind, { folder, credentialsFolder: undefined, load: () => NOWHERE });
    return read.ok && typeof read.value === "string" && read.value.startsWith("/") ? read.value : undefined;
  }
  return undefined;
};

const NOWHERE: LoadedText = { ok: false, problem: "is not here" };

/** Everything in the settings that leaves them: secrets as they stand there, and files beside them. */
const partsOf = (file: TakenFile): readonly Part[] => {
  const { written } = readWritten(file, {});
  return settingKeys.flatMap((key): Part[] => {
    const raw = written.get(key)?.raw;
    if (raw === undefined || raw === null || key === "state.dir") return [];
    const path = pathOf(key, raw, file.path);
    const secret = isSecret(key);
    if (path !== undefined) return isBeside(path, file.path) ? [{ key, secret, from: { path } }] : [];
    return rowOf(key).kind.kind === "secret" && typeof raw === "string"
      ? [{ key, secret, from: { text: raw } }]
      : [];
  });
};

/** Files beside the settings whose content is secret. */
export const secretFilesBeside = (file: TakenFile): readonly string[] =>
  partsOf(file).flatMap(({ secret, from }) => (secret && "path" in from ? [from.path] : []));

/** Every file beside the settings that they name. */
export const filesBeside = (file: TakenFile): readonly string[] =>
  partsOf(file).flatMap(({ from }) => ("path" in from ? [from.path] : []));

/** What only settings on a boot partition can have wrong, besides what any settings can. */
const placeMistakes = (file: TakenFile, read: TakeOverAround["read"]): readonly SettingsMistake[] => {
  const { written } = readWritten(file, {});
  return settingKeys.flatMap((key): SettingsMistake[] => {
    const given = written.get(key);
    const path = given && given.raw !== null ? pathOf(key, given.raw, file.path) : undefined;
    if (given === undefined || path === undefined) return [];
    const wrong = (problem: string): SettingsMistake[] => [
      { key, value: shown(given.raw, rowOf(key)), origin: given.origin, problem },
    ];
    const near = path.startsWith(`${folderOf(file.path)}/`);
    if (key === "state.dir")
      return near ? wrong("must be an absolute path, and not on the boot partition") : [];
    if (!near) return [];
    if (!isBeside(path, file.path)) return wrong("must be a file beside the settings, without ..");
    // A secret's file is read, and its absence told, where the settings are checked.
    if (rowOf(key).kind.kind === "secret") return [];
    const found = read(path);
    return found.ok ? [] : wrong(found.problem);
  });
};

/** A copy of a value of the settings with others in the place of `parts`, by key. */
const withParts = (value: Json, key: string, parts: ReadonlyMap<string, Json>): Json => {
  const other = parts.get(key);
  if (other !== undefined) return other;
  if (!isObject(value)) return value;
  const below = (name: string): string => (key === "" ? name : `${key}.${name}`);
  return Object.fromEntries(
    Object.entries(value).map(([name, child]) => [name, withParts(child, below(name), parts)]),
  );
};

const ending = (path: string): string => /\.[A-Za-z0-9]{1,8}$/.exec(path)?.[0] ?? "";

/** The two names that a setting's file may have: the one in force is never written over by another content. */
const namesOf = (folder: string, key: SettingKey, end: string): readonly [string, string] => [
  `${folder}/${key}${end}`,
  `${folder}/${key}-2${end}`,
];

const isSecret = (key: SettingKey): boolean => rowOf(key).kind.kind === "secret" || secretFiles.has(key);

/** How settings name a file of the board: by its path, or as a credential. */
const nameInSettings = (path: string, places: TakeOverPlaces): Json =>
  path.startsWith(`${places.secrets}/`)
    ? { credential: CREDENTIAL + path.slice(places.secrets.length + 1) }
    : path;

/** True where the settings' text names the file. */
const names = (settings: string, path: string, places: TakeOverPlaces): boolean => {
  const name = nameInSettings(path, places);
  return settings.includes(JSON.stringify(isObject(name) ? name.credential : name));
};

const textOf = ({ from }: Part, read: TakeOverAround["read"]): string => {
  if ("text" in from) return from.text;
  const found = read(from.path);
  return found.ok ? found.text : "";
};

const plan = (file: TakenFile, tree: JsonObject, around: TakeOverAround): TakeOver => {
  const inForce = around.inForce ?? "";
  const secrets: TakenFile[] = [];
  const files: TakenFile[] = [];
  const replacedFiles = settingKeys
    .filter(isSecret)
    .flatMap((key) => namesOf(around.secrets, key, "").filter((path) => names(inForce, path, around)));
  const parts = new Map<string, Json>();
  for (const part of partsOf(file)) {
    const text = textOf(part, around.read);
    const both = part.secret
      ? namesOf(around.secrets, part.key, "")
      : namesOf(around.folder, part.key, "path" in part.from ? ending(part.from.path) : "");
    const holds = (path: string): boolean => {
      const old = around.read(path);
      return old.ok && old.text === text;
    };
    const path = both.find(holds) ?? both[names(inForce, both[0], around) ? 1 : 0];
    (part.secret ? secrets : files).push({ path, text });
    replacedFiles.push(...both);
    parts.set(part.key, nameInSettings(path, around));
  }
  const settings = `${JSON.stringify(withParts(tree, "", parts), null, 2)}\n`;
  const isStale = (path: string): boolean => !names(settings, path, around) && around.read(path).ok;
  return { settings, secrets, files, stale: [...new Set(replacedFiles)].filter(isStale) };
};

/** Reads a credential as the service will see it: the file of that name among the board's secrets. */
const loader =
  ({ read, secrets }: TakeOverAround) =>
  (elsewhere: { readonly file: string } | { readonly credential: string }): LoadedText => {
    if ("credential" in elsewhere && !elsewhere.credential.startsWith(CREDENTIAL))
      return { ok: false, problem: `is no secret of this board; its name must begin with ${CREDENTIAL}` };
    const path =
      "file" in elsewhere ? elsewhere.file : `${secrets}/${elsewhere.credential.slice(CREDENTIAL.length)}`;
    const found = read(path);
    return found.ok ? { ok: true, text: found.text.replace(/\r?\n$/, "") } : found;
  };

/** Checks settings that came on the boot partition, and plans where their parts go. All mistakes at once. */
export const judgeTakeOver = (file: TakenFile, around: TakeOverAround): Judged => {
  const parsed = parseSettings({
    file,
    env: { CREDENTIALS_DIRECTORY: around.secrets },
    board: around.board,
    load: loader(around),
  });
  const mistakes = [...(parsed.ok ? [] : parsed.mistakes), ...placeMistakes(file, around.read)];
  const read = readJsonc(file.text);
  if (mistakes.length > 0 || !read.ok || !isObject(read.value)) return { ok: false, mistakes };
  return { ok: true, plan: plan(file, read.value, around) };
};

/** The display that settings name, however wrong the rest of them is; undefined where they name none that can be meant. */
export const displayIn = (text: string): string | undefined => {
  const read = readJsonc(text);
  const raw = read.ok && isObject(read.value) ? read.value.display : undefined;
  const { kind } = rowOf("display");
  return typeof raw === "string" && kind.kind === "text" && kind.pattern.test(raw) ? raw : undefined;
};
