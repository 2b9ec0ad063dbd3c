import { Trouble } from "./trouble.ts";

/** One request of the phone to its org. */
export interface OrgRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  /** Lower-case names. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Asks the org. Any HTTP status is an answer; whoever makes it caps the body and the time, and throws ORG_UNREACHABLE
 * (or an error of its own) when there is no answer.
 */
export type OrgHttp = (
  request: OrgRequest,
  signal: AbortSignal,
) => Promise<{ readonly status: number; readonly body: string }>;

export type Members = Readonly<Record<string, unknown>>;

/** The members of a JSON object; null for any other text. */
export const readMembers = (text: string): Members | null => {
  try {
    return membersOf(JSON.parse(text));
  } catch {
    return null;
  }
};

/** The members of an object that came as JSON; null for anything else. */
export const membersOf = (value: unknown): Members | null =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : null;

/** A text of at least one and at most `longest` characters; null for anything else. */
export const textOf = (value: unknown, longest: number): string | null =>
  typeof value === "string" && value.length > 0 && value.length <= longest ? value : null;

/** An OAuth error answer (RFC 6749 section 5.2), as JSON or, as Salesforce at times has it, as a form. */
const errorOf = (body: string): { readonly error: string; readonly description: string } => {
  const fields = readMembers(body) ?? Object.fromEntries(new URLSearchParams(body.slice(0, 2000)));
  return {
    error: textOf(fields.error, 100) ?? "no reason",
    description: textOf(fields.error_description, 300) ?? "",
  };
};

/** The members of the org's answer. Throws ORG_REFUSED with its words, or ORG_ANSWER when it is none. */
export const askOrg = async (http: OrgHttp, request: OrgRequest, signal: AbortSignal): Promise<Members> => {
  const { status, body } = await http(request, signal);
  if (status >= 500) throw new Trouble("ORG_UNREACHABLE", `the org answers with status ${status}`);
  if (status !== 200) {
    const { error, description } = errorOf(body);
    throw new Trouble("ORG_REFUSED", description === "" ? error : `${error}: ${description}`, error);
  }
  const members = readMembers(body);
  if (members === null) throw new Trouble("ORG_ANSWER", "the org's answer is no object");
  return members;
};

/** A form as the body of a POST. */
export const form = (url: string, fields: Readonly<Record<string, string>>): OrgRequest => ({
  method: "POST",
  url,
  headers: { accept: "application/json", "content-type": "application/x-www-form-urlencoded" },
  body: new URLSearchParams(fields).toString(),
});
