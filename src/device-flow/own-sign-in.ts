import type { KeyObject } from "node:crypto";
import { AgentError } from "../errors.ts";
import type { AssertionSource } from "../ports.ts";
import { type Secret, toNumericDate, unreachable } from "../units.ts";
import type { OrgOptions } from "./options.ts";
import { readAssertion, type SamlAssertion } from "./saml.ts";
import type { Moment } from "./steps.ts";

// Signing in without a person: the board shows credentials of its own and gets its grant at once. There is never a
// refresh token; when the access token ends, the board signs in again.

/** What a board can make anew whenever it signs in. */
type OwnCredentials =
  /** RFC 7523 section 2.1: an assertion that names the user. A null audience: the login host, or the token endpoint. */
  | {
      readonly kind: "jwt-bearer";
      readonly username: string;
      readonly key: KeyObject;
      readonly audience: string | null;
    }
  /** RFC 6749 section 4.4: the client's own id and secret; the org knows which user that is. */
  | { readonly kind: "client-credentials" };

/** RFC 7522 section 2.1, and Salesforce's own way with a response for single sign-on: an identity provider has signed it. */
type SamlKind = "saml-bearer" | "saml-assertion";

/** What a board signs in with, where no person approves it. */
export type OwnSignIn = OwnCredentials | { readonly kind: SamlKind; readonly source: AssertionSource };

/** The same at the moment of signing in: an assertion of somebody else's has been fetched and looked at. */
export type ReadySignIn = OwnCredentials | { readonly kind: SamlKind; readonly assertion: SamlAssertion };

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
 * when the key cannot sign, or there is none, or nothing to fetch an assertion from.
 */
export const ownSignIn = (
  { signIn, username, key, audience }: OrgOptions,
  source: AssertionSource | undefined,
): OwnSignIn | null => {
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
    case "saml-bearer":
    case "saml-assertion":
      if (source === undefined)
        throw new AgentError("SETTINGS_INVALID", `org.signIn ${signIn} needs org.assertion`);
      return { kind: signIn, source };
    default:
      return unreachable(signIn);
  }
};

const hashOf = (parts: readonly unknown[]): string =>
  crypto().createHash("sha256").update(JSON.stringify(parts)).digest("base64url");

/**
 * Which sign-in the options ask for, as a hash (SHA-256, base64url) without any secret: another org, client, user or
 * source of assertions is another sign-in, a new key or secret for the same one is not.
 */
export const signsInAs = (options: OrgOptions): string => {
  const { dialect, url, clientId, signIn, username, audience, assertion } = options;
  return hashOf([signIn, dialect, url, clientId, username ?? null, audience ?? null, assertion ?? null]);
};

/**
 * The same of a sign-in by a person, with a code or a browser alike: whoever it is, its tokens are worth something for this
 * client only. A Salesforce org is known by more than one address, and its tokens say which instance they are for.
 */
export const personSignsInAs = ({ dialect, url, clientId }: OrgOptions): string =>
  hashOf(["person", dialect, dialect === "rfc8628" ? url : null, clientId]);

/**
 * Makes a sign-in ready to be sent. Throws the codes of the source, ASSERTION_INVALID, ASSERTION_EXPIRED. RFC 7522
 * section 2.1 takes a bare assertion: what an identity provider has signed around it would have to be taken apart.
 */
export const readySignIn = async (
  own: OwnSignIn,
  now: () => Moment,
  signal: AbortSignal,
): Promise<ReadySignIn> => {
  if (!("source" in own)) return own;
  const assertion = readAssertion(await own.source(signal), now());
  if (own.kind === "saml-bearer" && assertion.root === "Response")
    throw new AgentError(
      "ASSERTION_INVALID",
      "it is a whole SAML response, and org.signIn saml-bearer takes the bare assertion, signed itself",
    );
  return { kind: own.kind, assertion };
};

const encode = (members: object): string => Buffer.from(JSON.stringify(members)).toString("base64url");

/**
 * The form of a sign-in, without what the dialect adds. `audience` is whom an assertion is for unless the settings name
 * another; `standard` adds the claims that other servers than Salesforce ask for.
 */
export const signInForm = (
  own: ReadySignIn,
  { clientId }: OrgOptions,
  audience: string,
  now: Moment,
  standard: boolean,
): Readonly<Record<string, string>> => {
  switch (own.kind) {
    case "client-credentials":
      return { grant_type: "client_credentials" };
    case "saml-bearer":
      return {
        grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer",
        assertion: Buffer.from(own.assertion.xml.reveal()).toString("base64url"),
      };
    case "saml-assertion":
      return {
        grant_type: "assertion",
        assertion_type: "urn:oasis:names:tc:SAML:2.0:profiles:SSO:browser",
        // Plain base64, not base64url: the form encodes it once more.
        assertion: Buffer.from(own.assertion.xml.reveal()).toString("base64"),
      };
    case "jwt-bearer":
      return jwtForm(own, clientId, audience, now, standard);
    default:
      return unreachable(own);
  }
};

const jwtForm = (
  own: Extract<OwnCredentials, { kind: "jwt-bearer" }>,
  clientId: string,
  audience: string,
  now: Moment,
  standard: boolean,
): Readonly<Record<string, string>> => {
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
