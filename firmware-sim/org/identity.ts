import { authorizationOf, type Bearer, bearerOf, type OrgContext, orgNow } from "./context.ts";
import { endApproval, identityUrl, introspect } from "./grants.ts";
import { sameRecord } from "./ids.ts";
import { published } from "./keys.ts";
import { type Asked, formatted, json, Refusal, type Reply, text } from "./messages.ts";
import { fullName } from "./store.ts";
import { authenticateClient } from "./token-endpoint.ts";

/** Milliseconds that `timeZone` is ahead of UTC at that moment. */
const utcOffset = (timeZone: string, at: number): number => {
  const parts = new Intl.DateTimeFormat("en-US", { timeZone, timeZoneName: "longOffset" }).formatToParts(at);
  const name = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const [, sign = "+", hours = "0", minutes = "0"] = /GMT([+-])(\d\d):(\d\d)/.exec(name) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60_000;
};

const links = (org: OrgContext): Readonly<Record<string, string>> => {
  const base = org.baseUrl();
  return {
    rest: `${base}/services/data/v{version}/`,
    query: `${base}/services/data/v{version}/query/`,
    sobjects: `${base}/services/data/v{version}/sobjects/`,
    custom_domain: base,
  };
};

const refusedToken: Reply = text(
  403,
  "Bad_OAuth_Token",
  "Bad_OAuth_Token",
  "The access token is not valid any more. Get a new one with the refresh token.",
);

/** The caller, when its token is alive and allows one of the scopes. */
const caller = (org: OrgContext, asked: Asked): Bearer | undefined => {
  const bearer = bearerOf(org, authorizationOf(asked.headers) ?? asked.query.get("oauth_token"));
  return bearer?.approval.scope.some((scope) => ["id", "openid", "profile", "api", "address"].includes(scope))
    ? bearer
    : undefined;
};

/** `GET /services/oauth2/userinfo` (OpenID Connect Core section 5.3): who signed in, with the home's address. */
export const userInfo = (org: OrgContext, asked: Asked): Reply => {
  const bearer = caller(org, asked);
  if (bearer === undefined) return refusedToken;
  const { user, app } = bearer;
  const reply = json(
    200,
    {
      sub: identityUrl(org, user),
      user_id: user.id,
      organization_id: org.store.orgId,
      preferred_username: user.username,
      nickname: user.firstName.toLowerCase(),
      name: fullName(user),
      email: user.email,
      email_verified: true,
      given_name: user.firstName,
      family_name: user.lastName,
      zoneinfo: user.home.timeZone,
      address: {
        street_address: user.home.street,
        locality: user.home.city,
        region: user.home.state,
        postal_code: user.home.postalCode,
        country: user.home.country,
      },
      urls: links(org),
      active: true,
      user_type: "STANDARD",
      language: "en_US",
      locale: "en_GB",
      utcOffset: utcOffset(user.home.timeZone, orgNow(org)),
      updated_at: "2026-10-01T08:00:00Z",
      is_app_installed: true,
    },
    "who it is",
    "Name, address and time zone of the person who approved: the data the story is about.",
  );
  return { ...reply, party: app.party };
};

/** `GET /id/<org>/<user>`: the identity record; the path comes with the token answer as `id`. */
export const identity = (org: OrgContext, asked: Asked): Reply => {
  const bearer = caller(org, asked);
  if (bearer === undefined) return refusedToken;
  const [, , orgId = "", userId = ""] = asked.path.split("/");
  const { user, app } = bearer;
  const wrong = !sameRecord(orgId, org.store.orgId)
    ? "Wrong_Org"
    : !sameRecord(userId, user.id)
      ? "Bad_Id"
      : undefined;
  if (wrong !== undefined) return text(403, wrong, wrong, "The token belongs to somebody else.");
  const reply = json(
    200,
    {
      id: identityUrl(org, user),
      asserted_user: true,
      user_id: user.id,
      organization_id: org.store.orgId,
      username: user.username,
      nick_name: user.firstName.toLowerCase(),
      display_name: fullName(user),
      email: user.email,
      email_verified: true,
      first_name: user.firstName,
      last_name: user.lastName,
      timezone: user.home.timeZone,
      addr_street: user.home.street,
      addr_city: user.home.city,
      addr_state: user.home.state,
      addr_country: user.home.country,
      addr_zip: user.home.postalCode,
      mobile_phone: null,
      urls: links(org),
      active: true,
      user_type: "STANDARD",
      language: "en_US",
      locale: "en_GB",
      utcOffset: utcOffset(user.home.timeZone, orgNow(org)),
      last_modified_date: "2026-10-01T08:00:00Z",
      is_app_installed: true,
    },
    "who it is",
    "Name, address and time zone of the person who approved.",
  );
  return { ...reply, party: app.party };
};

/** `/services/oauth2/revoke` (RFC 7009): errors come form-encoded. A refresh token takes its access tokens with it. */
export const revoke = (org: OrgContext, asked: Asked): Reply => {
  const token = asked.form.get("token") ?? asked.query.get("token") ?? "";
  const refused = (error: string, description: string, says: string): Reply => ({
    ...formatted(400, { error, error_description: description }, "urlencoded"),
    title: error,
    says,
  });
  if (token === "") return refused("invalid_request", "missing token parameter", "There is no token to end.");
  const approval = org.store.refreshTokens.get(token);
  const alive = org.store.accessTokens.delete(token) || org.store.approvals.has(approval ?? "");
  if (!alive)
    return refused("invalid_token", "token was not found", "The org does not know this token, or no longer.");
  if (approval !== undefined) endApproval(org, approval);
  return text(200, "", "ended", "The token is worth nothing any more.");
};

/** `/services/oauth2/introspect` (RFC 7662). */
export const introspection = (org: OrgContext, asked: Asked): Reply => {
  try {
    authenticateClient(org, asked);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return json(
      401,
      { error: "invalid_client", error_description: error.description },
      "invalid_client",
      error.says,
    );
  }
  const answer = introspect(org, asked.form.get("token") ?? "");
  return json(
    200,
    answer,
    answer.active ? "active" : "not active",
    answer.active ? "The token is good." : "The token is worth nothing.",
  );
};

/** `/id/keys`: the public keys with which anybody can check what the org signed (RFC 7517). */
export const keySet = (org: OrgContext): { readonly keys: readonly ReturnType<typeof published>[] } => ({
  keys: [published(org.keys.idToken()), ...(org.faults.publishAssetKey ? [published(org.keys.asset())] : [])],
});

/** `/.well-known/openid-configuration`: as at the real thing, it says nothing about a device flow. */
export const discovery = (org: OrgContext): Reply => {
  const base = org.baseUrl();
  return json(
    200,
    {
      issuer: base,
      authorization_endpoint: `${base}/services/oauth2/authorize`,
      token_endpoint: `${base}/services/oauth2/token`,
      revocation_endpoint: `${base}/services/oauth2/revoke`,
      userinfo_endpoint: `${base}/services/oauth2/userinfo`,
      introspection_endpoint: `${base}/services/oauth2/introspect`,
      jwks_uri: `${base}/id/keys`,
      scopes_supported: [
        "address",
        "api",
        "email",
        "id",
        "offline_access",
        "openid",
        "profile",
        "refresh_token",
      ],
      response_types_supported: ["code", "token", "token id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["RS256"],
      display_values_supported: ["page", "popup", "touch"],
      token_endpoint_auth_methods_supported: ["client_secret_post", "client_secret_basic", "private_key_jwt"],
      claims_supported: [
        "active",
        "address",
        "email",
        "name",
        "organization_id",
        "sub",
        "user_id",
        "zoneinfo",
      ],
    },
    "discovery",
    "Where the org's endpoints are. The device flow is not among them: clients must know it.",
  );
};
