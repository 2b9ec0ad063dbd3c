// The maker's side of a signature: keys as PEM files (PKCS #8), signatures as minisign writes them. What comes out,
// `minisign -V` and src/update/minisign.ts check.

import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";

/** A maker's key pair; the id is worked out of the key, so that the one file says it all. */
export interface SigningKey {
  readonly id: Buffer;
  readonly key: KeyObject;
  /** 56 characters: what update.publicKey takes. */
  readonly publicText: string;
}

/** Reads a private key. Throws for what is none of Ed25519. */
export const readSigningKey = (pem: string): SigningKey => {
  const key = createPrivateKey(pem);
  if (key.asymmetricKeyType !== "ed25519") throw new Error("the signing key must be one of Ed25519");
  const { x = "" } = createPublicKey(key).export({ format: "jwk" });
  const bytes = Buffer.from(x, "base64url");
  const id = createHash("sha256").update(bytes).digest().subarray(0, 8);
  return { id, key, publicText: Buffer.concat([Buffer.from("Ed"), id, bytes]).toString("base64") };
};

/** A new private key, as PEM text. */
export const newSigningKey = (): string =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();

/** The text of a .pub file for `minisign -V -p`. */
export const publicKeyFile = ({ publicText }: SigningKey): string =>
  `untrusted comment: Porchlight's maker\n${publicText}\n`;

/** The text of a .minisig file over `content`. */
export const signature = (content: Uint8Array, { id, key }: SigningKey, comment: string): string => {
  const own = sign(null, createHash("blake2b512").update(content).digest(), key);
  const both = sign(null, Buffer.concat([own, Buffer.from(comment)]), key);
  const first = Buffer.concat([Buffer.from("ED"), id, own]).toString("base64");
  return `untrusted comment: signature of Porchlight's maker\n${first}\ntrusted comment: ${comment}\n${both.toString("base64")}\n`;
};
