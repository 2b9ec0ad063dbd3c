import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrg, type OrgOptions } from "../../../src/device-flow/org.ts";
import { readCallback } from "../../../src/device-flow/web-sign-in.ts";
import { AgentError } from "../../../src/errors.ts";
import type { SignInLink } from "../../../src/model.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { Secret } from "../../../src/units.ts";
import { answer, codeOf, forever, formOf, scriptedHttp } from "./support.ts";

const CALLBACK = "http://localhost:7878/callback";

const salesforce: OrgOptions = {
  dialect: "salesforce",
  url: "https://login.salesforce.com/",
  clientId: "3MVG9",
  clientSecret: null,
  scope: "api openid refresh_token",
  signIn: "web",
  callback: CALLBACK,
};
const standard: OrgOptions = { ...salesforce, dialect: "rfc8628", url: "https://id.example" };

/** A server without any device flow. */
const discovery = {
  issuer: "https://id.example",
  authorization_endpoint: "https://id.example/authorize?tenant=1",
  token_endpoint: "https://id.example/token",
};
const tokens = {
  access_token: "00D!AQ",
  refresh_token: "5Aep",
  instance_url: "https://home.my.example",
  token_type: "Bearer",
};

const open = (options: OrgOptions, ...script: (HttpResponse | Error)[]) => {
  const wire = scriptedHttp(...script);
  const org = createOrg(options, { http: wire.http, clock: new VirtualClock() });
  const { web } = org;
  if (web === undefined) throw new Error("no web sign-in");
  return { org, web, asked: wire.asked };
};

const idToken = (claims: object): string =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.sig`;

/** A link, and what its org says to a code. */
const redeemed = async (
  reply: (link: SignInLink) => HttpResponse,
  options: OrgOptions = salesforce,
  ...before: HttpResponse[]
) => {
  const link = await open(options, ...before).web.ask(forever);
  // What it says may depend on the link.
  const { web, asked } = open(options, ...before, reply(link));
  return { link, grant: () => web.redeem(link, new Secret("c0de"), forever), asked };
};

describe("the link", () => {
  it("asks Salesforce for a code, for a secret that only the board knows, and has the person asked in any case", async () => {
    const link = await open(salesforce).web.ask(forever);
    const url = new URL(link.url);
    expect(`${url.origin}${url.pathname}`).toBe("https://login.salesforce.com/services/oauth2/authorize");
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "code",
      client_id: "3MVG9",
      redirect_uri: CALLBACK,
      scope: "api openid refresh_token",
      state: link.state.reveal(),
      nonce: link.nonce?.reveal(),
      prompt: "consent",
      code_challenge: createHash("sha256").update(link.verifier.reveal()).digest("base64url"),
      code_challenge_method: "S256",
    });
    expect(link.verifier.reveal()).toMatch(/^[\w-]{64}$/);
    expect(link).toMatchObject({ kind: "link", callback: CALLBACK, expiresAt: 600_000, issuer: null });
  });

  it("is another one each time, with 128 bits of chance in state and nonce", async () => {
    const { web } = open(salesforce);
    const links = await Promise.all([web.ask(forever), web.ask(forever)]);
    for (const part of ["state", "nonce", "verifier"] as const) {
      const [one, two] = links.map((link) => link[part]?.reveal() ?? "");
      expect(one).not.toBe(two);
      expect(Buffer.from(one ?? "", "base64url").length).toBeGreaterThanOrEqual(16);
    }
    expect(JSON.stringify(links[0])).toContain('"state":"[secret]"');
  });

  it("of a standard server is where its discovery document says; it needs no device flow", async () => {
    const { web, asked } = open(
      { ...standard, scope: "profile" },
      answer(200, { ...discovery, authorization_response_iss_parameter_supported: true }),
    );
    const link = await web.ask(forever);
    expect(asked).toHaveLength(1);
    const url = new URL(link.url);
    expect([url.pathname, url.searchParams.get("tenant")]).toEqual(["/authorize", "1"]);
    expect(url.searchParams.has("nonce")).toBe(false);
    expect(link.issuer).toEqual({ name: "https://id.example", required: true });
  });

  it("leaves the scope to the org when none is set", async () => {
    const { url } = await open({ ...salesforce, scope: "" }).web.ask(forever);
    expect(new URL(url).searchParams.has("scope")).toBe(false);
  });

  it("cannot be made for a server without such a page, and not without a callback", async () => {
    const none = answer(200, { issuer: "https://id.example", token_endpoint: "https://id.example/token" });
    expect(await codeOf(() => open(standard, none, none, none).web.ask(forever))).toBe("ORG_DISCOVERY");
    const { callback, ...without } = salesforce;
    expect(callback).toBe(CALLBACK);
    expect(await codeOf(() => open(without))).toBe("SETTINGS_INVALID");
  });
});

describe("the address that a browser brings", () => {
  const link: SignInLink = {
    kind: "link",
    url: "https://id.example/authorize",
    callback: CALLBACK,
    state: new Secret("st4te"),
    nonce: null,
    verifier: new Secret("v"),
    issuer: { name: "https://id.example", required: false },
    expiresAt: 0 as SignInLink["expiresAt"],
    expiresAtWall: 0 as SignInLink["expiresAtWall"],
  };
  const strict: SignInLink = { ...link, issuer: { name: "https://id.example", required: true } };

  it.each([
    [`${CALLBACK}?code=c0de&state=st4te`, link],
    ["localhost:7878/callback?code=c0de&state=st4te", link],
    ["  http://127.0.0.1:7878/callback?state=st4te&code=c0de&sfdc_community_id=x \n", link],
    [`${CALLBACK}?code=c0de&state=st4te&iss=https://id.example`, strict],
    [`${CALLBACK}?code=c0de&state=st4te&iss=anything`, { ...link, issuer: null }],
  ])("%j has the code", (address, of) => {
    const reading = readCallback(address, of);
    expect(reading.kind === "code" && reading.code.reveal()).toBe("c0de");
  });

  it.each([
    ["of another link", `${CALLBACK}?code=c&state=other`, link],
    ["without a state", `${CALLBACK}?code=c`, link],
    ["with two states", `${CALLBACK}?code=c&state=st4te&state=st4te`, link],
    ["without a code", `${CALLBACK}?state=st4te`, link],
    ["with a code that is no token", `${CALLBACK}?state=st4te&code=%00`, link],
    ["of another page", "http://localhost:7878/else?code=c&state=st4te", link],
    ["that is none", "::", link],
    ["that is too long", `${CALLBACK}?code=${"c".repeat(9000)}&state=st4te`, link],
    ["of another server", `${CALLBACK}?code=c&state=st4te&iss=https://evil.example`, link],
    ["that names no server where it would", `${CALLBACK}?code=c&state=st4te`, strict],
    ["of another link, even with a No in it", `${CALLBACK}?error=access_denied&state=other`, link],
  ])("%s is no answer", (_name, address, of) => {
    expect(readCallback(address, of)).toMatchObject({ kind: "strange", error: { code: "CALLBACK_STRANGE" } });
  });

  it.each([
    ["access_denied", "end-user denied authorization", "CODE_DENIED"],
    ["login_required", "", "CODE_DENIED"],
    ["consent_required", "", "CODE_DENIED"],
    ["unauthorized_client", "", "WEB_FLOW_DISABLED"],
    ["unsupported_response_type", "response type not supported", "WEB_FLOW_DISABLED"],
    ["redirect_uri_mismatch", "redirect_uri must match configuration", "WEB_FLOW_DISABLED"],
    ["invalid_client_id", "client identifier invalid", "CLIENT_UNKNOWN"],
    ["invalid_client", "app must be installed into org", "CLIENT_UNKNOWN"],
    ["invalid_scope", "the requested scope is not allowed", "SCOPE_REFUSED"],
    ["OAUTH_APP_BLOCKED", "this app is blocked by admin", "SIGN_IN_NOT_APPROVED"],
    ["OAUTH_APP_ACCESS_DENIED", "user is not admin approved to access this app", "SIGN_IN_NOT_APPROVED"],
    ["OAUTH_APPROVAL_ERROR_GENERIC", "An unexpected error has occurred", "SIGN_IN_NOT_APPROVED"],
    ["server_error", "", "ORG_BUSY"],
    ["temporarily_unavailable", "", "ORG_BUSY"],
    ["something_new", "of tomorrow", "CODE_INVALID"],
  ])("with the error %s (%s) ends the link with %s", (error, description, code) => {
    const query = new URLSearchParams({ error, error_description: description, state: "st4te" });
    expect(readCallback(`${CALLBACK}?${query}`, link)).toMatchObject({ kind: "refused", error: { code } });
  });
});

describe("the exchange of the code", () => {
  it("shows Salesforce code, callback and secret, and gives a grant with a refresh token", async () => {
    const { link, grant, asked } = await redeemed(
      ({ nonce }) => answer(200, { ...tokens, id_token: idToken({ nonce: nonce?.reveal() }) }),
      { ...salesforce, clientSecret: new Secret("s3cret") },
    );
    const given = await grant();
    expect(given).toMatchObject({ instanceUrl: "https://home.my.example", identity: null });
    expect(given.refreshToken?.reveal()).toBe("5Aep");
    expect(asked[0]?.url).toBe("https://login.salesforce.com/services/oauth2/token");
    expect(formOf(asked[0])).toEqual({
      grant_type: "authorization_code",
      code: "c0de",
      redirect_uri: CALLBACK,
      code_verifier: link.verifier.reveal(),
      client_id: "3MVG9",
      client_secret: "s3cret",
      format: "json",
    });
  });

  it("goes to a standard server's token endpoint, and the issuer stands in for the instance", async () => {
    const { grant, asked } = await redeemed(
      () => answer(200, { ...tokens, instance_url: undefined }),
      standard,
      answer(200, discovery),
    );
    expect(await grant()).toMatchObject({ instanceUrl: "https://id.example" });
    expect(asked.at(-1)?.url).toBe("https://id.example/token");
    expect(formOf(asked.at(-1))).toMatchObject({ client_id: "3MVG9", grant_type: "authorization_code" });
  });

  it.each([
    ["without the link's nonce", () => idToken({ sub: "1" })],
    ["with another nonce", () => idToken({ nonce: "other" })],
    ["that cannot be read", () => "e30.e30"],
  ])("takes no ID token %s", async (_name, jwt) => {
    const { grant } = await redeemed(() => answer(200, { ...tokens, id_token: jwt() }));
    expect(await codeOf(grant)).toBe("CODE_INVALID");
  });

  it.each([
    [400, { error: "invalid_grant", error_description: "expired authorization code" }, "CODE_INVALID"],
    [400, { error: "invalid_grant", error_description: "ip restricted" }, "ORG_BUSY"],
    [400, { error: "redirect_uri_mismatch", error_description: "must match" }, "WEB_FLOW_DISABLED"],
    [400, { error: "unsupported_grant_type", error_description: "" }, "WEB_FLOW_DISABLED"],
    [401, { error: "invalid_client", error_description: "invalid client credentials" }, "CLIENT_UNKNOWN"],
    [400, { error: "inactive_user", error_description: "user is inactive" }, "SIGN_IN_NOT_APPROVED"],
    [503, { error: "invalid_grant", error_description: "" }, "ORG_BUSY"],
    [500, "<html>", "ORG_BUSY"],
    [200, { ...tokens, access_token: undefined }, "CODE_INVALID"],
  ])("with status %i and %j is %s", async (status, body, code) => {
    const { grant } = await redeemed(() => answer(status, body));
    expect(await codeOf(grant)).toBe(code);
  });

  it("passes on that the org cannot be reached", async () => {
    const { web } = open(salesforce, new AgentError("ORG_UNREACHABLE"));
    const link = await web.ask(forever);
    expect(await codeOf(() => web.redeem(link, new Secret("c"), forever))).toBe("ORG_UNREACHABLE");
  });
});
