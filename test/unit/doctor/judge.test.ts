import { describe, expect, it } from "vitest";
import { readIntrospection } from "../../../src/device-flow/introspection.ts";
import { ok, type Step } from "../../../src/doctor/check.ts";
import { examine } from "../../../src/doctor/examine.ts";
import { grantOf, openCase } from "../../../src/doctor/org-case.ts";
import { judgeCallback, judgePkce, readAuthorized } from "../../../src/doctor/org-client.ts";
import { judgeDates } from "../../../src/doctor/org-dates.ts";
import { hostKind, judgeHost } from "../../../src/doctor/org-host.ts";
import { judgeKeys, judgeVersions } from "../../../src/doctor/org-published.ts";
import { judgeClock, judgeSilence, judgeStranger } from "../../../src/doctor/org-reach.ts";
import { judgeApprovals } from "../../../src/doctor/org-uses.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";
import { answer, codeOf } from "../device-flow/support.ts";

const forever = new AbortController().signal;
const fault = (code: ErrorCode, cause: string): AgentError =>
  new AgentError(code, `org.example (${cause})`, { cause: Object.assign(new Error(cause), { code: cause }) });

describe("a request that got no answer", () => {
  it.each([
    ["ORG_UNREACHABLE", "ENOTFOUND", "getent"],
    ["ORG_UNREACHABLE", "EAI_AGAIN", "resolv"],
    ["ORG_UNREACHABLE", "ECONNREFUSED", "port"],
    ["ORG_TLS", "CERT_NOT_YET_VALID", "date and time"],
    ["ORG_TLS", "SELF_SIGNED_CERT_IN_CHAIN", "org.ca"],
    ["ORG_TLS", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "org.ca"],
    ["ORG_TLS", "ERR_TLS_CERT_ALTNAME_INVALID", "org.url"],
    ["ORG_TIMEOUT", "ETIMEDOUT", "network"],
  ] as const)("%s by %s has its own advice", (code, cause, advice) => {
    const found = judgeSilence(fault(code, cause), null);
    expect(found).toMatchObject({ verdict: "wrong", code });
    expect(`${found.means} ${found.todo}`).toContain(advice);
  });

  it("names the proxy that it went through", () => {
    expect(judgeSilence(new AgentError("ORG_TIMEOUT"), "proxy.example:3128").saw).toContain(
      "proxy.example:3128",
    );
  });
});

describe("an answer that is none of an org", () => {
  const url = "https://org.example/.well-known/openid-configuration";
  it.each([
    ["a proxy that wants a password", answer(407, ""), "HTTPS_PROXY"],
    [
      "another address",
      answer(301, "", { location: "https://acme.my.salesforce.com/x" }),
      "https://acme.my.salesforce.com",
    ],
    ["another page of the same host", answer(302, "", { location: "/welcome" }), "org.url"],
    ["maintenance", answer(503, "<h1>", { "retry-after": "60" }), "status.salesforce.com"],
    ["an overloaded server without a time", answer(429, ""), "Wait"],
    ["a web page", answer(200, "<!doctype html>"), "browser"],
    ["a page about maintenance", answer(200, "<h1>Down for maintenance"), "browser"],
    ["nothing", answer(200, " "), "again"],
    ["some JSON", answer(404, { message: "no" }), "org.dialect"],
  ] as const)("is told as %s", (_what, response, advice) => {
    const found = judgeStranger(response, url);
    expect(found.verdict).toBe("wrong");
    expect(found.todo).toContain(advice);
  });
});

describe("the clock", () => {
  const now = { wall: epochMs(Date.parse("2026-12-01T17:00:00Z")), known: true };
  it.each([
    ["Tue, 01 Dec 2026 17:00:10 GMT", "ok"],
    ["Tue, 01 Dec 2026 16:58:50 GMT", "warning"],
    ["Tue, 01 Dec 2026 16:56:00 GMT", "wrong"],
    [undefined, "notTried"],
  ] as const)("against %s is %s", (date, verdict) => {
    expect(judgeClock(date, now).verdict).toBe(verdict);
  });
});

describe("the address", () => {
  it.each([
    ["https://login.salesforce.com", "login"],
    ["https://test.salesforce.com", "login"],
    ["https://acme--uat.sandbox.my.salesforce.com", "myDomain"],
    ["https://acme.my.site.com", "site"],
    ["https://eu12.salesforce.com", "instance"],
    ["https://id.example", "other"],
  ] as const)("%s is of the kind %s", (url, kind) => {
    expect(hostKind(url)).toBe(kind);
  });

  const options = {
    dialect: "salesforce",
    clientId: "c",
    clientSecret: null,
    scope: "",
    callback: "http://localhost:7878/callback",
  } as const;
  it.each([
    ["https://login.salesforce.com", "device", "warning"],
    ["https://login.salesforce.com", "client-credentials", "wrong"],
    ["https://eu12.salesforce.com", "device", "wrong"],
    ["https://acme.my.site.com", "device", "warning"],
    ["https://acme.my.salesforce.com", "client-credentials", "ok"],
  ] as const)("%s with %s is %s", (url, signIn, verdict) => {
    expect(judgeHost({ ...options, url, signIn }).verdict).toBe(verdict);
  });
});

describe("what the org publishes", () => {
  it("is no key set where a page comes instead", () => {
    expect(judgeKeys(answer(200, "<html>"))).toMatchObject({
      verdict: "wrong",
      code: "ASSET_KEYS_UNAVAILABLE",
    });
    expect(judgeKeys(answer(404, { keys: [] })).verdict).toBe("wrong");
    expect(judgeKeys(answer(200, { keys: [{ kty: "RSA", n: "n", e: "AQAB" }] })).verdict).toBe("ok");
  });

  it("has the version that the board asks for, or is warned of", () => {
    expect(judgeVersions(answer(200, [{ version: "60.0" }, { version: "67.0" }])).verdict).toBe("ok");
    for (const body of ["<html>", [], [{ version: "70.0" }, null], { version: "60.0" }])
      expect(judgeVersions(answer(200, body)).verdict).toBe("warning");
    expect(judgeVersions(answer(404, "")).verdict).toBe("warning");
  });
});

describe("an authorize request without a session", () => {
  const url = "https://org.example/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A7878%2Fcallback";
  const back = (query: string) => answer(302, "", { location: `http://localhost:7878/callback?${query}` });
  it.each([
    ["on to the sign-in", answer(302, "", { location: "/login?x=1" }), "on"],
    ["on to a sign-in page at once", answer(200, "<form>"), "on"],
    ["back with an error", back("error=invalid_scope"), "back"],
    ["an error's page", answer(400, "<p>error=redirect_uri_mismatch</p>"), "page"],
    ["an error in a redirect", answer(302, "", { location: "/_ui/error?error=invalid_client_id" }), "page"],
    ["a page without a reason", answer(403, "no"), "page"],
  ] as const)("goes %s", (_how, response, kind) => {
    expect(readAuthorized(response, url).kind).toBe(kind);
  });

  it.each([
    [{ kind: "on" }, false, "ok"],
    [{ kind: "back", error: "invalid_scope", description: "" }, true, "ok"],
    [{ kind: "page", error: "redirect_uri_mismatch" }, false, "warning"],
    [{ kind: "page", error: "redirect_uri_mismatch" }, true, "wrong"],
    [{ kind: "page", error: "invalid_client_id" }, false, "wrong"],
    [{ kind: "page", error: "http 403" }, false, "notTried"],
  ] as const)("%o, needed %s, tells of the callback: %s", (seen, needed, verdict) => {
    expect(judgeCallback(seen, "http://localhost:7878/callback", needed).verdict).toBe(verdict);
  });

  it.each([
    [{ kind: "on" }, "warning"],
    [{ kind: "back", error: "invalid_request", description: "missing required code challenge" }, "ok"],
    [{ kind: "back", error: "invalid_scope", description: "" }, "notTried"],
    [{ kind: "page", error: "http 403" }, "notTried"],
  ] as const)("without a challenge, %o tells of PKCE: %s", (seen, verdict) => {
    expect(judgePkce(seen).verdict).toBe(verdict);
  });
});

describe("the rules with a date", () => {
  const options = {
    dialect: "salesforce",
    signIn: "device",
    clientId: "c",
    clientSecret: null,
    scope: "",
  } as const;
  const at = (url: string, callback: boolean | null) => {
    const of = openCase({ options: { ...options, url } } as never, {} as never);
    return { ...of, known: { ...of.known, callback } };
  };
  it.each([
    ["https://acme.my.salesforce.com", true, "ok"],
    ["https://acme.my.salesforce.com", null, "ok"],
    ["https://acme.my.salesforce.com", false, "warning"],
    ["https://login.salesforce.com", true, "warning"],
  ] as const)("at %s, callback %s, are %s", (url, callback, verdict) => {
    const before = judgeDates(at(url, callback), epochMs(Date.parse("2026-11-26")));
    const later = judgeDates(at(url, callback), epochMs(Date.parse("2027-06-01")));
    expect([before.verdict, later.verdict]).toEqual([verdict, verdict]);
    expect([/from 30 Nov 2026/.test(before.saw), /since 30 Nov 2026/.test(later.saw)]).toEqual([true, true]);
  });
});

describe("small readings", () => {
  it("an introspection is null where the client may not ask, or the answer is none", () => {
    expect(readIntrospection(answer(401, { error: "invalid_client" }))).toBeNull();
    expect(readIntrospection(answer(200, "<html>"))).toBeNull();
    expect(readIntrospection(answer(200, { active: false }))).toEqual({ active: false, expiresAt: null });
    expect(readIntrospection(answer(200, { active: true, exp: 1 }))).toEqual({
      active: true,
      expiresAt: 1000,
    });
  });

  it("approvals are full at the limit", () => {
    expect([4, 5, null].map((used) => judgeApprovals(used, 5).verdict)).toEqual([
      "ok",
      "warning",
      "notTried",
    ]);
  });
});

describe("an examination", () => {
  const step = (id: string, look: Step["look"]): Step => ({ id, title: id, notNow: () => null, look });

  it("goes on after a fault, and a fault without an entry is a bug", async () => {
    const steps = [
      step("one", async () => Promise.reject(new AgentError("ORG_BUSY", "later"))),
      step("two", async () => Promise.reject(new Error("surprise"))),
      step("three", async () => ok("fine")),
    ];
    const codes = [];
    for await (const { verdict, code } of examine(steps, forever)) codes.push([verdict, code]);
    expect(codes).toEqual([
      ["wrong", "ORG_BUSY"],
      ["wrong", "BUG"],
      ["ok", null],
    ]);
  });

  it("ends where it is broken off", async () => {
    const breaking = new AbortController();
    const steps = [
      step("one", async () => {
        breaking.abort(new Error("enough"));
        throw new AgentError("ORG_BUSY");
      }),
      step("two", async () => ok("never")),
    ];
    await expect(examine(steps, breaking.signal).next()).rejects.toThrow("enough");
  });

  it("takes no step with a sign-in that is not there", async () => {
    const nothing = openCase({} as never, {} as never);
    expect(await codeOf(() => grantOf(nothing))).toBe("BUG");
  });
});
