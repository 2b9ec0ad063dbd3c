import { AgentError, asAgentError } from "../errors.ts";
import type { AssetToken, Grant, Identity } from "../model.ts";
import type { AssetTokens, BrokerPass, Clock, Org, Session } from "../ports.ts";
import { after, MOST_SKEW_MS, type MonoMs } from "../units.ts";

/** What the board needs at the broker, and when to get it anew. Memory only. */
export interface Credentials {
  readonly pass: BrokerPass;
  readonly identity: Identity | null;
  readonly assetToken: AssetToken | null;
  /** When to fetch fresh ones, or null when they do not end. */
  readonly renewAt: MonoMs | null;
}

export type BrokerAuth = "asset-token" | "access-token" | "password" | "certificate" | "none";

export interface CredentialSource {
  /** False where nothing of it is signed, nor ends: then it can be had while nobody knows the time. */
  readonly needsTime: boolean;
  /**
   * Fresh credentials. `replace` says that the last ones are at their end or were refused by the broker, so the
   * same must not come again. Throws what the org's answers throw: GRANT_GONE, ASSET_TOKEN_*, ORG_*.
   */
  obtain(replace: boolean, signal: AbortSignal): Promise<Credentials>;
  /**
   * Renews a grant that nothing else has renewed for a week: orgs drop idle ones (Salesforce: 30 days), and where nothing shows
   * the org an access token, nobody would learn that its user has changed or gone.
   */
  keepAlive(signal: AbortSignal): Promise<void>;
  /** Who approved, asked of the org where it has not said so yet, and kept. Throws what the org's answers throw. */
  identify(signal: AbortSignal): Promise<Identity>;
}

/** Renew an access token after this share of its life. */
const RENEW_SHARE = 0.75;
/** A refresh token not used for this long, in milliseconds, is used to show the org that the board lives. */
const IDLE_MS = 7 * 24 * 3_600_000;

/**
 * Joins sign-in and asset token into what the broker wants to see. `assetTokens` is null with mode `off`.
 * An access token that the org no longer takes is refreshed once and the step repeated.
 */
export const createCredentials = (parts: {
  readonly session: Session;
  readonly org: Pick<Org, "identify" | "signIn">;
  readonly assetTokens: AssetTokens | null;
  readonly auth: BrokerAuth;
  readonly clock: Clock;
}): CredentialSource => {
  const { session, org, assetTokens, auth, clock } = parts;

  /** `step` with a good grant; once more with a refreshed one when the org rejects its access token. */
  const withGrant = async <T>(
    first: Grant,
    step: (grant: Grant) => Promise<T>,
    signal: AbortSignal,
  ): Promise<{ grant: Grant; value: T }> => {
    try {
      return { grant: first, value: await step(first) };
    } catch (error) {
      if (!(error instanceof AgentError && error.code === "ACCESS_TOKEN_REJECTED")) throw error;
      const grant = await session.fresh(first.accessToken, signal);
      return { grant, value: await step(grant) };
    }
  };

  const asked = async (grant: Grant, signal: AbortSignal): Promise<{ grant: Grant; identity: Identity }> => {
    const found = await withGrant(grant, (each) => org.identify(each, signal), signal);
    await session.annotate(found.value);
    return { grant: { ...found.grant, identity: found.value }, identity: found.value };
  };

  /** Who approved. Not being told is no reason to keep the lamp dark: null then, and `upkeep.ts` asks again. */
  const identified = async (
    grant: Grant,
    signal: AbortSignal,
  ): Promise<{ grant: Grant; identity: Identity | null }> => {
    if (grant.identity !== null) return { grant, identity: grant.identity };
    try {
      return await asked(grant, signal);
    } catch (error) {
      signal.throwIfAborted();
      const { code } = asAgentError(error);
      if (code === "GRANT_GONE" || code === "NO_REFRESH_TOKEN" || code === "BUG") throw error;
      // A refresh may have happened before the failure: use what is stored now.
      return { grant: (await session.load()) ?? grant, identity: null };
    }
  };

  const accessTokenPass = (grant: Grant): Pick<Credentials, "pass" | "renewAt"> => {
    if (grant.expiresAt === null || !clock.wallKnown())
      return { pass: { kind: "token", token: grant.accessToken, expiresAtMono: null }, renewAt: null };
    const leftMs = Math.max(0, grant.expiresAt - clock.wall());
    return {
      pass: { kind: "token", token: grant.accessToken, expiresAtMono: after(clock.mono(), leftMs) },
      renewAt: after(clock.mono(), leftMs * RENEW_SHARE),
    };
  };

  let lastAccessToken: Grant["accessToken"] | undefined;

  return {
    needsTime: assetTokens !== null || auth === "access-token" || org.signIn !== undefined,
    async obtain(replace, signal) {
      // Only where the access token itself is the password does replacing the password mean refreshing it.
      const rejected = replace && auth === "access-token" ? lastAccessToken : undefined;
      const known = await identified(await session.fresh(rejected, signal), signal);
      const issued =
        assetTokens === null
          ? { grant: known.grant, value: null }
          : await withGrant(known.grant, (grant) => assetTokens.issue(grant, signal), signal);
      lastAccessToken = issued.grant.accessToken;
      const assetToken = issued.value;
      const base = { identity: known.identity, assetToken };
      switch (auth) {
        case "asset-token":
          if (assetToken === null)
            throw new AgentError("BUG", "broker.auth asset-token without an asset token");
          return {
            ...base,
            pass: { kind: "token", token: assetToken.jwt, expiresAtMono: assetToken.expiresAtMono },
            renewAt: assetToken.renewAt,
          };
        case "access-token":
          return { ...base, ...accessTokenPass(issued.grant) };
        case "password":
        case "certificate":
        case "none":
          return { ...base, pass: { kind: "static" }, renewAt: null };
      }
    },
    async keepAlive(signal) {
      const grant = await session.load();
      if (grant === undefined || !clock.wallKnown()) return;
      if (grant.refreshToken === null && org.signIn === undefined) return;
      const idleMs = clock.wall() - grant.issuedAt;
      // One from the future was given while the clock was wrong: nobody knows how long ago.
      if (idleMs >= IDLE_MS || idleMs < -MOST_SKEW_MS) await session.fresh(grant.accessToken, signal);
    },
    async identify(signal) {
      const grant = await session.fresh(undefined, signal);
      return grant.identity ?? (await asked(grant, signal)).identity;
    },
  };
};
