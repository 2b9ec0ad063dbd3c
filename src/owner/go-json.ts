import { fieldsOf, isFields } from "./encodings.ts";
import { unreadable } from "./refused.ts";

// OpenPubkey's commitment is over what Go's encoding/json makes of the client instance claims: members in the order of
// their bytes at every level, no white space, and <, >, & and the two line separators escaped even inside texts.

const MAX_DEPTH = 8;

const ambiguous = (what: string) => unreadable(`the client instance claims hold ${what}`);

/** What Go escapes and JavaScript does not. In JSON these signs stand inside texts only. */
const escaped = (json: string): string =>
  json.replace(/[<>&\u2028\u2029]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** White space between the parts is gone, inside texts it stays. `json` is known to be JSON. */
const withoutSpace = (json: string): string =>
  json.replace(/("(?:[^"\\]|\\.)*")|[ \t\n\r]+/g, (_, text: string | undefined) => text ?? "");

const textIn = (text: string): string => {
  // Versions of Go differ in how they write these two, and halves of a character have no bytes at all.
  if (/[\b\f]/.test(text) || !text.isWellFormed()) throw ambiguous("a character without one form");
  return escaped(JSON.stringify(text));
};

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

const sorted = (value: unknown, depth: number): string => {
  if (depth > MAX_DEPTH) throw ambiguous(`more than ${MAX_DEPTH} levels`);
  if (typeof value === "string") return textIn(value);
  if (Array.isArray(value)) return `[${value.map((each) => sorted(each, depth + 1)).join(",")}]`;
  if (!isFields(value)) return JSON.stringify(value);
  if (Object.hasOwn(value, "__proto__")) throw ambiguous("a name that some programs drop");
  const names = Object.keys(value).sort(byBytes);
  return `{${names.map((name) => `${textIn(name)}:${sorted(value[name], depth + 1)}`).join(",")}}`;
};

/**
 * The text that Go would hash for the JSON object in `json`. Throws COMMAND_UNREADABLE for a text that two programs could
 * read as two things: a name twice, a number or a text that is not written as JavaScript or Go write it.
 */
export const goJson = (json: string): string => {
  const value = fieldsOf(json, "the client instance claims");
  const canonical = sorted(value, 0);
  const plain = withoutSpace(json);
  const again = JSON.stringify(value);
  if (plain !== again && plain !== escaped(again)) throw ambiguous("something that can be read in two ways");
  return canonical;
};
