import type { KeyObject } from "node:crypto";
import { LOGIN_HOST, type OrgContext, orgItself, orgNow } from "./context.ts";
import { standingApproval, type TokenFields, tokenFields } from "./grants.ts";
import { type Asked, Refusal } from "./messages.ts";
import { admittedUser, tokensFor } from "./own-sign-in.ts";
import type { SamlClaims } from "./saml.ts";
import type { OrgApp, OrgUser } from "./store.ts";

// The two ways in with a SAML assertion. The org says no more to whoever asks than "invalid assertion"; its login history,
// here the sentence that goes with the answer, says why.

/** Clocks may differ by so much, and an assertion may be so old when it comes, in milliseconds. */
const SKEW_MS = 180_000;
const MOST_AGE_MS = 300_000;

const refused = (reason: string, why: string): Refusal =>
  new Refusal("invalid_grant", "invalid assertion", `${reason}: ${why}.`);

const missing = (parameter: string): Refusal =>
  new Refusal("invalid_request", `missing required parameter ${parameter}`, "Something is missing.");

const decoded = (form: URLSearchParams, encoding: "base64" | "base64url"): string => {
  const text = form.get("assertion") ?? "";
  if (text === "") throw missing("assertion");
  const alphabet = encoding === "base64" ? /^[A-Za-z0-9+/\s]+={0,2}\s*$/ : /^[\w-]+={0,2}$/;
  if (!alphabet.test(text)) throw refused("Assertion Invalid", `it is not in ${encoding}`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(text, encoding));
  } catch {
    throw refused("Assertion Invalid", "it is no text in UTF-8");
  }
};

const open = async (
  xml: string,
  root: "Assertion" | "Response",
  keyOf: (issuer: string) => KeyObject,
): Promise<SamlClaims> => {
  const { openSaml, SamlFault } = await import("./saml.ts");
  try {
    return openSaml(xml, root, keyOf);
  } catch (error) {
    throw error instanceof SamlFault ? refused(error.reason, error.message) : error;
  }
};

interface Expected {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly recipients: readonly string[];
}

/** Everything about an assertion but its signature and its user. */
const check = (org: OrgContext, claims: SamlClaims, expected: Expected): void => {
  const now = orgNow(org);
  const { confirmation, audiences, destination } = claims;
  if (claims.issuer !== expected.issuer)
    throw refused("Issuer Mismatched", "the issuer is not the one that the org trusts");
  if (!audiences.some((each) => expected.audiences.includes(each)))
    throw refused("Audience Invalid", "it is made for somebody else");
  const elsewhere = (place: string | null): boolean => place !== null && !expected.recipients.includes(place);
  if (confirmation.recipient === null || elsewhere(confirmation.recipient) || elsewhere(destination))
    throw refused("Recipient Mismatched", "it is to be brought to another address");
  if (confirmation.inResponseTo !== null)
    throw refused("Subject Confirmation Error", "it answers a question that this org has not asked");
  const ends = [confirmation.notOnOrAfter, claims.notOnOrAfter ?? confirmation.notOnOrAfter];
  if (ends.some((end) => now >= end + SKEW_MS) || now > claims.issuedAt + MOST_AGE_MS + SKEW_MS)
    throw refused("Assertion Expired", "it is too old");
  if (Math.max(claims.issuedAt, claims.notBefore ?? 0) > now + SKEW_MS)
    throw refused("Assertion Invalid", "it does not count yet");
};

/** Each assertion counts once, for as long as it could count at all. */
const spend = (org: OrgContext, { issuer, id, issuedAt }: SamlClaims): void => {
  const { assertionIds } = org.store;
  const now = orgNow(org);
  for (const [known, until] of assertionIds) if (until <= now) assertionIds.delete(known);
  const name = JSON.stringify([issuer, id]);
  if (assertionIds.has(name)) throw refused("Replay Detected", "this very assertion was used before");
  assertionIds.set(name, issuedAt + MOST_AGE_MS + SKEW_MS + 1);
};

const tokenUrl = (base: string): string => `${base}/services/oauth2/token`;

/** `urn:ietf:params:oauth:grant-type:saml2-bearer` (RFC 7522): the issuer names the app, whose certificate counts. */
export const bearSaml = async (org: OrgContext, { form }: Asked): Promise<TokenFields> => {
  const xml = decoded(form, "base64url");
  const appOf = (issuer: string): OrgApp => {
    const app = org.store.apps.find((each) => each.clientId === issuer);
    if (app !== undefined) return app;
    throw new Refusal("invalid_client_id", "client identifier invalid", "The issuer is no app of this org.");
  };
  const claims = await open(xml, "Assertion", (issuer) => {
    const key = appOf(issuer).certificateKey;
    if (key === null) throw refused("Signature Invalid", "the app has no certificate");
    return key;
  });
  const app = appOf(claims.issuer);
  const hosts = [LOGIN_HOST, org.baseUrl()];
  check(org, claims, { issuer: app.clientId, audiences: hosts, recipients: hosts.map(tokenUrl) });
  const user = admittedUser(org, app, claims.subject);
  spend(org, claims);
  return tokensFor(org, app, user);
};

/** Scopes of a session that no app asked for. */
const SESSION_SCOPES = ["api", "id", "openid", "profile", "email", "address"];

/** `assertion`: what an identity provider that the org trusts says at single sign-on. No app, and only at the org's own address. */
export const showSaml = async (org: OrgContext, { form, host }: Asked): Promise<TokenFields> => {
  if (form.get("assertion_type") !== "urn:oasis:names:tc:SAML:2.0:profiles:SSO:browser")
    throw form.has("assertion_type")
      ? new Refusal("invalid_request", "assertion type not supported", "Only SAML 2.0 of single sign-on is.")
      : missing("assertion_type");
  const xml = decoded(form, "base64");
  const base = org.baseUrl();
  const trusted = org.store.singleSignOn;
  if (host !== new URL(base).host)
    throw refused("Configuration Error", "a login host does not know whose identity provider this is");
  if (trusted === null) throw refused("Configuration Error", "the org has no single sign-on settings");
  const claims = await open(xml, "Response", () => trusted.key);
  // The login address of single sign-on, or the token endpoint; both may name the org.
  const recipients = [base, tokenUrl(base)].flatMap((each) => [each, `${each}?so=${org.store.orgId}`]);
  check(org, claims, { issuer: trusted.issuer, audiences: [base], recipients });
  const user: OrgUser | undefined = org.store.users.find(({ username }) => username === claims.subject);
  if (user === undefined)
    throw refused("Subject Confirmation Error", "nobody of this org has the name in it");
  spend(org, claims);
  const approval = standingApproval(org, orgItself, user, SESSION_SCOPES);
  return tokenFields(org, orgItself, user, approval, { tellRefreshToken: false });
};
