// The last guard before a text leaves the program. Secrets are kept out of messages where they are made (`Secret`);
// this catches what a foreign library might put into an error text.

/** Three base64url parts: a JWT or JWS (RFC 7515 section 7.1). */
const JWT = /\beyJ[\w-]{8,}\.[\w-]*\.?[\w-]*/g;
/** Salesforce access tokens: the org's id, "!", the session. */
const SESSION = /\b00D\w{12,15}![\w.]{20,}/g;
/** Salesforce refresh tokens and consumer secrets, and anything else long enough to be a key in base64 or hex. */
const KEY = /\b(?:5Aep[\w.]{20,}|[\w+-]{48,}={0,2})/g;
const NAMED =
  /\b(access_token|refresh_token|id_token|device_code|client_secret|client_assertion|actor_token|subject_token|password|code)(["']?\s*[=:]\s*["']?)[^\s&"',}]{6,}/gi;
const PEM = /-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const USER_INFO = /(\w:\/\/)[^/\s@]+@/g;

/** The text with everything that looks like a secret replaced by `[secret]`. */
export const redact = (text: string): string =>
  text
    .replace(PEM, "[secret]")
    .replace(NAMED, "$1$2[secret]")
    .replace(JWT, "[secret]")
    .replace(SESSION, "[secret]")
    .replace(KEY, "[secret]")
    .replace(USER_INFO, "$1[secret]@");

/** Beyond ASCII's first 32: the other control characters, and what ends lines or turns the direction of what follows. */
const UNSEEN = "\\u007f-\\u009f\\u061c\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069";
const CONTROL = new RegExp(`[\\u0000-\\u001f${UNSEEN}]+`, "g");
/** What JSON itself leaves as it is. */
const LEFT_BY_JSON = new RegExp(`[${UNSEEN}]`, "g");

/** One line of plain text: names and messages from outside cannot move the cursor, recolour or reorder the terminal. */
export const plainLine = (text: string): string => text.replace(CONTROL, " ").trim();

/** Lines of plain text, each with its indentation. */
export const plainLines = (text: string): string =>
  text
    .split("\n")
    .map((line) => `${/^ */.exec(line)?.[0] ?? ""}${plainLine(line)}`)
    .join("\n");

/** As JSON.stringify does it, and as safe for a terminal: a reader of JSON gets every character, the terminal an escape. */
export const plainJson = (
  value: unknown,
  replacer: ((name: string, value: unknown) => unknown) | null = null,
  space = 0,
): string =>
  JSON.stringify(value, replacer ?? undefined, space).replace(
    LEFT_BY_JSON,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Of what a parser cites there may be anything, more lines too: `Unexpected token 'h', "hunter2" is not valid JSON`. */
const CITED = /(["`])(?:.*\1|.*)|'[^']*[^\w$' .#:@/-][^']*'/gs;
/** Node cites what it was given in place of something else: `Received type string ('hunter2')`. */
const GIVEN = /(\bReceived\b[^']*)'(?:.*'|.*)/gs;
const MOST_LETTERS = 200;
/** A citation that goes on behind this is as good as one that ends. */
const MOST_READ = 4096;

/** The first line of an error that nobody had expected: no secrets, nothing cited, at most 200 characters. */
export const crashLine = (message: string): string => {
  const told = redact(message.slice(0, MOST_READ)).replace(GIVEN, "$1[cited]").replace(CITED, "[cited]");
  return plainLine(told.split("\n", 1)[0] ?? "").slice(0, MOST_LETTERS);
};
