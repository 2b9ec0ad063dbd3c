import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  inItsWords,
  presentable,
  readAnswer,
  readMembers,
  refusalIn,
  retryAfterMs,
  seconds,
  text,
  token,
} from "../../../src/device-flow/answer.ts";
import { AgentError } from "../../../src/errors.ts";
import { answer, codeOf } from "./support.ts";

describe("the body of an answer", () => {
  it.each([
    ["a JSON object", '{"error":"slow_down"}', { error: "slow_down" }],
    ["a JSON object behind a byte order mark and white space", '\uFEFF \n{"a":1}', { a: 1 }],
    [
      "a form",
      "error=invalid_grant&error_description=expired+token",
      { error: "invalid_grant", error_description: "expired token" },
    ],
    [
      "an error list of Salesforce REST",
      '[{"message":"gone","errorCode":"INVALID_SESSION_ID"}]',
      { error: "INVALID_SESSION_ID", error_description: "gone" },
    ],
    ["nothing", "", undefined],
    ["a web page", "<!DOCTYPE html><title>a=b</title>", undefined],
    ["a bare word", "Bad_OAuth_Token", undefined],
    ["broken JSON", '{"error":', undefined],
    ["an empty list", "[]", undefined],
    ["a list of texts", '["a"]', undefined],
    ["a form that repeats a name", "error=a&error=b", undefined],
    ["a refusal that is cut off before its description", "error=invalid_grant&error_descr", undefined],
    ["a refusal that is cut off before the words", "error=invalid_grant&error_description=", undefined],
    ["a success that ends in an empty scope", "access_token=a&scope=", { access_token: "a", scope: "" }],
    ["a sentence with an equals sign", "please wait = 5", undefined],
  ])("is read when it is %s", (_what, body, members) => {
    expect(readMembers(body)).toEqual(members);
  });

  it("is refused when it is larger than any answer", async () => {
    expect(await codeOf(() => readMembers(`{"a":"${"x".repeat(300_000)}"}`))).toBe("ORG_ANSWER_TOO_LARGE");
  });

  it("may be any text at all: reading gives members, or an AgentError, and never anything else", () => {
    const body = fc.oneof(fc.string(), fc.json(), fc.webQueryParameters(), fc.string({ unit: "binary" }));
    fc.assert(
      fc.property(body, fc.integer({ min: 100, max: 599 }), (content, status) => {
        try {
          const read = readAnswer(answer(status, content));
          expect(["success", "refusal"]).toContain(read.kind);
        } catch (error) {
          expect(error).toBeInstanceOf(AgentError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("gives the same members from JSON as from a form", () => {
    const name = fc.stringMatching(/^[a-z_]{1,12}$/).filter((each) => each !== "__proto__");
    fc.assert(
      fc.property(fc.dictionary(name, fc.string({ minLength: 1 }), { minKeys: 1 }), (members) => {
        const form = new URLSearchParams(members).toString();
        expect({ ...readMembers(form) }).toEqual({ ...readMembers(JSON.stringify(members)) });
      }),
    );
  });

  it("cannot set a prototype", () => {
    expect(text(readMembers('{"__proto__":{"error":"x"}}') ?? {}, "error")).toBeUndefined();
    expect(text(readMembers("__proto__=x") ?? {}, "toString")).toBeUndefined();
  });
});

describe("members", () => {
  it.each([
    ["a text", "abc", "abc"],
    ["an empty text", "", undefined],
    ["a number", 7, undefined],
    ["a text with a control character", "a\nb", undefined],
    ["a text that is too long", "x".repeat(3000), undefined],
  ])("are texts only when they are fit to be shown: %s", (_what, value, expected) => {
    expect(text({ name: value }, "name")).toBe(expected);
  });

  it.each([
    ["00D!AQ.x_y-z", "00D!AQ.x_y-z"],
    ["with space", undefined],
    ["schlüssel", undefined],
    ["line\r\nbreak", undefined],
  ])("are tokens only when they can go into a header: %j", (value, expected) => {
    expect(token({ name: value }, "name")?.reveal()).toBe(expected);
  });

  it.each([
    [5, 5],
    ["5", 5],
    [0, 0],
    [-1, undefined],
    [1e12, undefined],
    ["soon", undefined],
    [null, undefined],
    [Number.NaN, undefined],
  ])("are seconds as number or text: %j", (value, expected) => {
    expect(seconds({ name: value }, "name")).toBe(expected);
    expect(seconds({}, "name")).toBeUndefined();
  });
});

describe("the org's own words", () => {
  it("never carry what could be a token", () => {
    const secret = fc.stringMatching(/^[A-Za-z0-9_.-]{30,90}$/).filter((each) => /\d/.test(each));
    fc.assert(
      fc.property(secret, (hidden) => {
        expect(presentable(`the token ${hidden} has expired`)).not.toContain(hidden);
      }),
    );
  });

  it("are short and on one line", () => {
    expect(presentable("a\r\nb")).toBe("a b");
    expect(presentable("word ".repeat(100))).toHaveLength(200);
    expect(presentable("authorization_pending_or_so")).toBe("authorization_pending_or_so");
  });

  it("are error and description", () => {
    const both = refusalIn({ error: "Invalid_Grant", error_description: "expired" });
    expect(both && inItsWords(both)).toBe("invalid_grant, expired");
    const alone = refusalIn({ error: "slow_down", error_description: 7 });
    expect(alone && inItsWords(alone)).toBe("slow_down");
    expect(refusalIn({ error: 7 })).toBeUndefined();
  });
});

describe("Retry-After", () => {
  it.each([
    [{ "retry-after": "30" }, 30_000],
    [{ "retry-after": "99999999" }, 86_400_000],
    [{ "retry-after": "Tue, 01 Dec 2026 17:00:10 GMT", date: "Tue, 01 Dec 2026 17:00:00 GMT" }, 10_000],
    [{ "retry-after": "Tue, 01 Dec 2026 16:00:00 GMT", date: "Tue, 01 Dec 2026 17:00:00 GMT" }, 0],
    [{ "retry-after": "Tue, 01 Dec 2026 17:00:10 GMT" }, undefined],
    [{ "retry-after": "later" }, undefined],
    [{}, undefined],
  ])("%j is a pause of %s ms", (headers, ms) => {
    expect(retryAfterMs({ ...headers })).toBe(ms);
  });
});

describe("an answer without an error to go by", () => {
  it.each([
    [503, "<html>maintenance</html>", {}, "ORG_BUSY"],
    [429, "", {}, "ORG_BUSY"],
    [502, '{"a":1}', {}, "ORG_BUSY"],
    [200, "<html>maintenance</html>", {}, "ORG_ANSWER_INVALID"],
    [200, "", {}, "ORG_ANSWER_INVALID"],
    [302, "", { location: "https://portal.example/login" }, "ORG_ANSWER_INVALID"],
    [302, "", { location: "/login" }, "ORG_ANSWER_INVALID"],
    [404, "not found", {}, "ORG_ANSWER_INVALID"],
    [404, '{"a":1}', {}, "ORG_ANSWER_INVALID"],
  ])("HTTP %i with %j is a fault", async (status, body, headers, code) => {
    expect(await codeOf(() => readAnswer(answer(status, body, { ...headers })))).toBe(code);
  });

  it("passes on the pause the org asks for", () => {
    try {
      readAnswer(answer(503, "", { "retry-after": "120" }));
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: "ORG_BUSY", retryAfterMs: 120_000 });
    }
  });
});
