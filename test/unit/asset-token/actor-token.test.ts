import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import { actorClaims, mintActorToken } from "../../../src/asset-token/actor-token.ts";
import { epochMs } from "../../../src/units.ts";
import { aKey, codeOf, device } from "./support.ts";

const facts = { device, clientId: "3MVG9" };
const at = epochMs(1_796_144_400_000);

describe("the actor token's claims", () => {
  it("say who the device is and which asset it belongs to", () => {
    expect(actorClaims({}, facts)).toEqual({
      did: "porch-1",
      Name: "Porch light",
      Asset: { Name: "Porch light", SerialNumber: "SN-0815" },
      iss: "3MVG9",
    });
  });

  it("can be changed, added to and left out, at any depth", () => {
    const claims = actorClaims(
      {
        Asset: { Id: "02i1", Tags: ["{device.id}/{device.serial}", 7, true] },
        Name: null,
        asset: { serialNumber: "{device.serial}", note: null },
        iss: "device of {client.id}",
      },
      facts,
    );
    expect(claims).toEqual({
      did: "porch-1",
      Asset: { Id: "02i1", Tags: ["porch-1/SN-0815", 7, true] },
      asset: { serialNumber: "SN-0815", note: null },
      iss: "device of 3MVG9",
    });
  });

  it("put a value in as it is, even when it looks like a placeholder", () => {
    const odd = { ...facts, device: { ...device, name: "{device.id} $& lamp" } };
    expect(actorClaims({}, odd)).toMatchObject({ Name: "{device.id} $& lamp" });
  });

  it.each([
    ["an unknown placeholder", { Name: "{device.colour}" }],
    ["a placeholder deep inside", { Asset: { Tags: ["{user.id}"] } }],
    ["the confirmation key", { cnf: null }],
    ["the end of life", { exp: 1 }],
    ["the id", { jti: "x" }],
  ])("refuse a template that sets %s", async (_what, template) => {
    expect(await codeOf(() => actorClaims(template, facts))).toBe("SETTINGS_INVALID");
  });
});

describe("the actor token", () => {
  it("is short lived, bound to the key, for one audience, and different each time", async () => {
    const key = await aKey();
    const claims = actorClaims({}, facts);
    const [one, two] = [
      await mintActorToken(key, claims, "https://home.my.example", at),
      await mintActorToken(key, claims, "https://home.my.example", at),
    ];
    const payload = decodeJwt(one);
    expect(decodeProtectedHeader(one)).toEqual({ alg: "ES256", typ: "JWT" });
    expect(payload).toMatchObject({
      aud: "https://home.my.example",
      did: "porch-1",
      cnf: { jwk: key.publicJwk },
      iat: 1_796_144_400,
      exp: 1_796_144_520,
    });
    expect((payload.exp ?? 0) - (payload.nbf ?? 0)).toBeLessThanOrEqual(180);
    expect(payload.jti).not.toBe(decodeJwt(two).jti);
  });

  it("has the audience of the template when that names one", async () => {
    const claims = actorClaims({ aud: "https://login.org.example" }, facts);
    expect(decodeJwt(await mintActorToken(await aKey(), claims, "https://home.my.example", at)).aud).toBe(
      "https://login.org.example",
    );
  });
});
