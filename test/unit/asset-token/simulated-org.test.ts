import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys } from "../../../firmware-sim/org/keys.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import { createAssetTokens } from "../../../src/asset-token/source.ts";
import { createOrg } from "../../../src/device-flow/org.ts";
import { AgentError } from "../../../src/errors.ts";
import { createPublishedKeys } from "../../../src/org-keys/published-keys.ts";
import { aKey, codeOf, device, forever, memoryVault } from "./support.ts";

const keys = createOrgKeys();
const key = await aKey("RS256");

/** A board that is signed in to the simulated org, by both parts that speak to it. */
const signedIn = async () => {
  const clock = new VirtualClock();
  const sim = new SimulatedOrg({ clock, keys });
  const http = sim.http((silence) => new AgentError(silence.code));
  const app = { clientId: sim.boardApp.clientId, clientSecret: null };
  const org = createOrg(
    { dialect: "salesforce", url: sim.baseUrl, scope: "api openid refresh_token", ...app },
    { http, clock },
  );
  const code = await org.askCode(forever);
  sim.approve(code.userCode);
  await clock.advance(code.intervalMs);
  const polled = await org.poll(code, forever);
  if (polled.kind !== "granted") throw new Error("not granted");
  const grant = { ...polled.grant, identity: await org.identify(polled.grant, forever) };
  const audience = sim.boardApp.assetAudiences[0] ?? null;
  const verify = { jwks: "auto", certificate: null };
  const tokens = createAssetTokens(
    {
      mode: "exchange",
      dialect: "salesforce",
      ...app,
      audience,
      verify,
      actorClaims: {},
      device,
      endpoints: org.endpoints,
    },
    { http, clock, key, keys: createPublishedKeys({ http, clock, vault: memoryVault() }) },
  );
  return { sim, org, clock, tokens, grant };
};

describe("with the simulated org", () => {
  it("a board gets an asset token, and the org an asset with its serial number", async () => {
    const { sim, tokens, grant } = await signedIn();
    expect((await tokens.issue(grant, forever)).expiresAtMono).toBeGreaterThan(0);
    expect(sim.assets.map((asset) => asset.SerialNumber)).toContain(device.serial);
  });

  it.each([
    "wrongAudience",
    "wrongIssuer",
    "wrongKey",
    "unknownKeyId",
    "unsigned",
    "omitCnf",
    "wrongCnf",
    "wrongDevice",
  ] as const)("a token with the fault %s is refused", async (fault) => {
    const { sim, tokens, grant } = await signedIn();
    sim[fault] = true;
    expect(await codeOf(() => tokens.issue(grant, forever))).toBe("ASSET_TOKEN_INVALID");
  });

  it("an app without asset tokens and a used-up access token are told apart", async () => {
    const { sim, tokens, grant } = await signedIn();
    sim.assetTokensEnabled = false;
    expect(await codeOf(() => tokens.issue(grant, forever))).toBe("ASSET_TOKEN_REFUSED");
    sim.assetTokensEnabled = true;
    sim.expireAccessTokens();
    expect(await codeOf(() => tokens.issue(grant, forever))).toBe("ACCESS_TOKEN_REJECTED");
  });

  it("a refresh rotates, a second one with the old token ends the sign-in, and so does revoking", async () => {
    const { org, grant } = await signedIn();
    const renewed = await org.refresh(grant, forever);
    expect(renewed.refreshToken?.reveal()).not.toBe(grant.refreshToken?.reveal());
    expect(await codeOf(() => org.refresh(grant, forever))).toBe("GRANT_GONE");
    expect(await codeOf(() => org.refresh(renewed, forever))).toBe("GRANT_GONE");
    const other = await signedIn();
    await other.org.revoke(other.grant, forever);
    expect(await codeOf(() => other.org.refresh(other.grant, forever))).toBe("GRANT_GONE");
    expect(await codeOf(() => other.org.identify(other.grant, forever))).toBe("ACCESS_TOKEN_REJECTED");
  });
});
