import { AgentError, type ErrorCode } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { HttpResponse } from "../ports.ts";
import { busy, inItsWords, type Refusal, readAnswer } from "./answer.ts";
import type { OwnSignIn } from "./own-sign-in.ts";
import { sharedMeaning } from "./refusals.ts";
import { type Moment, readGrant } from "./steps.ts";

// What an org answers to a board that signs in by itself: a grant, or what somebody has to change.

/** What to change, where that depends on who has made the assertion: the board itself, or an identity provider. */
type Advice = string | { readonly own: string; readonly saml: string };

/** Descriptions of Salesforce that say more than their error: what each means, and what to change. */
const described: readonly (readonly [RegExp, ErrorCode, Advice])[] = [
  [
    /request not supported on this domain/i,
    "SIGN_IN_CLOSED",
    "set org.url to the org's own address (https://<My Domain>.my.salesforce.com): login and test hosts do not take this flow",
  ],
  [
    /no client credentials user/i,
    "SIGN_IN_CLOSED",
    "choose a user to run as in the app's policies, under Client Credentials Flow",
  ],
  [
    /audience/i,
    "ASSERTION_REFUSED",
    {
      own: "set org.audience to the host that the user signs in at: https://login.salesforce.com, for a sandbox https://test.salesforce.com, for a site its address",
      saml: "the assertion's Audience must be the host that the user signs in at (saml-bearer: https://login.salesforce.com, for a sandbox https://test.salesforce.com) or the entity id in the org's Single Sign-On Settings (saml-assertion)",
    },
  ],
  [
    /recipient/i,
    "ASSERTION_REFUSED",
    "the assertion's Recipient must be the address of the org's token endpoint, /services/oauth2/token and all",
  ],
  [
    /replay/i,
    "ASSERTION_REFUSED",
    "the org has seen this very assertion before; each sign-in needs a new one",
  ],
  [
    /expired/i,
    "ASSERTION_REFUSED",
    {
      own: "the board's clock and the org's differ by minutes; give the board a time server",
      saml: "the assertion was too old when it came to the org, or the identity provider's clock and the org's differ by minutes",
    },
  ],
  [
    /hasn.t approved this consumer|not admin approved/i,
    "SIGN_IN_NOT_APPROVED",
    {
      own: "either the app does not admit the user, or org.username is nobody's at this org",
      saml: "either the app does not admit the user, or the assertion's subject is nobody at this org",
    },
  ],
  [
    /ip restricted|login hours/i,
    "ORG_BUSY",
    "the org admits this user only from other addresses or at other hours",
  ],
];

const meanings: Readonly<Record<string, ErrorCode>> = {
  ...sharedMeaning,
  invalid_app_access: "SIGN_IN_NOT_APPROVED", // Salesforce
  inactive_user: "SIGN_IN_NOT_APPROVED", // Salesforce
  access_denied: "SIGN_IN_NOT_APPROVED",
  inactive_org: "ORG_BUSY", // Salesforce: locked or suspended, and that can pass
  unauthorized_client: "SIGN_IN_CLOSED",
  unsupported_grant_type: "SIGN_IN_CLOSED",
};

/** The fault behind a refused sign-in. No refusal ends it for good: somebody may put the org right at any time. */
export const signInFault = (
  refusal: Refusal,
  kind: OwnSignIn["kind"],
  response: HttpResponse,
): AgentError => {
  if (response.status === 429 || response.status >= 500) return busy(response, inItsWords(refusal));
  const saml = kind === "saml-bearer" || kind === "saml-assertion";
  const [, told, found] = described.find(([pattern]) => pattern.test(refusal.description)) ?? [];
  const advice = typeof found === "object" ? found[saml ? "saml" : "own"] : found;
  const named = Object.hasOwn(meanings, refusal.error) ? meanings[refusal.error] : undefined;
  const refused = refusal.error === "invalid_grant" || refusal.error === "invalid_request";
  const otherwise = kind === "client-credentials" ? "SIGN_IN_CLOSED" : "ASSERTION_REFUSED";
  const code = told ?? named ?? (refused ? otherwise : "ORG_ANSWER_INVALID");
  const words = advice === undefined ? inItsWords(refusal) : `${inItsWords(refusal)}; ${advice}`;
  return code === "ORG_BUSY" ? busy(response, words) : new AgentError(code, words);
};

/** A sign-in's answer (RFC 6749 section 5.1), as a grant of `as`; `instanceUrl` as for `readGrant`. Throws the codes of `signInFault`. */
export const readSignIn = (
  response: HttpResponse,
  kind: OwnSignIn["kind"],
  instanceUrl: string | null,
  as: string,
  now: Moment,
): Grant => {
  const answer = readAnswer(response);
  if (answer.kind === "refusal") throw signInFault(answer.refusal, kind, response);
  // Some servers send one against RFC 6749 section 4.4.3; the board's own credentials serve better and rotate never.
  return { ...readGrant(answer.members, instanceUrl, now), refreshToken: null, signedInAs: as };
};
