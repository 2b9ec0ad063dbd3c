import { fromBase64url } from "./base64url.ts";
import { type Members, readMembers, textOf } from "./http.ts";
import type { OrgConfig } from "./org.ts";
import { Trouble } from "./trouble.ts";

/** What an ID token says, after it was found to be the answer to this sign-in. */
export interface IdToken {
  readonly sub: string;
  /** When the org signed it, in milliseconds since 1970. */
  readonly issuedAt: number;
  readonly claims: Members;
}

/** From the question to the answer, by the phone's clock, in milliseconds since 1970; a page that is frozen meanwhile takes its answer late. */
export interface Way {
  readonly askedAt: number;
  readonly answeredAt: number;
}

/** The clock of a phone may be wrong by this much. */
const PATIENCE_S = 300;

/**
 * Checks an ID token that came from the org itself over TLS, so that its signature need not be checked here (OpenID
 * Connect Core section 3.1.3.7): issuer, audience, nonce and end. `nonce` null takes one without any (section 12.2).
 * It was signed on the `way`. Throws ID_TOKEN or PHONE_CLOCK.
 */
export const readIdToken = (
  jwt: string,
  expected: { readonly issuer: string; readonly clientId: string; readonly nonce: string | null },
  { askedAt, answeredAt }: Way,
): IdToken => {
  const claims = claimsOf(jwt);
  const { iss, aud, nonce, exp, iat, azp } = claims;
  const sub = textOf(claims.sub, 255);
  if (sub === null || typeof exp !== "number" || typeof iat !== "number") throw wrong("is incomplete");
  if (iss !== expected.issuer) throw wrong("is from another org");
  const audience = audienceOf(aud);
  if (!audience.includes(expected.clientId)) throw wrong("is for another app");
  if (audience.length > 1 && azp !== undefined && azp !== expected.clientId)
    throw wrong("is for another app");
  if (expected.nonce !== null && nonce !== expected.nonce) throw wrong("is not for this phone's key");
  if (exp <= iat) throw wrong("ends before it begins");
  const [asked, answered] = [askedAt / 1000, answeredAt / 1000];
  if (asked > exp + PATIENCE_S || answered < iat - PATIENCE_S)
    throw new Trouble(
      "PHONE_CLOCK",
      `it differs from the organisation's by about ${Math.max(1, Math.round(Math.max(asked - iat, iat - answered) / 60))} min`,
    );
  return { sub, issuedAt: iat * 1000, claims };
};

/**
 * Whether an ID token that was taken once is from this org, and for this app: the settings may be others by now. `payload`
 * is the JWT's, base64url.
 */
export const isFrom = (payload: string, { url, clientId }: OrgConfig): boolean => {
  const { iss, aud } = readPayload(payload) ?? {};
  // As an issuer that has told its places: it may have a slash at the end.
  return typeof iss === "string" && iss.replace(/\/$/, "") === url && audienceOf(aud).includes(clientId);
};

const audienceOf = (aud: unknown): readonly unknown[] => (Array.isArray(aud) ? aud : [aud]);

const claimsOf = (jwt: string): Members => {
  const [, payload = "", ...rest] = jwt.split(".");
  const claims = rest.length === 1 ? readPayload(payload) : null;
  if (claims === null) throw wrong("cannot be read");
  return claims;
};

/** The claims of a JWT; null when they cannot be read. */
const readPayload = (payload: string): Members | null => {
  try {
    return readMembers(new TextDecoder().decode(fromBase64url(payload)));
  } catch {
    return null;
  }
};

const wrong = (why: string): Trouble => new Trouble("ID_TOKEN", `the ID token ${why}`);
