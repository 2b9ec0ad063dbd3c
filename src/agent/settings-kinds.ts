// What kinds of values settings have, and how each is read from JSON. Pure: files that a value points to are
// read by the caller's `load`.

import { Secret } from "../units.ts";
import { isObject, type Json, type JsonObject } from "./settings-jsonc.ts";

/** Any text; `allowed` says in words what `pattern` says in signs. */
export interface TextKind {
  readonly kind: "text";
  readonly pattern: RegExp;
  readonly allowed: string;
}
/** One of a few words. */
export interface ChoiceKind<V extends string> {
  readonly kind: "choice";
  readonly values: readonly V[];
}
/** true or false. */
export interface FlagKind {
  readonly kind: "flag";
}
/** A whole number, unless it may have fractions. */
export interface NumberKind {
  readonly kind: "number";
  readonly least: number;
  readonly most: number;
  readonly fractions?: true;
}
/** An absolute URL without user name, query and fragment. */
export interface UrlKind {
  readonly kind: "url";
  readonly schemes: readonly string[];
}
/** A file or folder; a relative one is taken from the folder of the settings file. */
export interface PathKind {
  readonly kind: "path";
}
/** Where keys are: one of a few words, an https URL, or a file. */
export interface PlaceKind {
  readonly kind: "place";
  readonly words: readonly string[];
}
/** A text that is never shown. */
export interface SecretKind {
  readonly kind: "secret";
}
/** A JSON object with any content. */
export interface ObjectKind {
  readonly kind: "object";
}
/** A program and its arguments, started as they are: no shell reads them. */
export interface CommandKind {
  readonly kind: "command";
}

/** A JSON list of at least one text; `allowed` says in words what the texts are. */
export interface ListKind {
  readonly kind: "list";
  readonly pattern: RegExp;
  readonly allowed: string;
  readonly most: number;
}

/** The kind of a setting. */
export type Kind =
  | TextKind
  | ChoiceKind<string>
  | FlagKind
  | NumberKind
  | UrlKind
  | PathKind
  | PlaceKind
  | SecretKind
  | ObjectKind
  | ListKind
  | CommandKind;

type JsonKind = FlagKind | NumberKind | ObjectKind | ListKind | CommandKind;

/** A text that is kept outside the settings. */
export type TextElsewhere = { readonly file: string } | { readonly credential: string };

/** What `load` found: the text without its last line end, or why there is none. */
export type LoadedText =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly problem: string };

/** What reading a value needs from outside. */
export interface Around {
  /** Reads a text kept elsewhere; size capped. */
  readonly load: (elsewhere: TextElsewhere) => LoadedText;
  /** Folder that relative paths start from. */
  readonly folder: string;
  /** systemd's `$CREDENTIALS_DIRECTORY`. */
  readonly credentialsFolder: string | undefined;
}

type Value = string | boolean | number | Secret | JsonObject | readonly string[];

export type Reading =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly problem: string };

/** Longest text a setting may have, in characters. */
const MAX_TEXT = 16_384;
/** Of a command, the program itself aside. */
const MAX_ARGUMENTS = 32;
const MAX_ARGUMENT = 1024;

const good = (value: Value): Reading => ({ ok: true, value });
const wrong = (problem: string): Reading => ({ ok: false, problem });

/** Absolute as it is, relative from `folder`. */
export const resolvePath = (path: string, folder: string): string =>
  path.startsWith("/") || folder === "" ? path : `${folder.replace(/\/$/, "")}/${path}`;

/** localhost, *.localhost (RFC 6761 section 6.3), 127.0.0.0/8 and ::1: what never leaves the board. */
export const isLoopback = (url: URL): boolean =>
  /^(?:(?:.+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname);

/** What is allowed, in words, for messages and documents. */
export const allowedWords = (kind: Kind): string => {
  switch (kind.kind) {
    case "text":
      return kind.allowed;
    case "choice":
      return kind.values.map((value) => JSON.stringify(value)).join(" or ");
    case "flag":
      return "true or false";
    case "number":
      return `a ${kind.fractions ? "" : "whole "}number from ${kind.least} to ${kind.most}`;
    case "url":
      return `a URL that starts with ${kind.schemes.map((scheme) => `${scheme}://`).join(" or ")}, without user name, query or fragment`;
    case "path":
      return "the path of a file or folder";
    case "place":
      return `${kind.words.map((word) => JSON.stringify(word)).join(" or ")}, an https:// URL, or the path of a file`;
    case "secret":
      return "a text, best kept elsewhere";
    case "object":
      return "a JSON object";
    case "list":
      return `a list of 1 to ${kind.most} ${kind.allowed}`;
    case "command":
      return `a JSON list: the absolute path of a program and up to ${MAX_ARGUMENTS} arguments`;
  }
};

/** Kinds whose values are no texts, so that none of them can be kept elsewhere. */
export const isJsonKind = (kind: Kind): kind is JsonKind =>
  ["flag", "number", "object", "list", "command"].includes(kind.kind);

const isElsewhere = (raw: Json): raw is JsonObject & TextElsewhere => {
  if (!isObject(raw)) return false;
  const [name, ...others] = Object.keys(raw);
  return others.length === 0 && (name === "file" || name === "credential") && typeof raw[name] === "string";
};

/** True when `raw` is an object that names a file or a credential instead of a text. */
export const pointsElsewhere = (raw: Json, kind: Kind): boolean => !isJsonKind(kind) && isElsewhere(raw);

/** A credential's name is one file name, so that it cannot leave its folder. */
const CREDENTIAL = /^[\w@-][\w.@-]{0,254}$/;

const elsewhereText = (elsewhere: TextElsewhere, kind: Kind, around: Around): LoadedText => {
  const isPath = kind.kind === "path" || kind.kind === "place";
  if ("file" in elsewhere) {
    const path = resolvePath(elsewhere.file, around.folder);
    // A setting that is a path already is the path itself, not what the file holds.
    return isPath ? { ok: true, text: path } : around.load({ file: path });
  }
  if (!CREDENTIAL.test(elsewhere.credential))
    return { ok: false, problem: "that is no name of a credential" };
  if (around.credentialsFolder === undefined)
    return {
      ok: false,
      problem: "$CREDENTIALS_DIRECTORY is not set: systemd provides credentials while the service runs",
    };
  if (isPath) return { ok: true, text: resolvePath(elsewhere.credential, around.credentialsFolder) };
  return around.load(elsewhere);
};

const readUrl = (text: string, schemes: readonly string[]): Reading => {
  const url = URL.parse(text);
  const scheme = url?.protocol.slice(0, -1);
  if (
    url === null ||
    scheme === undefined ||
    !schemes.includes(scheme) ||
    (url.hostname === "" && scheme !== "file")
  )
    return wrong("is not such a URL");
  if (url.username !== "" || url.password !== "")
    return wrong("has a user name or password in it, where logs would show them");
  if (/[?#]/.test(text)) return wrong("has a query or fragment");
  return good(text);
};

const readPlace = (text: string, kind: PlaceKind, folder: string): Reading => {
  if (kind.words.includes(text)) return good(text);
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return good(resolvePath(text, folder));
  const url = URL.parse(text);
  const safe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopback(url));
  if (url === null || !safe) return wrong("must be https (http only on this board itself)");
  if (url.username !== "" || url.password !== "") return wrong("has a user name or password in it");
  return good(text);
};

const readText = (text: string, kind: Exclude<Kind, JsonKind>, around: Around): Reading => {
  if (text === "") return wrong("is empty");
  if (text.length > MAX_TEXT) return wrong(`is longer than ${MAX_TEXT} characters`);
  switch (kind.kind) {
    case "text":
      return kind.pattern.test(text) ? good(text) : wrong("is not allowed");
    case "choice":
      return kind.values.includes(text) ? good(text) : wrong("is not one of them");
    case "url":
      return readUrl(text, kind.schemes);
    case "path":
      return text.includes("\0") ? wrong("is not a path") : good(resolvePath(text, around.folder));
    case "place":
      return readPlace(text, kind, around.folder);
    case "secret":
      return good(new Secret(text));
  }
};

const readList = (raw: Json, { pattern, most }: ListKind): Reading => {
  const list: readonly Json[] = Array.isArray(raw) ? raw : [];
  const texts = list.filter((each) => typeof each === "string" && pattern.test(each)) as readonly string[];
  return texts.length > 0 && texts.length === list.length && texts.length <= most
    ? good([...new Set(texts)])
    : wrong("is not such a list");
};

const readCommand = (raw: Json): Reading => {
  if (!Array.isArray(raw) || raw.length === 0 || raw.length > 1 + MAX_ARGUMENTS)
    return wrong("is not such a list");
  const words: readonly Json[] = raw;
  const fit = (word: Json): word is string =>
    typeof word === "string" && word.length <= MAX_ARGUMENT && !word.includes("\0");
  if (!words.every(fit)) return wrong(`has what is no text of at most ${MAX_ARGUMENT} characters`);
  // Which program a bare name is would depend on the environment that somebody starts the board with.
  return words[0]?.startsWith("/") ? good(words) : wrong("does not begin with an absolute path");
};

/** Reads one value as its kind says; the problem, when there is one, completes the sentence "<key> …". */
export const readValue = (raw: Json, kind: Kind, around: Around): Reading => {
  switch (kind.kind) {
    case "flag":
      return typeof raw === "boolean" ? good(raw) : wrong("is neither true nor false");
    case "number":
      return typeof raw === "number" &&
        (kind.fractions === true || Number.isInteger(raw)) &&
        raw >= kind.least &&
        raw <= kind.most
        ? good(raw)
        : wrong("is not such a number");
    case "object":
      return isObject(raw) ? good(raw) : wrong("is not an object");
    case "list":
      return readList(raw, kind);
    case "command":
      return readCommand(raw);
    default: {
      if (typeof raw === "string") return readText(raw, kind, around);
      if (!isElsewhere(raw)) return wrong("is not a text");
      const found = elsewhereText(raw, kind, around);
      return found.ok ? readText(found.text, kind, around) : wrong(found.problem);
    }
  }
};
