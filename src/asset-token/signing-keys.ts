import { type KeyObject, X509Certificate } from "node:crypto";
import type { JSONWebKeySet, JWK } from "jose";
import { AgentError } from "../errors.ts";
import type { Clock, Http } from "../ports.ts";
import { after, type MonoMs } from "../units.ts";
import type { FindKey } from "./verify.ts";

// The keys that asset tokens are checked with: pinned in the settings, or fetched from the org and kept for a while.

/** More than a key set needs: characters, and keys. */
const MAX_BODY = 256 * 1024;
const MAX_KEYS = 100;

/** After this the keys are fetched again; if that fails they go on serving, for a day in all. In milliseconds. */
const FRESH_MS = 3_600_000;
const USABLE_MS = 24 * 3_600_000;

/** A token with an unknown `kid` makes the keys be fetched again, but no more often than this. In milliseconds. */
const REFETCH_MS = 60_000;

const isLoopback = (host: string): boolean =>
  host === "localhost" ||
  host.endsWith(".localhost") ||
  host === "[::1]" ||
  /^127\.\d+\.\d+\.\d+$/.test(host);

/** The keys of a JWKS document (RFC 7517 section 5) that could have signed a token, or undefined when it is none. */
export const readKeySet = (body: string): JSONWebKeySet | undefined => {
  if (body.length > MAX_BODY) return undefined;
  let set: unknown;
  try {
    set = JSON.parse(body);
  } catch {
    return undefined;
  }
  if (typeof set !== "object" || set === null || !("keys" in set) || !Array.isArray(set.keys))
    return undefined;
  const isPublic = (key: unknown): key is JWK =>
    typeof key === "object" && key !== null && "kty" in key && (key.kty === "RSA" || key.kty === "EC");
  const keys = set.keys.slice(0, MAX_KEYS).filter(isPublic);
  return keys.length === 0 ? undefined : { keys };
};

/** Keys out of a JWKS document that the settings hold. Throws SETTINGS_INVALID. */
export const pinnedKeySet = (document: string): FindKey => {
  const set = readKeySet(document);
  if (set === undefined) throw new AgentError("SETTINGS_INVALID", "assetToken.verify.jwks is no key set");
  return async (header, token) => (await import("jose")).createLocalJWKSet(set)(header, token);
};

/** The key of a certificate in PEM that the settings hold. Throws SETTINGS_INVALID. */
export const pinnedCertificate = (pem: string): FindKey => {
  let key: KeyObject;
  try {
    key = new X509Certificate(pem).publicKey;
  } catch (cause) {
    throw new AgentError("SETTINGS_INVALID", "assetToken.verify.certificate is no certificate in PEM", {
      cause,
    });
  }
  return async () => key;
};

interface Cached {
  readonly set: JSONWebKeySet;
  readonly freshUntil: MonoMs;
  readonly usableUntil: MonoMs;
}

/**
 * Keys fetched from where the org publishes them; `for(url, signal)` is the finder for one token. Faults: the network's
 * own, and ASSET_KEYS_UNAVAILABLE when what is there is no key set.
 */
export const createPublishedKeys = (ports: { http: Http; clock: Clock }) => {
  const { http, clock } = ports;
  const cache = new Map<string, Cached>();
  const askedAt = new Map<string, MonoMs>();

  const fetchSet = async (url: string, signal: AbortSignal): Promise<JSONWebKeySet> => {
    const { protocol, hostname } = new URL(url);
    if (protocol !== "https:" && !(protocol === "http:" && isLoopback(hostname)))
      throw new AgentError("ASSET_KEYS_UNAVAILABLE", "the address is not https");
    askedAt.set(url, clock.mono());
    const response = await http({ method: "GET", url, headers: { accept: "application/json" } }, signal);
    const set = response.status === 200 ? readKeySet(response.body) : undefined;
    if (set === undefined)
      throw new AgentError("ASSET_KEYS_UNAVAILABLE", `HTTP ${response.status} without a key set`);
    const now = clock.mono();
    cache.set(url, { set, freshUntil: after(now, FRESH_MS), usableUntil: after(now, USABLE_MS) });
    return set;
  };

  const mayAskAgain = (url: string): boolean => {
    const last = askedAt.get(url);
    return last === undefined || clock.mono() - last >= REFETCH_MS;
  };

  const currentSet = async (url: string, signal: AbortSignal): Promise<JSONWebKeySet> => {
    const cached = cache.get(url);
    if (cached === undefined || clock.mono() >= cached.usableUntil) return fetchSet(url, signal);
    if (clock.mono() < cached.freshUntil || !mayAskAgain(url)) return cached.set;
    try {
      return await fetchSet(url, signal);
    } catch {
      signal.throwIfAborted();
      return cached.set;
    }
  };

  return {
    for(url: string, signal: AbortSignal): FindKey {
      return async (header, token) => {
        const { createLocalJWKSet, errors } = await import("jose");
        try {
          return await createLocalJWKSet(await currentSet(url, signal))(header, token);
        } catch (error) {
          if (!(error instanceof errors.JWKSNoMatchingKey) || !mayAskAgain(url)) throw error;
          return createLocalJWKSet(await fetchSet(url, signal))(header, token);
        }
      };
    },
  };
};
