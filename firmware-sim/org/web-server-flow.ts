import { createHash } from "node:crypto";
import { after } from "../../src/units.ts";
import { appOf, type OrgContext, orgNow, scopeOf } from "./context.ts";
import { approve, endApproval, type TokenFields, tokenFields } from "./grants.ts";
import { Refusal } from "./messages.ts";
import type { AuthorizeRequest, OrgApp, OrgUser } from "./store.ts";

const isLoopback = (url: URL): boolean =>
  url.protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);

/** True when the app may be called back there. */
export const mayCallBack = (app: OrgApp, redirectUri: string): boolean =>
  app.redirectUris.some((registered) => {
    if (registered === redirectUri) return true;
    if (!app.anyLoopbackPort || !URL.canParse(redirectUri)) return false;
    const [asked, known] = [new URL(redirectUri), new URL(registered)];
    if (!isLoopback(asked) || !isLoopback(known)) return false;
    known.port = asked.port;
    return known.href === asked.href;
  });

/** How an authorize request can be: worth a page for the person, or an error for the app's callback. */
export type AuthorizeReading =
  | { readonly kind: "ask"; readonly app: OrgApp; readonly request: AuthorizeRequest }
  | { readonly kind: "callback"; readonly location: string }
  /** Nobody may be called back: the person is told. */
  | { readonly kind: "page"; readonly error: string; readonly description: string };

/** A callback URL with the answer's parameters, as its query (RFC 6749 section 4.1.2) or its fragment (section 4.2.2). */
export const callback = (
  redirectUri: string,
  fields: Readonly<Record<string, string | null>>,
  wants: AuthorizeRequest["wants"]["kind"],
): string => {
  const url = new URL(redirectUri);
  const answer = Object.entries(fields).flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
  if (wants === "tokens") url.hash = new URLSearchParams(answer).toString();
  else for (const [name = "", value = ""] of answer) url.searchParams.set(name, value);
  return url.href;
};

/**
 * Reads `GET /services/oauth2/authorize`: `response_type=code` (PKCE with S256, RFC 7636, is required), or `token` and
 * `token id_token`, the user-agent flow, while the org takes it.
 */
export const readAuthorize = (org: OrgContext, query: URLSearchParams): AuthorizeReading => {
  const app = org.store.apps.find((each) => each.clientId === query.get("client_id"));
  if (app === undefined)
    return { kind: "page", error: "invalid_client_id", description: "client identifier invalid" };
  const redirectUri = query.get("redirect_uri") ?? "";
  if (!mayCallBack(app, redirectUri))
    return {
      kind: "page",
      error: "redirect_uri_mismatch",
      description: "redirect_uri must match configuration",
    };
  const state = query.get("state");
  const types = (query.get("response_type") ?? "").split(" ");
  const kind = types.includes("token") ? "tokens" : "code";
  try {
    const scope = scopeOf(app, query.get("scope"));
    const wants = kind === "tokens" ? tokensWanted(org, types, query, scope) : codeWanted(types, query);
    const nonce = query.get("nonce");
    return { kind: "ask", app, request: { clientId: app.clientId, redirectUri, scope, state, nonce, wants } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const fields = { error: error.error, error_description: error.description, state };
    return { kind: "callback", location: callback(redirectUri, fields, kind) };
  }
};

const unsupported = (says: string): Refusal =>
  new Refusal("unsupported_response_type", "response type not supported", says);

const codeWanted = (types: readonly string[], query: URLSearchParams): AuthorizeRequest["wants"] => {
  if (types.join(" ") !== "code") throw unsupported("The org does not know this kind of answer.");
  const codeChallenge = query.get("code_challenge") ?? "";
  if (!/^[\w-]{43}$/.test(codeChallenge))
    throw new Refusal("invalid_request", "missing required code challenge", "PKCE is required.");
  if ((query.get("code_challenge_method") ?? "S256") !== "S256")
    throw new Refusal("invalid_request", "code_challenge_method must be S256", "PKCE is required.");
  return { kind: "code", codeChallenge };
};

/** What the vendor answers once the flow is blocked or retired is not documented; this is the standard's word for it. */
const tokensWanted = (
  org: OrgContext,
  types: readonly string[],
  query: URLSearchParams,
  scope: readonly string[],
): AuthorizeRequest["wants"] => {
  if (!org.faults.userAgentFlowEnabled || orgNow(org) >= org.faults.userAgentFlowEndsAt)
    throw unsupported("The org does not take the user-agent flow: tokens in addresses leak.");
  const idToken = types.includes("id_token");
  if (types.length !== (idToken ? 2 : 1)) throw unsupported("The org does not know this kind of answer.");
  if (idToken && !scope.includes("openid"))
    throw new Refusal(
      "invalid_scope",
      "id_token needs the scope openid",
      "An ID token takes the scope openid.",
    );
  // OpenID Connect Core section 3.2.2.1
  if (idToken && (query.get("nonce") ?? "") === "")
    throw new Refusal(
      "invalid_request",
      "missing required parameter nonce",
      "An ID token here needs a nonce.",
    );
  return { kind: "tokens", idToken };
};

/** The person said yes: the callback with a code, or with the tokens themselves. */
export const grantAnswer = (org: OrgContext, request: AuthorizeRequest, user: OrgUser): string =>
  request.wants.kind === "code"
    ? grantCode(org, request, request.wants.codeChallenge, user)
    : grantTokens(org, request, request.wants.idToken, user);

/** A refresh token is only told to callbacks that lead to no web page (a scheme of the app's own). */
const grantTokens = (
  org: OrgContext,
  request: AuthorizeRequest,
  withIdToken: boolean,
  user: OrgUser,
): string => {
  const { redirectUri, state, nonce } = request;
  const app = org.store.apps.find((each) => each.clientId === request.clientId);
  if (app === undefined) throw new Error("the app has left the org");
  const tellRefreshToken = !/^https?:/.test(redirectUri);
  const scope = tellRefreshToken
    ? request.scope
    : request.scope.filter((each) => each !== "refresh_token" && each !== "offline_access");
  const approval = approve(org, app, user, scope, null);
  const { id_token: idToken, ...fields } = tokenFields(org, app, user, approval, { tellRefreshToken, nonce });
  const told = withIdToken && idToken !== undefined ? { ...fields, id_token: idToken } : fields;
  const texts = Object.entries(told).map(([name, value]) => [name, String(value)]);
  return callback(redirectUri, { ...Object.fromEntries(texts), state }, "tokens");
};

const CODE_LIFETIME_MS = 10 * 60_000;

/** How long a code is known after its end, in milliseconds: its second use ends what the first one gave. */
const REMEMBERED_MS = 24 * 3_600_000;

const grantCode = (
  org: OrgContext,
  request: AuthorizeRequest,
  codeChallenge: string,
  user: OrgUser,
): string => {
  const code = `aPrx${org.random(40).toString("base64url")}`;
  const { authorizationCodes } = org.store;
  for (const [old, { endsAt }] of authorizationCodes)
    if (after(endsAt, REMEMBERED_MS) <= org.clock.mono()) authorizationCodes.delete(old);
  authorizationCodes.set(code, {
    request,
    codeChallenge,
    userId: user.id,
    endsAt: after(org.clock.mono(), CODE_LIFETIME_MS),
    approvalId: null,
  });
  org.secrets.hand("authorization code", code);
  org.secrets.hand("state", request.state);
  return callback(request.redirectUri, { code, state: request.state }, "code");
};

/** `grant_type=authorization_code`: works once; a second use ends what the first one gave. */
export const redeemCode = (org: OrgContext, form: URLSearchParams): TokenFields => {
  const app = appOf(org, form);
  const code = org.store.authorizationCodes.get(form.get("code") ?? "");
  if (code === undefined || code.request.clientId !== app.clientId)
    throw new Refusal("invalid_grant", "invalid authorization code", "The org does not know this code.");
  if (code.approvalId !== null) {
    endApproval(org, code.approvalId);
    throw new Refusal(
      "invalid_grant",
      "expired authorization code",
      "This code was used before. It may have been stolen, so the org ends the whole sign-in.",
    );
  }
  if (code.endsAt <= org.clock.mono())
    throw new Refusal("invalid_grant", "expired authorization code", "The code's ten minutes are over.");
  if (form.get("redirect_uri") !== code.request.redirectUri)
    throw new Refusal(
      "redirect_uri_mismatch",
      "redirect_uri must match configuration",
      "The callback is not the one the code was made for.",
    );
  const challenge = createHash("sha256")
    .update(form.get("code_verifier") ?? "")
    .digest("base64url");
  if (challenge !== code.codeChallenge)
    throw new Refusal(
      "invalid_grant",
      "invalid code verifier",
      "Whoever redeems the code cannot show the secret of whoever asked for it.",
    );
  const user = org.store.users.find((each) => each.id === code.userId);
  if (user === undefined)
    throw new Refusal("invalid_grant", "user is inactive", "The person has left the org.");
  const approval = approve(org, app, user, code.request.scope, null);
  code.approvalId = approval.id;
  return tokenFields(org, app, user, approval, { tellRefreshToken: true, nonce: code.request.nonce });
};
