import { askOrg, type OrgHttp, textOf } from "./http.ts";
import { Trouble } from "./trouble.ts";

/** The org as companion.json names it. */
export interface OrgConfig {
  /** Without a slash at the end. */
  readonly url: string;
  readonly dialect: "salesforce" | "rfc8628";
  readonly clientId: string;
  readonly scope: string;
  /** How people sign in; `user-agent` is legacy (docs/app.md). */
  readonly signIn: "web-server" | "user-agent";
  /** The org's page where a person enters a board's code. */
  readonly codePage: string | null;
}

/** Where the org is asked for what. */
export interface OrgPlaces {
  /** As `iss` of its ID tokens must be. */
  readonly issuer: string;
  readonly authorize: string;
  readonly token: string;
  /** RFC 7009; null when the org has none. */
  readonly revoke: string | null;
  readonly userInfo: string | null;
  /** The keys of its ID tokens (RFC 7517). */
  readonly keys: string | null;
}

/**
 * Salesforce's paths are known; other orgs tell theirs (OpenID Connect Discovery section 4). Throws what `http` throws,
 * ORG_REFUSED, or ORG_ANSWER for a document about another issuer or without what a sign-in needs.
 */
export const findOrg = async (org: OrgConfig, http: OrgHttp, signal: AbortSignal): Promise<OrgPlaces> => {
  const { url, dialect } = org;
  if (dialect === "salesforce") {
    const path = `${url}/services/oauth2`;
    return {
      issuer: url,
      authorize: `${path}/authorize`,
      token: `${path}/token`,
      revoke: `${path}/revoke`,
      userInfo: `${path}/userinfo`,
      keys: `${url}/id/keys`,
    };
  }
  const told = await askOrg(
    http,
    {
      method: "GET",
      url: `${url}/.well-known/openid-configuration`,
      headers: { accept: "application/json" },
    },
    signal,
  );
  const issuer = textOf(told.issuer, 500);
  const authorize = textOf(told.authorization_endpoint, 500);
  const token = textOf(told.token_endpoint, 500);
  if (issuer === null || issuer.replace(/\/$/, "") !== url || authorize === null || token === null)
    throw new Trouble("ORG_ANSWER", "the discovery document is about another org, or lacks where to sign in");
  return {
    issuer,
    authorize,
    token,
    revoke: textOf(told.revocation_endpoint, 500),
    userInfo: textOf(told.userinfo_endpoint, 500),
    keys: textOf(told.jwks_uri, 500),
  };
};
