import { createHash, createHmac } from "node:crypto";
import { after, type EpochMs, iso, toNumericDate } from "../../src/units.ts";
import { type OrgContext, orgNow } from "./context.ts";
import { recordId } from "./ids.ts";
import { signJwt } from "./jwt.ts";
import { type AccessToken, type Approval, fullName, type OrgApp, type OrgUser } from "./store.ts";

/** The fields of a successful token answer, in the org's own spelling. */
export type TokenFields = Readonly<Record<string, string | number>>;

/** `id`: the URL that names the user, and tells about them when asked with a token. */
export const identityUrl = (org: OrgContext, user: OrgUser): string =>
  `${org.baseUrl()}/id/${org.store.orgId}/${user.id}`;

/** Ends an approval and every token of it. */
export const endApproval = (org: OrgContext, id: string): void => {
  if (!org.store.approvals.delete(id)) return;
  for (const token of org.store.accessTokens.values())
    if (token.approvalId === id) org.store.accessTokens.delete(token.token);
  for (const [token, of] of org.store.refreshTokens) if (of === id) org.store.refreshTokens.delete(token);
  org.changed({ kind: "approval", id, status: "ended" });
};

/** Writes down a person's yes. One too many for this user and app pushes out the oldest. */
export const approve = (
  org: OrgContext,
  app: OrgApp,
  user: OrgUser,
  scope: readonly string[],
  device: string | null,
): Approval => {
  const { store, faults } = org;
  const mine = [...store.approvals.values()].filter(
    (each) => each.userId === user.id && each.clientId === app.clientId,
  );
  for (const oldest of mine.slice(0, Math.max(0, mine.length + 1 - faults.approvalsPerUserAndApp)))
    endApproval(org, oldest.id);
  const approval: Approval = {
    id: recordId("0CQ", store.nextNumber++),
    userId: user.id,
    clientId: app.clientId,
    scope,
    approvedAt: orgNow(org),
    device,
    refreshToken: null,
    refreshUsedAt: org.clock.mono(),
    uses: 0,
  };
  store.approvals.set(approval.id, approval);
  if (scope.includes("refresh_token") || scope.includes("offline_access")) newRefreshToken(org, approval);
  org.changed({ kind: "approval", id: approval.id, status: "given" });
  return approval;
};

/** The approval behind tokens that nobody was asked for: one for each user and app, and it pushes out no other. */
export const standingApproval = (
  org: OrgContext,
  app: OrgApp,
  user: OrgUser,
  scope: readonly string[],
): Approval => {
  const { store } = org;
  const id = `own:${app.id}:${user.id}`;
  const known = store.approvals.get(id);
  if (known !== undefined) return known;
  const approval: Approval = {
    id,
    userId: user.id,
    clientId: app.clientId,
    scope,
    approvedAt: orgNow(org),
    device: null,
    refreshToken: null,
    refreshUsedAt: org.clock.mono(),
    uses: 0,
  };
  store.approvals.set(id, approval);
  org.changed({ kind: "approval", id, status: "given" });
  return approval;
};

/** Used refresh tokens that are known again. */
const USED_REMEMBERED = 100;

/** Gives the approval a new refresh token; the one before is remembered as used. */
export const newRefreshToken = (org: OrgContext, approval: Approval): void => {
  const { approvals, refreshTokens } = org.store;
  approval.refreshToken = `5Aep861${org.random(60).toString("base64url")}`;
  approval.refreshUsedAt = org.clock.mono();
  org.secrets.hand("refresh token", approval.refreshToken);
  refreshTokens.set(approval.refreshToken, approval.id);
  const used = [...refreshTokens].filter(([token, id]) => approvals.get(id)?.refreshToken !== token);
  for (const [token] of used.slice(0, -USED_REMEMBERED)) refreshTokens.delete(token);
};

const newAccessToken = (org: OrgContext, approval: Approval): AccessToken => {
  const { store, clock, faults } = org;
  approval.uses += 1;
  for (const old of store.accessTokens.values())
    if (old.endsAt <= clock.mono()) store.accessTokens.delete(old.token);
  const issuedAt = orgNow(org);
  const token: AccessToken = {
    token: `${store.orgId.slice(0, 15)}!AQ${org.random(72).toString("base64url")}`,
    approvalId: approval.id,
    issuedAt,
    expiresAt: after(issuedAt, faults.accessTokenLifetimeMs),
    endsAt: after(clock.mono(), faults.accessTokenLifetimeMs),
  };
  store.accessTokens.set(token.token, token);
  org.secrets.hand("access token", token.token);
  return token;
};

const ID_TOKEN_LIFETIME_MS = 2 * 60_000;

const idToken = (org: OrgContext, app: OrgApp, user: OrgUser, accessToken: string, nonce: string | null) => {
  const key = org.keys.idToken();
  const now = orgNow(org);
  const hash = createHash("sha256").update(accessToken).digest();
  const token = signJwt(
    { kid: key.kid, typ: "JWT", alg: "RS256" },
    {
      // OpenID Connect Core section 3.1.3.6: the left half of the hash
      at_hash: hash.subarray(0, 16).toString("base64url"),
      sub: identityUrl(org, user),
      aud: app.clientId,
      iss: org.baseUrl(),
      exp: toNumericDate(after(now, ID_TOKEN_LIFETIME_MS)),
      iat: toNumericDate(now),
      user_id: user.id,
      organization_id: org.store.orgId,
      name: fullName(user),
      preferred_username: user.username,
      ...(nonce === null ? {} : { nonce }),
    },
    key.privateKey,
  );
  org.secrets.hand("ID token", token);
  return token;
};

/**
 * A new access token for an approval and the answer that carries it. There is no `expires_in`; `issued_at` is a text in
 * milliseconds; `signature` is base64(HMAC-SHA256(secret, id + issued_at)). The refresh token is told only when it is new.
 */
export const tokenFields = (
  org: OrgContext,
  app: OrgApp,
  user: OrgUser,
  approval: Approval,
  options: { readonly tellRefreshToken: boolean; readonly nonce?: string | null },
): TokenFields => {
  const access = newAccessToken(org, approval);
  const id = identityUrl(org, user);
  const issuedAt = String(access.issuedAt);
  return {
    access_token: access.token,
    ...(options.tellRefreshToken && approval.refreshToken !== null
      ? { refresh_token: approval.refreshToken }
      : {}),
    signature: createHmac("sha256", app.clientSecret).update(`${id}${issuedAt}`).digest("base64"),
    scope: approval.scope.join(" "),
    ...(approval.scope.includes("openid")
      ? { id_token: idToken(org, app, user, access.token, options.nonce ?? null) }
      : {}),
    instance_url: org.baseUrl(),
    id,
    token_type: "Bearer",
    issued_at: issuedAt,
  };
};

/** What introspection (RFC 7662 section 2.2) and the simulator's own `introspect` say about a token. */
export type Introspection =
  | { readonly active: false }
  | {
      readonly active: true;
      readonly scope: string;
      readonly client_id: string;
      readonly username: string;
      readonly sub: string;
      readonly user_id: string;
      readonly token_type: "access_token" | "refresh_token";
      readonly iat: number;
      readonly nbf: number;
      /** Access tokens only. */
      readonly exp?: number;
    };

/** Looks at an access or a refresh token. */
export const introspect = (org: OrgContext, token: string): Introspection => {
  const access = org.store.accessTokens.get(token);
  const id = access?.approvalId ?? org.store.refreshTokens.get(token);
  const approval = org.store.approvals.get(id ?? "");
  const user = org.store.users.find((each) => each.id === approval?.userId);
  if (!approval || !user) return { active: false };
  if (access ? access.endsAt <= org.clock.mono() : approval.refreshToken !== token) return { active: false };
  const issued = toNumericDate(access?.issuedAt ?? approval.approvedAt);
  return {
    active: true,
    scope: approval.scope.join(" "),
    client_id: approval.clientId,
    username: user.username,
    sub: identityUrl(org, user),
    user_id: user.id,
    token_type: access ? "access_token" : "refresh_token",
    iat: issued,
    nbf: issued,
    ...(access ? { exp: toNumericDate(access.expiresAt) } : {}),
  };
};

/** A moment as the org's REST answers write it. */
export const recordTime = (org: OrgContext, at: EpochMs = orgNow(org)): string =>
  iso(at).replace("Z", "+0000");
