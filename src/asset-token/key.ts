import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPair,
  type KeyObject,
  sign as signBytes,
} from "node:crypto";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";
import type { Vault } from "../ports.ts";

/** RSA with SHA-256, which Salesforce wants, or ECDSA on P-256, which is smaller and quicker (RFC 7518 section 3.1). */
export type KeyAlgorithm = "RS256" | "ES256";

/** The public half of a device key (RFC 7518 section 6). */
export type PublicJwk =
  | { readonly kty: "RSA"; readonly n: string; readonly e: string }
  | { readonly kty: "EC"; readonly crv: "P-256"; readonly x: string; readonly y: string };

/** Claims or header of a JWT. */
export type JwtMembers = Readonly<Record<string, unknown>>;

/** The key that says which device this is. Its private half never leaves the board. */
export interface DeviceKey {
  readonly algorithm: KeyAlgorithm;
  /** What the settings ask for; differs from `algorithm` when a key of the other kind was there already and is kept. */
  readonly wanted: KeyAlgorithm;
  readonly publicJwk: PublicJwk;
  /** RFC 7638 thumbprint, SHA-256, base64url. */
  readonly thumbprint: string;
  /** A signed JWT in compact form (RFC 7519 section 7.1). `header` is added to `alg` and `typ: JWT`. */
  sign(payload: JwtMembers, header?: JwtMembers): Promise<string>;
}

const generate = promisify(generateKeyPair);
const signAsync = promisify(signBytes);

/** NIST SP 800-131A and RFC 7518 section 3.3: at least this many bits. */
const RSA_BITS = 2048;

const never = new AbortController().signal;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The public members of a JWK that may be an RSA or P-256 key, else undefined. Private members are left out. */
export const publicJwkOf = (jwk: unknown): PublicJwk | undefined => {
  if (!isRecord(jwk)) return undefined;
  const { kty, n, e, crv, x, y } = jwk;
  if (kty === "RSA" && typeof n === "string" && typeof e === "string") return { kty, n, e };
  if (kty === "EC" && crv === "P-256" && typeof x === "string" && typeof y === "string")
    return { kty, crv, x, y };
  return undefined;
};

/** RFC 7638 thumbprint of a public key: SHA-256 of its required members in alphabetical order, base64url. */
export const thumbprintOf = (jwk: PublicJwk): string => {
  const canonical =
    jwk.kty === "RSA"
      ? { e: jwk.e, kty: jwk.kty, n: jwk.n }
      : { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y };
  return createHash("sha256").update(JSON.stringify(canonical)).digest("base64url");
};

const encode = (members: JwtMembers): string => Buffer.from(JSON.stringify(members)).toString("base64url");

const deviceKey = (privateKey: KeyObject, wanted: KeyAlgorithm): DeviceKey => {
  const publicJwk = publicJwkOf(createPublicKey(privateKey).export({ format: "jwk" }));
  const bits = privateKey.asymmetricKeyDetails?.modulusLength ?? RSA_BITS;
  if (publicJwk === undefined || bits < RSA_BITS)
    throw new AgentError("STATE_DAMAGED", "device-key: it is neither RSA 2048 nor P-256");
  const algorithm = publicJwk.kty === "RSA" ? "RS256" : "ES256";
  return {
    algorithm,
    wanted,
    publicJwk,
    thumbprint: thumbprintOf(publicJwk),
    async sign(payload, header = {}) {
      const input = `${encode({ alg: algorithm, typ: "JWT", ...header })}.${encode(payload)}`;
      // RFC 7518 section 3.4: the two halves side by side, not DER. RSA has no such choice and ignores it.
      const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
      const signature = await signAsync("sha256", Buffer.from(input), key);
      return `${input}.${signature.toString("base64url")}`;
    },
  };
};

/** The stored key: PKCS #8 in PEM, so that any tool can read it. */
const read = (pem: Uint8Array, wanted: KeyAlgorithm): DeviceKey => {
  let privateKey: KeyObject;
  try {
    privateKey = createPrivateKey(Buffer.from(pem));
  } catch {
    // OpenSSL's message helps nobody, and a damaged key is still a key: nothing of it goes into a log.
    throw new AgentError("STATE_DAMAGED", "device-key: it is no private key in PEM");
  }
  return deviceKey(privateKey, wanted);
};

const make = async (algorithm: KeyAlgorithm): Promise<KeyObject> => {
  const pair =
    algorithm === "RS256"
      ? await generate("rsa", { modulusLength: RSA_BITS })
      : await generate("ec", { namedCurve: "P-256" });
  return pair.privateKey;
};

/** The stored key; undefined when there is none, and why it cannot be used where it is damaged. */
const kept = async (vault: Vault, wanted: KeyAlgorithm): Promise<DeviceKey | AgentError | undefined> => {
  try {
    const stored = await vault.read("device-key");
    return stored === undefined ? undefined : read(stored, wanted);
  } catch (error) {
    if (error instanceof AgentError && error.code === "STATE_DAMAGED") return error;
    throw error;
  }
};

/**
 * The board's own key out of the vault, made there first if need be (RSA takes up to a few seconds on a small board,
 * off the main thread). A key that exists is never replaced, even when `algorithm` asks for the other kind: owners and
 * backends know the board by it. `wanted` shows the difference. One that is damaged beyond use is set aside, told to
 * `damaged`, and replaced: the board then has another key for its next asset token. Safe when two processes start at once.
 * Throws the vault's other faults.
 */
export const loadDeviceKey = async (
  vault: Vault,
  algorithm: KeyAlgorithm,
  damaged: (error: AgentError) => void = () => undefined,
): Promise<DeviceKey> => {
  const stored = await kept(vault, algorithm);
  if (stored !== undefined && !(stored instanceof AgentError)) return stored;
  const made = await make(algorithm);
  // The grant's lock will do: the agent's is held for its whole life, and keys are made once in a board's.
  return vault.locked(
    "grant",
    async () => {
      const first = await kept(vault, algorithm);
      if (first instanceof AgentError) {
        await vault.setAside("device-key");
        damaged(first);
      } else if (first !== undefined) return first;
      const pem = made.export({ type: "pkcs8", format: "pem" });
      // Twice, because there will never be a generation before it.
      await vault.write("device-key", Buffer.from(pem), "both");
      return deviceKey(made, algorithm);
    },
    never,
  );
};
