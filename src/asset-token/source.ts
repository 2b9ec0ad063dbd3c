import { AgentError } from "../errors.ts";
import type { AssetToken, Grant } from "../model.ts";
import type { PublishedKeys } from "../org-keys/published-keys.ts";
import type { AssetTokens, Clock, Http } from "../ports.ts";
import { after, type MonoMs, Secret, unreachable } from "../units.ts";
import { actorClaims, mintActorToken } from "./actor-token.ts";
import { type ExchangeClient, exchangeRequest, readExchange } from "./exchange.ts";
import type { DeviceKey } from "./key.ts";
import { mintSelfIssued, selfIssuer } from "./self-issue.ts";
import { pinnedCertificate, pinnedKeySet, publishedKeys } from "./signing-keys.ts";
import { type Expected, type FindKey, type Verified, verifyAssetToken } from "./verify.ts";

/** Where the org exchanges tokens and who signs them, for the holder of a grant. */
export interface AssetTokenEndpoints {
  readonly tokenUrl: string;
  readonly jwksUrl: string | null;
  readonly issuers: readonly string[];
}

export interface AssetTokenOptions {
  /** `exchange`: the org makes the token (RFC 8693). `self`: the board does, with its own key. */
  readonly mode: "exchange" | "self";
  readonly dialect: "salesforce" | "rfc8628";
  readonly clientId: string;
  readonly clientSecret: Secret | null;
  /** What `aud` must hold. Null: whatever the org puts there; `porchlight` in mode self. */
  readonly audience: string | null;
  readonly verify: {
    /** `auto` (where the org publishes its keys), a URL, or a JWKS document. */
    readonly jwks: string | null;
    /** A certificate in PEM; wins over `jwks`. */
    readonly certificate: string | null;
  };
  /** Changes to the actor token's claims; see `actorClaims`. */
  readonly actorClaims: Readonly<Record<string, unknown>>;
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  /** The org's `endpoints`. */
  readonly endpoints: (grant: Grant, signal: AbortSignal) => Promise<AssetTokenEndpoints>;
}

/** Audience of self-issued tokens when the settings name none. */
const SELF_AUDIENCE = "porchlight";

/**
 * When to fetch the next token, `lifeMs` being the whole life: at three quarters of it, but at least ten seconds
 * before the end; with less than twenty seconds to live, at half.
 */
export const renewalAfter = (lifeMs: number): number =>
  lifeMs - Math.max(lifeMs / 4, Math.min(10_000, lifeMs / 2));

const assetToken = (jwt: Secret, verified: Verified, lifeMs: number, askedAt: MonoMs): AssetToken => ({
  jwt,
  audience: verified.audience,
  expiresAt: verified.expiresAt,
  expiresAtMono: after(askedAt, lifeMs),
  renewAt: after(askedAt, renewalAfter(lifeMs)),
});

/** Who signed in, by every name a token may use. */
const usersOf = ({ identity, idUrl }: Grant): readonly string[] => {
  const names = [identity?.userId, identity?.username, idUrl];
  return names.filter((name) => typeof name === "string");
};

/** Which keys an issued token is checked with: pinned ones, those of a fixed address, or those the org names. */
const keysFor = (options: AssetTokenOptions, keys: PublishedKeys) => {
  const { jwks, certificate } = options.verify;
  const pinned: FindKey | undefined =
    certificate !== null
      ? pinnedCertificate(certificate)
      : jwks?.trimStart().startsWith("{") === true
        ? pinnedKeySet(jwks)
        : undefined;
  const address = jwks === null || jwks === "auto" ? undefined : jwks;
  return ({ jwksUrl }: AssetTokenEndpoints, signal: AbortSignal): FindKey => {
    if (pinned !== undefined) return pinned;
    const url = address ?? jwksUrl;
    if (url === null) throw new AgentError("ASSET_KEYS_UNAVAILABLE", "the org names no jwks_uri");
    return publishedKeys(keys, url, signal);
  };
};

/**
 * Makes asset tokens, verified before anyone sees them, in memory only. `issue` throws CLOCK_UNSET while the board does
 * not know the time, the exchange's faults, ASSET_TOKEN_INVALID and ASSET_KEYS_UNAVAILABLE; making the source throws
 * SETTINGS_INVALID for claims or keys that cannot be.
 */
export const createAssetTokens = (
  options: AssetTokenOptions,
  ports: { http: Http; clock: Clock; key: DeviceKey; keys: PublishedKeys },
): AssetTokens => {
  const { device } = options;
  const { http, clock, key, keys } = ports;
  const claims = actorClaims(options.actorClaims, { device, clientId: options.clientId });
  const findKey = keysFor(options, keys);
  const client: ExchangeClient =
    options.dialect === "salesforce"
      ? { kind: "none" }
      : { kind: "client", id: options.clientId, secret: options.clientSecret, audience: options.audience };

  /** The access token the org last refused, until an exchange succeeds. */
  let refused: Secret | undefined;

  const exchange = async (grant: Grant, tokenUrl: string, signal: AbortSignal) => {
    const actorToken = await mintActorToken(key, claims, grant.instanceUrl, clock.wall());
    try {
      const request = exchangeRequest(tokenUrl, grant.accessToken, actorToken, client);
      const exchanged = readExchange(await http(request, signal));
      refused = undefined;
      return exchanged;
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "ACCESS_TOKEN_REJECTED") throw error;
      const again = refused !== undefined && !refused.equals(grant.accessToken);
      refused = again ? undefined : grant.accessToken;
      // A second, fresh access token was refused too: the fault is elsewhere, and refreshing for ever would not help.
      if (again)
        throw new AgentError("ASSET_TOKEN_REFUSED", "even with a fresh access token", { cause: error });
      throw error;
    }
  };

  const fromOrg = async (grant: Grant, signal: AbortSignal): Promise<AssetToken> => {
    const endpoints = await options.endpoints(grant, signal);
    const askedAt = clock.mono();
    const { jwt, lifeMs } = await exchange(grant, endpoints.tokenUrl, signal);
    const expected: Expected = {
      issuers: endpoints.issuers,
      audience: options.audience,
      deviceId: Object.hasOwn(claims, "did") ? String(claims.did) : null,
      thumbprint: key.thumbprint,
      users: usersOf(grant),
    };
    const verified = await verifyAssetToken(jwt.reveal(), findKey(endpoints, signal), expected, clock.wall());
    return assetToken(jwt, verified, Math.min(lifeMs ?? Infinity, verified.lifeMs), askedAt);
  };

  const byItself = async (grant: Grant): Promise<AssetToken> => {
    const userId = grant.identity?.userId ?? grant.idUrl?.split("/").at(-1);
    if (userId === undefined)
      throw new AgentError("ASSET_TOKEN_INVALID", "sub is not known: the org does not say who signed in");
    const audience = options.audience ?? SELF_AUDIENCE;
    const askedAt = clock.mono();
    const at = clock.wall();
    const facts = { userId, orgId: grant.identity?.orgId ?? null, device, audience };
    const jwt = new Secret(await mintSelfIssued(key, facts, at));
    const ownKey = pinnedKeySet(JSON.stringify({ keys: [{ ...key.publicJwk, kid: key.thumbprint }] }));
    const expected: Expected = {
      issuers: [selfIssuer(device.id)],
      audience,
      deviceId: device.id,
      thumbprint: key.thumbprint,
      users: [userId],
    };
    const verified = await verifyAssetToken(jwt.reveal(), ownKey, expected, at);
    return assetToken(jwt, verified, verified.lifeMs, askedAt);
  };

  return {
    async issue(grant, signal) {
      signal.throwIfAborted();
      if (!clock.wallKnown()) throw new AgentError("CLOCK_UNSET");
      switch (options.mode) {
        case "exchange":
          return fromOrg(grant, signal);
        case "self":
          return byItself(grant);
        default:
          return unreachable(options.mode);
      }
    },
  };
};
