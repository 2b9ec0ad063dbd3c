import { describe, expect, it } from "vitest";
import { crashLine, plainJson, plainLine, plainLines, redact } from "../../../src/adapters/redact.ts";

describe("the last guard against secrets in texts", () => {
  const jwt = `eyJhbGciOiJSUzI1NiJ9.${"a1B2".repeat(8)}.${"c3D4".repeat(8)}`;
  const session = `00D5g00000ABCDe!${"AQEAQ".repeat(10)}`;
  const refresh = `5Aep861${"Zz09_".repeat(12)}`;
  const pem = "-----BEGIN PRIVATE KEY-----\nMIIE\nabc\n-----END PRIVATE KEY-----";
  it.each([
    ["a JWT", `the token ${jwt} is bad`, jwt],
    ["a JWT without signature", "see eyJhbGciOiJub25lIn0.eyJzdWIi.", "eyJzdWIi"],
    ["a Salesforce session", `with ${session}`, session],
    ["a Salesforce refresh token", refresh, refresh],
    ["a long key", `key ${"0f".repeat(40)}.`, "0f0f0f0f"],
    ["a form field", "POST grant_type=device&code=abcdefghij&client_id=x", "abcdefghij"],
    ["a JSON field", '{"refresh_token":"short-one"}', "short-one"],
    ["a private key", `found ${pem} there`, "MIIE"],
    ["half a private key", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "MIIE"],
    ["a password in a URL", "cannot reach mqtts://me:hunter2@broker:8883", "hunter2"],
  ])("takes out %s", (_, text, secret) => {
    expect(redact(text)).not.toContain(secret);
    expect(redact(text)).toContain("[secret]");
  });

  it.each([
    "The org cannot be reached: login.salesforce.com (ENOTFOUND) (ORG_UNREACHABLE)",
    "/var/lib/porchlight/light-main (EROFS)",
    "online at broker.example:8883",
    "error code: 42",
  ])("leaves ordinary texts alone: %s", (text) => {
    expect(redact(text)).toBe(text);
  });
});

describe("a line for the terminal", () => {
  it.each([
    ["colours and cursor moves", "a\u001b[31mb\u001b[2Jc", "a [31mb [2Jc"],
    ["line ends", "a\r\nb\u2028c", "a b c"],
    ["turned text", "a\u202Eb", "a b"],
    ["marks of direction", "a\u200fb\u061cc", "a b c"],
    ["ordinary letters", "Größe 40 % – ok", "Größe 40 % – ok"],
  ])("is safe from %s", (_, text, plain) => {
    expect(plainLine(text)).toBe(plain);
  });
});

describe("lines for the terminal", () => {
  it("keep their indentation, and are each as safe as one", () => {
    expect(plainLines("a\u001b[2J\n  b\u009b2Jc\n\nd\u202e")).toBe("a [2J\n  b 2Jc\n\nd");
  });
});

describe("JSON for the terminal", () => {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  const unsafe = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;
  const value = { "na\u202eme": "\u001b[2J\u009b2J\u007f\u2028\u2067 Größe 😀 \n\ud800", list: [1, null] };

  it.each([0, 2])("tells every character, and none that a terminal obeys (indented by %i)", (space) => {
    const text = plainJson(value, null, space);
    expect(text).not.toMatch(unsafe);
    expect(JSON.parse(text)).toEqual(value);
    expect(text).toContain("Größe 😀");
  });

  it("replaces values as JSON does", () => {
    expect(plainJson({ a: 1, b: 2 }, (name, each) => (name === "b" ? "\u009b" : each))).toBe(
      '{"a":1,"b":"\\u009b"}',
    );
  });
});

describe("the line of a crash", () => {
  it.each([
    [
      "Cannot read properties of undefined (reading 'lights')",
      "Cannot read properties of undefined (reading 'lights')",
    ],
    [`Unexpected token 'h', "hunter2" is not valid JSON`, "Unexpected token 'h', [cited] is not valid JSON"],
    [`..."a":"{\\"b\\": hunter2 "... is not valid JSON`, "...[cited]... is not valid JSON"],
    [
      `Unexpected token 'h', "hunter2\n" is not valid JSON`,
      "Unexpected token 'h', [cited] is not valid JSON",
    ],
    [
      `Headers.append: "Bearer hunter2\n" is an invalid header value.`,
      "Headers.append: [cited] is an invalid header value.",
    ],
    [`cut off in "hunter2`, "cut off in [cited]"],
    [
      `The "size" argument is bad. Received type string ('hunter2')`,
      "The [cited] argument is bad. Received type string ([cited])",
    ],
    [`Received 'its hunter2`, "Received [cited]"],
    [`long: "${"hunter2 ".repeat(2_000)}"`, "long: [cited]"],
    ["in `hunter2` and 'a, hunter2!'", "in [cited] and [cited]"],
    ["Cannot find module '/a/b.ts'\n  Require stack: hunter2", "Cannot find module '/a/b.ts'"],
    ["password=hunter2hunter2 is wrong", "password=[secret] is wrong"],
    ["\u001b[31mred", "[31mred"],
    ["x".repeat(20).concat(" ").repeat(20), `${"x".repeat(20).concat(" ").repeat(20).slice(0, 200)}`],
    ["", ""],
  ])("of %j is %j", (message, line) => {
    expect(crashLine(message)).toBe(line);
  });
});
