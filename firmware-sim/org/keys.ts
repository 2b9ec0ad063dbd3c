import { generateKeyPairSync, type KeyObject } from "node:crypto";

/** A public key as `/id/keys` lists it (RFC 7517). */
export interface PublishedKey {
  readonly kty: "RSA";
  readonly kid: string;
  readonly use: "sig";
  readonly alg: "RS256";
  readonly n: string;
  readonly e: string;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** The org's signing keys. Each is made when first used: an RSA key takes a while. */
export interface OrgKeys {
  /** Signs ID tokens. */
  idToken(): SigningKey;
  /** Signs asset tokens; its `kid` is the certificate's name. */
  asset(): SigningKey;
  /** Signs what the simulated identity provider says. */
  provider(): SigningKey;
  /** A key that nobody trusts, for forged tokens. */
  forger(): SigningKey;
}

const lazyKey = (kid: string): (() => SigningKey) => {
  let made: SigningKey | undefined;
  return () => {
    made ??= { kid, ...generateKeyPairSync("rsa", { modulusLength: 2048 }) };
    return made;
  };
};

/** New keys. Many orgs of one test run may share one set: making an RSA key costs a tenth of a second. */
export const createOrgKeys = (): OrgKeys => ({
  idToken: lazyKey("240"),
  asset: lazyKey("Assets"),
  provider: lazyKey("Simulated identity provider"),
  forger: lazyKey("Assets"),
});

/** The public half as a JWK. */
export const published = (key: SigningKey): PublishedKey => {
  const { n = "", e = "" } = key.publicKey.export({ format: "jwk" });
  return { kty: "RSA", kid: key.kid, use: "sig", alg: "RS256", n, e };
};
