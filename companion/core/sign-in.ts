import { base64url } from "./base64url.ts";
import { askOrg, form, type Members, type OrgHttp, textOf } from "./http.ts";
import { type IdToken, readIdToken } from "./id-token.ts";
import type { OrgConfig, OrgPlaces } from "./org.ts";
import { nonceOf, type PhoneKey } from "./phone-key.ts";
import { createPkToken, type PkToken } from "./pk-token.ts";
import { Trouble } from "./trouble.ts";

/** What has to be remembered until the org sends the browser back. */
export interface Begun {
  readonly state: string;
  readonly verifier: string;
  readonly callback: string;
}

/** A sign-in of this phone: who, and what proves it. All of it is secret. */
export interface Session {
  readonly person: Person;
  readonly accessToken: string;
  /** Null when the org gave none: the person signs in again when the access token has ended. */
  readonly refreshToken: string | null;
  /** The ID token of the sign-in and the phone's signature over it. */
  readonly pkToken: PkToken;
  /** The ID token of the last refresh. */
  readonly freshIdToken: string | null;
  /** When the org last gave tokens, in milliseconds since 1970 by the phone's clock. */
  readonly takenAt: number;
  /** How far the org's clock is ahead of the phone's, in milliseconds; commands are signed by the org's. */
  readonly clockAheadMs: number;
}

export interface Person {
  readonly userId: string;
  readonly name: string;
  /** `sub` of the ID token. */
  readonly sub: string;
}

const chance = (bytes: number): string => base64url(crypto.getRandomValues(new Uint8Array(bytes)));

/**
 * Begins a sign-in by web server flow (RFC 6749 section 4.1) with PKCE (RFC 7636), whose nonce binds the phone's key to
 * whoever signs in. The browser goes to `url`.
 */
export const beginSignIn = async (
  { clientId, scope }: OrgConfig,
  { authorize }: OrgPlaces,
  callback: string,
  key: Pick<PhoneKey, "cic">,
): Promise<{ readonly url: string; readonly begun: Begun }> => {
  const begun: Begun = { state: chance(16), verifier: chance(48), callback };
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(begun.verifier));
  const url = new URL(authorize);
  for (const [name, value] of Object.entries({
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    scope,
    state: begun.state,
    nonce: nonceOf(key),
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  }))
    url.searchParams.set(name, value);
  return { url: url.href, begun };
};

/** Access to the org and a clock. */
export interface OrgAccess {
  readonly org: OrgConfig;
  readonly places: OrgPlaces;
  readonly http: OrgHttp;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * Swaps the code in the address that the org sent the browser to for a session. Throws SIGN_IN_STRANGE when it is not
 * the answer to what was begun, SIGN_IN_DENIED, ID_TOKEN, PHONE_CLOCK, or what asking the org throws.
 */
export const finishSignIn = async (
  { org, places, http, now }: OrgAccess,
  begun: Begun | null,
  key: PhoneKey,
  address: URL,
  signal: AbortSignal,
): Promise<Session> => {
  const answer = address.searchParams;
  if (begun === null || answer.get("state") !== begun.state) throw new Trouble("SIGN_IN_STRANGE");
  const code = answer.get("code");
  if (code === null)
    throw new Trouble("SIGN_IN_DENIED", answer.get("error")?.slice(0, 100) ?? "no reason was given");
  const tokens = await askOrg(
    http,
    form(places.token, {
      grant_type: "authorization_code",
      client_id: org.clientId,
      code,
      redirect_uri: begun.callback,
      code_verifier: begun.verifier,
    }),
    signal,
  );
  const accessToken = textOf(tokens.access_token, 8192);
  const jwt = textOf(tokens.id_token, 8192);
  if (accessToken === null || jwt === null)
    throw new Trouble("ORG_ANSWER", "the org's answer lacks an access token or an ID token (scope openid)");
  const expected = { issuer: places.issuer, clientId: org.clientId, nonce: nonceOf(key) };
  const idToken = readIdToken(jwt, expected, now());
  const named = textOf(idToken.claims.name, 256) ?? (await askName(places, http, accessToken, signal));
  return {
    person: { userId: userIdOf(org, idToken), name: named, sub: idToken.sub },
    accessToken,
    refreshToken: textOf(tokens.refresh_token, 8192),
    pkToken: await createPkToken(jwt, key),
    freshIdToken: null,
    takenAt: now(),
    clockAheadMs: clockAhead(idToken, now()),
  };
};

/** The user's id as boards know their owner: at Salesforce the last part of the URL that `sub` is. */
const userIdOf = ({ dialect }: OrgConfig, { sub, claims }: IdToken): string =>
  dialect === "salesforce" ? (textOf(claims.user_id, 64) ?? sub.split("/").at(-1) ?? sub) : sub;

/** The name that is not in the ID token; the user's id will do when nobody tells. */
const askName = async (
  { userInfo }: OrgPlaces,
  http: OrgHttp,
  accessToken: string,
  signal: AbortSignal,
): Promise<string> => {
  if (userInfo === null) return "Signed in";
  const headers = { accept: "application/json", authorization: `Bearer ${accessToken}` };
  const told: Members = await askOrg(http, { method: "GET", url: userInfo, headers }, signal).catch(
    (error: unknown): Members => {
      if (error instanceof Trouble) return {};
      throw error;
    },
  );
  return textOf(told.name, 256) ?? textOf(told.preferred_username, 256) ?? "Signed in";
};

/** Differences below this are the way to the org and back. */
const CLOSE_MS = 5000;

/** How far the org's clock is ahead of the phone's, by an ID token that was just signed. */
export const clockAhead = ({ issuedAt }: IdToken, now: number): number =>
  Math.abs(issuedAt - now) < CLOSE_MS ? 0 : issuedAt - now;
