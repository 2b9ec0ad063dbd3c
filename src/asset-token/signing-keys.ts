import { type KeyObject, X509Certificate } from "node:crypto";
import { AgentError } from "../errors.ts";
import { readKeySet } from "../org-keys/key-set.ts";
import type { PublishedKeys } from "../org-keys/published-keys.ts";
import type { FindKey } from "./verify.ts";

// The keys that asset tokens are checked with: pinned in the settings, or those that the org publishes.

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

/** Keys from where the org publishes them. Finding throws what `PublishedKeys.set` throws. */
export const publishedKeys =
  (keys: PublishedKeys, url: string, signal: AbortSignal): FindKey =>
  async (header, token) => {
    const set = await keys.set({ url, issuer: null }, header.kid, signal);
    return (await import("jose")).createLocalJWKSet(set)(header, token);
  };
