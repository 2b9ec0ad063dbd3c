import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { base64url } from "../../../companion/core/base64url.ts";
import type { OrgRequest } from "../../../companion/core/http.ts";
import { findOrg, type OrgConfig } from "../../../companion/core/org.ts";
import { createPhoneKey, nonceOf } from "../../../companion/core/phone-key.ts";
import { beginSignIn, clockAhead, finishSignIn } from "../../../companion/core/sign-in.ts";
import { Trouble } from "../../../companion/core/trouble.ts";

const never = new AbortController().signal;
const now = 1_796_054_400_000;
const key = await createPhoneKey();
const org: OrgConfig = {
  url: "https://org.example",
  dialect: "salesforce",
  clientId: "app",
  scope: "openid api refresh_token",
  signIn: "web-server",
  codePage: null,
};

const claims = {
  iss: "https://org.example",
  aud: "app",
  sub: "https://login.example/id/00D/005",
  exp: now / 1000 + 120,
  iat: now / 1000,
  nonce: nonceOf(key),
  name: "Ada Okafor",
};
const jwt = (of: object): string =>
  `${base64url('{"alg":"RS256"}')}.${base64url(JSON.stringify(of))}.${base64url("signature")}`;
const tokens = (idToken: string = jwt(claims)): string =>
  JSON.stringify({ access_token: "secret", refresh_token: "again", id_token: idToken });

type Reply = { readonly status?: number; readonly body: string };

/** A sign-in whose org answers with `replies`, one after the other. */
const make = async (replies: readonly Reply[], config: OrgConfig = org) => {
  const asked: OrgRequest[] = [];
  const http = async (request: OrgRequest) => {
    asked.push(request);
    return { status: 200, body: "{}", ...replies[asked.length - 1] };
  };
  const places = await findOrg({ ...config, dialect: "salesforce" }, http, never);
  const access = { org: config, places, http, now: () => now };
  const { url, begun } = await beginSignIn(config, places, "https://app.example/", key, now);
  const come = (query: string) =>
    finishSignIn(access, begun, key, new URL(`https://app.example/?${query}`), never);
  return { asked, url: new URL(url), begun, access, come, back: () => come(`code=c&state=${begun.state}`) };
};

const troubleOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "none";
  } catch (error) {
    if (error instanceof Trouble) return error.code;
    throw error;
  }
};

test("the browser goes to the org with a challenge, a state and the key's nonce, never the same twice", async () => {
  const one = await make([]);
  const two = await make([]);
  expect(one.url.origin + one.url.pathname).toBe("https://org.example/services/oauth2/authorize");
  expect(Object.fromEntries(one.url.searchParams)).toEqual({
    response_type: "code",
    client_id: "app",
    redirect_uri: "https://app.example/",
    scope: "openid api refresh_token",
    state: one.begun.state,
    nonce: nonceOf(key),
    code_challenge: createHash("sha256")
      .update(one.begun.verifier ?? "")
      .digest("base64url"),
    code_challenge_method: "S256",
  });
  expect(one.begun.verifier).toHaveLength(64);
  expect(two.begun.verifier).not.toBe(one.begun.verifier);
  expect(two.begun.state).not.toBe(one.begun.state);
});

test("the code and the verifier become a session with a PK token", async () => {
  const { asked, back, begun } = await make([{ body: tokens() }]);
  const session = await back();
  expect(Object.fromEntries(new URLSearchParams(asked[0]?.body))).toEqual({
    grant_type: "authorization_code",
    client_id: "app",
    code: "c",
    redirect_uri: "https://app.example/",
    code_verifier: begun.verifier,
  });
  expect(asked).toHaveLength(1);
  expect(session).toMatchObject({
    person: { userId: "005", name: "Ada Okafor", sub: claims.sub },
    accessToken: "secret",
    refreshToken: "again",
    freshIdToken: null,
    takenAt: now,
    clockAheadMs: 0,
  });
  expect(session.pkToken.payload).toBe(jwt(claims).split(".")[1]);
});

test("the person's id is what boards know: Salesforce's user_id, elsewhere sub", async () => {
  const salesforce = await make([{ body: tokens(jwt({ ...claims, user_id: "005xx" })) }]);
  expect((await salesforce.back()).person.userId).toBe("005xx");
  const other = await make([{ body: tokens(jwt({ ...claims, sub: "ada/1" })) }], {
    ...org,
    dialect: "rfc8628",
  });
  expect((await other.back()).person.userId).toBe("ada/1");
});

test("a name that is not in the ID token is asked for, and done without when nobody tells", async () => {
  const nameless = tokens(jwt({ ...claims, name: undefined }));
  const told = await make([{ body: nameless }, { body: '{"name":"Ada"}' }]);
  expect((await told.back()).person.name).toBe("Ada");
  expect(told.asked[1]).toMatchObject({
    url: "https://org.example/services/oauth2/userinfo",
    headers: { authorization: "Bearer secret" },
  });
  const login = await make([{ body: nameless }, { body: '{"preferred_username":"ada@x"}' }]);
  expect((await login.back()).person.name).toBe("ada@x");
  const silent = await make([{ body: nameless }, { status: 403, body: "Bad_OAuth_Token" }]);
  expect((await silent.back()).person.name).toBe("Signed in");
  const { access, begun } = await make([{ body: nameless }]);
  const address = new URL(`https://app.example/?code=c&state=${begun.state}`);
  const places = { ...access.places, userInfo: null };
  expect((await finishSignIn({ ...access, places }, begun, key, address, never)).person.name).toBe(
    "Signed in",
  );
});

test("an answer to a question that was not asked is not taken", async () => {
  const { come, access, asked } = await make([]);
  expect(await troubleOf(come("code=c&state=x"))).toBe("SIGN_IN_STRANGE");
  const address = new URL("https://app.example/?code=c&state=x");
  expect(await troubleOf(finishSignIn(access, null, key, address, never))).toBe("SIGN_IN_STRANGE");
  expect(asked).toEqual([]);
});

test.each<[string, Reply, string]>([
  ["an error of the org", { status: 400, body: '{"error":"invalid_grant"}' }, "ORG_REFUSED"],
  ["a form-encoded error", { status: 400, body: "error=invalid_client&error_description=no" }, "ORG_REFUSED"],
  ["an org in trouble", { status: 503, body: "" }, "ORG_UNREACHABLE"],
  ["a page of a hotel", { body: "<html>" }, "ORG_ANSWER"],
  ["no object", { body: "7" }, "ORG_ANSWER"],
  ["no tokens", { body: "{}" }, "ORG_ANSWER"],
  ["no ID token", { body: '{"access_token":"secret"}' }, "ORG_ANSWER"],
])("%s is told", async (_what, reply, code) => {
  expect(await troubleOf((await make([reply])).back())).toBe(code);
});

test("a No of the person is told", async () => {
  const { come, begun } = await make([]);
  expect(await troubleOf(come(`error=access_denied&state=${begun.state}`))).toBe("SIGN_IN_DENIED");
  expect(await troubleOf(come(`state=${begun.state}`))).toBe("SIGN_IN_DENIED");
  // Only the legacy flow can be out of date.
  const unknown = `error=unsupported_response_type&state=${begun.state}`;
  expect(await troubleOf(come(unknown))).toBe("SIGN_IN_DENIED");
});

describe("an ID token is not used when", () => {
  test.each<[string, object | string, string]>([
    ["it is from another org", { ...claims, iss: "https://evil.example" }, "ID_TOKEN"],
    ["it is for another app", { ...claims, aud: "other" }, "ID_TOKEN"],
    [
      "it is for several, and first for another",
      { ...claims, aud: ["app", "other"], azp: "other" },
      "ID_TOKEN",
    ],
    ["it is for another key", { ...claims, nonce: "other" }, "ID_TOKEN"],
    ["it is for no key", { ...claims, nonce: undefined }, "ID_TOKEN"],
    ["it is for nobody", { ...claims, sub: undefined }, "ID_TOKEN"],
    ["it has no end", { ...claims, exp: undefined }, "ID_TOKEN"],
    ["it has no beginning", { ...claims, iat: undefined }, "ID_TOKEN"],
    ["it ends before it begins", { ...claims, exp: claims.iat }, "ID_TOKEN"],
    ["it is long over", { ...claims, iat: claims.iat - 3600, exp: claims.exp - 3600 }, "PHONE_CLOCK"],
    ["it is from the future", { ...claims, iat: claims.iat + 3600, exp: claims.exp + 3600 }, "PHONE_CLOCK"],
    ["it is no JWT", "x.y", "ID_TOKEN"],
    ["its claims are no object", `x.${base64url("7")}.y`, "ID_TOKEN"],
    ["its claims are no base64url", "x.!.y", "ID_TOKEN"],
  ])("%s", async (_when, idToken, code) => {
    const body = tokens(typeof idToken === "string" ? idToken : jwt(idToken));
    expect(await troubleOf((await make([{ body }])).back())).toBe(code);
  });

  test("but it is when it is for several, among them this app", async () => {
    const { back } = await make([{ body: tokens(jwt({ ...claims, aud: ["other", "app"], azp: "app" })) }]);
    expect((await back()).accessToken).toBe("secret");
  });
});

test("a phone whose clock is a little off signs by the org's", async () => {
  const { back } = await make([{ body: tokens(jwt({ ...claims, iat: claims.iat + 60 })) }]);
  expect((await back()).clockAheadMs).toBe(60_000);
});

test.each([
  // What is true, in milliseconds: how far the org is ahead, the way there, the way back; then what was known, and what is taken.
  ["a short way, and clocks that agree", 0, 100, 100, 0, 0],
  ["less than anybody can tell", 4000, 100, 100, 0, 0],
  ["a phone that is behind", 60_000, 0, 0, 0, 60_000],
  ["a phone that is ahead", -60_000, 0, 0, 0, -60_000],
  ["a page that was frozen for 50 minutes", 0, 100, 3_000_000, 0, 0],
  ["an org that took its time", 0, 19_000, 100, 0, 0],
  ["a phone that is behind, with a slow answer: no more than is certain", 60_000, 100, 20_000, 0, 40_000],
  ["a phone that is ahead, with a slow org: no more than is certain", -60_000, 20_000, 100, 0, -40_000],
  ["what was known before, while the answer allows it", 60_000, 100, 3_000_000, 60_000, 60_000],
  ["what was known before, and a second that came and went", 60_400, 100, 100, 60_000, 60_000],
  ["a clock that was set right since", 0, 100, 100, 60_000, 0],
  ["a clock that was set wrong since", -90_000, 0, 0, 60_000, -90_000],
])("how far the org is ahead, with %s", (_what, ahead, waited, late, before, taken) => {
  const askedAt = now;
  const way = { askedAt, answeredAt: askedAt + waited + late };
  expect(clockAhead({ issuedAt: askedAt + waited + ahead }, way, before)).toBe(taken);
});

test("a page that was frozen while the org answered, or asked for a name, takes no clock for a wrong one", async () => {
  const { access, begun } = await make([]);
  const address = new URL(`https://app.example/?code=c&state=${begun.state}`);
  let at = now;
  const bodies = [tokens(jwt({ ...claims, name: undefined })), '{"name":"Ada"}'];
  const http = async () => {
    at += 50 * 60_000;
    return { status: 200, body: bodies.shift() ?? "{}" };
  };
  const session = await finishSignIn({ ...access, http, now: () => at }, begun, key, address, never);
  expect(session).toMatchObject({ person: { name: "Ada" }, takenAt: now, clockAheadMs: 0 });
});

describe("an org that tells its own places", () => {
  const other: OrgConfig = { ...org, dialect: "rfc8628" };
  const document = {
    issuer: "https://org.example/",
    authorization_endpoint: "https://org.example/a",
    token_endpoint: "https://org.example/t",
  };
  const find = (told: object) =>
    findOrg(other, async () => ({ status: 200, body: JSON.stringify(told) }), never);

  test("is found by its discovery document", async () => {
    const asked: OrgRequest[] = [];
    const http = async (request: OrgRequest) => {
      asked.push(request);
      return {
        status: 200,
        body: JSON.stringify({ ...document, revocation_endpoint: "https://org.example/r" }),
      };
    };
    expect(await findOrg(other, http, never)).toEqual({
      issuer: "https://org.example/",
      authorize: "https://org.example/a",
      token: "https://org.example/t",
      revoke: "https://org.example/r",
      userInfo: null,
      keys: null,
    });
    expect(asked[0]?.url).toBe("https://org.example/.well-known/openid-configuration");
  });

  test.each([
    { ...document, issuer: "https://evil.example" },
    { ...document, authorization_endpoint: undefined },
    { ...document, token_endpoint: 7 },
    {},
  ])("%j is not enough", async (told) => {
    expect(await troubleOf(find(told))).toBe("ORG_ANSWER");
  });
});
