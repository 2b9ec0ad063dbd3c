import { AgentError } from "../errors.ts";
import type { DeviceCode, Grant, Identity, OrgHome, PollAnswer, SignInLink } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import type { Secret } from "../units.ts";
import { type Members, text } from "./answer.ts";
import type { Metadata } from "./discovery.ts";
import type { OrgOptions } from "./options.ts";
import { type ReadySignIn, signInForm } from "./own-sign-in.ts";
import {
  bearerGet,
  claimsOf,
  formPost,
  type Moment,
  readDeviceCode,
  readPoll,
  unknownIdentity,
  zoneIn,
} from "./steps.ts";
import { type AuthorizePlace, redeemForm } from "./web-sign-in.ts";

// The standard dialect: RFC 8628 at the endpoints of the discovery document.

/** RFC 6749 section 2.3.1: id and secret are form encoded before they are joined. */
const basic = (clientId: string, secret: Secret): string => {
  const encode = (part: string): string => new URLSearchParams({ "": part }).toString().slice(1);
  const pair = `${encode(clientId)}:${encode(secret.reveal())}`;
  return `Basic ${Buffer.from(pair).toString("base64")}`;
};

/** A form POST as this client: nothing but its id, or its secret in the way the server takes it. */
const post = (
  url: string,
  parameters: Readonly<Record<string, string | undefined>>,
  options: OrgOptions,
  metadata: Metadata,
): HttpRequest => {
  const { clientId, clientSecret } = options;
  if (clientSecret !== null && metadata.basicAuthOnly)
    return formPost(url, parameters, { authorization: basic(clientId, clientSecret) });
  return formPost(url, { client_id: clientId, client_secret: clientSecret?.reveal(), ...parameters });
};

/** Step 1 (RFC 8628 section 3.1). */
export const askCodeRequest = (options: OrgOptions, metadata: Metadata): HttpRequest => {
  if (metadata.deviceAuthorizationUrl === null)
    throw new AgentError("ORG_DISCOVERY", "no device_authorization_endpoint");
  return post(
    metadata.deviceAuthorizationUrl,
    { client_id: options.clientId, scope: options.scope === "" ? undefined : options.scope },
    options,
    metadata,
  );
};

/** Step 1's answer. Without verification_uri_complete the plain address is shown: no standard says how to add the code. */
export const readCodeAnswer = (response: HttpResponse, asked: Moment): DeviceCode =>
  readDeviceCode(response, "rfc8628", asked, (verificationUri) => verificationUri);

/** Step 2 (RFC 8628 section 3.4). */
export const pollRequest = (options: OrgOptions, metadata: Metadata, code: DeviceCode): HttpRequest =>
  post(
    metadata.tokenUrl,
    {
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      client_id: options.clientId,
      device_code: code.deviceCode.reveal(),
    },
    options,
    metadata,
  );

/** Step 2's answer; the issuer stands in for Salesforce's instance. */
export const readPollAnswer = (response: HttpResponse, metadata: Metadata, now: Moment): PollAnswer =>
  readPoll(response, metadata.issuer, now);

/** Where a person's browser begins; the answer must come from this issuer, where it says from whom it comes. */
export const authorizePlace = ({ authorizationUrl, issuer, namesIssuer }: Metadata): AuthorizePlace => {
  if (authorizationUrl === null) throw new AgentError("ORG_DISCOVERY", "no authorization_endpoint");
  return { url: authorizationUrl, issuer: { name: issuer, required: namesIssuer } };
};

/** The exchange of an authorization code (RFC 6749 section 4.1.3). */
export const redeemRequest = (
  options: OrgOptions,
  metadata: Metadata,
  link: SignInLink,
  code: Secret,
): HttpRequest => post(metadata.tokenUrl, redeemForm(link, code), options, metadata);

/** A sign-in with the board's own credentials (RFC 7523 section 2.1, RFC 6749 section 4.4). */
export const signInRequest = (
  options: OrgOptions,
  metadata: Metadata,
  own: ReadySignIn,
  now: Moment,
): HttpRequest =>
  post(
    metadata.tokenUrl,
    {
      ...signInForm(own, options, metadata.tokenUrl, now, true),
      scope: options.scope === "" ? undefined : options.scope,
    },
    options,
    metadata,
  );

/** A refresh (RFC 6749 section 6). */
export const refreshRequest = (options: OrgOptions, metadata: Metadata, refreshToken: string): HttpRequest =>
  post(metadata.tokenUrl, { grant_type: "refresh_token", refresh_token: refreshToken }, options, metadata);

/**
 * Asks the userinfo endpoint, or null when there is none or the grant does not cover it: without scope openid the
 * endpoint refuses (OpenID Connect Core section 5.3), and that would look like a dead token.
 */
export const identifyRequest = (
  options: OrgOptions,
  metadata: Metadata,
  grant: Grant,
): HttpRequest | null => {
  const scopes = (grant.scope ?? options.scope).split(/[ ,]+/);
  if (metadata.userinfoUrl === null || !scopes.includes("openid")) return null;
  return bearerGet(metadata.userinfoUrl, grant.accessToken);
};

/**
 * Who approved: the user record, else the ID token's claims, else `unknown`. Throws ORG_ANSWER_INVALID when the two
 * name different people (OIDC Core section 5.3.2).
 */
export const readIdentity = (record: Members | null, grant: Grant): Identity => {
  const claims = claimsOf(grant.idToken);
  const [told, signed] = [text(record ?? {}, "sub", 256), text(claims, "sub", 256)];
  if (record !== null && signed !== undefined && told !== signed)
    throw new AgentError("ORG_ANSWER_INVALID", "the user record and the ID token name different users");
  const userId = told ?? signed;
  if (userId === undefined) return unknownIdentity;
  const either = (name: string): string | undefined =>
    text(record ?? {}, name, 256) ?? text(claims, name, 256);
  const username = either("preferred_username") ?? either("email") ?? null;
  return { userId, name: either("name") ?? username ?? userId, username, orgId: null };
};

/**
 * Where home is: OpenID Connect knows a time zone (Core section 5.1) and perhaps an address, but no coordinates. Nobody is
 * asked where an address is, for that would tell them.
 */
export const readHome = (record: Members | null, grant: Grant): OrgHome => ({
  place: null,
  timeZone: zoneIn(record) ?? zoneIn(claimsOf(grant.idToken)),
});

const userOf = ({ idToken, identity }: Grant): string | undefined =>
  text(claimsOf(idToken), "sub", 256) ??
  (identity?.userId === unknownIdentity.userId ? undefined : identity?.userId);

/** True where two grants are of different users for certain. */
export const areOthers = (one: Grant, two: Grant): boolean => {
  const [first, second] = [userOf(one), userOf(two)];
  return first !== undefined && second !== undefined && first !== second;
};

/** A revocation (RFC 7009 section 2.1). Throws ORG_DISCOVERY when the org has no endpoint for it. */
export const revokeRequest = (options: OrgOptions, metadata: Metadata, grant: Grant): HttpRequest => {
  if (metadata.revocationUrl === null)
    throw new AgentError(
      "ORG_DISCOVERY",
      "it has no revocation_endpoint; remove the approval in the account's settings at the org",
    );
  return post(
    metadata.revocationUrl,
    {
      token: (grant.refreshToken ?? grant.accessToken).reveal(),
      token_type_hint: grant.refreshToken === null ? "access_token" : "refresh_token",
    },
    options,
    metadata,
  );
};
