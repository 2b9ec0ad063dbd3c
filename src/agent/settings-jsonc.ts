// JSON with comments and trailing commas, as people write settings. Own reader rather than JSON.parse, because
// a mistake must name its line and column, and a key written twice is a mistake too.

export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

export interface SyntaxMistake {
  /** Both count from 1. */
  readonly line: number;
  readonly column: number;
  /** What is wrong there, in a few words. */
  readonly problem: string;
}

export type JsoncResult =
  | { readonly ok: true; readonly value: Json; readonly comments: boolean }
  | { readonly ok: false; readonly mistake: SyntaxMistake };

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Deeper nesting than any settings need; keeps a hostile file from exhausting the stack. */
const MAX_DEPTH = 32;

const BLANK = /[\t\n\r ]+|\/\/[^\n\r]*|\/\*[\s\S]*?\*\//y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 forbids exactly these in a string.
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;
const WORD = /[A-Za-z_$][\w$]*/y;

class Misplaced extends Error {
  readonly at: number;
  constructor(at: number, problem: string) {
    super(problem);
    this.at = at;
  }
}

const words: Readonly<Record<string, Json>> = { true: true, false: false, null: null };

/** Reads one JSON value (RFC 8259) that may hold `//` and block comments and trailing commas. */
export const readJsonc = (source: string): JsoncResult => {
  const text = source.startsWith("\uFEFF") ? source.slice(1) : source;
  let at = 0;
  let comments = false;

  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    if (found !== undefined) at += found.length;
    return found;
  };
  const skipBlank = (): void => {
    for (let blank = match(BLANK); blank !== undefined; blank = match(BLANK))
      comments ||= blank.startsWith("/");
    if (text.startsWith("/*", at)) throw new Misplaced(at, "this comment never ends");
  };
  const take = (mark: string): boolean => {
    skipBlank();
    if (text[at] !== mark) return false;
    at += 1;
    return true;
  };
  const unexpected = (wanted: string): Misplaced => {
    const found = text[at];
    return new Misplaced(
      at,
      found === undefined
        ? `the text ends where ${wanted} should be`
        : `${wanted} should be here, not ${JSON.stringify(found)}`,
    );
  };

  const string = (): string => {
    const start = at;
    const found = match(STRING);
    if (found !== undefined) return String(JSON.parse(found));
    throw new Misplaced(start, "this text in quotes does not end on its line, or holds a wrong escape");
  };
  const object = (depth: number): JsonObject => {
    const entries = new Map<string, Json>();
    while (!take("}")) {
      if (text[at] !== '"') throw unexpected('a key in double quotes or "}"');
      const start = at;
      const key = string();
      if (entries.has(key))
        throw new Misplaced(start, `the key ${JSON.stringify(key)} is here a second time`);
      if (!take(":")) throw unexpected('":"');
      entries.set(key, value(depth));
      if (!take(",") && text[at] !== "}") throw unexpected('"," or "}"');
    }
    return Object.fromEntries(entries);
  };
  const array = (depth: number): Json[] => {
    const items: Json[] = [];
    while (!take("]")) {
      items.push(value(depth));
      if (!take(",") && text[at] !== "]") throw unexpected('"," or "]"');
    }
    return items;
  };
  const value = (depth: number): Json => {
    if (depth > MAX_DEPTH) throw new Misplaced(at, `nested deeper than ${MAX_DEPTH} levels`);
    if (take("{")) return object(depth + 1);
    if (take("[")) return array(depth + 1);
    if (text[at] === '"') return string();
    const start = at;
    const number = match(NUMBER);
    if (number !== undefined) return Number(number);
    const word = match(WORD);
    const meant = word === undefined || !Object.hasOwn(words, word) ? undefined : words[word];
    if (meant !== undefined) return meant;
    at = start;
    throw word === undefined
      ? unexpected("a value")
      : new Misplaced(start, `${word} is no value; texts stand in double quotes`);
  };

  try {
    const result = value(0);
    skipBlank();
    if (at < text.length) throw unexpected("the end of the file");
    return { ok: true, value: result, comments };
  } catch (error) {
    if (!(error instanceof Misplaced)) throw error;
    const before = text.slice(0, error.at).split(/\r\n|\n|\r/);
    return {
      ok: false,
      mistake: { line: before.length, column: (before.at(-1) ?? "").length + 1, problem: error.message },
    };
  }
};
