import { AgentError, type ErrorCode } from "../errors.ts";
import type { Grant, SignInLink } from "../model.ts";
import type { HttpResponse } from "../ports.ts";
import { after, Secret } from "../units.ts";
import {
  busy,
  inItsWords,
  type Members,
  presentable,
  type Refusal,
  readAnswer,
  refusalIn,
  text,
  token,
} from "./answer.ts";
import type { OrgOptions } from "./options.ts";
import { sharedMeaning } from "./refusals.ts";
import { claimsOf, type Moment, readGrant } from "./steps.ts";

// The web server flow of a program on the person's own machine (RFC 8252): a link, an answer at a loopback address, a
// code that is worth something once and only together with the secret that never left the board (PKCE, RFC 7636).

/** Orgs keep no word about how long their page waits; Salesforce's code lasts as long. In milliseconds. */
const LINK_LIFE_MS = 600_000;

/** Longest answer address, in characters. Some orgs' codes have two thousand. */
const MAX_ADDRESS = 8192;

/** Not at the start: most boards never need it. */
const crypto = () => process.getBuiltinModule("node:crypto");

const chance = (bytes: number): Secret => new Secret(crypto().randomBytes(bytes).toString("base64url"));

/** Where the authorization request goes, and what is known of its answer. */
export interface AuthorizePlace {
  readonly url: string;
  readonly issuer: SignInLink["issuer"];
}

/**
 * A new link, good for ten minutes from `asked`. The org is to ask the person even where it could answer by itself: nobody
 * may become the owner of a board because a page sent their browser somewhere.
 */
export const makeLink = (
  { clientId, scope, callback }: Pick<OrgOptions, "clientId" | "scope"> & { readonly callback: string },
  { url: authorize, issuer }: AuthorizePlace,
  asked: Moment,
): SignInLink => {
  const state = chance(16);
  const verifier = chance(48);
  const nonce = scope.split(/[ ,]+/).includes("openid") ? chance(16) : null;
  const challenge = crypto().createHash("sha256").update(verifier.reveal()).digest("base64url");
  const url = new URL(authorize);
  const parameters = {
    response_type: "code",
    client_id: clientId,
    redirect_uri: callback,
    scope: scope === "" ? undefined : scope,
    state: state.reveal(),
    nonce: nonce?.reveal(),
    prompt: "consent",
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) url.searchParams.set(name, value);
  return {
    kind: "link",
    url: url.href,
    callback,
    state,
    nonce,
    verifier,
    issuer,
    expiresAt: after(asked.mono, LINK_LIFE_MS),
    expiresAtWall: after(asked.wall, LINK_LIFE_MS),
  };
};

/** What an address that a browser brought is. */
export type CallbackReading =
  | { readonly kind: "code"; readonly code: Secret }
  /** The org's No, or its trouble, and certainly about this link. */
  | { readonly kind: "refused"; readonly error: AgentError }
  /** Nothing that could be the answer to this link: whoever brought it is told, and the waiting goes on. */
  | { readonly kind: "strange"; readonly error: AgentError };

const strange = (why: string): CallbackReading => ({
  kind: "strange",
  error: new AgentError("CALLBACK_STRANGE", why),
});

/** Without telling by its time how much of it is right. */
const same = (given: string, known: Secret): boolean => {
  const { createHash, timingSafeEqual } = crypto();
  const digest = (part: string): Buffer => createHash("sha256").update(part).digest();
  return timingSafeEqual(digest(given), digest(known.reveal()));
};

/** The query of an address, as members; undefined when something stands in it twice (RFC 6749 section 3.1). */
const queryOf = (url: URL): Members | undefined => {
  const pairs = [...url.searchParams];
  const members = Object.fromEntries(pairs);
  return Object.keys(members).length === pairs.length ? members : undefined;
};

/**
 * Reads the address that a browser ended on (RFC 6749 section 4.1.2). A person may have copied it without `http://`. The
 * state says whether it is about this link at all, before anything else in it counts.
 */
export const readCallback = (address: string, link: SignInLink): CallbackReading => {
  const copied = address.trim();
  const whole = /^[a-z][a-z0-9+.-]*:\/\//i.test(copied) ? copied : `http://${copied}`;
  const url = whole.length > MAX_ADDRESS ? null : URL.parse(whole);
  if (url === null || url.pathname !== new URL(link.callback).pathname)
    return strange("it is not the address of org.callback");
  const members = queryOf(url);
  if (members === undefined) return strange("something stands in it twice");
  const state = text(members, "state", 256);
  if (state === undefined) return strange("it was cut off, or the org's page did not send it");
  if (!same(state, link.state)) return strange("it belongs to another link");
  const issuer = text(members, "iss");
  if (link.issuer !== null && issuer !== link.issuer.name && (issuer !== undefined || link.issuer.required))
    return strange(`it comes from ${presentable(issuer ?? "") || "a server without a name"}`);
  const refusal = refusalIn(members);
  if (refusal !== undefined) return { kind: "refused", error: authorizeFault(refusal) };
  const code = token(members, "code");
  return code === undefined ? strange("there is no code in it") : { kind: "code", code };
};

/** Descriptions of Salesforce that say more than their error: what each means, and what to change. */
const described: readonly (readonly [RegExp, ErrorCode, string | null])[] = [
  [
    /must be installed/i,
    "CLIENT_UNKNOWN",
    "an administrator of the org has to install the app there, or make one of its own",
  ],
  [/blocked|not admin approved|hasn.t approved/i, "SIGN_IN_NOT_APPROVED", null],
  [/redirect_uri/i, "WEB_FLOW_DISABLED", "the callback of the app must be org.callback, letter by letter"],
  [
    /ip restricted|login hours/i,
    "ORG_BUSY",
    "the org admits this user only from other addresses or at other hours",
  ],
];

const bothMeanings: Readonly<Record<string, ErrorCode>> = {
  ...sharedMeaning,
  unauthorized_client: "WEB_FLOW_DISABLED",
  redirect_uri_mismatch: "WEB_FLOW_DISABLED", // Salesforce
  server_error: "ORG_BUSY",
  inactive_org: "ORG_BUSY", // Salesforce: locked or suspended, and that can pass
  inactive_user: "SIGN_IN_NOT_APPROVED", // Salesforce
  invalid_app_access: "SIGN_IN_NOT_APPROVED", // Salesforce
};

const authorizeMeanings: Readonly<Record<string, ErrorCode>> = {
  ...bothMeanings,
  access_denied: "CODE_DENIED",
  // OpenID Connect Core section 3.1.2.6: somebody closed one of the pages on the way.
  login_required: "CODE_DENIED",
  interaction_required: "CODE_DENIED",
  consent_required: "CODE_DENIED",
  account_selection_required: "CODE_DENIED",
  unsupported_response_type: "WEB_FLOW_DISABLED",
  oauth_app_blocked: "SIGN_IN_NOT_APPROVED", // Salesforce
  oauth_app_access_denied: "SIGN_IN_NOT_APPROVED", // Salesforce
  oauth_approval_error_generic: "SIGN_IN_NOT_APPROVED", // Salesforce
};

const redeemMeanings: Readonly<Record<string, ErrorCode>> = {
  ...bothMeanings,
  unsupported_grant_type: "WEB_FLOW_DISABLED",
};

const faultOf = (meanings: Readonly<Record<string, ErrorCode>>, refusal: Refusal): [ErrorCode, string] => {
  const [, told, advice] = described.find(([pattern]) => pattern.test(refusal.description)) ?? [];
  const named = Object.hasOwn(meanings, refusal.error) ? meanings[refusal.error] : undefined;
  const words = inItsWords(refusal);
  // Any other error ends this link, not the board: the next one may go better.
  return [told ?? named ?? "CODE_INVALID", advice ? `${words}; ${advice}` : words];
};

/** The fault behind an error that came instead of a code (RFC 6749 section 4.1.2.1). */
const authorizeFault = (refusal: Refusal): AgentError =>
  new AgentError(...faultOf(authorizeMeanings, refusal));

/** The fault behind a refused code (RFC 6749 section 5.2). */
const redeemFault = (refusal: Refusal, response: HttpResponse): AgentError => {
  const [code, words] = faultOf(redeemMeanings, refusal);
  const overloaded = response.status === 429 || response.status >= 500;
  return overloaded || code === "ORG_BUSY" ? busy(response, words) : new AgentError(code, words);
};

/** The form of a code's exchange (RFC 6749 section 4.1.3, RFC 7636 section 4.5), without what the dialect adds. */
export const redeemForm = (link: SignInLink, code: Secret): Readonly<Record<string, string>> => ({
  grant_type: "authorization_code",
  code: code.reveal(),
  redirect_uri: link.callback,
  code_verifier: link.verifier.reveal(),
});

/**
 * The answer to it, as a grant; `instanceUrl` as for `readGrant`. An ID token must have the link's nonce (OpenID Connect Core
 * section 3.1.3.7); TLS vouches for the rest of it. A success that cannot be used throws CODE_INVALID: the code is spent.
 */
export const readRedeemed = (
  response: HttpResponse,
  link: SignInLink,
  instanceUrl: string | null,
  now: Moment,
): Grant => {
  const answer = readAnswer(response);
  if (answer.kind === "refusal") throw redeemFault(answer.refusal, response);
  let grant: Grant;
  try {
    grant = readGrant(answer.members, instanceUrl, now);
  } catch (cause) {
    throw new AgentError("CODE_INVALID", "it was approved, but the org's answer cannot be used", { cause });
  }
  if (grant.idToken !== null && link.nonce !== null) {
    const nonce = text(claimsOf(grant.idToken), "nonce", 256);
    if (nonce === undefined || !same(nonce, link.nonce))
      throw new AgentError("CODE_INVALID", "the org's ID token is the answer to another sign-in");
  }
  return grant;
};
