import { AgentError } from "../errors.ts";
import type { HttpResponse } from "../ports.ts";
import { Secret } from "../units.ts";

// Reads what an authorization server answers. Servers disagree on nearly everything but the member names: GitHub
// sends errors with 200, Google pending with 428, Salesforce some errors form encoded under a JSON content type. So
// the body decides what it is, and the `error` member decides what it means; status and content type only help.

/** Members of an answer, not yet trusted; read them with `text`, `token` and `seconds`. */
export type Members = Readonly<Record<string, unknown>>;

/** The refusal in an answer: `error` (RFC 6749 section 5.2) and its description, both fit to be shown. */
export interface Refusal {
  readonly error: string;
  readonly description: string;
}

/** More than any token answer, user record or discovery document needs, in characters. */
const MAX_BODY = 256 * 1024;

/** No server may silence a board for longer than this. */
const MAX_RETRY_AFTER_MS = 24 * 3_600_000;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const fromJson = (body: string): Members | undefined => {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  // Salesforce REST errors: [{"message":…,"errorCode":…}]
  const first: unknown = Array.isArray(value) ? value[0] : value;
  if (!isRecord(first)) return undefined;
  return Array.isArray(value) ? { error: first.errorCode, error_description: first.message } : first;
};

const fromForm = (body: string): Members | undefined => {
  if (!/^[^\s<>=&]+=[^\s<>]*$/.test(body)) return undefined;
  const pairs = [...new URLSearchParams(body)];
  const members = Object.fromEntries(pairs);
  // Cut off in the middle. Without its description the error of a refusal may mean something else.
  if (Object.hasOwn(members, "error") && /(?:^|&)[^&=]*=?$/.test(body)) return undefined;
  // RFC 6749 section 3.2: parameters must not be repeated, so there is no telling which one counts.
  return Object.keys(members).length === pairs.length ? members : undefined;
};

/**
 * The members of a JSON object or a form, whichever the body is; undefined when it is neither (a web page, nothing).
 * Throws ORG_ANSWER_TOO_LARGE.
 */
export const readMembers = (body: string): Members | undefined => {
  if (body.length > MAX_BODY) throw new AgentError("ORG_ANSWER_TOO_LARGE");
  const trimmed = body.replace(/^\uFEFF/, "").trim();
  return /^[{[]/.test(trimmed) ? fromJson(trimmed) : fromForm(trimmed);
};

/** A member that is a non-empty text of at most `max` characters without control characters, else undefined. */
export const text = (members: Members, name: string, max = 2048): string | undefined => {
  const value = Object.hasOwn(members, name) ? members[name] : undefined;
  return typeof value === "string" && value !== "" && value.length <= max && !/\p{Cc}/u.test(value)
    ? value
    : undefined;
};

/** A member that is a token: visible ASCII only (RFC 6749 appendix A), because it goes into headers and forms. */
export const token = (members: Members, name: string): Secret | undefined => {
  const value = text(members, name, 32 * 1024);
  return value !== undefined && /^[\x21-\x7e]+$/.test(value) ? new Secret(value) : undefined;
};

/** A member that is a length of time in seconds (number or decimal text, 0 to a year), else undefined. */
export const seconds = (members: Members, name: string): number | undefined => {
  const raw = Object.hasOwn(members, name) ? members[name] : undefined;
  const value = typeof raw === "string" && /^\d{1,9}$/.test(raw) ? Number(raw) : raw;
  return typeof value === "number" && value >= 0 && value <= 31_622_400 ? value : undefined;
};

/**
 * Foreign text made fit for a message: at most 200 characters, no control characters, and nothing that could be a
 * token (20 or more characters in one piece with a digit among them).
 */
export const presentable = (foreign: string): string => {
  const plain = foreign.slice(0, 4096).replace(/\p{Cc}+/gu, " ");
  const safe = plain.replace(/[\w.+/=!%~-]{20,}/g, (piece) => (/\d/.test(piece) ? "…" : piece)).trim();
  return safe.length > 200 ? `${safe.slice(0, 199)}…` : safe;
};

/** The refusal in an answer, or undefined when it has no `error`. */
export const refusalIn = (members: Members): Refusal | undefined => {
  const error = text(members, "error", 200);
  if (error === undefined) return undefined;
  const description = Object.hasOwn(members, "error_description") ? members.error_description : undefined;
  return {
    error: presentable(error).toLowerCase(),
    description: typeof description === "string" ? presentable(description) : "",
  };
};

/** A refusal in the org's own words: `invalid_grant, expired access/refresh token`. */
export const inItsWords = (refusal: Refusal): string =>
  refusal.description === "" ? refusal.error : `${refusal.error}, ${refusal.description}`;

/** Retry-After in milliseconds, at most a day (RFC 9110 section 10.2.3: seconds, or a date against `Date`). */
export const retryAfterMs = (headers: HttpResponse["headers"]): number | undefined => {
  const value = headers["retry-after"]?.trim() ?? "";
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1000
    : Date.parse(value) - Date.parse(headers.date ?? "not sent");
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), MAX_RETRY_AFTER_MS);
};

/** ORG_BUSY with the pause the answer asks for. */
export const busy = (response: HttpResponse, why = `HTTP ${response.status}`): AgentError => {
  const pauseMs = retryAfterMs(response.headers);
  return new AgentError("ORG_BUSY", why, pauseMs === undefined ? {} : { retryAfterMs: pauseMs });
};

/** Says, without quoting it, what came instead of an answer. */
const whatCame = (response: HttpResponse): string => {
  const location = response.headers.location;
  if (response.status >= 300 && response.status < 400 && location !== undefined && URL.canParse(location))
    return `it redirects to ${presentable(new URL(location).host)}`;
  if (response.body.trim() === "") return "the body is empty";
  return response.body.trimStart().startsWith("<") ? "it is a web page" : "it is neither JSON nor a form";
};

/** The fault of an answer without any `error` to go by: busy, or not the protocol at all. */
export const senseless = (response: HttpResponse, what = whatCame(response)): AgentError =>
  response.status === 429 || response.status >= 500
    ? busy(response)
    : new AgentError("ORG_ANSWER_INVALID", `HTTP ${response.status}, ${what}`);

/** What an answer is: members of a success, or a refusal. Throws ORG_BUSY or ORG_ANSWER_INVALID when it is neither. */
export const readAnswer = (
  response: HttpResponse,
):
  | { readonly kind: "success"; readonly members: Members }
  | { readonly kind: "refusal"; readonly refusal: Refusal; readonly members: Members } => {
  const members = readMembers(response.body);
  if (members === undefined) throw senseless(response);
  const refusal = refusalIn(members);
  if (refusal !== undefined) return { kind: "refusal", refusal, members };
  if (response.status < 200 || response.status > 299) throw senseless(response, "it names no error");
  return { kind: "success", members };
};
