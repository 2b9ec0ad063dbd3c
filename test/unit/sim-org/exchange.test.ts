import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { createLocalJWKSet, importX509, jwtVerify } from "jose";
import { beforeEach, describe, expect, test } from "vitest";
import { actorToken, BASE, deviceKey, jwtParts, openDesk, otherKey, text } from "./desk.ts";

const AUDIENCE = "https://porchlight.example/broker";

describe("the asset token flow", () => {
  let desk = openDesk();
  let access = "";
  beforeEach(async () => {
    desk = openDesk();
    access = text(await desk.signIn(), "access_token");
  });
  const issued = async (more = {}) =>
    text((await desk.exchange(access, actorToken(desk.claims(more)))).fields, "access_token");

  test("answers as RFC 8693 wants, with a token in the documented shape", async () => {
    const { status, fields } = await desk.exchange(access, actorToken(desk.claims()));
    expect([status, fields]).toEqual([
      200,
      {
        access_token: expect.any(String),
        issued_token_type: "urn:ietf:params:oauth:token-type:jwt",
        token_type: "Bearer",
        expires_in: 600,
      },
    ]);
    const now = Math.floor(desk.clock.wall() / 1000);
    const { header, payload } = jwtParts(text(fields, "access_token"));
    expect(header).toEqual({ kid: "Assets", typ: "JWT", alg: "RS256" });
    expect(payload).toEqual({
      aud: [AUDIENCE],
      nbf: now,
      iss: BASE,
      exp: now + 600,
      iat: now,
      sub: desk.org.owner.id,
      did: "porch-1",
      Name: "Porch light",
      cnf: { jwk: deviceKey.publicKey.export({ format: "jwk" }) },
    });
  });

  const rules = () => ({ issuer: BASE, audience: AUDIENCE, currentDate: new Date(desk.clock.wall()) });

  test("the token can be checked with the published keys", async () => {
    const keys = createLocalJWKSet({ keys: desk.org.jwks().keys.map((key) => ({ ...key })) });
    await expect(jwtVerify(await issued(), keys, rules())).resolves.toBeDefined();
  });

  test("and with the pinned certificate, which is a proper one", async () => {
    const certificate = new X509Certificate(desk.org.assetCertificate);
    expect(certificate.subject).toBe("O=Northwind\nCN=Assets");
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.validToDate.getTime()).toBeGreaterThan(desk.clock.wall());
    expect(certificate.serialNumber).toHaveLength(32);
    expect(desk.org.assetCertificate).toBe(certificate.toString());
    desk.org.publishAssetKey = false;
    expect(desk.org.jwks().keys.map((key) => key.kid)).toEqual(["240"]);
    const key = await importX509(desk.org.assetCertificate, "RS256");
    await expect(jwtVerify(await issued(), key, rules())).resolves.toBeDefined();
  });

  test("without an actor token it is bound to nobody's key", async () => {
    const { fields } = await desk.exchange(access, null);
    const { payload } = jwtParts(text(fields, "access_token"));
    expect(payload).not.toHaveProperty("cnf");
    expect(payload).not.toHaveProperty("did");
    expect(desk.org.assets).toHaveLength(0);
    expect(desk.org.events[0]).toMatchObject({ DeviceId: null, ActorTokenPayload: null, AssetId: null });
  });

  test("publishes an event with exactly the documented fields", async () => {
    const claims = desk.claims();
    await desk.exchange(access, actorToken(claims));
    expect(desk.org.events).toEqual([
      {
        ActorTokenPayload: JSON.stringify(claims),
        AssetId: desk.org.assets[0]?.Id,
        AssetName: "Porch light",
        AssetSerialNumber: "SN-1",
        ConnectedAppId: null,
        CreatedById: desk.org.owner.id,
        CreatedDate: expect.stringMatching(/^2026-12-01T17:00:00\.000\+0000$/),
        DeviceId: "porch-1",
        DeviceKey: JSON.stringify(deviceKey.publicKey.export({ format: "jwk" })),
        EventUuid: expect.stringMatching(
          /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
        ),
        Expiration: "2026-12-01T17:10:00.000+0000",
        ExternalClientApplicationId: desk.org.boardApp.id,
        Name: "Porch light",
        ReplayId: "1",
        UserId: desk.org.owner.id,
      },
    ]);
  });

  test.each([
    ["by serial number", { SerialNumber: "SN-1" }, { SerialNumber: "SN-1", Name: "Renamed" }, 1],
    ["by lower-case claims", { serialNumber: "SN-1" }, { SerialNumber: "SN-1" }, 1],
    ["by name, where there is no serial number", { Name: "Porch" }, { Name: "Porch" }, 1],
    ["two serial numbers are two assets", { SerialNumber: "SN-1" }, { SerialNumber: "SN-2" }, 2],
    [
      "a name does not find an asset that has a serial number",
      { Name: "P", SerialNumber: "1" },
      { Name: "P" },
      2,
    ],
    ["no claims, no asset", {}, {}, 0],
  ])("links the asset record: %s", async (_name, first, second, count) => {
    for (const Asset of [first, second]) await issued({ Asset });
    expect(desk.org.assets).toHaveLength(count);
  });

  test("links an asset by its id, of 15 or 18 characters, and refuses one that does not exist", async () => {
    await issued();
    const id = desk.org.assets[0]?.Id ?? "";
    for (const Id of [id, id.slice(0, 15)]) await issued({ Asset: { Id } });
    expect(desk.org.assets).toHaveLength(1);
    const { fields } = await desk.exchange(
      access,
      actorToken(desk.claims({ asset: undefined, Asset: { Id: "02i000000000001" } })),
    );
    expect(fields.error).toBe("invalid_grant");
  });

  const now = () => Math.floor(desk.clock.wall() / 1000);
  test.each([
    ["signed by another key", () => actorToken(desk.claims(), { key: otherKey.privateKey })],
    ["without cnf", () => actorToken(desk.claims({ cnf: undefined }))],
    ["with a cnf that has no key", () => actorToken(desk.claims({ cnf: { kid: "1" } }))],
    ["with a broken key", () => actorToken(desk.claims({ cnf: { jwk: { kty: "RSA", n: 1 } } }))],
    [
      "with the private key inside",
      () => actorToken(desk.claims({ cnf: { jwk: deviceKey.privateKey.export({ format: "jwk" }) } })),
    ],
    ["with alg none", () => actorToken(desk.claims(), { header: { alg: "none" } })],
    ["without a device id", () => actorToken(desk.claims({ did: undefined }))],
    ["with an empty device id", () => actorToken(desk.claims({ did: "" }))],
    ["without an end", () => actorToken(desk.claims({ exp: undefined }))],
    ["that has ended", () => actorToken(desk.claims({ exp: now() }))],
    ["good for more than three minutes", () => actorToken(desk.claims({ exp: now() + 181 }))],
    ["from the far future", () => actorToken(desk.claims({ nbf: now() + 181 }))],
    ["with a text for a time", () => actorToken(desk.claims({ iat: "now" }))],
    ["for somebody else", () => actorToken(desk.claims({ aud: "https://elsewhere.example" }))],
    ["that is no JWT", () => "hello"],
    ["that is no JWT in three parts", () => "a.b.c"],
    ["whose payload is a list", () => "e30.W10.AA"],
    ["that is far too long", () => actorToken(desk.claims({ padding: "x".repeat(20_000) }))],
  ])("refuses an actor token %s", async (_name, make) => {
    const answer = await desk.exchange(access, make());
    expect([answer.status, answer.fields.error]).toEqual([400, "invalid_grant"]);
    expect(desk.org.events).toHaveLength(0);
    expect(desk.org.assets).toHaveLength(0);
  });

  test("takes its own address or token endpoint as the actor token's audience", async () => {
    for (const aud of [BASE, [`${BASE}/services/oauth2/token`]])
      expect(await issued({ aud })).toBeTypeOf("string");
  });

  test("an actor token with an id works once", async () => {
    const token = actorToken(desk.claims({ jti: "one" }));
    expect((await desk.exchange(access, token)).status).toBe(200);
    expect((await desk.exchange(access, token)).fields.error).toBe("invalid_grant");
  });

  test("small RSA keys are refused, elliptic curves only taken when allowed", async () => {
    const small = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const weak = actorToken(desk.claims({ cnf: { jwk: small.publicKey.export({ format: "jwk" }) } }), {
      key: small.privateKey,
    });
    const elliptic = actorToken(desk.claims({ cnf: { jwk: curve.publicKey.export({ format: "jwk" }) } }), {
      key: curve.privateKey,
      header: { alg: "ES256" },
      ieee: true,
    });
    expect((await desk.exchange(access, weak)).status).toBe(400);
    expect((await desk.exchange(access, elliptic)).status).toBe(400);
    desk.org.acceptEcKeys = true;
    expect((await desk.exchange(access, weak)).status).toBe(400);
    expect((await desk.exchange(access, elliptic)).status).toBe(200);
  });

  test.each([
    ["another subject type", { subject_token_type: "urn:x" }, "invalid_request"],
    ["an actor token without its type", { actor_token: "x" }, "invalid_request"],
    [
      "an actor type without a token",
      { actor_token_type: "urn:ietf:params:oauth:token-type:jwt" },
      "invalid_request",
    ],
    ["another actor type", { actor_token: "x", actor_token_type: "urn:x" }, "invalid_request"],
    ["an access token that never was", { subject_token: "00D!x" }, "invalid_grant"],
  ])("refuses %s", async (_name, form, error) => {
    expect((await desk.exchange(access, null, form)).fields.error).toBe(error);
  });

  test("refuses an access token that has run out", async () => {
    await desk.clock.advance(desk.org.accessTokenLifetimeMs);
    expect((await desk.exchange(access, actorToken(desk.claims()))).fields).toEqual({
      error: "invalid_grant",
      error_description: "expired access/refresh token",
    });
  });

  test("refuses when asset tokens are switched off, or the scope is too small", async () => {
    const narrow = text(await desk.signIn({ scope: "api" }), "access_token");
    expect((await desk.exchange(narrow, null)).fields.error).toBe("invalid_scope");
    desk.org.assetTokensEnabled = false;
    expect((await desk.exchange(access, null)).fields.error_description).toBe(
      "asset tokens are not enabled for the app",
    );
  });

  test.each([
    ["wrongAudience", { aud: ["https://somebody-else.example"] }],
    ["wrongIssuer", { iss: "https://another-org.example" }],
    ["wrongDevice", { did: "not-porch-1" }],
  ] as const)("fault %s shows in the claims", async (fault, claims) => {
    desk.org[fault] = true;
    expect(jwtParts(await issued()).payload).toMatchObject(claims);
  });

  test.each(["wrongKey", "unknownKeyId", "unsigned"] as const)(
    "fault %s does not stand up to checking",
    async (fault) => {
      desk.org[fault] = true;
      const keys = createLocalJWKSet({ keys: desk.org.jwks().keys.map((key) => ({ ...key })) });
      await expect(jwtVerify(await issued(), keys, rules())).rejects.toThrow();
    },
  );

  test("faults omitCnf and wrongCnf unbind and misbind the token", async () => {
    desk.org.wrongCnf = true;
    expect(jwtParts(await issued()).payload.cnf).not.toEqual({
      jwk: deviceKey.publicKey.export({ format: "jwk" }),
    });
    desk.org.omitCnf = true;
    expect(jwtParts(await issued()).payload).not.toHaveProperty("cnf");
  });

  test("a skewed org clock shows in the times, and judges the board's token by it", async () => {
    desk.org.clockSkewMs = 3_600_000;
    expect((await desk.exchange(access, actorToken(desk.claims()))).fields.error).toBe("invalid_grant");
    const late = await issued({ iat: now() + 3600, exp: now() + 3700 });
    expect(jwtParts(late).payload.iat).toBe(now() + 3600);
  });
});
