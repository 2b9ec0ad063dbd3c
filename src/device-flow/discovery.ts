import { AgentError } from "../errors.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import { trustedUrl, withoutSlash } from "./address.ts";
import { type Members, presentable, readMembers, senseless, text } from "./answer.ts";

// Finds a standard authorization server's endpoints (OpenID Connect Discovery 1.0, RFC 8414). Two specifications put
// the document in different places when the issuer has a path, so all places are tried.

/** What the agent needs of a discovery document. Every URL has passed `trustedUrl`. */
export interface Metadata {
  readonly issuer: string;
  /** Null only where it is not needed: the board signs in by itself, or with a browser. */
  readonly deviceAuthorizationUrl: string | null;
  /** Null only where it is not needed: the board signs in without a browser of its own. */
  readonly authorizationUrl: string | null;
  /** RFC 9207: answers of the authorization endpoint name the issuer. */
  readonly namesIssuer: boolean;
  readonly tokenUrl: string;
  readonly userinfoUrl: string | null;
  readonly revocationUrl: string | null;
  readonly jwksUrl: string | null;
  /** The client's secret goes into an Authorization header because the server takes it in no other way. */
  readonly basicAuthOnly: boolean;
}

/** Where an issuer's document may be, in the order to try. */
export const discoveryRequests = (issuer: string): readonly HttpRequest[] => {
  const base = withoutSlash(issuer);
  const { origin, pathname } = new URL(base);
  const path = withoutSlash(pathname);
  const places = new Set([
    `${base}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`, // RFC 8414 section 3.1
    `${base}/.well-known/oauth-authorization-server`,
  ]);
  return [...places].map((url) => ({ method: "GET", url, headers: { accept: "application/json" } }));
};

/** RFC 8414 section 3.3, apart from a slash at the end (Auth0) and Microsoft's template for "any tenant". */
const isSameIssuer = (wanted: string, named: string): boolean => {
  const [here, there] = [withoutSlash(wanted), withoutSlash(named)];
  if (here === there) return true;
  const [before, behind, more] = there.split("{tenantid}");
  if (before === undefined || behind === undefined || more !== undefined) return false;
  if (!here.startsWith(before) || !here.endsWith(behind)) return false;
  return /^[\w.-]+$/.test(here.slice(before.length, here.length - behind.length));
};

const endpoint = (members: Members, name: string): string | null => {
  const address = text(members, name);
  if (address === undefined) return null;
  if (trustedUrl(address) === undefined)
    throw new AgentError("ORG_DISCOVERY", `${name} is not an https address`);
  return address;
};

const takesOnlyBasic = (methods: unknown): boolean =>
  Array.isArray(methods) &&
  methods.includes("client_secret_basic") &&
  !methods.includes("client_secret_post");

/** The endpoint that a sign-in by a person begins at. */
export type BeginsAt = "device_authorization_endpoint" | "authorization_endpoint";

/**
 * A discovery document, or a text that says why this place has none (go on with the next place). It must have the endpoint
 * `beginsAt`; null where no person signs in.
 * Throws ORG_BUSY (try all again later) and ORG_DISCOVERY (a document that must not be used).
 */
export const readMetadata = (
  response: HttpResponse,
  issuer: string,
  beginsAt: BeginsAt | null,
): Metadata | string => {
  if (response.status === 429 || response.status >= 500) throw senseless(response);
  const members = response.status === 200 ? readMembers(response.body) : undefined;
  if (members === undefined)
    return response.status === 200 ? "not a discovery document" : `HTTP ${response.status}`;
  const named = text(members, "issuer") ?? "";
  if (!isSameIssuer(issuer, named))
    throw new AgentError(
      "ORG_DISCOVERY",
      `the document is of the issuer ${presentable(named) || "without a name"}`,
    );
  const tokenUrl = endpoint(members, "token_endpoint");
  if (beginsAt !== null && endpoint(members, beginsAt) === null) return `no ${beginsAt}`;
  if (tokenUrl === null) return "no token_endpoint";
  return {
    issuer: named,
    deviceAuthorizationUrl: endpoint(members, "device_authorization_endpoint"),
    authorizationUrl: endpoint(members, "authorization_endpoint"),
    namesIssuer: members.authorization_response_iss_parameter_supported === true,
    tokenUrl,
    userinfoUrl: endpoint(members, "userinfo_endpoint"),
    revocationUrl: endpoint(members, "revocation_endpoint"),
    jwksUrl: endpoint(members, "jwks_uri"),
    basicAuthOnly: takesOnlyBasic(members.token_endpoint_auth_methods_supported),
  };
};
