import { after } from "../../src/units.ts";
import { appOf, type OrgContext, orgNow, scopeOf } from "./context.ts";
import { takeTurn } from "./faults.ts";
import { approve, endApproval, type TokenFields, tokenFields } from "./grants.ts";
import { Refusal } from "./messages.ts";
import type { CodeRequest, OrgUser } from "./store.ts";

const USER_CODE_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** Eight characters, each equally likely: bytes beyond the last whole alphabet are thrown away. */
const newUserCode = (random: (size: number) => Buffer): string => {
  let code = "";
  const limit = 256 - (256 % USER_CODE_ALPHABET.length);
  while (code.length < 8)
    for (const byte of random(8 - code.length))
      if (byte < limit) code += USER_CODE_ALPHABET.charAt(byte % USER_CODE_ALPHABET.length);
  return code;
};

/** Extra, harmless fields a board may send so that the approving page can name it; other orgs ignore them. */
const deviceOf = (form: URLSearchParams): string | null => {
  const [name, serial] = ["device_name", "device_serial"].map((field) =>
    (form.get(field) ?? "").slice(0, 80).trim(),
  );
  if (name && serial) return `${name} (${serial})`;
  return name || serial || null;
};

/** Step 1 (RFC 8628 section 3.1, the vendor's dialect): gives out a device code and a user code. */
export const askCode = (org: OrgContext, form: URLSearchParams): TokenFields => {
  const { store, faults, clock } = org;
  const app = appOf(org, form);
  if (!app.deviceFlow || !faults.deviceFlowEnabled)
    throw new Refusal(
      "invalid_grant",
      "device flow is not enabled for the app",
      "Somebody has to switch on the device flow for this app in the org's settings.",
    );
  if (takeTurn(faults, "refuseCodes"))
    throw new Refusal(
      "server_error",
      "too many authorization requests",
      "Too many codes were asked for. Wait an hour.",
    );
  const scope = scopeOf(app, form.get("scope"));
  const userCode = newUserCode(org.random);
  const request: CodeRequest = {
    // As at the real thing, the user code can be read out of the device code: neither belongs into a log.
    deviceCode: Buffer.from(
      `${app.clientId};${org.random(16).toString("hex")};${orgNow(org)};${userCode}`,
    ).toString("base64"),
    userCode,
    clientId: app.clientId,
    scope,
    endsAt: after(clock.mono(), faults.codeLifetimeMs),
    device: deviceOf(form),
    intervalMs: faults.intervalSeconds * 1000,
    polledAt: null,
    status: takeTurn(faults, "denyNext") ? "denied" : "pending",
    userId: null,
    approvalId: null,
  };
  for (const { deviceCode, endsAt } of store.codeRequests.values())
    if (after(endsAt, REMEMBERED_MS) <= clock.mono()) store.codeRequests.delete(deviceCode);
  store.codeRequests.set(request.deviceCode, request);
  org.secrets.hand("device code", request.deviceCode);
  org.changed({ kind: "code", userCode, status: request.status });
  return {
    device_code: request.deviceCode,
    user_code: userCode,
    verification_uri: `${org.baseUrl()}/setup/connect`,
    interval: faults.intervalSeconds,
  };
};

/** How long a code is known after its end, in milliseconds: what is polled then is told why it is worth nothing. */
const REMEMBERED_MS = 24 * 3_600_000;

/** The network may bring two polls a little closer together than they were sent. */
const POLL_TOLERANCE_MS = 250;

/** RFC 8628 section 3.5: five seconds more, for this and all later polls. */
const SLOW_DOWN_MS = 5000;

/** Step 2: tells whether the person has answered. A redeemed code that is polled again ends its grant. */
export const pollCode = (org: OrgContext, form: URLSearchParams): TokenFields => {
  const { store, faults, clock } = org;
  const app = appOf(org, form);
  const request = store.codeRequests.get(form.get("code") ?? "");
  if (request === undefined || request.clientId !== app.clientId)
    throw new Refusal("invalid_grant", "invalid device code", "The org does not know this device code.");
  if (request.status === "redeemed") {
    endApproval(org, request.approvalId ?? "");
    throw new Refusal(
      "invalid_grant",
      "token exchange failed",
      "This code was turned into tokens before. Somebody may have stolen it, so the org ends the whole sign-in.",
    );
  }
  const early =
    request.polledAt !== null && clock.mono() - request.polledAt < request.intervalMs - POLL_TOLERANCE_MS;
  request.polledAt = clock.mono();
  if (takeTurn(faults, "slowDowns") || early) {
    request.intervalMs += SLOW_DOWN_MS;
    throw new Refusal(
      "slow_down",
      "polling too quickly for the token endpoint",
      "Too quick: from now on the board must wait five seconds longer between questions.",
    );
  }
  if (request.endsAt <= clock.mono())
    throw new Refusal(faults.expiredCodeError, "expired device code", "Nobody approved the code in time.");
  if (request.status === "denied")
    throw new Refusal("access_denied", "end-user denied authorization", "The person said No to this board.");
  const user = store.users.find((each) => each.id === request.userId);
  if (request.status === "pending" || user === undefined || takeTurn(faults, "pendingPolls"))
    throw new Refusal(
      "authorization_pending",
      "waiting for end-user to approve code",
      "The person has not answered yet. Ask again after the pause.",
    );
  const approval = approve(org, app, user, request.scope, request.device);
  request.status = "redeemed";
  request.approvalId = approval.id;
  org.changed({ kind: "code", userCode: request.userCode, status: "redeemed" });
  return tokenFields(org, app, user, approval, { tellRefreshToken: true });
};

/** Upper case, without the spaces and dashes that people type. */
export const tidyUserCode = (typed: string): string => typed.toUpperCase().replace(/[^A-Z0-9]/g, "");

/** The newest waiting request with this user code; undefined when there is none or its time is over. */
export const waitingRequest = (org: OrgContext, userCode: string): CodeRequest | undefined =>
  [...org.store.codeRequests.values()].findLast(
    (each) =>
      each.userCode === tidyUserCode(userCode) && each.status === "pending" && each.endsAt > org.clock.mono(),
  );

/** The person's answer. */
export const answerCode = (org: OrgContext, request: CodeRequest, user: OrgUser | null): void => {
  request.status = user === null ? "denied" : "approved";
  request.userId = user?.id ?? null;
  org.changed({ kind: "code", userCode: request.userCode, status: request.status });
};
