import { sha3_256 } from "@noble/hashes/sha3.js";
import { base64url } from "./base64url.ts";

// The phone's key and how a sign-in commits to it: OpenPubkey's client instance claims (docs/signed-commands.md).
// WebCrypto has no SHA-3, hence the library.

/** The phone's key pair. The private half cannot be exported: not by this app, and not by who takes it over. */
export interface PhoneKey {
  readonly privateKey: CryptoKey;
  readonly publicJwk: PublicJwk;
  /** The protected header of the phone's signature in the PK token, as bytes that never change. */
  readonly cic: string;
}

/** ES256 (RFC 7518 section 6.2.1), members in the order of their names. */
export interface PublicJwk {
  readonly alg: "ES256";
  readonly crv: "P-256";
  readonly kty: "EC";
  readonly x: string;
  readonly y: string;
}

const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");

/** base64url of the SHA3-256 of a text. */
export const sha3 = (text: string): string => base64url(sha3_256(new TextEncoder().encode(text)));

/** Makes a key and the claims about it. */
export const createPhoneKey = async (): Promise<PhoneKey> => {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
    "sign",
    "verify",
  ]);
  const { x = "", y = "" } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  const publicJwk: PublicJwk = { alg: "ES256", crv: "P-256", kty: "EC", x, y };
  const rz = hex(crypto.getRandomValues(new Uint8Array(32)));
  // By name, at every level: the nonce is over exactly this text.
  const cic = JSON.stringify({ alg: "ES256", rz, typ: "CIC", upk: publicJwk });
  return { privateKey: pair.privateKey, publicJwk, cic };
};

/** The `nonce` of the sign-in that binds this key to whoever signs in. */
export const nonceOf = (key: Pick<PhoneKey, "cic">): string => sha3(key.cic);

/** RFC 7638 thumbprint: SHA-256, base64url. */
export const thumbprintOf = async ({ crv, kty, x, y }: PublicJwk): Promise<string> => {
  const text = new TextEncoder().encode(JSON.stringify({ crv, kty, x, y }));
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", text)));
};

/** A signature as JWS has it (RFC 7518 section 3.4: R and S, 64 bytes), base64url. */
export const signWith = async (key: Pick<PhoneKey, "privateKey">, text: string): Promise<string> =>
  base64url(
    new Uint8Array(
      await crypto.subtle.sign(
        { name: "ECDSA", hash: "SHA-256" },
        key.privateKey,
        new TextEncoder().encode(text),
      ),
    ),
  );
