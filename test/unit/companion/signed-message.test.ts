import { createHash, createPublicKey, verify } from "node:crypto";
import { expect, test } from "vitest";
import { base64url, fromBase64url } from "../../../companion/core/base64url.ts";
import { createPhoneKey, nonceOf, thumbprintOf } from "../../../companion/core/phone-key.ts";
import { createPkToken } from "../../../companion/core/pk-token.ts";
import { COMMAND_LIFE_S, signCommand } from "../../../companion/core/signed-message.ts";

// Checked with Node's own crypto, which shares no code with what signs.
const key = await createPhoneKey();
const idToken = [base64url('{"alg":"RS256"}'), base64url('{"sub":"ada"}'), base64url("org")].join(".");
const sha3 = (text: string): string => createHash("sha3-256").update(text).digest("base64url");
const text = (part: string | undefined): string => Buffer.from(part ?? "", "base64url").toString();
const signedBy = (input: string, signature: string | undefined): boolean =>
  verify(
    "sha256",
    Buffer.from(input),
    { key: createPublicKey({ key: { ...key.publicJwk }, format: "jwk" }), dsaEncoding: "ieee-p1363" },
    Buffer.from(signature ?? "", "base64url"),
  );

test("the private half of a key cannot be taken out", async () => {
  expect(key.privateKey.extractable).toBe(false);
  await expect(crypto.subtle.exportKey("jwk", key.privateKey)).rejects.toThrow();
});

test("the nonce is the hash of the claims with members in order", () => {
  const { alg, rz, typ, upk } = JSON.parse(key.cic);
  expect(rz).toMatch(/^[0-9a-f]{64}$/);
  expect(upk).toEqual(key.publicJwk);
  const { crv, kty, x, y } = upk;
  expect(nonceOf(key)).toBe(sha3(JSON.stringify({ alg, rz, typ, upk: { alg: upk.alg, crv, kty, x, y } })));
});

test("a person's command has a PK token that the phone has signed, and names it", async () => {
  const pkToken = await createPkToken(idToken, key);
  const now = 1_796_054_400_250;
  const command = { device: "porch-1", id: "7f1c", ask: { do: "light", set: { state: "ON" } } };
  const signer = { kind: "person", key, pkToken, freshIdToken: "a.b.c" } as const;
  const { pkt, osm } = JSON.parse(await signCommand(signer, command, now));
  const [payload, orgHeader, orgSignature, cic, own] = pkt.replace(/\.a\.b\.c$/, "").split(":");
  expect(pkt.endsWith(".a.b.c")).toBe(true);
  expect([orgHeader, payload, orgSignature].join(".")).toBe(idToken);
  expect(text(cic)).toBe(key.cic);
  expect(signedBy(`${cic}.${payload}`, own)).toBe(true);
  const [header, content, signature] = osm.split(".");
  expect(signedBy(`${header}.${content}`, signature)).toBe(true);
  const signatures = `{"protected":"${orgHeader}","signature":"${orgSignature}"},{"protected":"${cic}","signature":"${own}"}`;
  expect(JSON.parse(text(header))).toEqual({
    alg: "ES256",
    kid: sha3(`{"payload":"${payload}","signatures":[${signatures}]}`),
    typ: "osm",
  });
  expect(JSON.parse(text(content))).toEqual({
    porchlight: "command",
    device: "porch-1",
    id: "7f1c",
    iat: now / 1000,
    exp: now / 1000 + COMMAND_LIFE_S,
    do: "light",
    set: { state: "ON" },
  });
});

test("a guest with a key alone names the key", async () => {
  const command = { device: "porch-1", id: "1", ask: { do: "light" } };
  const envelope = JSON.parse(await signCommand({ kind: "key", key }, command, 0));
  expect(Object.keys(envelope)).toEqual(["osm"]);
  const [header, content, signature] = envelope.osm.split(".");
  expect(signedBy(`${header}.${content}`, signature)).toBe(true);
  const { crv, kty, x, y } = key.publicJwk;
  const thumbprint = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  expect(JSON.parse(text(header)).kid).toBe(thumbprint);
  expect(await thumbprintOf(key.publicJwk)).toBe(thumbprint);
});

test.each(["", "a.b", "a.b.", "a.b.c.d"])("%j is no ID token", async (jwt) => {
  await expect(createPkToken(jwt, key)).rejects.toThrow();
});

test("base64url is there and back, and nothing else is read", () => {
  const bytes = new Uint8Array([0, 250, 251, 252, 253, 254, 255]);
  expect(base64url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
  expect(fromBase64url(base64url(bytes))).toEqual(bytes);
  expect(() => fromBase64url("a+b=")).toThrow();
});
