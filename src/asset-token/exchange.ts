import { AgentError } from "../errors.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import { Secret } from "../units.ts";

// The token exchange (RFC 8693): the user's access token and the device's actor token for one asset token.

/** Who asks. Salesforce wants no client authentication here: the access token says which client it is. */
export type ExchangeClient =
  | { readonly kind: "none" }
  | {
      readonly kind: "client";
      readonly id: string;
      readonly secret: Secret | null;
      /** RFC 8693 section 2.1 `audience`, or null to leave it to the org. */
      readonly audience: string | null;
    };

const TYPE = "urn:ietf:params:oauth:token-type:";

/** More than any answer with a JWT needs, in characters. */
const MAX_BODY = 64 * 1024;

/** The exchange request (RFC 8693 section 2.1). */
export const exchangeRequest = (
  tokenUrl: string,
  accessToken: Secret,
  actorToken: string,
  client: ExchangeClient,
): HttpRequest => {
  const body = new URLSearchParams({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    subject_token_type: `${TYPE}access_token`,
    subject_token: accessToken.reveal(),
    actor_token_type: `${TYPE}jwt`,
    actor_token: actorToken,
  });
  if (client.kind === "client") {
    body.set("client_id", client.id);
    if (client.secret !== null) body.set("client_secret", client.secret.reveal());
    if (client.audience !== null) body.set("audience", client.audience);
    body.set("requested_token_type", `${TYPE}jwt`);
  }
  return {
    method: "POST",
    url: tokenUrl,
    headers: { "content-type": "application/x-www-form-urlencoded", accept: "application/json" },
    body: body.toString(),
  };
};

/** What an exchange gives, not yet verified. */
export interface Exchanged {
  readonly jwt: Secret;
  /** In milliseconds, or null when the org leaves it to `exp`. */
  readonly lifeMs: number | null;
}

const membersOf = (body: string): Readonly<Record<string, unknown>> | undefined => {
  if (body.length > MAX_BODY) throw new AgentError("ORG_ANSWER_TOO_LARGE");
  const trimmed = body.trim();
  if (!trimmed.startsWith("{"))
    // Salesforce sends some errors form encoded, whatever the content type says.
    return /^error=[^\s<>]+$/.test(trimmed) ? Object.fromEntries(new URLSearchParams(trimmed)) : undefined;
  try {
    const members: unknown = JSON.parse(trimmed);
    return typeof members === "object" && members !== null ? { ...members } : undefined;
  } catch {
    return undefined;
  }
};

/** Foreign text made fit for a message: short, one line, nothing in it that could be a token. */
const presentable = (foreign: unknown): string => {
  if (typeof foreign !== "string") return "";
  const plain = foreign.slice(0, 4096).replace(/\p{Cc}+/gu, " ");
  return plain
    .replace(/[\w.+/=!%~-]{20,}/g, (piece) => (/\d/.test(piece) ? "…" : piece))
    .trim()
    .slice(0, 200);
};

const busy = (response: HttpResponse, why: string): AgentError => {
  const seconds = response.headers["retry-after"] ?? "";
  return /^\d{1,5}$/.test(seconds)
    ? new AgentError("ORG_BUSY", why, { retryAfterMs: Number(seconds) * 1000 })
    : new AgentError("ORG_BUSY", why);
};

/** Is it the user's access token that displeases the org, or what the app may do? */
const isAboutAccessToken = (error: string, description: string): boolean => {
  if (/actor|asset|audience|certificate|not enabled|disabled|not (supported|allowed)/i.test(description))
    return false;
  if (/^(invalid_token|invalid_grant|expired_token|invalid_session_id)$/.test(error)) return true;
  // RFC 8693 section 2.2.2: a bad subject token is an invalid_request.
  return error === "invalid_request" && /subject|access.?token|session|expired/i.test(description);
};

const refusal = (response: HttpResponse, named: string, description: string): AgentError => {
  const error = presentable(named).toLowerCase();
  const why = description === "" ? error : `${error}, ${description}`;
  if (response.status === 429 || response.status >= 500) return busy(response, why);
  if (/^(temporarily_unavailable|slow_down|rate_limit_exceeded)$/.test(error)) return busy(response, why);
  if (/^invalid_client(_id)?$/.test(error)) return new AgentError("CLIENT_UNKNOWN", why);
  return new AgentError(
    isAboutAccessToken(error, description) ? "ACCESS_TOKEN_REJECTED" : "ASSET_TOKEN_REFUSED",
    why,
  );
};

/**
 * The exchange's answer (RFC 8693 section 2.2). Throws ACCESS_TOKEN_REJECTED when a fresher access token may help,
 * ASSET_TOKEN_REFUSED with the org's words when it does not give this app asset tokens, CLIENT_UNKNOWN, ORG_BUSY,
 * ORG_ANSWER_INVALID.
 */
export const readExchange = (response: HttpResponse): Exchanged => {
  const members = membersOf(response.body);
  if (members !== undefined && typeof members.error === "string")
    throw refusal(response, members.error, presentable(members.error_description));
  if (response.status === 429 || response.status >= 500) throw busy(response, `HTTP ${response.status}`);
  if (response.status === 401) throw new AgentError("ACCESS_TOKEN_REJECTED", "HTTP 401");
  if (response.status !== 200 || members === undefined)
    throw new AgentError("ORG_ANSWER_INVALID", `HTTP ${response.status} is no answer to a token exchange`);
  const { access_token: jwt, issued_token_type: type, expires_in: life } = members;
  // Some servers call any token they issue an access token; whether it is a JWT shows when it is verified.
  if (type !== `${TYPE}jwt` && type !== `${TYPE}access_token`)
    throw new AgentError("ORG_ANSWER_INVALID", "issued_token_type is not a JWT's");
  if (typeof jwt !== "string" || jwt === "")
    throw new AgentError("ORG_ANSWER_INVALID", "access_token is missing");
  const seconds = typeof life === "string" && /^\d{1,9}$/.test(life) ? Number(life) : life;
  return {
    jwt: new Secret(jwt),
    lifeMs: typeof seconds === "number" && seconds > 0 && seconds < 1e9 ? seconds * 1000 : null,
  };
};
