// The user-agent flow (RFC 6749 section 4.2, OpenID Connect Core section 3.2): the tokens come back in the address. Legacy:
// only in apps that were set up for it, and no longer than orgs take it (docs/decisions/0033-user-agent-flow.md).

import { base64url, fromBase64url } from "./base64url.ts";
import { askOrg, membersOf, type OrgHttp, textOf } from "./http.ts";
import type { OrgConfig, OrgPlaces } from "./org.ts";
import type { Tokens } from "./sign-in.ts";
import { Trouble } from "./trouble.ts";

/** When Salesforce retires the flow: 20 February 2027, 0:00 UTC, in milliseconds since 1970. */
export const USER_AGENT_FLOW_ENDS = Date.UTC(2027, 1, 20);

/** More than this is no answer of an org, in characters. */
const MAX_ANSWER = 32 * 1024;
const MAX_TOKEN = 8192;
const MAX_KEYS = 20;

/**
 * Throws SIGN_IN_RETIRED once Salesforce has retired the flow. The phone's clock decides: one that is wrong by so much
 * fits no ID token either. Other orgs have named no day.
 */
export const refuseWhenRetired = ({ dialect }: OrgConfig, now: number): void => {
  if (dialect === "salesforce" && now >= USER_AGENT_FLOW_ENDS)
    throw new Trouble("SIGN_IN_RETIRED", "the user-agent flow ended on 20 February 2027");
};

/** What is asked for. No refresh token: nothing that lasts is to stand in an address. */
export const userAgentFields = (scope: string): Readonly<Record<string, string>> => ({
  response_type: "token id_token",
  scope: scope
    .split(" ")
    .filter((each) => each !== "refresh_token" && each !== "offline_access")
    .join(" "),
});

/** The answer behind the `#` of an address; each parameter at most once (RFC 6749 section 3.1). Throws ORG_ANSWER. */
export const readFragment = ({ hash }: URL): URLSearchParams => {
  if (hash.length > MAX_ANSWER) throw new Trouble("ORG_ANSWER", "the answer in the address is too long");
  const answer = new URLSearchParams(hash.slice(1));
  if (new Set(answer.keys()).size !== answer.size)
    throw new Trouble("ORG_ANSWER", "the answer in the address says something twice");
  return answer;
};

/**
 * The tokens of an answer. They came through the address bar and not from the org itself, so the ID token's signature is
 * checked by the org's keys (OpenID Connect Core section 3.2.2.11), and that it belongs to the access token (3.2.2.9). A
 * refresh token that was not asked for is left alone. Throws ORG_ANSWER, ID_TOKEN, or what asking the org throws.
 */
export const tokensOf = async (
  answer: URLSearchParams,
  { keys }: Pick<OrgPlaces, "keys">,
  http: OrgHttp,
  signal: AbortSignal,
): Promise<Tokens> => {
  const accessToken = textOf(answer.get("access_token"), MAX_TOKEN);
  const idToken = textOf(answer.get("id_token"), MAX_TOKEN);
  if (accessToken === null || idToken === null || answer.get("token_type")?.toLowerCase() !== "bearer")
    throw new Trouble("ORG_ANSWER", "the answer in the address lacks an access token or an ID token");
  const [head = "", payload = "", signature = ""] = idToken.split(".");
  if (keys === null) throw new Trouble("ORG_ANSWER", "the org does not tell its keys");
  const header = jsonOf(head);
  const key = header?.alg === "RS256" ? await keyOf(header.kid, keys, http, signal) : null;
  if (key === null || !(await isSignedBy(key, `${head}.${payload}`, signature)))
    throw new Trouble("ID_TOKEN", "the ID token is not signed by the org");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(accessToken));
  if (jsonOf(payload)?.at_hash !== base64url(new Uint8Array(digest, 0, 16)))
    throw new Trouble("ID_TOKEN", "the ID token belongs to another access token");
  return { accessToken, refreshToken: null, idToken };
};

const jsonOf = (part: string) => {
  try {
    return membersOf(JSON.parse(new TextDecoder().decode(fromBase64url(part))));
  } catch {
    return null;
  }
};

/** The key that the org publishes under that name (RFC 7517); null when there is none that fits. */
const keyOf = async (
  kid: unknown,
  url: string,
  http: OrgHttp,
  signal: AbortSignal,
): Promise<CryptoKey | null> => {
  const told = await askOrg(http, { method: "GET", url, headers: { accept: "application/json" } }, signal);
  const listed: readonly unknown[] = Array.isArray(told.keys) ? told.keys.slice(0, MAX_KEYS) : [];
  const jwk = listed.map(membersOf).find((each) => each?.kty === "RSA" && each.kid === kid);
  const n = textOf(jwk?.n, 2048);
  const e = textOf(jwk?.e, 16);
  if (n === null || e === null) return null;
  return crypto.subtle
    .importKey("jwk", { kty: "RSA", n, e }, { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, false, ["verify"])
    .catch(() => null);
};

const isSignedBy = async (key: CryptoKey, text: string, signature: string): Promise<boolean> => {
  try {
    const bytes = fromBase64url(signature);
    return await crypto.subtle.verify("RSASSA-PKCS1-v1_5", key, bytes, new TextEncoder().encode(text));
  } catch {
    return false;
  }
};
