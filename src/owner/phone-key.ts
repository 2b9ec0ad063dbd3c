import { createHash } from "node:crypto";
import { type CryptoKey, flattenedVerify, importJWK, type JWK } from "jose";
import type { Fields } from "./encodings.ts";

/** A public key that may sign commands, its members and nothing else. */
export interface PhoneKey {
  readonly alg: PhoneAlgorithm;
  readonly jwk: Readonly<Record<string, string>>;
  /** RFC 7638, SHA-256, base64url. */
  readonly thumbprint: string;
}

export type PhoneAlgorithm = "ES256" | "RS256" | "EdDSA";

/** The three that OpenPubkey knows. */
const algorithms: readonly PhoneAlgorithm[] = ["ES256", "RS256", "EdDSA"];

export const phoneAlgorithm = (alg: unknown): PhoneAlgorithm | undefined =>
  algorithms.find((each) => each === alg);

/** Bytes of an RSA modulus: 2048 bits at least (RFC 7518 section 3.3), and no more than a board likes to work with. */
const RSA_BYTES = [256, 512] as const;

/** A number of so many bytes, in the one way to write it. */
const isNumber = (value: unknown, least: number, most: number): value is string => {
  if (typeof value !== "string" || value.length > most * 2) return false;
  const bytes = Buffer.from(value, "base64url");
  return bytes.length >= least && bytes.length <= most && bytes.toString("base64url") === value;
};

/** Required members by key type, in the order of RFC 7638 section 3.2. */
const publicMembers = (
  jwk: Fields,
): { readonly alg: PhoneAlgorithm; readonly jwk: Readonly<Record<string, string>> } | undefined => {
  const { kty, crv, x, y, n, e } = jwk;
  if (kty === "EC" && crv === "P-256" && isNumber(x, 32, 32) && isNumber(y, 32, 32))
    return { alg: "ES256", jwk: { crv, kty, x, y } };
  if (kty === "OKP" && crv === "Ed25519" && isNumber(x, 32, 32))
    return { alg: "EdDSA", jwk: { crv, kty, x } };
  if (kty === "RSA" && isNumber(n, ...RSA_BYTES) && isNumber(e, 1, 4))
    return { alg: "RS256", jwk: { e, kty, n } };
  return undefined;
};

/** The public key in a JWK, or undefined when it is none of a kind that may sign. */
export const phoneKeyOf = (fields: Fields): PhoneKey | undefined => {
  const read = publicMembers(fields);
  if (read === undefined) return undefined;
  const thumbprint = createHash("sha256").update(JSON.stringify(read.jwk)).digest("base64url");
  return { ...read, thumbprint };
};

/** Three parts of a JWS (RFC 7515 section 7.2.2), base64url as they came. */
export interface SignedBytes {
  readonly protected: string;
  readonly payload: string;
  readonly signature: string;
}

/** A key ready for checking, or undefined when its members make none. */
export const readyKey = async (
  jwk: JWK | Readonly<Record<string, string>>,
  alg: string,
): Promise<CryptoKey | undefined> => {
  try {
    const key = await importJWK({ ...jwk }, alg);
    return key instanceof Uint8Array ? undefined : key;
  } catch {
    return undefined;
  }
};

/** True when `key` has signed these bytes with this algorithm and no other. */
export const isSigned = async (jws: SignedBytes, key: CryptoKey, alg: string): Promise<boolean> => {
  try {
    await flattenedVerify({ protected: jws.protected, payload: jws.payload, signature: jws.signature }, key, {
      algorithms: [alg],
    });
    return true;
  } catch {
    return false;
  }
};
