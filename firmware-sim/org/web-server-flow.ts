import { createHash } from "node:crypto";
import { after } from "../../src/units.ts";
import { appOf, type OrgContext, scopeOf } from "./context.ts";
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

/** A callback URL with the answer's parameters (RFC 6749 section 4.1.2). */
export const callback = (redirectUri: string, fields: Readonly<Record<string, string | null>>): string => {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(fields)) if (value !== null) url.searchParams.set(name, value);
  return url.href;
};

/** Reads `GET /services/oauth2/authorize`. PKCE with S256 (RFC 7636) is required. */
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
  const refused = (error: string, description: string): AuthorizeReading => ({
    kind: "callback",
    location: callback(redirectUri, { error, error_description: description, state }),
  });
  if (query.get("response_type") !== "code")
    return refused("unsupported_response_type", "response type not supported");
  const codeChallenge = query.get("code_challenge") ?? "";
  if (!/^[\w-]{43}$/.test(codeChallenge))
    return refused("invalid_request", "missing required code challenge");
  if ((query.get("code_challenge_method") ?? "S256") !== "S256")
    return refused("invalid_request", "code_challenge_method must be S256");
  try {
    const scope = scopeOf(app, query.get("scope"));
    return {
      kind: "ask",
      app,
      request: {
        clientId: app.clientId,
        redirectUri,
        scope,
        state,
        nonce: query.get("nonce"),
        codeChallenge,
      },
    };
  } catch (error) {
    if (error instanceof Refusal) return refused(error.error, error.description);
    throw error;
  }
};

const CODE_LIFETIME_MS = 10 * 60_000;

/** The person said yes: the callback with a code. */
export const grantCode = (org: OrgContext, request: AuthorizeRequest, user: OrgUser): string => {
  const code = `aPrx${org.random(40).toString("base64url")}`;
  org.store.authorizationCodes.set(code, {
    request,
    userId: user.id,
    endsAt: after(org.clock.mono(), CODE_LIFETIME_MS),
    approvalId: null,
  });
  return callback(request.redirectUri, { code, state: request.state });
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
  if (challenge !== code.request.codeChallenge)
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
