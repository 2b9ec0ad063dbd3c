import type { JSONWebKeySet, JWK } from "jose";

/** More than a key set needs: characters, and keys. */
const MAX_BODY = 256 * 1024;
const MAX_KEYS = 100;

/** What checking a signature needs; certificates and whatever else an org adds are left out. */
const members = ["kty", "use", "alg", "kid", "n", "e", "crv", "x", "y"] as const;

const publicKey = (key: unknown): readonly JWK[] => {
  if (typeof key !== "object" || key === null || !("kty" in key)) return [];
  const { kty } = key;
  if (kty !== "RSA" && kty !== "EC") return [];
  const read: Record<string, string> = {};
  for (const name of members) {
    const value: unknown = Reflect.get(key, name);
    if (typeof value === "string") read[name] = value;
  }
  return [{ ...read, kty }];
};

/** The keys of a JWKS document (RFC 7517 section 5) that could have signed a token, or undefined when there is none. */
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
  const keys = set.keys.slice(0, MAX_KEYS).flatMap(publicKey);
  return keys.length === 0 ? undefined : { keys };
};
