import type { DeviceCode, Grant, Identity, PollAnswer, SignInLink } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import type { Secret } from "../units.ts";
import { trustedUrl, withUserCode } from "./address.ts";
import { type Members, text } from "./answer.ts";
import type { OrgOptions } from "./options.ts";
import { type ReadySignIn, signInForm } from "./own-sign-in.ts";
import { bearerGet, formPost, type Moment, readDeviceCode, readPoll, unknownIdentity } from "./steps.ts";
import { type AuthorizePlace, redeemForm } from "./web-sign-in.ts";

// The Salesforce dialect: both steps of the device flow go to the token endpoint, with parameters of their own. What
// follows the sign-in goes to the user's own instance. Answers have no expires_in.

const tokenUrl = (base: string): string => `${base}/services/oauth2/token`;

/** Step 1. The secret is not sent: Salesforce wants only the client id here. */
export const askCodeRequest = (options: OrgOptions): HttpRequest =>
  formPost(tokenUrl(options.url), {
    response_type: "device_code",
    client_id: options.clientId,
    scope: options.scope === "" ? undefined : options.scope,
    format: "json",
  });

/** Step 1's answer; the link gets `?user_code=`, which Salesforce's page understands though its answer has no such link. */
export const readCodeAnswer = (response: HttpResponse, asked: Moment): DeviceCode =>
  readDeviceCode(response, "salesforce", asked, withUserCode);

/** Step 2: grant type `device`, not the URN, and `code`, not `device_code`. */
export const pollRequest = (options: OrgOptions, code: DeviceCode): HttpRequest =>
  formPost(tokenUrl(options.url), {
    grant_type: "device",
    client_id: options.clientId,
    client_secret: options.clientSecret?.reveal(),
    code: code.deviceCode.reveal(),
    format: "json",
  });

/** Step 2's answer; `instance_url` must be there. */
export const readPollAnswer = (response: HttpResponse, now: Moment): PollAnswer =>
  readPoll(response, null, now);

/** Where a person's browser begins. Salesforce names no issuer in the answer. */
export const authorizePlace = ({ url }: OrgOptions): AuthorizePlace => ({
  url: `${url}/services/oauth2/authorize`,
  issuer: null,
});

/** The exchange of an authorization code. */
export const redeemRequest = (options: OrgOptions, link: SignInLink, code: Secret): HttpRequest =>
  formPost(tokenUrl(options.url), {
    ...redeemForm(link, code),
    client_id: options.clientId,
    client_secret: options.clientSecret?.reveal(),
    format: "json",
  });

/** A sign-in with the board's own credentials. The assertion alone says which app it is; the app's policies say the scope. */
export const signInRequest = (options: OrgOptions, own: ReadySignIn, now: Moment): HttpRequest => {
  const client =
    own.kind === "client-credentials"
      ? { client_id: options.clientId, client_secret: options.clientSecret?.reveal() }
      : {};
  const form = signInForm(own, options, options.url, now, false);
  return formPost(tokenUrl(options.url), { ...form, ...client, format: "json" });
};

/** A refresh, at the user's own instance. */
export const refreshRequest = (options: OrgOptions, grant: Grant, refreshToken: string): HttpRequest =>
  formPost(tokenUrl(grant.instanceUrl), {
    grant_type: "refresh_token",
    client_id: options.clientId,
    client_secret: options.clientSecret?.reveal(),
    refresh_token: refreshToken,
    format: "json",
  });

export const identifyRequest = (grant: Grant): HttpRequest =>
  bearerGet(`${grant.instanceUrl}/services/oauth2/userinfo`, grant.accessToken);

/** Org and user id out of an identity URL `https://<host>/id/<org>/<user>`. */
const idsOf = (idUrl: string | null): { readonly orgId: string; readonly userId: string } | undefined => {
  const path = trustedUrl(idUrl ?? undefined)?.pathname ?? "";
  const [, orgId, userId] = /\/id\/([A-Za-z0-9]{15,18})\/([A-Za-z0-9]{15,18})$/.exec(path) ?? [];
  return orgId === undefined || userId === undefined ? undefined : { orgId, userId };
};

/** Who approved: the user record, and where it is silent or out of scope (null) the ids in the grant's `id` URL. */
export const readIdentity = (record: Members | null, grant: Grant): Identity => {
  const members = record ?? {};
  const ids = idsOf(grant.idUrl) ?? idsOf(text(members, "sub") ?? null);
  const userId = text(members, "user_id", 64) ?? ids?.userId ?? unknownIdentity.userId;
  const username = text(members, "preferred_username", 256) ?? null;
  return {
    userId,
    name: text(members, "name", 256) ?? username ?? userId,
    username,
    orgId: text(members, "organization_id", 64) ?? ids?.orgId ?? null,
  };
};

/** RFC 7009 in form; revoking the refresh token ends its access tokens too. */
export const revokeRequest = (grant: Grant): HttpRequest =>
  formPost(`${grant.instanceUrl}/services/oauth2/revoke`, {
    token: (grant.refreshToken ?? grant.accessToken).reveal(),
  });
