// Signatures of minisign (https://jedisct1.github.io/minisign/): Ed25519 over the BLAKE2b-512 hash of a file, and a comment
// that is signed with it. What `minisign -S` and `npm run release` make, this checks.

import { createHash, createPublicKey, type KeyObject, verify } from "node:crypto";
import { AgentError } from "../errors.ts";

/** A maker's public key, as minisign knows it. */
export interface MakerKey {
  /** 8 bytes that signatures name the key by. */
  readonly id: Buffer;
  readonly key: KeyObject;
}

/** Key id and signature algorithm come before the key: `Ed` and 8 bytes. */
const KEY_BYTES = 2 + 8 + 32;
const SIGNATURE_BYTES = 2 + 8 + 64;

const wrong = (problem: string): AgentError => new AgentError("UPDATE_SIGNATURE", problem);

/** A public key out of its 56 characters of base64; undefined when it is none. */
export const readMakerKey = (text: string): MakerKey | undefined => {
  const bytes = Buffer.from(text, "base64");
  if (
    bytes.length !== KEY_BYTES ||
    bytes.toString("base64") !== text ||
    bytes.toString("latin1", 0, 2) !== "Ed"
  )
    return undefined;
  const x = bytes.subarray(10).toString("base64url");
  return {
    id: bytes.subarray(2, 10),
    key: createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" }),
  };
};

/**
 * Checks that the holder of `maker` signed `content`; `signature` is the text of a .minisig file. Returns its trusted
 * comment. Throws UPDATE_SIGNATURE.
 */
export const checkSignature = (content: Uint8Array, signature: string, maker: MakerKey): string => {
  const [, first = "", comment = "", second = ""] = signature.split(/\r?\n/);
  const bytes = Buffer.from(first, "base64");
  if (bytes.length !== SIGNATURE_BYTES || !comment.startsWith("trusted comment: "))
    throw wrong("its signature is no signature of minisign");
  // `Ed` would be over the file itself; minisign makes those only when told to.
  if (bytes.toString("latin1", 0, 2) !== "ED") throw wrong("its signature is of an old kind");
  if (!bytes.subarray(2, 10).equals(maker.id))
    throw wrong("it is signed with another key than update.publicKey");
  const own = bytes.subarray(10);
  const hash = createHash("blake2b512").update(content).digest();
  if (!verify(null, hash, maker.key, own)) throw wrong("the content is not what was signed");
  const trusted = comment.slice("trusted comment: ".length);
  const both = Buffer.concat([own, Buffer.from(trusted)]);
  if (!verify(null, both, maker.key, Buffer.from(second, "base64")))
    throw wrong("the comment is not what was signed");
  return trusted;
};
