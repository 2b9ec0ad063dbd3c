import { type KeyObject, X509Certificate } from "node:crypto";
import { toNumericDate } from "../../src/units.ts";
import { appOf, LOGIN_HOST, type OrgContext, orgNow } from "./context.ts";
import { standingApproval, type TokenFields, tokenFields } from "./grants.ts";
import { type ReadJwt, readJwt, verifyJwt } from "./jwt.ts";
import { type Asked, Refusal } from "./messages.ts";
import type { OrgApp, OrgUser } from "./store.ts";

// Ways in without a person: nobody approves, so there is never a refresh token.

/** How far ahead an assertion may end, in seconds. */
const LONGEST_ASSERTION = 180;

/** What an app's certificate may have, in bytes. */
const MAX_CERTIFICATE = 4096;

/** The public key of a PEM certificate that an administrator uploads. Throws when it is none, or too large. */
export const certificateKey = (pem: string): KeyObject => {
  if (Buffer.byteLength(pem) > MAX_CERTIFICATE) throw new Error("the certificate is larger than 4 KB");
  return new X509Certificate(pem).publicKey;
};

const refused = (description: string, says: string): Refusal =>
  new Refusal("invalid_grant", description, says);

/** Scopes that only make sense where somebody approves. */
const WITH_PERSON = new Set(["refresh_token", "offline_access", "full", "web"]);

/** Tokens that nobody was asked for. */
export const tokensFor = (org: OrgContext, app: OrgApp, user: OrgUser): TokenFields => {
  const scope = app.scopes.filter((each) => !WITH_PERSON.has(each));
  return tokenFields(org, app, user, standingApproval(org, app, user, scope), { tellRefreshToken: false });
};

/** Times, audience and signature of an assertion (RFC 7523 section 3). */
const checkAssertion = (org: OrgContext, app: OrgApp, jwt: ReadJwt): void => {
  const { aud, exp, nbf } = jwt.payload;
  const now = toNumericDate(orgNow(org));
  if (jwt.header.alg !== "RS256" || app.certificateKey === null || !verifyJwt(jwt, app.certificateKey))
    throw refused("invalid assertion", "The signature is not by the key whose certificate the app has.");
  if (aud !== LOGIN_HOST && aud !== org.baseUrl())
    throw refused("audience is invalid", "The assertion is made for somebody else.");
  if (typeof exp !== "number" || exp <= now)
    throw refused("expired authorization code", "The assertion is too old.");
  if (exp > now + LONGEST_ASSERTION)
    throw refused("invalid assertion", "The assertion would count for longer than three minutes.");
  if (nbf !== undefined && !(typeof nbf === "number" && nbf <= now))
    throw refused("invalid assertion", "The assertion does not count yet.");
};

/** `urn:ietf:params:oauth:grant-type:jwt-bearer`: `iss` names the app, `prn` or `sub` the user. */
export const bearAssertion = (org: OrgContext, { form }: Asked): TokenFields => {
  const assertion = form.get("assertion") ?? "";
  if (assertion === "")
    throw new Refusal("invalid_request", "missing required parameter assertion", "There is no assertion.");
  const jwt = readJwt(assertion);
  if (jwt === undefined) throw refused("invalid assertion", "This is no signed assertion.");
  const app = org.store.apps.find((each) => each.clientId === jwt.payload.iss);
  if (app === undefined)
    throw new Refusal(
      "invalid_client_id",
      "client identifier invalid",
      "The org has no app with this client id.",
    );
  checkAssertion(org, app, jwt);
  return tokensFor(org, app, admittedUser(org, app, jwt.payload.prn ?? jwt.payload.sub));
};

/** The user in an assertion, whom an administrator must have admitted to the app. */
export const admittedUser = (org: OrgContext, app: OrgApp, username: unknown): OrgUser => {
  const user = org.store.users.find((each) => each.username === username);
  if (user === undefined)
    throw refused("user hasn't approved this consumer", "Nobody of this org has the name in the assertion.");
  if (!app.preauthorized.includes(user.id))
    throw new Refusal(
      "invalid_app_access",
      "user is not admin approved to access this app",
      "The app admits only users whom an administrator has chosen, and this is none of them.",
    );
  return user;
};

/** `client_credentials`: only at the org's own address, only with the secret, and as the user that the app runs as. */
export const showCredentials = (org: OrgContext, asked: Asked): TokenFields => {
  if (asked.host !== new URL(org.baseUrl()).host)
    throw refused(
      "request not supported on this domain",
      "This way in exists only at the org's own address.",
    );
  const app = appOf(org, asked.form);
  if (!asked.form.has("client_secret"))
    throw new Refusal("invalid_client", "invalid client credentials", "The app's secret is missing.");
  const user = org.store.users.find((each) => each.id === app.runAs);
  if (user === undefined)
    throw refused("no client credentials user enabled", "Nobody has chosen the user that this app runs as.");
  return tokensFor(org, app, user);
};
