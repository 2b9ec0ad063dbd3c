import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pinnedCertificate, pinnedKeySet } from "../../../src/asset-token/signing-keys.ts";
import { checkClaims, type Expected, verifyAssetToken } from "../../../src/asset-token/verify.ts";
import { AgentError } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";
import { aKey, certificateOf, codeOf, orgKey, orgSigned } from "./support.ts";

const key = await aKey();
const stranger = await aKey();
const assets = orgKey("Assets");
const other = orgKey("Other");
const at = epochMs(1_796_144_400_000);
const now = 1_796_144_400;

const claims = {
  iss: "https://home.my.example",
  aud: ["mqtt", "https://backend.example"],
  sub: "005xx000000000AAAA",
  did: "porch-1",
  cnf: { jwk: key.publicJwk },
  iat: now,
  nbf: now,
  exp: now + 60,
};
const expected: Expected = {
  issuers: ["https://home.my.example/", "https://login.org.example"],
  audience: "mqtt",
  deviceId: "porch-1",
  thumbprint: key.thumbprint,
  users: ["005xx000000000AAAA", "ada@home.example"],
};
const header = { alg: "RS256", typ: "JWT", kid: "Assets" };
const keys = pinnedKeySet(JSON.stringify({ keys: [assets.jwk, other.jwk] }));
const good = orgSigned(header, claims, assets.privateKey);

describe("an asset token", () => {
  it("stands up when everything is right", async () => {
    expect(await verifyAssetToken(good, keys, expected, at)).toEqual({
      audience: ["mqtt", "https://backend.example"],
      expiresAt: (now + 60) * 1000,
      lifeMs: 60_000,
    });
  });

  it("may come without a key name, whichever of the org's keys signed it", async () => {
    for (const { privateKey } of [assets, other]) {
      const jwt = orgSigned({ alg: "RS256" }, claims, privateKey);
      expect(await codeOf(() => verifyAssetToken(jwt, keys, expected, at))).toBe("nothing thrown");
    }
    const forged = orgSigned({ alg: "RS256" }, claims, orgKey("Assets").privateKey);
    expect(await codeOf(() => verifyAssetToken(forged, keys, expected, at))).toBe("ASSET_TOKEN_INVALID");
  });

  it("can be checked with a pinned certificate", async () => {
    const find = pinnedCertificate(certificateOf(assets));
    expect(await codeOf(() => verifyAssetToken(good, find, expected, at))).toBe("nothing thrown");
    const byOther = orgSigned(header, claims, other.privateKey);
    expect(await codeOf(() => verifyAssetToken(byOther, find, expected, at))).toBe("ASSET_TOKEN_INVALID");
    // A key of the wrong kind for the header is a bad token, not bad settings.
    const otherKind = await key.sign(claims);
    expect(await codeOf(() => verifyAssetToken(otherKind, find, expected, at))).toBe("ASSET_TOKEN_INVALID");
  });

  it.each([
    ["signed by another key under the right name", orgSigned(header, claims, other.privateKey)],
    ["signed under an unknown name", orgSigned({ ...header, kid: "Unknown" }, claims, assets.privateKey)],
    ["not signed", `${Buffer.from('{"alg":"none"}').toString("base64url")}.${good.split(".")[1]}.`],
    ["a shared-secret signature", orgSigned({ ...header, alg: "HS256" }, claims, assets.privateKey)],
    ["another algorithm", orgSigned({ ...header, alg: "PS256" }, claims, assets.privateKey)],
    ["a signed command", orgSigned({ ...header, typ: "osm" }, claims, assets.privateKey)],
    [
      "a critical extension nobody knows",
      orgSigned({ ...header, crit: ["x"], x: 1 }, claims, assets.privateKey),
    ],
    ["a list", orgSigned(header, [claims], assets.privateKey)],
    ["a text", orgSigned(header, "claims", assets.privateKey)],
    ["null", orgSigned(header, null, assets.privateKey)],
    ["nothing", ""],
    ["dots", ".."],
    ["no token", "not a token"],
    ["too large", `${good}${"A".repeat(20_000)}`],
  ])("is refused when it is %s", async (_what, jwt) => {
    expect(await codeOf(() => verifyAssetToken(jwt, keys, expected, at))).toBe("ASSET_TOKEN_INVALID");
  });

  it("is refused when its payload is no JSON", async () => {
    const { CompactSign } = await import("jose");
    const jwt = await new CompactSign(Buffer.from("{nonsense"))
      .setProtectedHeader(header)
      .sign(assets.privateKey);
    expect(await codeOf(() => verifyAssetToken(jwt, keys, expected, at))).toBe("ASSET_TOKEN_INVALID");
  });

  it("with any character changed never stands up as something else, and never crashes", async () => {
    const alphabet = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ \0é"];
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.constantFrom(...alphabet), async (place, char) => {
        const bad = `${good.slice(0, place)}${char}${good.slice(place + 1)}`;
        // The signature's last character has bits that encode nothing.
        fc.pre(bad !== good && place !== good.length - 1);
        expect(await codeOf(() => verifyAssetToken(bad, keys, expected, at))).toBe("ASSET_TOKEN_INVALID");
      }),
      { numRuns: 400 },
    );
  });

  it("may be any text: it never stands up, and never crashes", async () => {
    const text = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(fc.base64String(), { maxLength: 5 }).map((parts) => parts.join(".")),
    );
    await fc.assert(
      fc.asyncProperty(text, async (jwt) => {
        expect(await codeOf(() => verifyAssetToken(jwt, keys, expected, at))).toBe("ASSET_TOKEN_INVALID");
      }),
      { numRuns: 300 },
    );
  });
});

describe("the claims", () => {
  it.each([
    ["iss", { iss: "https://evil.example" }],
    ["iss", { iss: undefined }],
    ["aud", { aud: "somebody else" }],
    ["aud", { aud: [] }],
    ["aud", { aud: ["mqtt", 7] }],
    ["aud", { aud: undefined }],
    ["did", { did: "porch-2" }],
    ["did", { did: undefined }],
    ["sub", { sub: "005xx000000000BAAA" }],
    ["sub", { sub: 7 }],
    ["cnf", { cnf: undefined }],
    ["cnf", { cnf: null }],
    ["cnf", { cnf: {} }],
    ["cnf", { cnf: { jwk: stranger.publicJwk } }],
    ["cnf", { cnf: { jkt: stranger.thumbprint } }],
    ["exp", { exp: undefined }],
    ["exp", { exp: "tomorrow" }],
    ["exp", { exp: 1e300 }],
    ["exp", { exp: now - 180 }],
    ["exp", { exp: now }],
    ["exp", { iat: now + 30, exp: now + 10 }],
    ["exp", { iat: undefined, exp: now - 30 }],
    ["nbf", { nbf: now + 181 }],
    ["iat", { iat: now + 181 }],
  ])("name %s when it is wrong: %j", (name, change) => {
    try {
      checkClaims({ ...claims, ...change }, expected, at);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AgentError);
      expect(error).toMatchObject({ code: "ASSET_TOKEN_INVALID" });
      expect(String(error)).toContain(`: ${name} `);
    }
  });

  it.each([
    ["a single audience", { aud: "mqtt" }],
    ["the other issuer", { iss: "https://login.org.example" }],
    ["the user by address", { sub: "https://login.org.example/id/00Dxx0000000001EAA/005xx000000000AAAA" }],
    ["the user by short id", { sub: "005xx000000000A" }],
    ["the user by name", { sub: "ada@home.example" }],
    ["no user at all", { sub: undefined }],
    ["the key by thumbprint", { cnf: { jkt: key.thumbprint } }],
    ["the key with extra members", { cnf: { jwk: { ...key.publicJwk, kid: "k", alg: "ES256" } } }],
    ["an end within the skew", { iat: now - 190, nbf: now - 190, exp: now - 179 }],
    ["a start within the skew", { nbf: now + 180, iat: now + 180, exp: now + 240 }],
  ])("allow %s", (_what, change) => {
    expect(() => checkClaims({ ...claims, ...change }, expected, at)).not.toThrow();
  });

  it("are left alone where nothing is expected", () => {
    const lax: Expected = { ...expected, audience: null, deviceId: null, users: [] };
    expect(() => checkClaims({ ...claims, did: undefined, aud: "x", sub: "anyone" }, lax, at)).not.toThrow();
  });

  it("give the life by the issuer's own clock where they can", () => {
    const life = (change: object) => checkClaims({ ...claims, ...change }, expected, at).lifeMs;
    expect(life({ iat: now - 30, exp: now + 60 })).toBe(90_000);
    expect(life({ iat: undefined, nbf: now - 10 })).toBe(70_000);
    expect(life({ iat: undefined, nbf: undefined })).toBe(60_000);
    expect(life({ iat: undefined, nbf: undefined, exp: now - 30 })).toBe(0);
  });
});
