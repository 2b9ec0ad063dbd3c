// What is signed: keys, tokens, assertions.

import { createPublicKey, generateKeyPairSync, sign } from "node:crypto";
import { importJWK } from "jose";
import { publicJwkOf, thumbprintOf } from "../../../src/asset-token/key.ts";
import { verifyAssetToken } from "../../../src/asset-token/verify.ts";
import { readAssertion } from "../../../src/device-flow/saml.ts";
import { readKeptSets, writeKeptSets } from "../../../src/org-keys/kept-sets.ts";
import { readKeySet } from "../../../src/org-keys/key-set.ts";
import { MARK, same, type Target } from "../target.ts";
import { jwtOf, now } from "./org.ts";
import { holding } from "./vault.ts";

const pair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = pair.publicKey.export({ format: "jwk" });
const deviceJwk = publicJwkOf(jwk);
if (deviceJwk === undefined) throw new Error("no key");
const orgKey = createPublicKey({ key: jwk, format: "jwk" });
const thumbprint = thumbprintOf(deviceJwk);
const claims = {
  iss: "https://home.my.example",
  aud: ["https://broker.example"],
  did: "porch-1",
  sub: "005xx000000000AAAA",
  cnf: { jwk: deviceJwk },
  iat: now.wall / 1000,
  nbf: now.wall / 1000,
  exp: now.wall / 1000 + 600,
};
const expected = {
  issuers: ["https://home.my.example"],
  audience: "https://broker.example",
  deviceId: "porch-1",
  thumbprint,
  users: ["005xx000000000AAAA"],
};
const signed = (payload: string | Uint8Array, header: object = { alg: "ES256", typ: "JWT" }): string => {
  const part = Buffer.from(JSON.stringify(header)).toString("base64url");
  const text = `${part}.${Buffer.from(payload).toString("base64url")}`;
  const signature = sign("sha256", Buffer.from(text), { key: pair.privateKey, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
};

const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });

export const jwks: Target = {
  name: "jwks",
  what: "the keys that an org publishes, and how they are kept",
  most: 256 * 1024,
  sources: ["src/org-keys/key-set.ts", "src/org-keys/kept-sets.ts"],
  seeds: [
    JSON.stringify({
      keys: [
        { ...rsa, kid: "k1", use: "sig", alg: "RS256", x5c: ["MIIB"] },
        { ...jwk, kid: "k2" },
      ],
    }),
    JSON.stringify({ keys: [{ kty: "oct", k: MARK }] }),
    JSON.stringify({
      version: 1,
      sets: [{ url: "https://home.my.example/id/keys", issuer: null, keys: [{ ...jwk, kid: "k2" }] }],
    }),
  ],
  readers: [
    { name: "key set", read: (input) => readKeySet(input.toString("utf8")) },
    {
      name: "each key",
      read: async (input) => {
        for (const key of (readKeySet(input.toString("utf8"))?.keys ?? []).slice(0, 3))
          await importJWK(key, "ES256").catch(() => undefined);
      },
    },
    {
      name: "kept sets",
      read: async (input) => {
        const vault = holding(input);
        const sets = await readKeptSets(vault);
        await writeKeptSets(vault, sets);
        same("kept keys", sets, await readKeptSets(vault));
        return sets;
      },
    },
  ],
};

export const assetToken: Target = {
  name: "asset-token",
  what: "an asset token as it comes from an org that may be anybody",
  most: 16 * 1024,
  sources: ["src/asset-token/verify.ts", "src/asset-token/key.ts"],
  seeds: [
    signed(JSON.stringify(claims)),
    signed(JSON.stringify({ ...claims, cnf: { jkt: thumbprint } })),
    signed(JSON.stringify(claims), { alg: "none" }),
    signed("[]"),
    signed(MARK),
    jwtOf(claims),
    `${MARK}.${MARK}.${MARK}`,
  ],
  readers: [
    {
      name: "verify",
      throws: ["ASSET_TOKEN_INVALID"],
      read: (input) => verifyAssetToken(input.toString("utf8"), async () => orgKey, expected, now.wall),
    },
  ],
};

export const assetTokenClaims: Target = {
  name: "asset-token-claims",
  what: "the claims of an asset token whose signature is good",
  most: 10 * 1024,
  sources: ["src/asset-token/verify.ts", "src/asset-token/key.ts", "src/users.ts"],
  seeds: [
    JSON.stringify(claims),
    JSON.stringify({ ...claims, cnf: { jkt: thumbprint }, aud: "https://broker.example", secret: MARK }),
    JSON.stringify({ ...claims, exp: 1e11, sub: undefined }),
    "null",
  ],
  readers: [
    {
      name: "claims",
      throws: ["ASSET_TOKEN_INVALID"],
      read: (input) => verifyAssetToken(signed(input), async () => orgKey, expected, now.wall),
    },
  ],
};

const assertion = (inside: string): string =>
  `<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_1" Version="2.0" IssueInstant="2026-12-01T17:00:00Z">${inside}</saml:Assertion>`;
const conditions = `<saml:Issuer>idp</saml:Issuer><saml:Conditions NotBefore="2026-12-01T16:59:00Z" NotOnOrAfter="2026-12-01T17:05:00Z"/>${MARK}`;

export const saml: Target = {
  name: "saml",
  what: "the assertion that a board is given to sign in with",
  most: 96 * 1024,
  sources: ["src/device-flow/saml.ts"],
  seeds: [
    assertion(conditions),
    `<?xml version="1.0" encoding="UTF-8"?>\n${assertion(conditions)}`,
    `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0">${assertion(conditions)}</samlp:Response>`,
    Buffer.from(assertion(conditions)).toString("base64"),
    `<!DOCTYPE a [<!ENTITY b "c">]>${assertion(conditions)}`,
    assertion(conditions.replace("2026-12-01T17:05", "2026-11-01T17:05")),
  ],
  readers: [
    {
      name: "assertion",
      throws: ["ASSERTION_INVALID", "ASSERTION_EXPIRED"],
      read: (input) => readAssertion(input, now),
    },
  ],
};
