import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type AssetTokenOptions, createAssetTokens, renewalAfter } from "../../../src/asset-token/source.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import type { HttpRequest, HttpResponse } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import {
  aGrant,
  aKey,
  certificateOf,
  codeOf,
  device,
  forever,
  json,
  memoryVault,
  orgKey,
  orgSigned,
  routedHttp,
} from "./support.ts";

const key = await aKey();
const assets = orgKey("Assets");
const next = orgKey("Next");
const TOKEN = "https://home.my.example/services/oauth2/token";
const KEYS = "https://home.my.example/id/keys";

const options: AssetTokenOptions = {
  mode: "exchange",
  dialect: "salesforce",
  clientId: "3MVG9",
  clientSecret: null,
  audience: "mqtt",
  verify: { jwks: "auto", certificate: null },
  actorClaims: {},
  device,
  endpoints: async () => ({ tokenUrl: TOKEN, jwksUrl: KEYS, issuers: ["https://home.my.example"] }),
};

/** An org that makes a good asset token out of an actor token; `change` bends its claims, `signer` its key. */
const world = (changes: Partial<AssetTokenOptions> = {}) => {
  const clock = new VirtualClock();
  const org = {
    signer: assets,
    published: [assets],
    change: {},
    life: 60,
    tokenAnswer: undefined as HttpResponse | undefined,
    keysAnswer: undefined as HttpResponse | undefined,
  };
  const exchange = (request: HttpRequest): HttpResponse => {
    if (org.tokenAnswer !== undefined) return org.tokenAnswer;
    const actor = decodeJwt(new URLSearchParams(request.body).get("actor_token") ?? "");
    const iat = Math.floor(clock.wall() / 1000);
    const claims = {
      iss: "https://home.my.example",
      aud: ["mqtt"],
      sub: "005xx000000000AAAA",
      did: actor.did,
      cnf: actor.cnf,
      iat,
      nbf: iat,
      exp: iat + org.life,
      ...org.change,
    };
    return json(200, {
      access_token: orgSigned(
        { alg: "RS256", typ: "JWT", kid: org.signer.jwk.kid },
        claims,
        org.signer.privateKey,
      ),
      issued_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_type: "Bearer",
      expires_in: org.life,
    });
  };
  const keys = (): HttpResponse => org.keysAnswer ?? json(200, { keys: org.published.map(({ jwk }) => jwk) });
  const wire = routedHttp({ [TOKEN]: exchange, [KEYS]: keys, "https://keys.example/": keys });
  const published = createPublishedKeys({ http: wire.http, clock, vault: memoryVault() });
  const ports = { http: wire.http, clock, key, keys: published };
  const tokens = createAssetTokens({ ...options, ...changes }, ports);
  const keyRequests = () => wire.asked.filter(({ method }) => method === "GET").length;
  return { clock, org, tokens, asked: wire.asked, keyRequests };
};

describe("an asset token from the org", () => {
  it("is exchanged, verified and renewed before it ends", async () => {
    const { tokens, asked, clock } = world();
    const token = await tokens.issue(aGrant(), forever);
    expect(token).toMatchObject({
      audience: ["mqtt"],
      expiresAt: epochMs(clock.wall() + 60_000),
      expiresAtMono: 60_000,
      renewAt: 45_000,
    });
    expect(asked.map(({ url }) => url)).toEqual([TOKEN, KEYS]);
    expect(new URLSearchParams(asked[0]?.body).has("client_id")).toBe(false);
  });

  it.each([
    [3600, 2_700_000],
    [60, 45_000],
    [30, 20_000],
    [20, 10_000],
    [10, 5_000],
  ])("that lives %i s is renewed after %i ms", (life, ms) => {
    expect(renewalAfter(life * 1000)).toBe(ms);
  });

  it("names the client where the org is not Salesforce", async () => {
    const { tokens, asked } = world({ dialect: "rfc8628", clientSecret: new Secret("s") });
    await tokens.issue(aGrant(), forever);
    expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toMatchObject({
      client_id: "3MVG9",
      client_secret: "s",
      audience: "mqtt",
    });
  });

  it.each([
    ["for another board", { did: "porch-2" }],
    ["bound to another key", { cnf: {} }],
    ["for another user", { sub: "005xx000000000BAAA" }],
    ["for another audience", { aud: "x" }],
    ["of another org", { iss: "https://evil.example" }],
  ])("%s is refused", async (_what, change) => {
    const w = world();
    w.org.change = change;
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ASSET_TOKEN_INVALID");
  });

  it("needs no did when the template gives the org none", async () => {
    const w = world({ actorClaims: { did: null } });
    w.org.change = { did: undefined };
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("nothing thrown");
  });

  it("is not asked for while the board does not know the time, nor for somebody who has left", async () => {
    const w = world();
    w.clock.setWall(epochMs(0), false);
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("CLOCK_UNSET");
    await expect(w.tokens.issue(aGrant(), AbortSignal.abort(new Error("left")))).rejects.toThrow("left");
    expect(w.asked).toEqual([]);
  });

  it("lives as long as the org's own clock says, whatever the board's clock thinks", async () => {
    const w = world();
    const iat = Math.floor(w.clock.wall() / 1000) - 50;
    w.org.change = { iat, nbf: iat, exp: iat + 60 };
    expect((await w.tokens.issue(aGrant(), forever)).expiresAtMono).toBe(60_000);
  });
});

describe("an access token that the org refuses", () => {
  const refusal = json(400, { error: "invalid_grant" });

  it("is to be renewed, but a second fresh one that is refused too is a matter for a person", async () => {
    const w = world();
    w.org.tokenAnswer = refusal;
    const ask = (access: string) =>
      codeOf(() => w.tokens.issue(aGrant({ accessToken: new Secret(access) }), forever));
    expect(await ask("access-1")).toBe("ACCESS_TOKEN_REJECTED");
    expect(await ask("access-1")).toBe("ACCESS_TOKEN_REJECTED");
    expect(await ask("access-2")).toBe("ASSET_TOKEN_REFUSED");
    expect(await ask("access-3")).toBe("ACCESS_TOKEN_REJECTED");
  });

  it("is forgotten once an exchange succeeds", async () => {
    const w = world();
    w.org.tokenAnswer = refusal;
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ACCESS_TOKEN_REJECTED");
    w.org.tokenAnswer = undefined;
    await w.tokens.issue(aGrant({ accessToken: new Secret("access-2") }), forever);
    w.org.tokenAnswer = refusal;
    expect(await codeOf(() => w.tokens.issue(aGrant({ accessToken: new Secret("access-3") }), forever))).toBe(
      "ACCESS_TOKEN_REJECTED",
    );
  });

  it("is not the only fault there can be", async () => {
    const w = world();
    w.org.tokenAnswer = json(503, "");
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ORG_BUSY");
  });
});

describe("the org's keys", () => {
  it("are fetched once and kept for an hour", async () => {
    const w = world();
    await w.tokens.issue(aGrant(), forever);
    await w.tokens.issue(aGrant(), forever);
    expect(w.keyRequests()).toBe(1);
    await w.clock.advance(3_600_000);
    await w.tokens.issue(aGrant(), forever);
    expect(w.keyRequests()).toBe(2);
  });

  it("are fetched again for an unknown key, at most once a minute", async () => {
    const w = world();
    await w.tokens.issue(aGrant(), forever);
    w.org.signer = next;
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ASSET_TOKEN_INVALID");
    expect(w.keyRequests()).toBe(1);
    await w.clock.advance(60_000);
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ASSET_TOKEN_INVALID");
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ASSET_TOKEN_INVALID");
    expect(w.keyRequests()).toBe(2);
    w.org.published = [assets, next];
    await w.clock.advance(60_000);
    await w.tokens.issue(aGrant(), forever);
    expect(w.keyRequests()).toBe(3);
  });

  it("go on serving while the org does not give new ones", async () => {
    const w = world();
    await w.tokens.issue(aGrant(), forever);
    w.org.keysAnswer = json(503, "");
    await w.clock.advance(12 * 3_600_000);
    await w.tokens.issue(aGrant(), forever);
    await w.tokens.issue(aGrant(), forever);
    expect(w.keyRequests()).toBe(2);
    await w.clock.advance(36 * 3_600_000);
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("nothing thrown");
  });

  it.each([
    [404, ""],
    [200, "<html>"],
    [200, "null"],
    [200, { keys: 7 }],
    [200, { keys: [{ kty: "oct", k: "c2VjcmV0" }, null] }],
    [200, "x".repeat(300_000)],
  ])("cannot be had from HTTP %i with %j", async (status, body) => {
    const w = world();
    w.org.keysAnswer = json(status, body);
    expect(await codeOf(() => w.tokens.issue(aGrant(), forever))).toBe("ASSET_KEYS_UNAVAILABLE");
  });

  it("may be named by the settings: an address, a key set or a certificate", async () => {
    const address = world({ verify: { jwks: "https://keys.example/", certificate: null } });
    await address.tokens.issue(aGrant(), forever);
    expect(address.asked[1]?.url).toBe("https://keys.example/");
    const set = world({ verify: { jwks: JSON.stringify({ keys: [assets.jwk] }), certificate: null } });
    await set.tokens.issue(aGrant(), forever);
    expect(set.keyRequests()).toBe(0);
    const certificate = world({ verify: { jwks: "auto", certificate: certificateOf(assets) } });
    await certificate.tokens.issue(aGrant(), forever);
    expect(certificate.keyRequests()).toBe(0);
  });

  it("must have an address, and a safe one", async () => {
    const nowhere = world({ endpoints: async () => ({ tokenUrl: TOKEN, jwksUrl: null, issuers: [] }) });
    expect(await codeOf(() => nowhere.tokens.issue(aGrant(), forever))).toBe("ASSET_KEYS_UNAVAILABLE");
    const inClear = world({ verify: { jwks: "http://keys.example/", certificate: null } });
    expect(await codeOf(() => inClear.tokens.issue(aGrant(), forever))).toBe("ASSET_KEYS_UNAVAILABLE");
  });

  it("that are none are a mistake in the settings, told before anything is asked", async () => {
    expect(await codeOf(() => world({ verify: { jwks: "{}", certificate: null } }))).toBe("SETTINGS_INVALID");
    expect(await codeOf(() => world({ verify: { jwks: null, certificate: "nonsense" } }))).toBe(
      "SETTINGS_INVALID",
    );
  });
});

describe("an asset token by the board itself", () => {
  it("ties user, device and key together for an hour, without any request", async () => {
    const { tokens, asked, clock } = world({ mode: "self" });
    const token = await tokens.issue(aGrant(), forever);
    expect(asked).toEqual([]);
    expect(decodeJwt(token.jwt.reveal())).toMatchObject({
      iss: "porchlight/porch-1",
      sub: "005xx000000000AAAA",
      org: "00Dxx0000000001EAA",
      aud: ["mqtt"],
      did: "porch-1",
      cnf: { jwk: key.publicJwk },
    });
    expect(token).toMatchObject({ expiresAtMono: 3_600_000, renewAt: 2_700_000 });
    expect(token.expiresAt).toBe(clock.wall() + 3_600_000);
  });

  it("has an audience of its own when the settings name none", async () => {
    const token = await world({ mode: "self", audience: null }).tokens.issue(aGrant(), forever);
    expect(token.audience).toEqual(["porchlight"]);
  });

  it("takes the user from the id address, and is not made for nobody", async () => {
    const idUrl = "https://login.org.example/id/00Dxx0000000001EAA/005xx000000000AAAA";
    const { tokens } = world({ mode: "self" });
    const token = await tokens.issue(aGrant({ identity: null, idUrl }), forever);
    expect(decodeJwt(token.jwt.reveal()).sub).toBe("005xx000000000AAAA");
    expect(await codeOf(() => tokens.issue(aGrant({ identity: null }), forever))).toBe("ASSET_TOKEN_INVALID");
  });
});
