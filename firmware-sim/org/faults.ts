/**
 * Everything that can be made to go wrong. Each is a public field of `SimulatedOrg`; the defaults there are a healthy
 * org. Numbers named "the next n" count down by themselves, so a fault ends on its own.
 */
export interface OrgFaults {
  // the way to the org
  /** Nothing answers: connections are refused. */
  offline: boolean;
  /** The next n requests of programs are never answered, and nothing is done about them. */
  timeouts: number;
  /** Every answer takes this long, in milliseconds. */
  answerDelayMs: number;
  /** The next n requests of programs get a maintenance page: status 200, text/html. */
  htmlPages: number;
  /** The next n requests of programs get status 200 and nothing else. */
  emptyBodies: number;
  /** The next n requests of programs are obeyed, but the answer is cut in the middle. */
  truncatedBodies: number;
  /** The next n requests of programs are obeyed, and the answer comes so slowly that it never ends. */
  drippingBodies: number;
  /** The next n requests of programs get an answer of this program's patience: 2 MiB of JSON. */
  hugeBodies: number;
  /** The next n requests of programs get status 500 with a form-encoded `server_error`. */
  serverErrors: number;
  /** The next n requests of programs are refused with all that they sent in the words of the refusal; each in another form. */
  echoes: number;
  /** From the next request on, the org is busy for so many seconds (503 with Retry-After), then well again. 0: not. */
  busyWithRetryAfter: number;
  /** Errors of the token endpoint come form-encoded instead of as JSON. */
  formEncodedErrors: boolean;
  /** The next requests to the token endpoint are refused in these words, one after the other. */
  refusals: {
    readonly error: string;
    readonly description: string;
    readonly status?: number;
    /** Only of requests with this `grant_type`; others pass by. */
    readonly of?: string;
  }[];
  /** The org's clock runs ahead of everybody's by so much, in milliseconds; negative: behind. */
  clockSkewMs: number;

  // records
  /** What people here may not see: objects (`Contact`) and fields (`User.Latitude`); asked for, there is no such thing. */
  hidden: readonly string[];
  /** Fields (`Asset.Status`) that people here may see and not change. */
  readOnly: readonly string[];
  /** Records in one page of a query's answer. */
  pageSize: number;
  /** Requests for data that all programs of the org together have in a day (UTC); one more is refused. */
  apiRequestsPerDay: number;

  // device flow
  /** The app's device flow is switched on. */
  deviceFlowEnabled: boolean;
  /** Nominal pause between polls in seconds, as told to the client. */
  intervalSeconds: number;
  /** Life of user code and device code, in milliseconds. */
  codeLifetimeMs: number;
  /** The `error` of a poll after the end of the code; the vendor documents none. */
  expiredCodeError: "invalid_grant" | "invalid_request" | "expired_token";
  /** The next n polls are told to slow down, however patient they were. */
  slowDowns: number;
  /** The next n polls that could have succeeded are told to wait. */
  pendingPolls: number;
  /** The next n requests for a code are refused with `server_error`: too many were asked for. */
  refuseCodes: number;
  /** The next n codes are refused by the person at once. */
  denyNext: number;
  /** The next n approved polls, or codes of the web server flow, are obeyed, and the answer with the tokens is lost on its way. */
  loseAnswerAfterGrant: number;

  // user-agent flow
  /** "Allow OAuth User-Agent Flows", for the whole org. */
  userAgentFlowEnabled: boolean;
  /** From then on, by the org's clock, the vendor has retired it; milliseconds since 1970. */
  userAgentFlowEndsAt: number;

  // tokens
  /** Life of an access token, in milliseconds. */
  accessTokenLifetimeMs: number;
  /** A refresh token that is not used for so long, in milliseconds, is dead. */
  refreshTokenIdleMs: number;
  /** Each refresh token works once and brings a new one; using an old one ends the grant. */
  rotateRefreshTokens: boolean;
  /** The next n refreshes are obeyed, and the answer is lost on its way. */
  loseAnswerAfterRotation: number;
  /** The next n refreshes are told that another one is under way. */
  alreadyProcessing: number;
  /** How many approvals a user may have for one app; one more pushes out the oldest. */
  approvalsPerUserAndApp: number;

  // asset tokens
  /** The app's asset tokens are switched on. */
  assetTokensEnabled: boolean;
  /** Life of an asset token, in milliseconds. */
  assetTokenLifetimeMs: number;
  /** `/id/keys` lists the asset signing key; without it only the pinned certificate helps. */
  publishAssetKey: boolean;
  /** Elliptic-curve device keys are accepted (the vendor documents RSA only). */
  acceptEcKeys: boolean;
  /** Asset tokens are for somebody else. */
  wrongAudience: boolean;
  /** Asset tokens name another issuer. */
  wrongIssuer: boolean;
  /** Asset tokens are signed with a key that is not the org's, under the org's key name. */
  wrongKey: boolean;
  /** Asset tokens name a signing key that nobody knows. */
  unknownKeyId: boolean;
  /** Asset tokens claim to need no signature (`alg: none`). */
  unsigned: boolean;
  /** Asset tokens do not say which key the device must hold. */
  omitCnf: boolean;
  /** Asset tokens are bound to another device's key. */
  wrongCnf: boolean;
  /** Asset tokens name another device. */
  wrongDevice: boolean;
}

type Countdown = {
  [Name in keyof OrgFaults]: OrgFaults[Name] extends number ? Name : never;
}[keyof OrgFaults];

/** True while the fault has a turn left, and takes that turn. */
export const takeTurn = (faults: OrgFaults, name: Countdown): boolean => {
  if (faults[name] <= 0) return false;
  faults[name] -= 1;
  return true;
};
