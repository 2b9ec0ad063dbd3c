import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrg, type OrgOptions } from "../../../src/device-flow/org.ts";
import { AgentError, entryOf } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";
import { aCode, aGrant, answer, codeOf, forever, formOf, scriptedHttp } from "./support.ts";

const salesforce: OrgOptions = {
  dialect: "salesforce",
  url: "https://login.org.example/",
  clientId: "3MVG9",
  clientSecret: null,
  scope: "api openid refresh_token",
};
const standard: OrgOptions = { ...salesforce, dialect: "rfc8628", url: "https://id.example/realms/home" };

const discovery = {
  issuer: "https://id.example/realms/home",
  device_authorization_endpoint: "https://id.example/device",
  token_endpoint: "https://id.example/token",
  userinfo_endpoint: "https://id.example/userinfo",
  revocation_endpoint: "https://id.example/revoke",
  jwks_uri: "https://id.example/keys",
};

const sfCode = {
  device_code: "ZGV2aWNl",
  user_code: "X0C7TSHE",
  verification_uri: "https://login.org.example/setup/connect",
  interval: 5,
};

const sfGrant = {
  access_token: "00D!AQ",
  refresh_token: "5Aep",
  instance_url: "https://home.my.example/",
  id: "https://login.org.example/id/00Dxx0000000001EAA/005xx000000000AAAA",
  token_type: "Bearer",
  issued_at: "1796144400123",
  scope: "api openid refresh_token",
  id_token: "h.p.s",
};

const org = (options: OrgOptions, ...script: (HttpResponse | Error)[]) => {
  const wire = scriptedHttp(...script);
  const clock = new VirtualClock();
  return { org: createOrg(options, { http: wire.http, clock }), asked: wire.asked, clock };
};

const standardOrg = (...script: (HttpResponse | Error)[]) => org(standard, answer(200, discovery), ...script);

const jwtOf = (claims: object): Secret =>
  new Secret(`e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`);

describe("asking for a code", () => {
  it("is a POST to the token endpoint with Salesforce, without the secret", async () => {
    const world = org({ ...salesforce, clientSecret: new Secret("s3cret") }, answer(200, sfCode));
    const code = await world.org.askCode(forever);
    expect(world.asked[0]).toMatchObject({
      method: "POST",
      url: "https://login.org.example/services/oauth2/token",
    });
    expect(formOf(world.asked[0])).toEqual({
      response_type: "device_code",
      client_id: "3MVG9",
      scope: "api openid refresh_token",
      format: "json",
    });
    expect(code).toMatchObject({
      userCode: "X0C7TSHE",
      intervalMs: 5_000,
      expiresAt: monoMs(600_000),
      verificationUriComplete: "https://login.org.example/setup/connect?user_code=X0C7TSHE",
    });
  });

  it("keeps the query a Salesforce verification address has already, and a named end of life", async () => {
    const uri = "https://login.org.example/setup/connect?lang=de";
    const world = org(
      { ...salesforce, scope: "" },
      answer(200, { ...sfCode, verification_uri: uri, expires_in: 30 }),
    );
    const code = await world.org.askCode(forever);
    expect(code.verificationUriComplete).toBe(`${uri}&user_code=X0C7TSHE`);
    expect(code.expiresAt).toBe(30_000);
    expect(formOf(world.asked[0])).not.toHaveProperty("scope");
  });

  it("goes to the endpoint that discovery names with the standard dialect", async () => {
    const world = standardOrg(
      answer(200, { ...sfCode, verification_uri_complete: "https://id.example/d?c=X", expires_in: "900" }),
    );
    const code = await world.org.askCode(forever);
    expect(world.asked.map(({ url }) => url)).toEqual([
      "https://id.example/realms/home/.well-known/openid-configuration",
      "https://id.example/device",
    ]);
    expect(formOf(world.asked[1])).toEqual({ client_id: "3MVG9", scope: "api openid refresh_token" });
    expect(code).toMatchObject({ verificationUriComplete: "https://id.example/d?c=X", expiresAt: 900_000 });
  });

  it("understands Google's names, a missing interval and a form instead of JSON", async () => {
    const body = "device_code=d&user_code=AB-CD&verification_url=https%3A%2F%2Fgoogle.example%2Fdevice";
    const code = await standardOrg(answer(200, body)).org.askCode(forever);
    expect(code).toMatchObject({
      userCode: "AB-CD",
      verificationUri: "https://google.example/device",
      verificationUriComplete: "https://google.example/device",
      intervalMs: 5_000,
      expiresAt: 600_000,
    });
  });

  it.each([
    ["device_code", { device_code: "with space" }],
    ["user_code", { user_code: "  " }],
    ["verification_uri", { verification_uri: "http://login.org.example/setup" }],
    ["verification_uri", { verification_uri: "javascript:alert(1)" }],
  ])("refuses an answer whose %s cannot be used", async (_name, change) => {
    const world = org(salesforce, answer(200, { ...sfCode, ...change }));
    expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_ANSWER_INVALID");
  });

  it.each([
    [salesforce, 400, { error: "invalid_client_id" }, "CLIENT_UNKNOWN"],
    [salesforce, 401, "", "CLIENT_UNKNOWN"],
    [
      salesforce,
      400,
      { error: "invalid_grant", error_description: "device flow is not enabled for the app" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      salesforce,
      400,
      { error: "invalid_client", error_description: "app must be installed into org" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      salesforce,
      400,
      { error: "invalid_request", error_description: "the device flow is restricted in this org" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      salesforce,
      400,
      { error: "invalid_client", error_description: "Device Flow: only for local external client apps" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      standard,
      400,
      { error: "policy", error_description: "Your tenant's policy blocks the device authorization flow" },
      "DEVICE_FLOW_DISABLED",
    ],
    [salesforce, 503, { error: "policy", error_description: "device flow: try later" }, "ORG_BUSY"],
    [
      salesforce,
      400,
      { error: "server_error", error_description: "device flow is restricted" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      standard,
      400,
      { error: "invalid_scope", error_description: "not with the device flow" },
      "SCOPE_REFUSED",
    ],
    [salesforce, 400, { error: "invalid_scope" }, "SCOPE_REFUSED"],
    [salesforce, 400, { error: "server_error" }, "TOO_MANY_CODES"],
    [salesforce, 400, "error=server_error&error_description=wait", "TOO_MANY_CODES"],
    [salesforce, 400, { error: "unsupported_response_type" }, "DEVICE_FLOW_DISABLED"],
    [salesforce, 400, { error: "something_new" }, "ORG_ANSWER_INVALID"],
    [salesforce, 503, { error: "something_new" }, "ORG_BUSY"],
    [salesforce, 503, "<html>", "ORG_BUSY"],
    [standard, 500, { error: "server_error" }, "ORG_BUSY"],
    [standard, 200, { error: "device_flow_disabled" }, "DEVICE_FLOW_DISABLED"],
    [
      standard,
      401,
      { error: "unauthorized_client", error_description: "Client is not allowed" },
      "DEVICE_FLOW_DISABLED",
    ],
    [
      standard,
      400,
      { error: "unauthorized_client", error_description: "Application not found" },
      "CLIENT_UNKNOWN",
    ],
    [standard, 429, { error: "slow_down" }, "ORG_BUSY"],
    [standard, 400, { error: "constructor" }, "ORG_ANSWER_INVALID"],
  ])("%#: a refusal becomes its own code", async (options, status, body, code) => {
    const before = options.dialect === "rfc8628" ? [answer(200, discovery)] : [];
    const world = org(options, ...before, answer(status, body));
    expect(await codeOf(() => world.org.askCode(forever))).toBe(code);
  });

  it("needs an address that tokens may be sent to", async () => {
    for (const url of ["http://org.example", "ftp://org.example", "https://me:pw@org.example", "org.example"])
      expect(await codeOf(() => org({ ...salesforce, url }))).toBe("SETTINGS_INVALID");
    for (const url of [
      "http://127.0.0.1:8080",
      "http://localhost:1",
      "http://[::1]:1",
      "http://org.localhost",
    ])
      expect(await codeOf(() => org({ ...salesforce, url }))).toBe("nothing thrown");
  });
});

it("an org that has closed the device flow is told with the rule and every other way in", () => {
  const { help } = entryOf("DEVICE_FLOW_DISABLED");
  expect(help).toContain("Restrict the OAuth 2.0 Device Flow");
  for (const way of ["web", "jwt-bearer", "client-credentials", "saml-bearer", "saml-assertion"])
    expect(help).toMatch(new RegExp(`\\b${way}\\b`));
});

describe("discovery", () => {
  it("looks in all three places and says what it found there", async () => {
    const elsewhere = answer(200, { ...discovery, device_authorization_endpoint: undefined });
    const world = org(standard, answer(404, "no"), elsewhere, answer(200, "<html>"));
    expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_DISCOVERY");
    expect(world.asked.map(({ url }) => url)).toEqual([
      "https://id.example/realms/home/.well-known/openid-configuration",
      "https://id.example/.well-known/oauth-authorization-server/realms/home",
      "https://id.example/realms/home/.well-known/oauth-authorization-server",
    ]);
  });

  it("is done once a day", async () => {
    const world = standardOrg(
      answer(200, sfCode),
      answer(200, sfCode),
      answer(200, discovery),
      answer(200, sfCode),
    );
    await world.org.askCode(forever);
    await world.org.askCode(forever);
    await world.clock.advance(24 * 3_600_000);
    await world.org.askCode(forever);
    expect(world.asked.filter(({ method }) => method === "GET")).toHaveLength(2);
  });

  it.each([
    ["another issuer's", { issuer: "https://evil.example" }],
    ["nobody's", { issuer: undefined }],
    ["one with an endpoint in clear", { token_endpoint: "http://id.example/token" }],
    ["one with a stray template", { issuer: "https://id.example/{tenantid}/{tenantid}" }],
  ])("refuses a document that is %s", async (_what, change) => {
    const world = org(standard, answer(200, { ...discovery, ...change }));
    expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_DISCOVERY");
    expect(world.asked).toHaveLength(1);
  });

  it("goes on with the next place when a document has no token endpoint", async () => {
    const world = org(
      standard,
      answer(200, { ...discovery, token_endpoint: undefined }),
      answer(200, discovery),
      answer(200, sfCode),
    );
    expect((await world.org.askCode(forever)).userCode).toBe("X0C7TSHE");
  });

  it("is asked again later when the org is busy", async () => {
    const world = org(standard, answer(503, ""));
    expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_BUSY");
  });

  it.each([
    ["https://id.example/realms/home", "https://id.example/realms/home/"],
    ["https://login.ms.example/common/v2.0", "https://login.ms.example/{tenantid}/v2.0"],
  ])("takes %s for %s", async (url, issuer) => {
    const world = org({ ...standard, url }, answer(200, { ...discovery, issuer }), answer(200, sfCode));
    expect((await world.org.askCode(forever)).userCode).toBe("X0C7TSHE");
  });

  it.each([
    "https://login.ms.example/a/b/v2.0",
    "https://login.ms.example/v2.0",
    "https://other.example/common/v2.0",
  ])("does not take %s for Microsoft's any tenant", async (url) => {
    const document = { ...discovery, issuer: "https://login.ms.example/{tenantid}/v2.0" };
    const world = org({ ...standard, url }, answer(200, document));
    expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_DISCOVERY");
  });
});

describe("a poll", () => {
  it("speaks Salesforce's words, with the secret when there is one", async () => {
    const world = org({ ...salesforce, clientSecret: new Secret("s3cret") }, answer(200, sfGrant));
    const polled = await world.org.poll(aCode(), forever);
    expect(formOf(world.asked[0])).toEqual({
      grant_type: "device",
      client_id: "3MVG9",
      client_secret: "s3cret",
      code: "device-code",
      format: "json",
    });
    expect(polled).toMatchObject({
      kind: "granted",
      grant: {
        instanceUrl: "https://home.my.example",
        issuedAt: 1796144400123,
        expiresAt: null,
        idUrl: sfGrant.id,
        identity: null,
      },
    });
  });

  it("speaks the standard's words, and the issuer stands for the instance", async () => {
    const world = standardOrg(answer(200, { access_token: "at", token_type: "bearer", expires_in: 3600 }));
    const polled = await world.org.poll(aCode(), forever);
    expect(formOf(world.asked[1])).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:device_code",
      client_id: "3MVG9",
      device_code: "device-code",
    });
    expect(polled).toMatchObject({
      kind: "granted",
      grant: {
        instanceUrl: "https://id.example/realms/home",
        refreshToken: null,
        expiresAt: epochMs(world.clock.wall() + 3_600_000),
      },
    });
  });

  it("shows the secret in the way the server takes it", async () => {
    const secret = { ...standard, clientId: "a b", clientSecret: new Secret("p:w") };
    const posted = org(secret, answer(200, discovery), answer(400, { error: "authorization_pending" }));
    await posted.org.poll(aCode(), forever);
    expect(formOf(posted.asked[1])).toMatchObject({ client_id: "a b", client_secret: "p:w" });
    const basic = { ...discovery, token_endpoint_auth_methods_supported: ["client_secret_basic"] };
    const inHeader = org(secret, answer(200, basic), answer(400, { error: "authorization_pending" }));
    await inHeader.org.poll(aCode(), forever);
    expect(inHeader.asked[1]?.headers?.authorization).toBe(
      `Basic ${Buffer.from("a+b:p%3Aw").toString("base64")}`,
    );
    expect(formOf(inHeader.asked[1])).not.toHaveProperty("client_secret");
  });

  it.each([0, "0"])(
    "takes a life of %j for none that is told: nothing would be renewed in time",
    async (life) => {
      const world = standardOrg(answer(200, { access_token: "at", expires_in: life }));
      expect(await world.org.poll(aCode(), forever)).toMatchObject({ grant: { expiresAt: null } });
    },
  );

  it("does not know when a token ends while the board does not know the time", async () => {
    const world = standardOrg(answer(200, { access_token: "at", expires_in: 3600 }));
    world.clock.setWall(epochMs(0), false);
    expect(await world.org.poll(aCode(), forever)).toMatchObject({ grant: { expiresAt: null } });
  });

  it.each([
    [400, { error: "authorization_pending" }, { kind: "pending" }],
    [428, { error: "authorization_pending" }, { kind: "pending" }],
    [200, { error: "authorization_pending" }, { kind: "pending" }],
    [200, "error=authorization_pending", { kind: "pending" }],
    [403, { error: "slow_down" }, { kind: "slowDown", intervalMs: null }],
    [429, { error: "slow_down" }, { kind: "slowDown", intervalMs: null }],
    [200, { error: "slow_down", interval: 12 }, { kind: "slowDown", intervalMs: 12_000 }],
  ])("HTTP %i with %j goes on", async (status, body, expected) => {
    expect(await org(salesforce, answer(status, body)).org.poll(aCode(), forever)).toEqual(expected);
  });

  it.each([
    [400, { error: "access_denied" }, "CODE_DENIED"],
    [400, { error: "authorization_declined" }, "CODE_DENIED"],
    [400, { error: "expired_token" }, "CODE_EXPIRED"],
    [400, { error: "invalid_grant", error_description: "The device code has expired" }, "CODE_EXPIRED"],
    [400, { error: "invalid_grant", error_description: "token exchange failed" }, "CODE_INVALID"],
    [
      400,
      { error: "invalid_grant", error_description: "device flow is not enabled for the app" },
      "DEVICE_FLOW_DISABLED",
    ],
    [400, { error: "invalid_request" }, "CODE_INVALID"],
    [400, { error: "bad_verification_code" }, "CODE_INVALID"],
    [400, { error: "toString" }, "CODE_INVALID"],
    [401, { error: "invalid_client" }, "CLIENT_UNKNOWN"],
    [200, { error: "incorrect_client_credentials" }, "CLIENT_UNKNOWN"],
    [500, { error: "server_error" }, "ORG_BUSY"],
    [502, { error: "strange" }, "ORG_BUSY"],
    [503, "", "ORG_BUSY"],
    [200, "<html>maintenance</html>", "ORG_ANSWER_INVALID"],
    [200, { ...sfGrant, access_token: 7 }, "CODE_INVALID"],
    [200, { ...sfGrant, instance_url: undefined }, "CODE_INVALID"],
    [200, { ...sfGrant, instance_url: "http://home.my.example" }, "CODE_INVALID"],
    [200, { ...sfGrant, token_type: "DPoP" }, "CODE_INVALID"],
  ])("HTTP %i with %j ends with its own code", async (status, body, code) => {
    expect(await codeOf(() => org(salesforce, answer(status, body)).org.poll(aCode(), forever))).toBe(code);
  });
});

describe("a refresh", () => {
  const before = aGrant({
    idUrl: "https://login.org.example/id/00Dxx0000000001EAA/005xx000000000AAAA",
    idToken: new Secret("id"),
    identity: { userId: "u", name: "n", username: null, orgId: null },
  });

  it("asks the instance and keeps what the answer does not repeat", async () => {
    const world = org(
      { ...salesforce, clientSecret: new Secret("x") },
      answer(200, { access_token: "access-2" }),
    );
    const renewed = await world.org.refresh(before, forever);
    expect(world.asked[0]?.url).toBe("https://home.my.example/services/oauth2/token");
    expect(formOf(world.asked[0])).toEqual({
      grant_type: "refresh_token",
      client_id: "3MVG9",
      client_secret: "x",
      refresh_token: "refresh-1",
      format: "json",
    });
    expect(renewed.accessToken.reveal()).toBe("access-2");
    expect(renewed.refreshToken?.reveal()).toBe("refresh-1");
    expect(renewed).toMatchObject({
      instanceUrl: before.instanceUrl,
      idUrl: before.idUrl,
      identity: before.identity,
      scope: before.scope,
    });
    expect(renewed.idToken?.reveal()).toBe("id");
  });

  it("takes the rotated token, and works in the standard dialect", async () => {
    const world = standardOrg(answer(200, { access_token: "access-2", refresh_token: "refresh-2" }));
    expect((await world.org.refresh(before, forever)).refreshToken?.reveal()).toBe("refresh-2");
    expect(formOf(world.asked[1])).toEqual({
      client_id: "3MVG9",
      grant_type: "refresh_token",
      refresh_token: "refresh-1",
    });
  });

  it("is not tried without a refresh token", async () => {
    const without = aGrant({ refreshToken: null });
    expect(await codeOf(() => org(salesforce).org.refresh(without, forever))).toBe("NO_REFRESH_TOKEN");
    expect(await codeOf(() => org(standard).org.refresh(without, forever))).toBe("NO_REFRESH_TOKEN");
  });

  it.each([
    [400, { error: "invalid_grant", error_description: "expired access/refresh token" }, "GRANT_GONE"],
    [400, "error=invalid_grant&error_description=expired+access%2Frefresh+token", "GRANT_GONE"],
    [400, { error: "invalid_grant" }, "GRANT_GONE"],
    [400, "", "GRANT_GONE"],
    [200, { error: "bad_refresh_token" }, "GRANT_GONE"],
    [
      400,
      { error: "invalid_grant", error_description: "token request is already being processed" },
      "REFRESH_BUSY",
    ],
    [400, { error: "invalid_grant", error_description: "expired authorization code" }, "REFRESH_BUSY"],
    [400, "error=invalid_grant&error_description=token+request+is+al", "REFRESH_BUSY"],
    [400, "error=invalid_grant&error_des", "ORG_ANSWER_INVALID"],
    [400, { error: "invalid_grant", error_description: "ip restricted or invalid login hours" }, "ORG_BUSY"],
    [401, { error: "invalid_client" }, "CLIENT_UNKNOWN"],
    [400, { error: "something_new" }, "ORG_ANSWER_INVALID"],
    [400, "<html>bad request</html>", "ORG_ANSWER_INVALID"],
    [401, "", "ORG_ANSWER_INVALID"],
    [500, "", "ORG_BUSY"],
    [500, { error: "invalid_grant" }, "ORG_BUSY"],
    [503, "<html>", "ORG_BUSY"],
  ])("HTTP %i with %j is told apart", async (status, body, code) => {
    expect(await codeOf(() => org(salesforce, answer(status, body)).org.refresh(before, forever))).toBe(code);
  });
});

describe("where home is", () => {
  const home = (world: ReturnType<typeof org>, grant = aGrant()) => world.org.home(grant, "4711", forever);

  it("is no more than a time zone for the standard: that of the user record, else of the ID token", async () => {
    const grant = aGrant({
      scope: "openid profile",
      idToken: jwtOf({ sub: "u1", zoneinfo: "Europe/Paris" }),
    });
    const address = { formatted: "1 Rue X", country: "FR" };
    expect(
      await home(standardOrg(answer(200, { sub: "u1", zoneinfo: "Europe/Rome", address })), grant),
    ).toEqual({ place: null, timeZone: "Europe/Rome" });
    expect(await home(standardOrg(answer(200, { sub: "u1", address })), grant)).toEqual({
      place: null,
      timeZone: "Europe/Paris",
    });
    const silent = standardOrg();
    expect(await home(silent, aGrant({ scope: "api" }))).toEqual({ place: null, timeZone: null });
    expect(silent.asked).toHaveLength(1);
  });

  it("is asked for of the asset first by a board that signs in to Salesforce by itself", async () => {
    const grant = aGrant({
      identity: { userId: "005xx000000000AAAA", name: "Fleet", username: null, orgId: null },
    });
    const own = { ...salesforce, signIn: "client-credentials", clientSecret: new Secret("s") } as const;
    const stands = answer(200, { records: [{ Latitude: 52.52, Longitude: 13.4 }] });
    const world = org(own, stands);
    expect(await home(world, grant)).toEqual({ place: { latitude: 52.5, longitude: 13.4 }, timeZone: null });
    expect(decodeURIComponent(world.asked[0]?.url ?? "")).toContain("FROM Asset WHERE SerialNumber = '4711'");
    const person = org(salesforce, stands);
    await home(person, grant);
    expect(decodeURIComponent(person.asked[0]?.url ?? "")).toContain("FROM User");
  });
});

describe("who approved", () => {
  const record = {
    sub: "https://login.org.example/id/00Dxx0000000001EAA/005xx000000000AAAA",
    user_id: "005xx000000000AAAA",
    organization_id: "00Dxx0000000001EAA",
    preferred_username: "ada@home.example",
    name: "Ada",
  };

  it("is what Salesforce's user record says", async () => {
    const world = org(salesforce, answer(200, record));
    expect(await world.org.identify(aGrant(), forever)).toEqual({
      userId: "005xx000000000AAAA",
      name: "Ada",
      username: "ada@home.example",
      orgId: "00Dxx0000000001EAA",
    });
    expect(world.asked[0]).toMatchObject({
      method: "GET",
      url: "https://home.my.example/services/oauth2/userinfo",
      headers: { authorization: "Bearer access-1" },
    });
  });

  it("falls back to the ids in the grant when the scope does not cover the record", async () => {
    const refused = answer(403, "", { "www-authenticate": 'Bearer error="insufficient_scope"' });
    const who = await org(salesforce, refused).org.identify(aGrant({ idUrl: record.sub }), forever);
    expect(who).toEqual({
      userId: "005xx000000000AAAA",
      name: "005xx000000000AAAA",
      username: null,
      orgId: "00Dxx0000000001EAA",
    });
  });

  it("takes the ids from sub when the record has nothing else, and is unknown without", async () => {
    expect(
      await org(salesforce, answer(200, { sub: record.sub })).org.identify(aGrant(), forever),
    ).toMatchObject({
      userId: "005xx000000000AAAA",
    });
    expect(
      await org(salesforce, answer(200, { active: true })).org.identify(aGrant(), forever),
    ).toMatchObject({
      userId: "unknown",
    });
  });

  it.each([
    [401, ""],
    [403, "Bad_OAuth_Token"],
    [400, [{ message: "Session expired", errorCode: "INVALID_SESSION_ID" }]],
  ])("HTTP %i with %j means the access token is used up", async (status, body) => {
    const world = org(salesforce, answer(status, body));
    expect(await codeOf(() => world.org.identify(aGrant(), forever))).toBe("ACCESS_TOKEN_REJECTED");
  });

  it("is not guessed from an answer that makes no sense", async () => {
    const ask = (status: number, body: unknown) =>
      codeOf(() => org(salesforce, answer(status, body)).org.identify(aGrant(), forever));
    expect(await ask(400, { error: "strange" })).toBe("ORG_ANSWER_INVALID");
    expect(await ask(500, "")).toBe("ORG_BUSY");
    expect(await ask(200, "<html>")).toBe("ORG_ANSWER_INVALID");
  });

  it("is the standard's user record, completed from the ID token", async () => {
    const grant = aGrant({ idToken: jwtOf({ sub: "u1", name: "Ada", email: "ada@home.example" }) });
    const world = standardOrg(answer(200, { sub: "u1" }));
    expect(await world.org.identify(grant, forever)).toEqual({
      userId: "u1",
      name: "Ada",
      username: "ada@home.example",
      orgId: null,
    });
  });

  it("comes from the ID token alone when the grant does not cover the user record", async () => {
    const world = standardOrg();
    const grant = aGrant({ scope: "api", idToken: jwtOf({ sub: "u1" }) });
    expect(await world.org.identify(grant, forever)).toMatchObject({ userId: "u1", name: "u1" });
    expect(world.asked).toHaveLength(1);
  });

  it.each([new Secret("nonsense"), new Secret("a.bm9wZQ.c"), new Secret("a.bnVsbA.c"), null])(
    "is unknown where the org tells nothing (%#)",
    async (idToken) => {
      const world = standardOrg();
      expect((await world.org.identify(aGrant({ scope: "api", idToken }), forever)).userId).toBe("unknown");
    },
  );

  it("is nobody when user record and ID token name different people", async () => {
    const world = standardOrg(answer(200, { sub: "u2" }));
    const grant = aGrant({ idToken: jwtOf({ sub: "u1" }) });
    expect(await codeOf(() => world.org.identify(grant, forever))).toBe("ORG_ANSWER_INVALID");
  });
});

describe("revoking", () => {
  it("leaves another grant alone at Salesforce, elsewhere only where it is of another user for certain", () => {
    const idToken = jwtOf({ sub: "ada" });
    const named = (userId: string) =>
      aGrant({ identity: { userId, name: userId, username: null, orgId: null } });
    const alone = (one: Grant, two: Grant) => standardOrg().org.revokesAlone(one, two);
    expect(org(salesforce).org.revokesAlone(named("ada"), aGrant({ idToken }))).toBe(true);
    expect(alone(named("ada"), aGrant({ idToken }))).toBe(false);
    expect(alone(named("ben"), aGrant({ idToken }))).toBe(true);
    expect(alone(named("unknown"), aGrant({ idToken }))).toBe(false);
    expect(alone(named("ben"), aGrant())).toBe(false);
  });

  it("revokes the refresh token at the Salesforce instance, else the access token", async () => {
    const world = org(salesforce, answer(200, ""), answer(200, ""));
    await world.org.revoke(aGrant(), forever);
    await world.org.revoke(aGrant({ refreshToken: null }), forever);
    expect(world.asked[0]?.url).toBe("https://home.my.example/services/oauth2/revoke");
    expect(formOf(world.asked[0])).toEqual({ token: "refresh-1" });
    expect(formOf(world.asked[1])).toEqual({ token: "access-1" });
  });

  it("names the kind of token in the standard dialect", async () => {
    const world = standardOrg(answer(200, ""), answer(200, ""));
    await world.org.revoke(aGrant(), forever);
    await world.org.revoke(aGrant({ refreshToken: null }), forever);
    expect(formOf(world.asked[1])).toEqual({
      client_id: "3MVG9",
      token: "refresh-1",
      token_type_hint: "refresh_token",
    });
    expect(formOf(world.asked[2])).toMatchObject({ token_type_hint: "access_token" });
  });

  it("takes a token the org no longer knows as revoked", async () => {
    await org(salesforce, answer(400, "error=invalid_token&error_description=invalid+token")).org.revoke(
      aGrant(),
      forever,
    );
  });

  it.each([
    [401, "", "CLIENT_UNKNOWN"],
    [400, { error: "unauthorized_client" }, "CLIENT_UNKNOWN"],
    [400, { error: "unsupported_token_type" }, "ORG_ANSWER_INVALID"],
    [400, "", "ORG_ANSWER_INVALID"],
    [503, "", "ORG_BUSY"],
  ])("HTTP %i with %j is a fault", async (status, body, code) => {
    expect(await codeOf(() => org(salesforce, answer(status, body)).org.revoke(aGrant(), forever))).toBe(
      code,
    );
  });

  it("tells what the org says without the token that it may repeat", async () => {
    const token = "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrfHnFyZ4";
    const echo = answer(400, { error: `unknown ${token}` });
    await expect(org(salesforce, echo).org.revoke(aGrant(), forever)).rejects.toMatchObject({
      code: "ORG_ANSWER_INVALID",
      detail: "HTTP 400, it says unknown …",
    });
  });

  it("says so when the org has no endpoint for it", async () => {
    const world = org(standard, answer(200, { ...discovery, revocation_endpoint: undefined }));
    expect(await codeOf(() => world.org.revoke(aGrant(), forever))).toBe("ORG_DISCOVERY");
  });
});

describe("the endpoints for asset tokens", () => {
  it("are the instance's with Salesforce", async () => {
    expect(await org(salesforce).org.endpoints(aGrant(), forever)).toEqual({
      tokenUrl: "https://home.my.example/services/oauth2/token",
      jwksUrl: "https://home.my.example/id/keys",
      issuers: ["https://home.my.example", "https://login.org.example"],
    });
  });

  it("are those of discovery otherwise", async () => {
    expect(await standardOrg().org.endpoints(aGrant(), forever)).toEqual({
      tokenUrl: "https://id.example/token",
      jwksUrl: "https://id.example/keys",
      issuers: ["https://id.example/realms/home"],
    });
  });
});

it("passes the network's faults on as they are", async () => {
  const world = org(salesforce, new AgentError("ORG_TLS"));
  expect(await codeOf(() => world.org.askCode(forever))).toBe("ORG_TLS");
});

it("never lets a secret into a message", async () => {
  const secret = "5Aep861TSESvWeug_xvFHRBTTbf_YrTWgEyjBJrfHnFyZ4";
  const echo = answer(400, { error: "invalid_grant", error_description: `unknown refresh token ${secret}` });
  await org(salesforce, echo)
    .org.refresh(aGrant({ refreshToken: new Secret(secret) }), forever)
    .then(
      () => expect.unreachable(),
      (error: Error) => expect(`${error.message}${error.stack}`).not.toContain(secret),
    );
});
