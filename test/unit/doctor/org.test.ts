import { describe, expect, it } from "vitest";
import type { OrgFaults } from "../../../firmware-sim/org/faults.ts";
import type { Verdict } from "../../../src/doctor/check.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { aGrant } from "../device-flow/support.ts";
import { type Changes, examined, examineSimulated, having, openWorld, pem, type World } from "./support.ts";

/** A fault of the org, or of the settings: which check finds it, how, and a word of the advice. */
interface Case {
  readonly fault: string;
  readonly faults?: Partial<OrgFaults>;
  readonly make?: (world: World) => void;
  readonly changes?: Changes;
  readonly id: string;
  readonly verdict: Verdict;
  readonly code?: ErrorCode;
  /** The setting or place that a person has to change. */
  readonly advice?: string;
}

const own = (more: Partial<Changes["options"]> = {}): Changes => ({
  options: { signIn: "jwt-bearer", username: "ada.okafor@northwind.example", key: pem, ...more },
});

const asked = { access: "asked" } as const;

const cases: readonly Case[] = [
  {
    fault: "an org that is not there",
    faults: { offline: true },
    id: "reach",
    verdict: "wrong",
    code: "ORG_UNREACHABLE",
  },
  {
    fault: "maintenance pages",
    faults: { htmlPages: 9 },
    id: "reach",
    verdict: "wrong",
    code: "ORG_ANSWER_INVALID",
    advice: "org.url",
  },
  { fault: "empty answers", faults: { emptyBodies: 9 }, id: "reach", verdict: "wrong" },
  {
    fault: "a busy org",
    faults: { busyWithRetryAfter: 60 },
    id: "reach",
    verdict: "wrong",
    code: "ORG_BUSY",
  },
  {
    fault: "a clock that is four minutes behind the org's",
    faults: { clockSkewMs: 240_000 },
    id: "clock",
    verdict: "wrong",
    advice: "timedatectl",
  },
  {
    fault: "a clock that is a minute ahead",
    faults: { clockSkewMs: -60_000 },
    id: "clock",
    verdict: "warning",
    advice: "timedatectl",
  },
  {
    fault: "a board that does not know the time",
    make: ({ clock }) => clock.setWall(epochMs(0), false),
    id: "clock",
    verdict: "wrong",
    code: "CLOCK_UNSET",
  },
  {
    fault: "a client id that the org does not know",
    changes: { options: { clientId: "3MVG9Nobody" }, access: "none" },
    id: "client",
    verdict: "wrong",
    code: "CLIENT_UNKNOWN",
    advice: "org.clientId",
  },
  {
    fault: "an app whose device flow is off",
    faults: { deviceFlowEnabled: false },
    changes: { access: "none" },
    id: "client",
    verdict: "wrong",
    code: "DEVICE_FLOW_DISABLED",
    advice: "Device Flow",
  },
  {
    fault: "a scope that the app may not have",
    changes: { options: { scope: "api full" }, access: "none" },
    id: "client",
    verdict: "wrong",
    code: "SCOPE_REFUSED",
    advice: "org.scope",
  },
  {
    fault: "too many codes",
    faults: { refuseCodes: 9 },
    changes: { access: "none" },
    id: "client",
    verdict: "wrong",
    code: "TOO_MANY_CODES",
    advice: "hour",
  },
  {
    fault: "an app without the callback",
    make: ({ sim }) => void sim.boardApp.redirectUris.splice(0),
    id: "callback",
    verdict: "warning",
    advice: "http://localhost:7878/callback",
  },
  {
    fault: "an app without the callback, and the rule of 30 Nov 2026",
    make: ({ sim }) => void sim.boardApp.redirectUris.splice(0),
    id: "dates",
    verdict: "warning",
    advice: "http://localhost:7878/callback",
  },
  {
    fault: "an unknown client at the authorize endpoint",
    changes: { options: { clientId: "3MVG9Nobody" }, access: "none" },
    id: "callback",
    verdict: "wrong",
    code: "CLIENT_UNKNOWN",
    advice: "org.clientId",
  },
  {
    fault: "an org that lets only apps with the right secret ask about tokens",
    changes: { afterSignIn: ({ sim }) => void Object.assign(sim.boardApp, { secretRequired: true }) },
    id: "life",
    verdict: "notTried",
  },
  {
    fault: "refresh tokens that do not rotate",
    faults: { rotateRefreshTokens: false },
    changes: asked,
    id: "refresh",
    verdict: "warning",
    advice: "Refresh Token Rotation",
  },
  {
    fault: "a scope without refresh_token",
    changes: { options: { scope: "api openid" } },
    id: "scopes",
    verdict: "wrong",
    code: "NO_REFRESH_TOKEN",
    advice: "org.scope",
  },
  {
    fault: "a scope without openid",
    changes: { options: { scope: "api refresh_token" } },
    id: "scopes",
    verdict: "wrong",
    code: "ASSET_TOKEN_REFUSED",
    advice: "org.scope",
  },
  {
    fault: "an access token that has ended",
    changes: { afterSignIn: ({ sim }) => sim.expireAccessTokens() },
    id: "user",
    verdict: "notTried",
  },
  {
    fault: "access tokens that end at once",
    faults: { accessTokenLifetimeMs: 0 },
    make: ({ sim, certificate }) => sim.admit(certificate()),
    changes: own(),
    id: "user",
    verdict: "wrong",
    code: "ACCESS_TOKEN_REJECTED",
  },
  {
    fault: "an app without asset tokens",
    faults: { assetTokensEnabled: false },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_REFUSED",
    advice: "certificate",
  },
  {
    fault: "a signing key that is not published",
    faults: { publishAssetKey: false },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
    advice: "/id/keys",
  },
  {
    fault: "a token for somebody else",
    faults: { wrongAudience: true },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
    advice: "assetToken.audience",
  },
  {
    fault: "a token of another issuer",
    faults: { wrongIssuer: true },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
  },
  {
    fault: "a token without cnf",
    faults: { omitCnf: true },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
    advice: "cnf",
  },
  {
    fault: "a token for another device",
    faults: { wrongDevice: true },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
    advice: "did",
  },
  {
    fault: "a token without a signature",
    faults: { unsigned: true },
    id: "assetToken",
    verdict: "wrong",
    code: "ASSET_TOKEN_INVALID",
    advice: "Signature",
  },
  {
    fault: "tokens that live for half a minute",
    faults: { assetTokenLifetimeMs: 30_000 },
    id: "assetToken",
    verdict: "warning",
    advice: "validity",
  },
  {
    fault: "no audience in the settings",
    changes: { subject: { assetToken: { mode: "exchange", audience: null } } },
    id: "assetToken",
    verdict: "warning",
    advice: "https://porchlight.example/broker",
  },
  {
    fault: "asset tokens that are switched off here",
    changes: { subject: { assetToken: { mode: "off", audience: null } } },
    id: "assetToken",
    verdict: "notTried",
  },
  {
    fault: "Assets that the user may not see",
    faults: { hidden: ["Asset"] },
    id: "asset",
    verdict: "warning",
    advice: "permission set",
  },
  {
    fault: "a serial number that asks for other records, and is a text all the same",
    changes: { subject: { device: { id: "porch-1", name: "Porch", serial: "SN' OR Id != '" } } },
    id: "asset",
    verdict: "warning",
    advice: "permission set",
  },
  {
    fault: "a home that the user may not see",
    faults: { hidden: ["User.Latitude", "Contact", "Account", "Asset.Latitude"] },
    id: "home",
    verdict: "warning",
    code: "HOME_BY_TIME_ZONE",
    advice: "home.latitude",
  },
  {
    fault: "a browser that this examination does not have",
    changes: { options: { signIn: "web" }, access: "asked" },
    id: "signIn",
    verdict: "notTried",
  },
  {
    fault: "a home that the settings have",
    changes: { subject: { homeSettled: true } },
    id: "home",
    verdict: "notTried",
  },
  {
    fault: "five approvals",
    faults: { approvalsPerUserAndApp: 5 },
    changes: { subject: { approvals: 1 } },
    id: "approvals",
    verdict: "warning",
    code: "APPROVALS_FULL",
  },
  {
    fault: "approvals that the org does not tell",
    faults: { hidden: ["OauthToken"] },
    id: "approvals",
    verdict: "notTried",
  },
  {
    fault: "approvals that the settings do not ask for",
    changes: { subject: { approvals: null } },
    id: "approvals",
    verdict: "notTried",
  },
  {
    fault: "a user who is not admitted",
    make: ({ sim, certificate }) => {
      sim.admit(certificate());
      sim.boardApp.preauthorized.splice(0);
    },
    changes: own(),
    id: "signIn",
    verdict: "wrong",
    code: "SIGN_IN_NOT_APPROVED",
    advice: "pre-authorized",
  },
  {
    fault: "an app without the certificate",
    changes: own(),
    id: "signIn",
    verdict: "wrong",
    code: "ASSERTION_REFUSED",
    advice: "certificate",
  },
  {
    fault: "an assertion for somebody else",
    make: ({ sim, certificate }) => sim.admit(certificate()),
    changes: own({ audience: "https://elsewhere.example" }),
    id: "signIn",
    verdict: "wrong",
    code: "ASSERTION_REFUSED",
    advice: "org.audience",
  },
  {
    fault: "an app without a user to run as",
    changes: {
      options: { signIn: "client-credentials", clientSecret: new Secret("NWB0A17F5C2E94D36B8817AC05E2D9F4") },
    },
    id: "signIn",
    verdict: "wrong",
    code: "SIGN_IN_CLOSED",
    advice: "run as",
  },
];

describe("the simulated org, with a fault", () => {
  it.each(cases)(
    "$fault is found by the check $id",
    async ({ faults, make, changes, id, verdict, code, advice }) => {
      const world = openWorld();
      Object.assign(world.sim, faults);
      make?.(world);
      const check = (await examineSimulated(world, changes)).get(id);
      expect(check).toMatchObject({ id, verdict, ...(code === undefined ? {} : { code }) });
      expect(`${check?.means ?? ""} ${check?.todo ?? ""}`).toContain(advice ?? "");
      if (verdict === "wrong") expect(check?.todo).not.toBeNull();
    },
  );
});

describe("the simulated org, well", () => {
  it("is found well with the board's own sign-in, which is neither refreshed nor revoked", async () => {
    const world = openWorld();
    const checks = await examineSimulated(world);
    expect([...having(checks, "wrong"), ...having(checks, "warning")]).toEqual([]);
    expect(having(checks, "notTried")).toEqual(["refresh", "revoke"]);
    expect(world.sim.received.filter(({ form }) => form.grant_type === "refresh_token")).toEqual([]);
    expect(world.sim.approvals).toHaveLength(1);
    expect(world.sim.assets).toHaveLength(1);
  });

  it("is found well with a person's sign-in, which is refreshed and given back", async () => {
    const world = openWorld();
    const checks = await examineSimulated(world, asked);
    expect(having(checks, "ok")).toEqual([...checks.keys()]);
    expect(world.sim.approvals).toEqual([]);
  });

  it("is found well by a board that signs in by itself", async () => {
    const world = openWorld();
    world.sim.admit(world.certificate());
    const checks = await examineSimulated(world, own());
    expect([...having(checks, "wrong"), ...having(checks, "warning")]).toEqual([]);
    expect(having(checks, "notTried")).toEqual([
      "client",
      "callback",
      "pkce",
      "refresh",
      "approvals",
      "revoke",
    ]);
  });

  it("asks for one code where the board is not signed in, and shows it to nobody", async () => {
    const world = openWorld();
    const checks = await examineSimulated(world, { access: "none" });
    expect(having(checks, "wrong")).toEqual([]);
    expect(checks.get("signIn")?.verdict).toBe("notTried");
    expect(world.sim.received.filter(({ form }) => form.response_type === "device_code")).toHaveLength(1);
  });

  it("is not shown a sign-in that the settings of another org or client have left", async () => {
    const world = openWorld();
    const grant = aGrant({ signedInAs: "another", instanceUrl: world.sim.baseUrl });
    const settled = {
      dialect: "salesforce",
      signIn: "device",
      url: world.sim.baseUrl,
      clientId: world.sim.boardApp.clientId,
      clientSecret: null,
      scope: "api",
      callback: "http://localhost:7878/callback",
    } as const;
    const checks = await examined(world, settled, { kind: "stored", load: async () => grant });
    expect(checks.get("signIn")).toMatchObject({
      verdict: "notTried",
      saw: expect.stringContaining("another org"),
    });
    expect(checks.get("user")?.verdict).toBe("notTried");
  });

  it("says no token, code or secret", async () => {
    const world = openWorld();
    const checks = JSON.stringify([...(await examineSimulated(world, asked))]);
    const secrets = world.sim.received.flatMap(({ form, headers }) => [
      form.refresh_token,
      form.code,
      form.subject_token,
      form.actor_token,
      headers.authorization,
    ]);
    for (const secret of secrets.filter((each) => each !== undefined)) expect(checks).not.toContain(secret);
  });
});
