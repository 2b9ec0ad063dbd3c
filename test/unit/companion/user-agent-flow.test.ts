import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import type { OrgRequest } from "../../../companion/core/http.ts";
import { findOrg, type OrgConfig } from "../../../companion/core/org.ts";
import { createPhoneKey, nonceOf } from "../../../companion/core/phone-key.ts";
import { beginSignIn, finishSignIn } from "../../../companion/core/sign-in.ts";
import { Trouble } from "../../../companion/core/trouble.ts";
import { USER_AGENT_FLOW_ENDS } from "../../../companion/core/user-agent-flow.ts";

const never = new AbortController().signal;
const now = Date.UTC(2026, 11, 1);
const key = await createPhoneKey();
const signer = generateKeyPairSync("rsa", { modulusLength: 2048 });
const published = { ...signer.publicKey.export({ format: "jwk" }), kid: "k1" };
const org: OrgConfig = {
  url: "https://org.example",
  dialect: "salesforce",
  clientId: "app",
  scope: "openid api refresh_token offline_access",
  signIn: "user-agent",
  codePage: null,
};

const ACCESS = "00D!access";
const atHash = createHash("sha256").update(ACCESS).digest().subarray(0, 16).toString("base64url");
const claims = {
  iss: "https://org.example",
  aud: "app",
  sub: "https://login.example/id/00D/005",
  exp: now / 1000 + 120,
  iat: now / 1000,
  nonce: nonceOf(key),
  name: "Ada Okafor",
  at_hash: atHash,
};
const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (of: object, header: object = { alg: "RS256", kid: "k1" }): string => {
  const text = `${part(header)}.${part(of)}`;
  return `${text}.${sign("sha256", Buffer.from(text), signer.privateKey).toString("base64url")}`;
};
const answered = { access_token: ACCESS, id_token: jwt(claims), token_type: "Bearer" };

/** A sign-in whose org publishes `keys`. */
const make = async (keys: unknown = [published], config: OrgConfig = org) => {
  const asked: OrgRequest[] = [];
  const http = async (request: OrgRequest) => {
    asked.push(request);
    return { status: 200, body: JSON.stringify({ keys }) };
  };
  const places = await findOrg({ ...config, dialect: "salesforce" }, http, never);
  const { url, begun } = await beginSignIn(config, places, "https://app.example/", key, now);
  const access = { org: config, places, http, now: () => now };
  const finish = (address: string, at = places) =>
    finishSignIn({ ...access, places: at }, begun, key, new URL(address), never);
  /** Comes back with these fields behind the `#`. */
  const back = (fields: object) =>
    finish(`https://app.example/#${new URLSearchParams({ ...fields, state: begun.state })}`);
  return { asked, url: new URL(url), begun, places, finish, back };
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

describe("the user-agent flow", () => {
  test("asks for an access token and an ID token with the key's nonce, and for nothing that lasts", async () => {
    const { url, begun } = await make();
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: "token id_token",
      client_id: "app",
      redirect_uri: "https://app.example/",
      scope: "openid api",
      state: begun.state,
      nonce: nonceOf(key),
    });
    expect(begun.verifier).toBeNull();
  });

  test("makes a session of what stands behind the #, without a refresh token even where one came", async () => {
    const { back, asked } = await make();
    const session = await back({ ...answered, refresh_token: "not asked for" });
    expect(session).toMatchObject({
      person: { userId: "005", name: "Ada Okafor" },
      accessToken: ACCESS,
      refreshToken: null,
      takenAt: now,
    });
    expect(session.pkToken.payload).toBe(answered.id_token.split(".")[1]);
    expect(asked.map(({ method, url }) => [method, url])).toEqual([["GET", "https://org.example/id/keys"]]);
  });

  test("takes the only key of an org that gives its keys no names", async () => {
    const { kid: _, ...nameless } = published;
    const { back } = await make([7, nameless]);
    expect(await troubleOf(back({ ...answered, id_token: jwt(claims, { alg: "RS256" }) }))).toBe("none");
  });

  test.each<[string, object, string]>([
    ["a No of the person", { error: "access_denied" }, "SIGN_IN_DENIED"],
    [
      "an org that does not take the flow any more",
      { error: "unsupported_response_type" },
      "SIGN_IN_RETIRED",
    ],
    ["no access token", { ...answered, access_token: "" }, "ORG_ANSWER"],
    ["an access token that is too long", { ...answered, access_token: "x".repeat(8193) }, "ORG_ANSWER"],
    ["no ID token", { ...answered, id_token: "" }, "ORG_ANSWER"],
    ["a token of another kind", { ...answered, token_type: "mac" }, "ORG_ANSWER"],
    ["more than an org would say", { ...answered, more: "x".repeat(32 * 1024) }, "ORG_ANSWER"],
    ["another access token than the ID token's", { ...answered, access_token: "other" }, "ID_TOKEN"],
    [
      "an ID token for another key",
      { ...answered, id_token: jwt({ ...claims, nonce: "other" }) },
      "ID_TOKEN",
    ],
    ["an ID token of another org", { ...answered, id_token: jwt({ ...claims, iss: "x" }) }, "ID_TOKEN"],
    [
      "an ID token by a key that the org does not publish",
      { ...answered, id_token: jwt(claims, { alg: "RS256", kid: "k2" }) },
      "ID_TOKEN",
    ],
    [
      "an ID token that needs no signature",
      { ...answered, id_token: jwt(claims, { alg: "none", kid: "k1" }) },
      "ID_TOKEN",
    ],
    [
      "an altered ID token",
      { ...answered, id_token: `${answered.id_token.slice(0, -8)}AAAAAAAA` },
      "ID_TOKEN",
    ],
    ["a signature that cannot be read", { ...answered, id_token: `${answered.id_token}!` }, "ID_TOKEN"],
    ["an ID token that cannot be read", { ...answered, id_token: "!.!.!" }, "ID_TOKEN"],
  ])("%s is told", async (_what, fields, code) => {
    expect(await troubleOf((await make()).back(fields))).toBe(code);
  });

  test.each([
    ["no list", "x"],
    ["a key without a modulus", [{ kty: "RSA", kid: "k1", e: "AQAB" }]],
    ["a key that is none", [{ kty: "RSA", kid: "k1", n: "!", e: "!" }]],
  ])("nothing is taken when the org's keys are %s", async (_what, keys) => {
    expect(await troubleOf((await make(keys)).back(answered))).toBe("ID_TOKEN");
  });

  test("nothing is taken from an org that does not tell its keys", async () => {
    const { finish, begun, places } = await make();
    const address = `https://app.example/#${new URLSearchParams({ ...answered, state: begun.state })}`;
    expect(await troubleOf(finish(address, { ...places, keys: null }))).toBe("ORG_ANSWER");
  });

  test("an answer with another state, in the query, or with something said twice is not taken", async () => {
    const { finish, begun, asked } = await make();
    const fields = new URLSearchParams(answered);
    const app = "https://app.example/";
    expect(await troubleOf(finish(`${app}#${fields}&state=x`))).toBe("SIGN_IN_STRANGE");
    expect(await troubleOf(finish(`${app}?${fields}&state=${begun.state}`))).toBe("SIGN_IN_STRANGE");
    expect(await troubleOf(finish(`${app}#${fields}&state=${begun.state}&access_token=y`))).toBe(
      "ORG_ANSWER",
    );
    expect(asked).toEqual([]);
  });

  test("tokens behind the # are no answer to a web server flow", async () => {
    const { back, asked } = await make([published], { ...org, signIn: "web-server" });
    expect(await troubleOf(back(answered))).toBe("SIGN_IN_STRANGE");
    expect(asked).toEqual([]);
  });

  test("is not begun from 20 February 2027 at Salesforce; other orgs have named no day", async () => {
    const { places } = await make();
    const begin = (dialect: OrgConfig["dialect"], at: number) =>
      troubleOf(beginSignIn({ ...org, dialect }, places, "https://app.example/", key, at));
    expect(await begin("salesforce", USER_AGENT_FLOW_ENDS - 1)).toBe("none");
    expect(await begin("salesforce", USER_AGENT_FLOW_ENDS)).toBe("SIGN_IN_RETIRED");
    expect(await begin("rfc8628", USER_AGENT_FLOW_ENDS)).toBe("none");
  });
});
