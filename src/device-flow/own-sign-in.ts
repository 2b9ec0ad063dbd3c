import type { KeyObject } from "node:crypto";
import { AgentError, type ErrorCode } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { HttpResponse } from "../ports.ts";
import { type Secret, toNumericDate, unreachable } from "../units.ts";
import { busy, inItsWords, type Refusal, readAnswer } from "./answer.ts";
import type { OrgOptions } from "./options.ts";
import { sharedMeaning } from "./refusals.ts";
import { type Moment, readGrant } from "./steps.ts";

// Signing in without a person: the board shows credentials of its own and gets its grant at once. There is never a
// refresh token; when the access token ends, the board signs in again.

/** What a board signs in with, where no person approves it. */
export type OwnSignIn =
  /** RFC 7523 section 2.1: an assertion that names the user. A null audience: the login host, or the token endpoint. */
  | {
      readonly kind: "jwt-bearer";
      readonly username: string;
      readonly key: KeyObject;
      readonly audience: string | null;
    }
  /** RFC 6749 section 4.4: the client's own id and secret; the org knows which user that is. */
  | { readonly kind: "client-credentials" };

/** How long an assertion counts, in seconds. Salesforce takes none that ends more than three minutes ahead. */
const ASSERTION_LIFE = 120;

/** RFC 7518 section 3.3. */
const LEAST_RSA_BITS = 2048;

/** Not at the start: loading it takes a tenth of that, and most boards do not sign in by themselves. */
const crypto = () => process.getBuiltinModule("node:crypto");

const readKey = (pem: Secret): KeyObject => {
  const { createPrivateKey } = crypto();
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.reveal());
  } catch {
    // OpenSSL's message says nothing to a person, and nothing of a key goes into a log.
    throw new AgentError("SETTINGS_INVALID", "org.key is no private key in PEM without a passphrase");
  }
  if (key.asymmetricKeyType !== "rsa" || (key.asymmetricKeyDetails?.modulusLength ?? 0) < LEAST_RSA_BITS)
    throw new AgentError("SETTINGS_INVALID", "org.key must be an RSA key of at least 2048 bits");
  return key;
};

/**
 * The sign-in that the options ask for, with its key read once; null where a person approves. Throws SETTINGS_INVALID
 * when the key cannot sign, or there is none.
 */
export const ownSignIn = ({ signIn, username, key, audience }: OrgOptions): OwnSignIn | null => {
  switch (signIn) {
    case undefined:
    case "device":
    case "web":
      return null;
    case "client-credentials":
      return { kind: "client-credentials" };
    case "jwt-bearer":
      if (!username || !key)
        throw new AgentError("SETTINGS_INVALID", "org.signIn jwt-bearer needs org.username and org.key");
      return { kind: "jwt-bearer", username, key: readKey(key), audience: audience ?? null };
    default:
      return unreachable(signIn);
  }
};

const encode = (members: object): string => Buffer.from(JSON.stringify(members)).toString("base64url");

/**
 * The form of a sign-in, without what the dialect adds. `audience` is whom an assertion is for unless the settings name
 * another; `standard` adds the claims that other servers than Salesforce ask for.
 */
export const signInForm = (
  own: OwnSignIn,
  { clientId }: OrgOptions,
  audience: string,
  now: Moment,
  standard: boolean,
): Readonly<Record<string, string>> => {
  if (own.kind === "client-credentials") return { grant_type: "client_credentials" };
  const { randomUUID, sign } = crypto();
  const iat = toNumericDate(now.wall);
  const claims = {
    iss: clientId,
    sub: own.username,
    aud: own.audience ?? audience,
    exp: iat + ASSERTION_LIFE,
    ...(standard ? { iat, jti: randomUUID() } : {}),
  };
  const input = `${encode({ alg: "RS256", typ: "JWT" })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(input), own.key).toString("base64url");
  return {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: `${input}.${signature}`,
  };
};

/** Descriptions of Salesforce that say more than their error: what each means, and what to change. */
const described: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [
    /request not supported on this domain/i,
    "SIGN_IN_CLOSED",
    "set org.url to the org's own address (https://<My Domain>.my.salesforce.com): login and test hosts do not take this flow",
  ],
  [
    /no client credentials user/i,
    "SIGN_IN_CLOSED",
    "choose a user to run as in the app's policies, under Client Credentials Flow",
  ],
  [
    /audience/i,
    "ASSERTION_REFUSED",
    "set org.audience to the host that the user signs in at: https://login.salesforce.com, for a sandbox https://test.salesforce.com, for a site its address",
  ],
  [
    /expired/i,
    "ASSERTION_REFUSED",
    "the board's clock and the org's differ by minutes; give the board a time server",
  ],
  [
    /hasn.t approved this consumer|not admin approved/i,
    "SIGN_IN_NOT_APPROVED",
    "either the app does not admit the user, or org.username is nobody's at this org",
  ],
  [
    /ip restricted|login hours/i,
    "ORG_BUSY",
    "the org admits this user only from other addresses or at other hours",
  ],
];

const meanings: Readonly<Record<string, ErrorCode>> = {
  ...sharedMeaning,
  invalid_app_access: "SIGN_IN_NOT_APPROVED", // Salesforce
  inactive_user: "SIGN_IN_NOT_APPROVED", // Salesforce
  access_denied: "SIGN_IN_NOT_APPROVED",
  inactive_org: "ORG_BUSY", // Salesforce: locked or suspended, and that can pass
  unauthorized_client: "SIGN_IN_CLOSED",
  unsupported_grant_type: "SIGN_IN_CLOSED",
};

/** The fault behind a refused sign-in. No refusal ends it for good: somebody may put the org right at any time. */
export const signInFault = (
  refusal: Refusal,
  kind: OwnSignIn["kind"],
  response: HttpResponse,
): AgentError => {
  if (response.status === 429 || response.status >= 500) return busy(response, inItsWords(refusal));
  const [, told, advice] = described.find(([pattern]) => pattern.test(refusal.description)) ?? [];
  const named = Object.hasOwn(meanings, refusal.error) ? meanings[refusal.error] : undefined;
  const refused = refusal.error === "invalid_grant" || refusal.error === "invalid_request";
  const otherwise = kind === "jwt-bearer" ? "ASSERTION_REFUSED" : "SIGN_IN_CLOSED";
  const code = told ?? named ?? (refused ? otherwise : "ORG_ANSWER_INVALID");
  const words = advice === undefined ? inItsWords(refusal) : `${inItsWords(refusal)}; ${advice}`;
  return code === "ORG_BUSY" ? busy(response, words) : new AgentError(code, words);
};

/** A sign-in's answer (RFC 6749 section 5.1); `instanceUrl` as for `readGrant`. Throws the codes of `signInFault`. */
export const readSignIn = (
  response: HttpResponse,
  kind: OwnSignIn["kind"],
  instanceUrl: string | null,
  now: Moment,
): Grant => {
  const answer = readAnswer(response);
  if (answer.kind === "refusal") throw signInFault(answer.refusal, kind, response);
  // Some servers send one against RFC 6749 section 4.4.3; the board's own credentials serve better and rotate never.
  return { ...readGrant(answer.members, instanceUrl, now), refreshToken: null };
};
