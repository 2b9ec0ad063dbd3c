import type { CryptoKey, FlattenedJWSInput, JWSHeaderParameters, KeyObject } from "jose";
import { AgentError } from "../errors.ts";
import { type EpochMs, epochMs, fromNumericDate, MOST_SKEW_MS } from "../units.ts";
import { isSameUser } from "../users.ts";
import { publicJwkOf, thumbprintOf } from "./key.ts";

// Decides whether an asset token stands up: signature first, then claim by claim. Every no is ASSET_TOKEN_INVALID and
// names what is wrong, never what the token says.

/** What a good token says. Null leaves a claim unchecked. */
export interface Expected {
  readonly issuers: readonly string[];
  readonly audience: string | null;
  /** Claim `did`; null only when the settings' template gives the org no such claim. */
  readonly deviceId: string | null;
  /** RFC 7638 thumbprint of the device key that `cnf` must name. */
  readonly thumbprint: string;
  /** Any of these as `sub`; empty when nobody knows who signed in. */
  readonly users: readonly string[];
}

/** What is worth knowing of a token that stood up. */
export interface Verified {
  readonly audience: readonly string[];
  readonly expiresAt: EpochMs;
  /** From issue to end by the issuer's own clock, when it says both; else from `at`. In milliseconds, 0 or more. */
  readonly lifeMs: number;
}

/** Finds the key for a header, as `jose` wants it. May throw AgentError when there is none to be had. */
export type FindKey = (
  header: JWSHeaderParameters,
  token: FlattenedJWSInput,
) => Promise<CryptoKey | KeyObject | Uint8Array>;

/** More than an MQTT password of this kind needs, in characters. */
const MAX_LENGTH = 16 * 1024;

/** The two algorithms whose keys an org publishes; never `none`, never a shared secret. */
const algorithms = ["RS256", "ES256"];

const invalid = (what: string, cause?: unknown): AgentError =>
  new AgentError("ASSET_TOKEN_INVALID", what, { cause });

type Claims = Readonly<Record<string, unknown>>;

const trimmed = (url: string): string => url.replace(/\/+$/, "");

const time = (claims: Claims, name: string): EpochMs | undefined => {
  const value = claims[name];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isFinite(value) || Math.abs(value) > 1e11)
    throw invalid(`${name} is not a time`);
  return fromNumericDate(value);
};

const audienceOf = (claims: Claims): readonly string[] => {
  const list: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud];
  const names = list.filter((each) => typeof each === "string");
  if (names.length === 0 || names.length !== list.length) throw invalid("aud is missing or malformed");
  return names;
};

const confirmedKey = (claims: Claims): string | undefined => {
  const { cnf } = claims;
  if (typeof cnf !== "object" || cnf === null) return undefined;
  if ("jkt" in cnf && typeof cnf.jkt === "string") return cnf.jkt; // RFC 9449 section 6.1
  const jwk = "jwk" in cnf ? publicJwkOf(cnf.jwk) : undefined;
  return jwk && thumbprintOf(jwk);
};

/**
 * The claims of a token whose signature is good, held against what was expected, `at` give or take `MOST_SKEW_MS`: by less, a
 * board that is two minutes behind would be locked out, for it does not go by the org's clock before (RFC 7519 section 4.1, RFC 7800 section 3). Throws ASSET_TOKEN_INVALID.
 */
export const checkClaims = (claims: Claims, expected: Expected, at: EpochMs): Verified => {
  const issuer = claims.iss;
  if (typeof issuer !== "string" || !expected.issuers.some((each) => trimmed(each) === trimmed(issuer)))
    throw invalid("iss is not this org");
  const audience = audienceOf(claims);
  if (expected.audience !== null && !audience.includes(expected.audience))
    throw invalid("aud is not assetToken.audience");
  if (expected.deviceId !== null && claims.did !== expected.deviceId) throw invalid("did is not this device");
  const { sub } = claims;
  if (sub !== undefined && typeof sub !== "string") throw invalid("sub is malformed");
  if (sub !== undefined && expected.users.length > 0 && !expected.users.some((user) => isSameUser(sub, user)))
    throw invalid("sub is not the user who signed in");
  if (confirmedKey(claims) !== expected.thumbprint) throw invalid("cnf is not this device's key");
  const [expiresAt, notBefore, issuedAt] = [time(claims, "exp"), time(claims, "nbf"), time(claims, "iat")];
  if (expiresAt === undefined) throw invalid("exp is missing");
  if (at >= expiresAt + MOST_SKEW_MS) throw invalid("exp has passed");
  if (notBefore !== undefined && at < notBefore - MOST_SKEW_MS) throw invalid("nbf is still to come");
  if (issuedAt !== undefined && at < issuedAt - MOST_SKEW_MS) throw invalid("iat is still to come");
  const from = issuedAt ?? notBefore;
  if (from !== undefined && expiresAt <= from) throw invalid("exp is not after its beginning");
  // By the board's clock alone, its end may have been within the last three minutes.
  return { audience, expiresAt: epochMs(expiresAt), lifeMs: Math.max(0, expiresAt - (from ?? at)) };
};

const isMultipleKeys = (error: unknown): error is AsyncIterable<CryptoKey> =>
  error instanceof Error && "code" in error && error.code === "ERR_JWKS_MULTIPLE_MATCHING_KEYS";

/** The payload when the signature is good; a token without `kid` is tried with every key that fits. */
const verifiedPayload = async (jwt: string, findKey: FindKey): Promise<Uint8Array> => {
  const { compactVerify } = await import("jose");
  const options = { algorithms };
  try {
    const { payload, protectedHeader } = await compactVerify(jwt, findKey, options);
    // A JWS for another purpose, signed with the same key, is not an asset token (RFC 8725 section 3.11).
    if (!/^(at\+)?jwt$/i.test(protectedHeader.typ ?? "JWT")) throw invalid("typ is not JWT");
    return payload;
  } catch (error) {
    if (error instanceof AgentError) throw error;
    if (isMultipleKeys(error))
      for await (const key of error)
        try {
          return await verifiedPayload(jwt, async () => key);
        } catch {
          // Not this key.
        }
    throw invalid("the signature is not the org's", error);
  }
};

/**
 * Checks a token completely. Throws ASSET_TOKEN_INVALID with what is wrong, and what `findKey` throws when the keys
 * cannot be had.
 */
export const verifyAssetToken = async (
  jwt: string,
  findKey: FindKey,
  expected: Expected,
  at: EpochMs,
): Promise<Verified> => {
  if (jwt.length > MAX_LENGTH) throw invalid("it is too large");
  const payload = await verifiedPayload(jwt, findKey);
  let claims: unknown;
  try {
    claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload));
  } catch (cause) {
    throw invalid("its payload is not JSON", cause);
  }
  if (typeof claims !== "object" || claims === null || Array.isArray(claims))
    throw invalid("its payload is not an object");
  return checkClaims({ ...claims }, expected, at);
};
