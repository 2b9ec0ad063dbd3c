import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { exchangeRequest, readExchange } from "../../../src/asset-token/exchange.ts";
import { AgentError } from "../../../src/errors.ts";
import { Secret } from "../../../src/units.ts";
import { codeOf, json } from "./support.ts";

const JWT = "urn:ietf:params:oauth:token-type:jwt";
const formOf = (body: string | undefined) => Object.fromEntries(new URLSearchParams(body));

describe("the exchange request", () => {
  it("has no client in it with Salesforce", () => {
    const request = exchangeRequest("https://org.example/token", new Secret("at"), "actor", { kind: "none" });
    expect(formOf(request.body)).toEqual({
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: "at",
      actor_token_type: JWT,
      actor_token: "actor",
    });
  });

  it("names client and audience with other orgs", () => {
    const client = { kind: "client", id: "c", secret: new Secret("s"), audience: "mqtt" } as const;
    const request = exchangeRequest("https://org.example/token", new Secret("at"), "actor", client);
    expect(formOf(request.body)).toMatchObject({
      client_id: "c",
      client_secret: "s",
      audience: "mqtt",
      requested_token_type: JWT,
    });
    const bare = exchangeRequest("https://o.example", new Secret("at"), "a", {
      ...client,
      secret: null,
      audience: null,
    });
    expect(formOf(bare.body)).not.toHaveProperty("client_secret");
    expect(formOf(bare.body)).not.toHaveProperty("audience");
  });
});

describe("the exchange's answer", () => {
  const good = { access_token: "a.b.c", issued_token_type: JWT, token_type: "Bearer", expires_in: 60 };

  it.each([
    [60, 60_000],
    ["60", 60_000],
    [undefined, null],
    [-1, null],
    ["soon", null],
  ])("is a token with the life it is given: %j", (life, lifeMs) => {
    const exchanged = readExchange(json(200, { ...good, expires_in: life }));
    expect(exchanged.jwt.reveal()).toBe("a.b.c");
    expect(exchanged.lifeMs).toBe(lifeMs);
  });

  it.each([
    [200, { ...good, issued_token_type: undefined }, "ORG_ANSWER_INVALID"],
    [200, { ...good, issued_token_type: "urn:ietf:params:oauth:token-type:saml2" }, "ORG_ANSWER_INVALID"],
    [200, { ...good, access_token: "" }, "ORG_ANSWER_INVALID"],
    [200, "<html>", "ORG_ANSWER_INVALID"],
    [200, "{", "ORG_ANSWER_INVALID"],
    [404, "", "ORG_ANSWER_INVALID"],
    [400, { no: "error" }, "ORG_ANSWER_INVALID"],
    [200, "x".repeat(100_000), "ORG_ANSWER_TOO_LARGE"],
    [503, "", "ORG_BUSY"],
    [429, { error: "invalid_grant" }, "ORG_BUSY"],
    [400, { error: "temporarily_unavailable" }, "ORG_BUSY"],
    [401, "", "ACCESS_TOKEN_REJECTED"],
    [400, { error: "invalid_grant" }, "ACCESS_TOKEN_REJECTED"],
    [
      400,
      { error: "invalid_grant", error_description: "expired access/refresh token" },
      "ACCESS_TOKEN_REJECTED",
    ],
    [401, { error: "invalid_token" }, "ACCESS_TOKEN_REJECTED"],
    [400, "error=invalid_request&error_description=invalid+subject_token", "ACCESS_TOKEN_REJECTED"],
    [400, { error: "invalid_grant", error_description: "invalid actor token" }, "ASSET_TOKEN_REFUSED"],
    [
      400,
      { error: "invalid_request", error_description: "asset tokens are not enabled" },
      "ASSET_TOKEN_REFUSED",
    ],
    [400, { error: "invalid_request" }, "ASSET_TOKEN_REFUSED"],
    [400, { error: "unsupported_grant_type" }, "ASSET_TOKEN_REFUSED"],
    [401, { error: "invalid_client" }, "CLIENT_UNKNOWN"],
  ])("HTTP %i with %j is told apart", async (status, body, code) => {
    expect(await codeOf(() => readExchange(json(status, body)))).toBe(code);
  });

  it("passes on the pause the org asks for", () => {
    try {
      readExchange(json(503, "", { "retry-after": "9" }));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "ORG_BUSY", retryAfterMs: 9_000 });
    }
  });

  it("keeps the org's words and no token in the message", () => {
    const secret = "00Dxx0000000001!AQ4AQFzy7HqXb1FP5d0aPs3lTn";
    try {
      readExchange(json(400, { error: "invalid_scope", error_description: `Asset ${secret} not known` }));
      expect.unreachable();
    } catch (error) {
      expect(String(error)).toContain("not known");
      expect(String(error)).not.toContain(secret);
    }
  });

  it("may be any text: it is a token or an AgentError", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.json(), fc.webQueryParameters()),
        fc.integer({ min: 100, max: 599 }),
        (body, status) => {
          try {
            expect(readExchange(json(status, body)).jwt).toBeInstanceOf(Secret);
          } catch (error) {
            expect(error).toBeInstanceOf(AgentError);
          }
        },
      ),
      { numRuns: 1000 },
    );
  });
});
