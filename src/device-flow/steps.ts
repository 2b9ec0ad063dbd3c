import { AgentError } from "../errors.ts";
import type { DeviceCode, Grant, Identity, PollAnswer } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import { after, type EpochMs, epochMs, type MonoMs, type Secret } from "../units.ts";
import { trustedUrl, withoutSlash } from "./address.ts";
import { type Members, presentable, readAnswer, seconds, senseless, text, token } from "./answer.ts";
import { askFault, pollFault, refreshFault } from "./refusals.ts";

// The steps both dialects share, as pure functions from answer to data. The dialects build the requests.

/** Both clocks at one moment; `wall` is null while the board does not know the time. */
export interface Moment {
  readonly mono: MonoMs;
  readonly wall: EpochMs;
  readonly wallKnown: boolean;
}

/** A form POST whose answer should be JSON. Parameters that are undefined are left out. */
export const formPost = (
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest => {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) body.set(name, value);
  return {
    method: "POST",
    url,
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      accept: "application/json",
      ...headers,
    },
    body: body.toString(),
  };
};

/** A GET with the access token as RFC 6750 bearer. */
export const bearerGet = (url: string, accessToken: Secret): HttpRequest => ({
  method: "GET",
  url,
  headers: { authorization: `Bearer ${accessToken.reveal()}`, accept: "application/json" },
});

const missing = (name: string): AgentError =>
  new AgentError("ORG_ANSWER_INVALID", `${name} is missing or malformed`);

const required = <T>(value: T | undefined, name: string): T => {
  if (value === undefined) throw missing(name);
  return value;
};

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most);

/** Lifetime of a code where the org names none: Salesforce documents ten minutes. In seconds. */
const DEFAULT_CODE_LIFE = 600;

/** RFC 8628 section 3.2. In seconds. */
const DEFAULT_INTERVAL = 5;

/**
 * Step 1's answer (RFC 8628 section 3.2) as a code. Its life counts from `asked`, the moment before the request left,
 * so that it never outlives the org's. `complete` makes the link for the QR code where the org sends none.
 * Throws the codes of `askFault`.
 */
export const readDeviceCode = (
  response: HttpResponse,
  dialect: "salesforce" | "rfc8628",
  asked: Moment,
  complete: (verificationUri: string, userCode: string) => string,
): DeviceCode => {
  if (response.status === 401 && response.body.trim() === "")
    throw new AgentError("CLIENT_UNKNOWN", "HTTP 401");
  const answer = readAnswer(response);
  if (answer.kind === "refusal") throw askFault(answer.refusal, response, dialect);
  const { members } = answer;
  const userCode = required(text(members, "user_code", 64)?.trim() || undefined, "user_code");
  // Google's first edition of the flow calls it verification_url.
  const uri = text(members, "verification_uri") ?? text(members, "verification_url");
  const verificationUri = required(trustedUrl(uri) && uri, "verification_uri");
  const ready = text(members, "verification_uri_complete") ?? text(members, "verification_url_complete");
  const lifeMs = clamp(seconds(members, "expires_in") ?? DEFAULT_CODE_LIFE, 1, 86_400) * 1000;
  return {
    kind: "code",
    deviceCode: required(token(members, "device_code"), "device_code"),
    userCode,
    verificationUri,
    verificationUriComplete: (trustedUrl(ready) && ready) ?? complete(verificationUri, userCode),
    intervalMs: clamp(seconds(members, "interval") ?? DEFAULT_INTERVAL, 1, 300) * 1000,
    expiresAt: after(asked.mono, lifeMs),
    expiresAtWall: after(asked.wall, lifeMs),
  };
};

const instanceUrlOf = (members: Members, fallback: string | null): string => {
  const url = text(members, "instance_url");
  if (url === undefined) return required(fallback ?? undefined, "instance_url");
  return withoutSlash(required(trustedUrl(url), "instance_url").href);
};

const issuedAtOf = (members: Members, now: Moment): EpochMs => {
  const issuedAt = text(members, "issued_at", 16); // Salesforce: milliseconds as text
  return issuedAt !== undefined && /^\d{12,14}$/.test(issuedAt) ? epochMs(Number(issuedAt)) : now.wall;
};

/**
 * A token answer (RFC 6749 section 5.1) as a grant. `instanceUrl` is what to assume when the answer names none; null
 * makes that a fault (Salesforce always names it at sign-in). Throws ORG_ANSWER_INVALID.
 */
export const readGrant = (members: Members, instanceUrl: string | null, now: Moment): Grant => {
  const type = text(members, "token_type") ?? "bearer";
  if (!/^bearer$/i.test(type)) throw new AgentError("ORG_ANSWER_INVALID", "token_type is not Bearer");
  // RFC 6749 section 5.1: the lifetime in seconds. A token with a life of none could not be used at all: who says 0 does not say
  // how long it lives, or means that it does not end. The org tells it when it does.
  const lifetime = seconds(members, "expires_in") || undefined;
  const idUrl = text(members, "id");
  return {
    accessToken: required(token(members, "access_token"), "access_token"),
    refreshToken: token(members, "refresh_token") ?? null,
    instanceUrl: instanceUrlOf(members, instanceUrl),
    scope: text(members, "scope", 4096) ?? null,
    issuedAt: issuedAtOf(members, now),
    // A moment on a clock that is not set would mean nothing once it is.
    expiresAt: lifetime === undefined || !now.wallKnown ? null : after(now.wall, lifetime * 1000),
    identity: null,
    idUrl: (trustedUrl(idUrl) && idUrl) ?? null,
    idToken: token(members, "id_token") ?? null,
    signedInAs: null,
  };
};

/** Claims of an ID token that came straight from the token endpoint, so TLS vouches for it (OIDC Core 3.1.3.7). */
export const claimsOf = (idToken: Secret | null): Members => {
  const payload = idToken?.reveal().split(".")[1] ?? "";
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? { ...claims } : {};
  } catch {
    return {};
  }
};

/** The refreshed grant with everything the org did not repeat taken over from the one before. */
export const carryOver = (previous: Grant, renewed: Grant): Grant => ({
  ...renewed,
  refreshToken: renewed.refreshToken ?? previous.refreshToken,
  scope: renewed.scope ?? previous.scope,
  identity: renewed.identity ?? previous.identity,
  idUrl: renewed.idUrl ?? previous.idUrl,
  idToken: renewed.idToken ?? previous.idToken,
  signedInAs: previous.signedInAs,
  ...(previous.leaving === true ? { leaving: true } : {}),
});

/**
 * A poll's answer (RFC 8628 section 3.5). A success that cannot be used throws CODE_INVALID, not
 * ORG_ANSWER_INVALID: the code is spent, and polling again with a spent code ends the grant at some orgs.
 */
export const readPoll = (response: HttpResponse, instanceUrl: string | null, now: Moment): PollAnswer => {
  const answer = readAnswer(response);
  if (answer.kind === "refusal") {
    const { error } = answer.refusal;
    if (error === "authorization_pending") return { kind: "pending" };
    if (error !== "slow_down") throw pollFault(answer.refusal, response);
    const interval = seconds(answer.members, "interval"); // GitHub names the new one
    return { kind: "slowDown", intervalMs: interval === undefined ? null : clamp(interval, 1, 300) * 1000 };
  }
  try {
    return { kind: "granted", grant: readGrant(answer.members, instanceUrl, now) };
  } catch (cause) {
    throw new AgentError("CODE_INVALID", "it was approved, but the org's answer cannot be used", { cause });
  }
};

/**
 * A refresh's answer (RFC 6749 section 6), completed from the grant before. Some servers refuse a dead refresh token
 * with 400 and an empty body: GRANT_GONE too. Throws the codes of `refreshFault`.
 */
export const readRefresh = (response: HttpResponse, previous: Grant, now: Moment): Grant => {
  if (response.status === 400 && response.body.trim() === "")
    throw new AgentError("GRANT_GONE", "HTTP 400 with an empty body");
  const answer = readAnswer(response);
  if (answer.kind === "refusal") throw refreshFault(answer.refusal, response);
  return carryOver(previous, readGrant(answer.members, previous.instanceUrl, now));
};

/**
 * The members of a user record, or null when the token's scope does not cover it (RFC 6750 section 3.1).
 * Throws ACCESS_TOKEN_REJECTED, ORG_BUSY, ORG_ANSWER_INVALID.
 */
export const readUserRecord = (response: HttpResponse): Members | null => {
  const challenge = response.headers["www-authenticate"] ?? "";
  if (response.status === 403 && /insufficient_scope/i.test(`${challenge} ${response.body.slice(0, 4096)}`))
    return null;
  // Salesforce answers a dead token with 403 and the bare word Bad_OAuth_Token.
  if (response.status === 401 || response.status === 403)
    throw new AgentError("ACCESS_TOKEN_REJECTED", `HTTP ${response.status}`);
  const answer = readAnswer(response);
  if (answer.kind === "success") return answer.members;
  if (/^(invalid_session_id|invalid_token)$/.test(answer.refusal.error))
    throw new AgentError("ACCESS_TOKEN_REJECTED", answer.refusal.error);
  throw senseless(response, `it says ${answer.refusal.error}`);
};

/** A time zone by its IANA name (`zoneinfo`: OpenID Connect Core section 5.1), or null. */
export const zoneIn = (record: Members | null, name = "zoneinfo"): string | null => {
  const zone = record === null ? undefined : text(record, name, 64);
  return zone !== undefined && /^[A-Za-z][\w+/-]*$/.test(zone) ? zone : null;
};

/** Nobody in particular: the org lets a device sign in but does not tell for whom. */
export const unknownIdentity: Identity = { userId: "unknown", name: "unknown", username: null, orgId: null };

/**
 * A revocation's answer (RFC 7009 section 2.2): a token that is unknown already counts as revoked. Some orgs let only
 * clients with a secret revoke; that is CLIENT_UNKNOWN, with what the person can do instead.
 */
export const readRevocation = (response: HttpResponse): void => {
  if (response.status >= 200 && response.status < 300) return;
  const members = response.body.trim() === "" ? {} : readAnswer(response).members;
  const error = text(members, "error") ?? "";
  if (/^(invalid_token|invalid_grant)$/.test(error)) return;
  if (response.status === 401 || response.status === 403 || /client/.test(error))
    throw new AgentError(
      "CLIENT_UNKNOWN",
      "it does not let this client revoke, perhaps because it has no secret; remove the approval in the account's settings at the org",
    );
  throw senseless(response, `it says ${error === "" ? "nothing" : presentable(error)}`);
};
