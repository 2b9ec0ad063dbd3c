import { generateKeyPairSync } from "node:crypto";
import { calculateJwkThumbprint, compactVerify, importJWK } from "jose";
import { describe, expect, it } from "vitest";
import { loadDeviceKey, publicJwkOf, thumbprintOf } from "../../../src/asset-token/key.ts";
import { AgentError } from "../../../src/errors.ts";
import { aKey, codeOf, memoryVault } from "./support.ts";

describe("the device key", () => {
  it.each(["ES256", "RS256"] as const)(
    "is made once, kept, and signs what %s verifiers take",
    async (algorithm) => {
      const vault = memoryVault();
      const made = await loadDeviceKey(vault, algorithm);
      const again = await loadDeviceKey(vault, algorithm);
      expect(again.publicJwk).toEqual(made.publicJwk);
      expect(made.algorithm).toBe(algorithm);
      const jwt = await again.sign({ did: "porch-1" }, { kid: "k" });
      const { payload, protectedHeader } = await compactVerify(
        jwt,
        await importJWK({ ...made.publicJwk }, algorithm),
      );
      expect(protectedHeader).toEqual({ alg: algorithm, typ: "JWT", kid: "k" });
      expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({ did: "porch-1" });
    },
  );

  it("has the thumbprint of RFC 7638, and its sample", async () => {
    for (const algorithm of ["ES256", "RS256"] as const) {
      const key = await aKey(algorithm);
      expect(key.thumbprint).toBe(await calculateJwkThumbprint({ ...key.publicJwk }));
    }
    const sample =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    expect(thumbprintOf({ kty: "RSA", n: sample, e: "AQAB" })).toBe(
      "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
    );
  });

  it("never gives away its private half", async () => {
    const key = await aKey();
    expect(Object.keys(key.publicJwk).sort()).toEqual(["crv", "kty", "x", "y"]);
    expect(JSON.stringify(key)).not.toContain('"d"');
  });

  it("is never replaced by one of the other kind, and says that it differs from the settings", async () => {
    const vault = memoryVault();
    const first = await loadDeviceKey(vault, "ES256");
    const kept = await loadDeviceKey(vault, "RS256");
    expect(kept).toMatchObject({ algorithm: "ES256", wanted: "RS256", thumbprint: first.thumbprint });
  });

  it("is the same for two processes that start at once", async () => {
    const vault = memoryVault();
    const [a, b] = await Promise.all([loadDeviceKey(vault, "ES256"), loadDeviceKey(vault, "ES256")]);
    expect(a.thumbprint).toBe(b.thumbprint);
  });

  it.each([
    ["nothing", ""],
    ["zeros", "\0".repeat(200)],
    ["another curve", generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" })],
    [
      "a short RSA key",
      generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" }),
    ],
  ])("takes the place of a damaged one, which is set aside and told: %s", async (_what, content) => {
    const vault = memoryVault();
    vault.files.set("device-key", Buffer.from(content));
    const aside: string[] = [];
    vault.setAside = async (key) => {
      aside.push(Buffer.from(vault.files.get(key) ?? []).toString());
      vault.files.delete(key);
    };
    const told: string[] = [];
    const made = await loadDeviceKey(vault, "ES256", ({ code }) => told.push(code));
    expect({ aside, told }).toEqual({ aside: [content], told: ["STATE_DAMAGED"] });
    expect((await loadDeviceKey(vault, "ES256")).thumbprint).toBe(made.thumbprint);
  });

  it("is not made anew where it cannot be read for another reason", async () => {
    const vault = memoryVault();
    vault.read = async () => {
      throw new AgentError("STATE_LOCKED");
    };
    expect(await codeOf(() => loadDeviceKey(vault, "ES256"))).toBe("STATE_LOCKED");
  });

  it("is kept twice, for there is never one before it", async () => {
    const vault = memoryVault();
    const asked: unknown[] = [];
    const write = vault.write.bind(vault);
    vault.write = (key, value, generations) => {
      asked.push(generations);
      return write(key, value);
    };
    await loadDeviceKey(vault, "ES256");
    expect(asked).toEqual(["both"]);
  });
});

it.each([
  null,
  "x",
  [],
  {},
  { kty: "oct", k: "x" },
  { kty: "EC", crv: "P-384", x: "x", y: "y" },
  { kty: "RSA", n: 1 },
])("%j is no public key of ours", (jwk) => {
  expect(publicJwkOf(jwk)).toBeUndefined();
});
