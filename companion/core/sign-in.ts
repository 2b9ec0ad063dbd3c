import { base64url } from "./base64url.ts";
import { askOrg, form, type Members, type OrgHttp, textOf } from "./http.ts";
import { type IdToken, readIdToken, type Way } from "./id-token.ts";
import { readName } from "./name.ts";
import type { OrgConfig, OrgPlaces } from "./org.ts";
import { nonceOf, type PhoneKey } from "./phone-key.ts";
import { createPkToken, type PkToken } from "./pk-token.ts";
import { Trouble } from "./trouble.ts";
import { readFragment, refuseWhenRetired, tokensOf, userAgentFields } from "./user-agent-flow.ts";

/** What has to be remembered until the org sends the browser back. */
export interface Begun {
  readonly state: string;
  /** Null in the user-agent flow, which has none. */
  readonly verifier: string | null;
  readonly callback: string;
}

/** What the org gives for a sign-in. */
export interface Tokens {
  readonly accessToken: string;
  readonly refreshToken: string | null;
  readonly idToken: string;
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
  /** When the org was asked for the tokens that it gave last, in milliseconds since 1970 by the phone's clock. */
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
 * Begins a sign-in, whose nonce binds the phone's key to whoever signs in: by web server flow (RFC 6749 section 4.1) with
 * PKCE (RFC 7636), or by user-agent flow where the app was set up so. The browser goes to `url`. `now` is in milliseconds
 * since 1970. Throws SIGN_IN_RETIRED.
 */
export const beginSignIn = async (
  org: OrgConfig,
  { authorize }: OrgPlaces,
  callback: string,
  key: Pick<PhoneKey, "cic">,
  now: number,
): Promise<{ readonly url: string; readonly begun: Begun }> => {
  const verifier = org.signIn === "user-agent" ? null : chance(48);
  if (verifier === null) refuseWhenRetired(org, now);
  const begun: Begun = { state: chance(16), verifier, callback };
  const url = new URL(authorize);
  for (const [name, value] of Object.entries({
    client_id: org.clientId,
    redirect_uri: callback,
    state: begun.state,
    nonce: nonceOf(key),
    ...(verifier === null ? userAgentFields(org.scope) : await webServerFields(org.scope, verifier)),
  }))
    url.searchParams.set(name, value);
  return { url: url.href, begun };
};

const webServerFields = async (scope: string, verifier: string) => {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return {
    response_type: "code",
    scope,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  };
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
 * What an answer says, where its flow has it: tokens that somebody else put behind a code's address are none. Throws
 * SIGN_IN_STRANGE when it is not the answer to what was begun, ORG_ANSWER.
 */
export const readAnswerTo = (
  begun: Begun | null,
  address: URL,
): { readonly begun: Begun; readonly answer: URLSearchParams } => {
  if (begun === null) throw new Trouble("SIGN_IN_STRANGE");
  const answer = begun.verifier === null ? readFragment(address) : address.searchParams;
  if (answer.get("state") !== begun.state) throw new Trouble("SIGN_IN_STRANGE");
  return { begun, answer };
};

/**
 * Makes a session of the answer in the address that the org sent the browser to. Throws SIGN_IN_STRANGE when it is not
 * the answer to what was begun, SIGN_IN_DENIED, SIGN_IN_RETIRED, ID_TOKEN, PHONE_CLOCK, or what asking the org throws.
 */
export const finishSignIn = async (
  access: OrgAccess,
  asked: Begun | null,
  key: PhoneKey,
  address: URL,
  signal: AbortSignal,
): Promise<Session> => {
  const { org, places, http, now } = access;
  const { begun, answer } = readAnswerTo(asked, address);
  const error = answer.get("error");
  if (error === "unsupported_response_type" && begun.verifier === null)
    throw new Trouble("SIGN_IN_RETIRED", error, error);
  if (error !== null) throw new Trouble("SIGN_IN_DENIED", error.slice(0, 100));
  const askedAt = now();
  const { accessToken, refreshToken, idToken } =
    begun.verifier === null
      ? await tokensOf(answer, places, http, signal)
      : await redeem(access, { ...begun, verifier: begun.verifier }, answer.get("code"), signal);
  const way = { askedAt, answeredAt: now() };
  const expected = { issuer: places.issuer, clientId: org.clientId, nonce: nonceOf(key) };
  const read = readIdToken(idToken, expected, way);
  const named = readName(read.claims.name, 256) ?? (await askName(places, http, accessToken, signal));
  return {
    person: { userId: userIdOf(org, read), name: named, sub: read.sub },
    accessToken,
    refreshToken,
    pkToken: await createPkToken(idToken, key),
    freshIdToken: null,
    takenAt: askedAt,
    clockAheadMs: clockAhead(read, way, 0),
  };
};

/** Swaps the code of the web server flow for tokens. */
const redeem = async (
  { org, places, http }: OrgAccess,
  { callback, verifier }: Begun & { readonly verifier: string },
  code: string | null,
  signal: AbortSignal,
): Promise<Tokens> => {
  if (code === null) throw new Trouble("SIGN_IN_DENIED", "no reason was given");
  const tokens = await askOrg(
    http,
    form(places.token, {
      grant_type: "authorization_code",
      client_id: org.clientId,
      code,
      redirect_uri: callback,
      code_verifier: verifier,
    }),
    signal,
  );
  const accessToken = textOf(tokens.access_token, 8192);
  const idToken = textOf(tokens.id_token, 8192);
  if (accessToken === null || idToken === null)
    throw new Trouble("ORG_ANSWER", "the org's answer lacks an access token or an ID token (scope openid)");
  return { accessToken, refreshToken: textOf(tokens.refresh_token, 8192), idToken };
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
  return readName(told.name, 256) ?? readName(told.preferred_username, 256) ?? "Signed in";
};

/** Differences below this are none: an org says whole seconds, and its machines differ. */
const CLOSE_MS = 5000;

/**
 * How far the org's clock is ahead of the phone's, by an ID token that was signed on the `way`, in milliseconds. Somewhere
 * on a long way can be anywhere: what was known `before` goes on counting unless that is past believing, then no
 * difference, then the smallest one that can be.
 */
export const clockAhead = (
  { issuedAt }: Pick<IdToken, "issuedAt">,
  { askedAt, answeredAt }: Way,
  before: number,
): number => {
  const [least, most] = [issuedAt - answeredAt, issuedAt - askedAt];
  const believed = [before, 0].find((ms) => ms > least - CLOSE_MS && ms < most + CLOSE_MS);
  return believed ?? (least > 0 ? least : most);
};
