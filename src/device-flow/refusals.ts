import { AgentError, type ErrorCode } from "../errors.ts";
import type { HttpResponse } from "../ports.ts";
import { busy, inItsWords, type Refusal } from "./answer.ts";

// What each `error` of an authorization server means at each step (RFC 6749 section 5.2, RFC 8628 section 3.5, and
// what servers send instead). The description decides only where one error has opposite meanings.

/** What some errors mean at every step. */
export const sharedMeaning: Readonly<Record<string, ErrorCode>> = {
  invalid_client: "CLIENT_UNKNOWN",
  invalid_client_id: "CLIENT_UNKNOWN", // Salesforce
  app_not_found: "CLIENT_UNKNOWN", // Salesforce
  incorrect_client_credentials: "CLIENT_UNKNOWN", // GitHub
  invalid_scope: "SCOPE_REFUSED",
  temporarily_unavailable: "ORG_BUSY",
  rate_limit_exceeded: "ORG_BUSY", // Salesforce
  too_many_requests: "ORG_BUSY", // Auth0
};

const deviceFlowMeaning: Readonly<Record<string, ErrorCode>> = {
  ...sharedMeaning,
  device_flow_disabled: "DEVICE_FLOW_DISABLED", // GitHub
  unauthorized_client: "DEVICE_FLOW_DISABLED", // Keycloak, Auth0, Okta
  unsupported_grant_type: "DEVICE_FLOW_DISABLED",
  unsupported_response_type: "DEVICE_FLOW_DISABLED", // Salesforce, whose step 1 has a response_type
};

const askMeaning: Readonly<Record<string, ErrorCode>> = {
  ...deviceFlowMeaning,
  access_denied: "DEVICE_FLOW_DISABLED", // before anybody was asked: a rule of the org
  slow_down: "ORG_BUSY",
};

const pollMeaning: Readonly<Record<string, ErrorCode>> = {
  ...deviceFlowMeaning,
  access_denied: "CODE_DENIED",
  authorization_declined: "CODE_DENIED", // Microsoft
  expired_token: "CODE_EXPIRED",
  server_error: "ORG_BUSY",
};

const refreshMeaning: Readonly<Record<string, ErrorCode>> = {
  ...sharedMeaning,
  unauthorized_client: "CLIENT_UNKNOWN",
  invalid_grant: "GRANT_GONE",
  invalid_token: "GRANT_GONE",
  expired_token: "GRANT_GONE",
  bad_refresh_token: "GRANT_GONE", // GitHub
  interaction_required: "GRANT_GONE", // OpenID Connect Core section 3.1.2.6, Microsoft
  login_required: "GRANT_GONE",
  consent_required: "GRANT_GONE",
  inactive_user: "GRANT_GONE", // Salesforce
  inactive_org: "ORG_BUSY", // Salesforce: locked or suspended, and that can pass
};

const ownMeaning = (table: Readonly<Record<string, ErrorCode>>, error: string): ErrorCode | undefined =>
  Object.hasOwn(table, error) ? table[error] : undefined;

const fault = (code: ErrorCode, refusal: Refusal, response: HttpResponse): AgentError =>
  code === "ORG_BUSY" ? busy(response, inItsWords(refusal)) : new AgentError(code, inItsWords(refusal));

const isOverloaded = (response: HttpResponse): boolean => response.status === 429 || response.status >= 500;

/** Faults that orgs hide behind any error of the device flow. */
const hiddenMeaning = ({ error, description }: Refusal): ErrorCode | undefined => {
  if (/device flow is (not |no longer |disabled|blocked|restricted)/i.test(description))
    return "DEVICE_FLOW_DISABLED";
  // Salesforce, of apps that are not local to the org.
  if (/app must be installed/i.test(description)) return "DEVICE_FLOW_DISABLED";
  if (error === "unauthorized_client" && /unknown|not found|does not exist/i.test(description))
    return "CLIENT_UNKNOWN";
  return undefined;
};

/** The fault behind a refused step 1 (no code given). `server_error` is Salesforce's "too many codes". */
export const askFault = (
  refusal: Refusal,
  response: HttpResponse,
  dialect: "salesforce" | "rfc8628",
): AgentError => {
  const hidden = hiddenMeaning(refusal);
  if (refusal.error === "server_error" && hidden === undefined)
    return fault(dialect === "salesforce" ? "TOO_MANY_CODES" : "ORG_BUSY", refusal, response);
  const named = ownMeaning(askMeaning, refusal.error);
  // Nobody knows in which words an org will refuse its next rule. One that speaks of the flow does not mean the client.
  const ofFlow =
    (named === undefined || named === "CLIENT_UNKNOWN") &&
    !isOverloaded(response) &&
    /\bdevice (?:authorization )?flows?\b/i.test(refusal.description);
  const code = hidden ?? (ofFlow ? "DEVICE_FLOW_DISABLED" : named);
  return fault(code ?? (isOverloaded(response) ? "ORG_BUSY" : "ORG_ANSWER_INVALID"), refusal, response);
};

/** The fault behind a refused poll; `authorization_pending` and `slow_down` are answers, not faults. */
export const pollFault = (refusal: Refusal, response: HttpResponse): AgentError => {
  const code = hiddenMeaning(refusal) ?? ownMeaning(pollMeaning, refusal.error);
  if (code !== undefined) return fault(code, refusal, response);
  if (isOverloaded(response)) return fault("ORG_BUSY", refusal, response);
  // RFC 8628 section 3.5: any other error ends the polling.
  return fault(/expired/i.test(refusal.description) ? "CODE_EXPIRED" : "CODE_INVALID", refusal, response);
};

/** What Salesforce says of two refreshes that met: today, and before August 2024. */
const met = ["token request is already being processed", "expired authorization code"];

/** Also where the answer was cut off in the middle of the words. */
const hasMet = (description: string): boolean => {
  const said = description.toLowerCase();
  return said !== "" && met.some((words) => said.includes(words) || words.startsWith(said));
};

/**
 * The fault behind a refused refresh. `invalid_grant` is final except for three descriptions of Salesforce: two
 * refreshes that met, and login hours or address ranges, which pass. A 5xx never ends a sign-in.
 */
export const refreshFault = (refusal: Refusal, response: HttpResponse): AgentError => {
  if (hasMet(refusal.description)) return fault("REFRESH_BUSY", refusal, response);
  if (/ip restricted|login hours/i.test(refusal.description)) return fault("ORG_BUSY", refusal, response);
  if (isOverloaded(response)) return fault("ORG_BUSY", refusal, response);
  return fault(ownMeaning(refreshMeaning, refusal.error) ?? "ORG_ANSWER_INVALID", refusal, response);
};
