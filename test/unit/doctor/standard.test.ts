import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createOrgKeys, published } from "../../../firmware-sim/org/keys.ts";
import type { OrgSubject } from "../../../src/doctor/org-case.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Http, HttpResponse } from "../../../src/ports.ts";
import { answer } from "../device-flow/support.ts";
import { examined, having } from "./support.ts";

const issuer = "https://id.example";
const options: OrgSubject["options"] = {
  dialect: "rfc8628",
  signIn: "device",
  url: issuer,
  clientId: "board",
  clientSecret: null,
  scope: "openid offline_access",
  callback: "http://localhost:7878/callback",
};

const discovery = {
  issuer,
  authorization_endpoint: `${issuer}/auth`,
  token_endpoint: `${issuer}/token`,
  device_authorization_endpoint: `${issuer}/device`,
  userinfo_endpoint: `${issuer}/me`,
  revocation_endpoint: `${issuer}/revoke`,
  jwks_uri: `${issuer}/jwks`,
};

const keySet = { keys: [published(createOrgKeys().idToken())] };
const grant = {
  access_token: "a1",
  refresh_token: "r1",
  token_type: "Bearer",
  expires_in: 3600,
  scope: "openid offline_access",
};

/** A server by its paths; a path may be answered otherwise. */
const server = (other: Readonly<Record<string, HttpResponse | AgentError>> = {}) => {
  const asked: string[] = [];
  const usual: Readonly<Record<string, HttpResponse>> = {
    "/.well-known/openid-configuration": answer(200, discovery),
    "/jwks": answer(200, keySet),
    "/device": answer(200, {
      device_code: "dev1ce",
      user_code: "WDJB-MJHT",
      verification_uri: `${issuer}/device`,
      expires_in: 600,
      interval: 5,
    }),
    "/token": answer(200, grant),
    "/me": answer(200, { sub: "robin", name: "Robin" }),
    "/revoke": answer(200, ""),
  };
  const http: Http = async ({ url }) => {
    const { pathname } = new URL(url);
    asked.push(pathname);
    const given = other[pathname] ?? usual[pathname] ?? answer(404, "");
    if (given instanceof AgentError) throw given;
    return given;
  };
  return { http, asked, clock: new VirtualClock() };
};

const asking = (clock: VirtualClock): OrgSubject["access"] => ({
  kind: "asked",
  show: async () => void clock.advance(10_000),
});

const self = { assetToken: { mode: "self", audience: "https://broker.example" } } as const;

describe("a standard server", () => {
  it("is found well as far as standards go, and gets the person's sign-in back", async () => {
    const world = server();
    let turn = 0;
    const rotating: Http = async (request, signal) => {
      const response = await world.http(request, signal);
      return request.url.endsWith("/token")
        ? answer(200, { ...grant, refresh_token: `r${++turn}` })
        : response;
    };
    const checks = await examined({ clock: world.clock, http: rotating }, options, asking(world.clock), self);
    expect([...having(checks, "wrong"), ...having(checks, "warning")]).toEqual(["home"]);
    expect(checks.get("home")?.code).toBe("HOME_UNKNOWN");
    expect(having(checks, "notTried")).toEqual([
      "clock",
      "host",
      "versions",
      "callback",
      "pkce",
      "dates",
      "asset",
      "approvals",
    ]);
    expect(world.asked.at(-1)).toBe("/revoke");
  });

  it.each([
    [
      "no device flow",
      {
        "/.well-known/openid-configuration": answer(200, {
          ...discovery,
          device_authorization_endpoint: undefined,
        }),
      },
      "reach",
      "wrong",
    ],
    [
      "no keys",
      { "/.well-known/openid-configuration": answer(200, { ...discovery, jwks_uri: undefined }) },
      "keys",
      "warning",
    ],
    [
      "a discovery document of another issuer",
      { "/.well-known/openid-configuration": answer(200, { ...discovery, issuer: "https://else.example" }) },
      "reach",
      "wrong",
    ],
    ["a refused client", { "/device": answer(401, { error: "invalid_client" }) }, "client", "wrong"],
    ["a bug in between", { "/device": answer(200, {}) }, "client", "wrong"],
    ["a code that nobody can be shown", { "/device": answer(401, "") }, "signIn", "notTried"],
    ["the same refresh token again", {}, "refresh", "warning"],
    [
      "no refresh token",
      { "/token": answer(200, { ...grant, refresh_token: undefined }) },
      "refresh",
      "notTried",
    ],
    [
      "less than was asked for",
      { "/token": answer(200, { ...grant, scope: "offline_access" }) },
      "scopes",
      "warning",
    ],
    ["nothing about scopes", { "/token": answer(200, { ...grant, scope: undefined }) }, "scopes", "ok"],
    ["no end of the token", { "/token": answer(200, { ...grant, expires_in: undefined }) }, "life", "ok"],
    ["nobody's name", { "/me": answer(200, {}) }, "user", "warning"],
    ["a userinfo endpoint that fails", { "/me": answer(500, "") }, "user", "wrong"],
    ["a revocation that fails", { "/revoke": answer(503, "") }, "revoke", "wrong"],
    ["nothing at all", { "/.well-known/openid-configuration": new AgentError("ORG_TLS") }, "reach", "wrong"],
  ] as const)("with %s is told so by the check", async (_what, other, id, verdict) => {
    const world = server(other);
    const checks = await examined(world, options, asking(world.clock), self);
    expect(checks.get(id)).toMatchObject({ verdict });
  });

  it("is asked to let a board in by itself, without a device flow", async () => {
    const { device_authorization_endpoint: _, ...without } = discovery;
    const world = server({ "/.well-known/openid-configuration": answer(200, without) });
    const checks = await examined(
      world,
      { ...options, signIn: "client-credentials" },
      { kind: "stored", load: async () => undefined },
      self,
    );
    expect(having(checks, "wrong")).toEqual([]);
    expect(checks.get("signIn")?.verdict).toBe("ok");
  });
});
