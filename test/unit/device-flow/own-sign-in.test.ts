import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrg, type OrgOptions } from "../../../src/device-flow/org.ts";
import { AgentError } from "../../../src/errors.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { Secret, toNumericDate } from "../../../src/units.ts";
import { aGrant, answer, codeOf, forever, formOf, scriptedHttp } from "./support.ts";

const pem = (key: { export(options: { type: "pkcs8"; format: "pem" }): string | Buffer }): string =>
  String(key.export({ type: "pkcs8", format: "pem" }));
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });

type Own = Pick<OrgOptions, "signIn" | "username" | "key" | "audience" | "assertion">;

const bearer: Own = {
  signIn: "jwt-bearer",
  username: "porch@example.com",
  key: new Secret(pem(keys.privateKey)),
  audience: null,
};
const web = { callback: "http://localhost:7878/callback" };
const credentials: Own = { signIn: "client-credentials" };
const samlBearer: Own = { signIn: "saml-bearer" };
const samlAssertion: Own = { signIn: "saml-assertion" };

const saml = (name: string): string =>
  `<saml:${name} xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" Version="2.0">Zoë ???</saml:${name}>`;
const samlResponse = `<p:Response xmlns:p="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0">${saml("Assertion")}</p:Response>`;

const salesforce: OrgOptions = {
  dialect: "salesforce",
  url: "https://login.salesforce.com/",
  clientId: "3MVG9",
  clientSecret: new Secret("s3cret"),
  scope: "api openid",
};
const standard: OrgOptions = { ...salesforce, dialect: "rfc8628", url: "https://id.example" };

/** A server without any device flow. */
const discovery = { issuer: "https://id.example", token_endpoint: "https://id.example/token" };
const tokens = {
  access_token: "00D!AQ",
  instance_url: "https://home.my.example",
  token_type: "Bearer",
};

const open = (options: OrgOptions, ...script: (HttpResponse | Error)[]) => {
  const wire = scriptedHttp(...script);
  const clock = new VirtualClock();
  const assertions = [saml("Assertion"), samlResponse].map((text) => new TextEncoder().encode(text));
  const org = createOrg(options, {
    http: wire.http,
    clock,
    assertion: async () => assertions[options.signIn === "saml-assertion" ? 1 : 0] ?? new Uint8Array(),
  });
  return { org, asked: wire.asked, clock, signIn: async () => org.signIn?.(forever) };
};

const partsOf = (assertion = "") => {
  const [head = "", body = "", signature = ""] = assertion.split(".");
  const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  const valid = verify(
    "sha256",
    Buffer.from(`${head}.${body}`),
    createPublicKey(keys.publicKey.export({ type: "spki", format: "pem" })),
    Buffer.from(signature, "base64url"),
  );
  return { header: read(head), payload: read(body), valid };
};

describe("signing in with an assertion", () => {
  it("sends Salesforce the grant type and an RS256 assertion of four claims, and no secret", async () => {
    const { signIn, asked, clock } = open({ ...salesforce, ...bearer }, answer(200, tokens));
    const grant = await signIn();
    expect(grant).toMatchObject({
      refreshToken: null,
      instanceUrl: "https://home.my.example",
      identity: null,
    });
    expect(asked[0]?.url).toBe("https://login.salesforce.com/services/oauth2/token");
    const { assertion, ...form } = formOf(asked[0]);
    expect(form).toEqual({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", format: "json" });
    expect(partsOf(assertion)).toEqual({
      header: { alg: "RS256", typ: "JWT" },
      payload: {
        iss: "3MVG9",
        sub: "porch@example.com",
        aud: "https://login.salesforce.com",
        exp: toNumericDate(clock.wall()) + 120,
      },
      valid: true,
    });
  });

  it("is for the audience of the settings where they name one", async () => {
    const own = { ...bearer, audience: "https://test.salesforce.com" };
    const { signIn, asked } = open({ ...salesforce, ...own }, answer(200, tokens));
    await signIn();
    expect(partsOf(formOf(asked[0]).assertion).payload).toMatchObject({ aud: "https://test.salesforce.com" });
  });

  it("finds a standard server's token endpoint, which is also the audience; the server needs no device flow", async () => {
    const { signIn, asked, org } = open(
      { ...standard, ...bearer },
      answer(200, discovery),
      answer(200, { ...tokens, instance_url: undefined, refresh_token: "unasked" }),
    );
    expect(await signIn()).toMatchObject({ refreshToken: null, instanceUrl: "https://id.example" });
    const { assertion, ...form } = formOf(asked[1]);
    expect(form).toMatchObject({ client_id: "3MVG9", client_secret: "s3cret", scope: "api openid" });
    const { payload } = partsOf(assertion);
    expect(payload).toMatchObject({
      aud: "https://id.example/token",
      jti: expect.any(String),
      iat: expect.any(Number),
    });
    expect(await codeOf(() => org.askCode(forever))).toBe("ORG_DISCOVERY");
  });

  it("leaves the scope to a standard server when none is set", async () => {
    const options = { ...standard, scope: "", ...bearer };
    const { signIn, asked } = open(options, answer(200, discovery), answer(200, tokens));
    await signIn();
    expect(formOf(asked[1])).not.toHaveProperty("scope");
  });

  it.each([
    ["no PEM", "nonsense"],
    ["a P-256 key", pem(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey)],
    ["a short RSA key", pem(generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey)],
  ])("does not begin with %s as its key", async (_name, text) => {
    const own: Own = { ...bearer, key: new Secret(text) };
    expect(await codeOf(() => open({ ...salesforce, ...own }))).toBe("SETTINGS_INVALID");
    expect(await codeOf(() => open({ ...standard, ...own }))).toBe("SETTINGS_INVALID");
  });
});

it("nobody signs in by itself who was not told as whom, or with what", async () => {
  for (const missing of [{ username: null }, { key: null }])
    expect(await codeOf(() => open({ ...salesforce, ...bearer, ...missing }))).toBe("SETTINGS_INVALID");
  expect(open({ ...salesforce, signIn: "device" }).org.signIn).toBeUndefined();
});

describe("signing in with client credentials", () => {
  it("sends Salesforce id and secret", async () => {
    const { signIn, asked } = open({ ...salesforce, ...credentials }, answer(200, tokens));
    expect(await signIn()).toMatchObject({ refreshToken: null });
    expect(formOf(asked[0])).toEqual({
      grant_type: "client_credentials",
      client_id: "3MVG9",
      client_secret: "s3cret",
      format: "json",
    });
  });

  it("sends no secret that is not there", async () => {
    const options = { ...salesforce, clientSecret: null, ...credentials };
    const { signIn, asked } = open(options, answer(200, tokens));
    await signIn();
    expect(formOf(asked[0])).not.toHaveProperty("client_secret");
  });
});

describe("signing in with what an identity provider has signed", () => {
  it("sends Salesforce the bare assertion in base64url, and no client", async () => {
    const { signIn, asked } = open({ ...salesforce, ...samlBearer }, answer(200, tokens));
    expect(await signIn()).toMatchObject({ refreshToken: null, instanceUrl: "https://home.my.example" });
    expect(formOf(asked[0])).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer",
      assertion: Buffer.from(saml("Assertion")).toString("base64url"),
      format: "json",
    });
  });

  it("sends Salesforce a whole response in base64, and no client", async () => {
    const { signIn, asked } = open({ ...salesforce, ...samlAssertion }, answer(200, tokens));
    expect(await signIn()).toMatchObject({ refreshToken: null });
    expect(formOf(asked[0])).toEqual({
      grant_type: "assertion",
      assertion_type: "urn:oasis:names:tc:SAML:2.0:profiles:SSO:browser",
      assertion: Buffer.from(samlResponse).toString("base64"),
      format: "json",
    });
  });

  it("sends a standard server its assertion, with the client and scope (RFC 7522)", async () => {
    const { signIn, asked } = open(
      { ...standard, ...samlBearer },
      answer(200, discovery),
      answer(200, { ...tokens, instance_url: undefined }),
    );
    await signIn();
    expect(formOf(asked[1])).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:saml2-bearer",
      assertion: Buffer.from(saml("Assertion")).toString("base64url"),
      client_id: "3MVG9",
      client_secret: "s3cret",
      scope: "api openid",
    });
  });

  it("asks the org nothing when there is no assertion to send", async () => {
    const wire = scriptedHttp();
    const ports = { http: wire.http, clock: new VirtualClock() };
    const options: OrgOptions = { ...salesforce, ...samlBearer };
    const given = async (assertion: () => Promise<Uint8Array>) =>
      codeOf(() => createOrg(options, { ...ports, assertion }).signIn?.(forever));
    const missing = new AgentError("ASSERTION_UNREADABLE");
    expect(await given(() => Promise.reject(missing))).toBe("ASSERTION_UNREADABLE");
    expect(await given(async () => new TextEncoder().encode(samlResponse))).toBe("ASSERTION_INVALID");
    expect(await codeOf(() => createOrg(options, ports))).toBe("SETTINGS_INVALID");
  });
});

describe("which sign-in a grant came from", () => {
  const asOf = (own: Own, base = salesforce) => open({ ...base, ...own }).org.signsInAs?.();

  it("is told by a hash that changes with org, client, user and source, and not with key or secret", () => {
    const before = asOf(bearer);
    const otherKey = new Secret(pem(generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey));
    expect(asOf({ ...bearer, key: otherKey })).toBe(before);
    expect(asOf(bearer, { ...salesforce, clientSecret: null })).toBe(before);
    const others = [
      before,
      asOf({ ...bearer, username: "other@example.com" }),
      asOf(bearer, { ...salesforce, clientId: "other" }),
      asOf(bearer, { ...salesforce, url: "https://other.my.salesforce.com" }),
      asOf(credentials),
      asOf({ ...samlBearer, assertion: { file: "/a", command: null } }),
      asOf({ ...samlBearer, assertion: { file: "/b", command: null } }),
      asOf({ ...samlBearer, assertion: { file: null, command: ["/a"] } }),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it("of a person changes with client, and with the org where an org has one address only", () => {
    const before = asOf({});
    expect(asOf({ signIn: "web" }, { ...salesforce, ...web })).toBe(before);
    expect(asOf({}, { ...salesforce, url: "https://acme.my.salesforce.com" })).toBe(before);
    const others = [
      before,
      asOf({}, { ...salesforce, clientId: "other" }),
      asOf({}, standard),
      asOf({}, { ...standard, url: "https://other.example" }),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  it("shows no other server the tokens of the one before, not even to end them", async () => {
    const { org, asked } = open(
      standard,
      answer(200, { ...discovery, revocation_endpoint: "https://id.example/revoke" }),
    );
    const grant = aGrant({ signedInAs: asOf({}, { ...standard, url: "https://other.example" }) ?? null });
    expect(await codeOf(() => org.revoke(grant, forever))).toBe("CLIENT_UNKNOWN");
    expect(asked).toEqual([]);
  });

  it("leaves it to an identity provider who it is, and only to that", () => {
    const mayChange = (own: Own) => open({ ...salesforce, ...own }).org.userMayChange;
    expect([bearer, credentials, samlBearer].map(mayChange)).toEqual([false, false, true]);
  });

  it("stays with the grant", async () => {
    const { signIn, org } = open({ ...salesforce, ...credentials }, answer(200, tokens));
    expect(await signIn()).toMatchObject({ signedInAs: org.signsInAs?.() });
  });
});

describe("a refused sign-in says what to change", () => {
  it.each<[Own, number, string, string, string, RegExp]>([
    [
      bearer,
      400,
      "invalid_grant",
      "user hasn't approved this consumer",
      "SIGN_IN_NOT_APPROVED",
      /org\.username/,
    ],
    [
      bearer,
      400,
      "invalid_app_access",
      "user is not admin approved to access this app",
      "SIGN_IN_NOT_APPROVED",
      /admit/,
    ],
    [bearer, 400, "inactive_user", "", "SIGN_IN_NOT_APPROVED", /inactive_user/],
    [bearer, 400, "invalid_grant", "audience is invalid", "ASSERTION_REFUSED", /org\.audience/],
    [bearer, 400, "invalid_grant", "invalid assertion", "ASSERTION_REFUSED", /invalid assertion/],
    [bearer, 400, "invalid_grant", "expired authorization code", "ASSERTION_REFUSED", /clock/],
    [bearer, 400, "invalid_client_id", "client identifier invalid", "CLIENT_UNKNOWN", /identifier/],
    [bearer, 400, "unsupported_grant_type", "grant type not supported", "SIGN_IN_CLOSED", /not supported/],
    [bearer, 400, "invalid_grant", "ip restricted", "ORG_BUSY", /addresses/],
    [bearer, 400, "inactive_org", "", "ORG_BUSY", /inactive_org/],
    [bearer, 503, "server_error", "", "ORG_BUSY", /server_error/],
    [bearer, 429, "invalid_grant", "", "ORG_BUSY", /invalid_grant/],
    [bearer, 400, "teapot", "", "ORG_ANSWER_INVALID", /teapot/],
    [
      credentials,
      400,
      "invalid_grant",
      "request not supported on this domain",
      "SIGN_IN_CLOSED",
      /My Domain/,
    ],
    [credentials, 400, "invalid_grant", "no client credentials user enabled", "SIGN_IN_CLOSED", /run as/],
    [samlBearer, 400, "invalid_grant", "invalid assertion", "ASSERTION_REFUSED", /invalid assertion/],
    [samlBearer, 400, "invalid_grant", "audience is invalid", "ASSERTION_REFUSED", /Audience/],
    [samlBearer, 400, "invalid_grant", "recipient is invalid", "ASSERTION_REFUSED", /Recipient/],
    [samlAssertion, 400, "invalid_grant", "replay detected", "ASSERTION_REFUSED", /needs a new one/],
    [samlAssertion, 400, "invalid_grant", "assertion expired", "ASSERTION_REFUSED", /identity provider/],
    [
      samlAssertion,
      400,
      "invalid_grant",
      "user hasn't approved this consumer",
      "SIGN_IN_NOT_APPROVED",
      /subject/,
    ],
    [samlBearer, 400, "unsupported_grant_type", "", "SIGN_IN_CLOSED", /unsupported/],
    [credentials, 400, "invalid_request", "", "SIGN_IN_CLOSED", /invalid_request/],
    [credentials, 400, "invalid_client", "invalid client credentials", "CLIENT_UNKNOWN", /credentials/],
  ])("%o %i %s %s", async (own, status, error, description, code, words) => {
    const refusal = answer(status, { error, error_description: description });
    const { signIn } = open({ ...salesforce, ...own }, refusal);
    const fault = await signIn().catch((thrown: unknown) => thrown);
    expect(fault).toBeInstanceOf(AgentError);
    expect(fault).toMatchObject({ code, message: expect.stringMatching(words) });
  });
});
