import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { readAssertion } from "../../../src/device-flow/saml.ts";
import { AgentError } from "../../../src/errors.ts";
import { codeOf } from "./support.ts";

const clock = new VirtualClock();
const now = { mono: clock.mono(), wall: clock.wall(), wallKnown: true };
const at = (minutes: number): string => new Date(clock.wall() + minutes * 60_000).toISOString();

const SAML = "urn:oasis:names:tc:SAML:2.0:assertion";
const SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol";

const assertion = (ends = at(5), inside = ""): string =>
  `<saml:Assertion xmlns:saml="${SAML}" ID="_1" Version="2.0" IssueInstant="${at(0)}"><saml:Issuer>me</saml:Issuer>` +
  `<saml:Conditions NotBefore="${at(-1)}" NotOnOrAfter="${ends}"/>${inside}</saml:Assertion>`;
const response = (inside: string): string =>
  `<samlp:Response xmlns:samlp='${SAMLP}' ID='_r' Version='2.0'>${inside}</samlp:Response>`;

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const read = (text: string) => readAssertion(bytes(text), now);

describe("what a board is given to sign in with", () => {
  it.each([
    ["an assertion", assertion(), "Assertion"],
    [
      "an assertion with a declaration",
      `<?xml version="1.0" encoding="UTF-8"?>\n${assertion()}\n`,
      "Assertion",
    ],
    ["an assertion behind a byte order mark", `\ufeff${assertion()}`, "Assertion"],
    [
      "an assertion of the default namespace",
      `<Assertion Version="2.0" xmlns="${SAML}"><Issuer>me</Issuer></Assertion >`,
      "Assertion",
    ],
    [
      "one that says nothing of its end",
      `<a:Assertion xmlns:a="${SAML}" Version="2.0"></a:Assertion>`,
      "Assertion",
    ],
    ["a response", response(assertion()), "Response"],
    [
      "a response with an encrypted assertion",
      response(`<e:EncryptedAssertion xmlns:e="${SAML}"/>`),
      "Response",
    ],
    ["one that ended within what clocks may differ by", assertion(at(-2.9)), "Assertion"],
  ])("may be %s", (_name, text, root) => {
    const found = read(text);
    expect(found.root).toBe(root);
    expect(found.xml.reveal()).toBe(text.replace(/^\ufeff/, "").trim());
    expect(`${found.xml}`).toBe("[secret]");
  });

  it("may be in base64, in lines, and in base64url", () => {
    const xml = assertion(at(5), "<saml:Advice>???>>>~~~ÿ</saml:Advice>".replace(/>>>/, "&gt;"));
    const base64 = Buffer.from(xml).toString("base64");
    const lines = base64.match(/.{1,64}/g)?.join("\r\n") ?? "";
    for (const form of [base64, `${lines}\n`, Buffer.from(xml).toString("base64url")])
      expect(read(form).xml.reveal()).toBe(xml);
  });

  const large = assertion(at(5), " ".repeat(64 * 1024));
  it.each([
    ["nothing", "", /empty/],
    ["spaces", " \n", /empty/],
    ["a password", "hunter2!", /neither XML nor base64/],
    ["base64 of something else", Buffer.from("hello").toString("base64"), /no XML/],
    ["base64 of no text", Buffer.from([0xff, 0xfe, 0x3c, 0x00]).toString("base64"), /no XML/],
    ["a web page", "<!DOCTYPE html><html></html>", /DTD/],
    ["a web page without its type", "<html><body>Sign in</body></html>", /another/],
    ["an assertion with entities", assertion(at(5), "<!ENTITY a 'b'>"), /DTD/],
    ["another encoding", `<?xml version="1.0" encoding="ISO-8859-1"?>${assertion()}`, /UTF-8/],
    ["no start tag", "<<", /begin/],
    ["an empty root", `<a:Assertion xmlns:a="${SAML}" Version="2.0"/>`, /begin/],
    ["a request", `<p:AuthnRequest xmlns:p="${SAMLP}" Version="2.0"></p:AuthnRequest>`, /another/],
    ["SAML 1.1", assertion().replace(SAML, "urn:oasis:names:tc:SAML:1.0:assertion"), /SAML 2\.0/],
    ["another version", assertion().replace('"2.0"', '"1.1"'), /SAML 2\.0/],
    ["the namespace on another prefix", assertion().replace("xmlns:saml", "xmlns:other"), /SAML 2\.0/],
    ["half of it", assertion().slice(0, -20), /cut off/],
    ["an end with more behind", `${assertion()}<a/>`, /cut off/],
    ["a root that is never closed", `<a:Assertion xmlns:a="${SAML}" Version="2.0">`, /cut off/],
    ["two assertions", response(assertion() + assertion()), /several/],
    ["one within another", assertion(at(5), assertion()), /several/],
    ["a response without any", response(""), /no assertion/],
    ["far too much", large, /64 KiB/],
    ["far too much in base64", Buffer.from(large).toString("base64"), /64 KiB/],
    ["megabytes", "<a>".repeat(1_000_000), /64 KiB/],
  ])("is refused, with the reason, when it is %s", (_name, text, reason) => {
    let fault: unknown;
    try {
      read(text);
    } catch (error) {
      fault = error;
    }
    expect(fault).toBeInstanceOf(AgentError);
    expect(fault).toMatchObject({ code: "ASSERTION_INVALID", message: expect.stringMatching(reason) });
  });

  it("is refused when it is no UTF-8 text", async () => {
    const utf16 = Buffer.from(assertion(), "utf16le");
    expect(await codeOf(() => readAssertion(Uint8Array.of(0xff, 0xfe, ...utf16), now))).toBe(
      "ASSERTION_INVALID",
    );
  });

  it.each([
    [4, "4 minutes"],
    [300, "5 hours"],
    [3 * 24 * 60, "3 days"],
  ])("is too old %i minutes after the first of its ends", (minutes, words) => {
    const confirmation = `<saml:SubjectConfirmationData NotOnOrAfter="${at(-minutes)}"/>`;
    expect(() => read(assertion(at(60), confirmation))).toThrow(
      expect.objectContaining({ code: "ASSERTION_EXPIRED", message: expect.stringContaining(words) }),
    );
  });

  it("is either taken or refused by one of two codes, whatever it is, and quickly", async () => {
    const pieces = fc.constantFrom(
      ..."<>/=\"' :".split(""),
      "<saml:Assertion ",
      `xmlns:saml="${SAML}"`,
      "</saml:Assertion>",
      "<?xml version='1.0'?>",
      "NotOnOrAfter=",
      "2026-01-01T00:00:00Z",
      " ".repeat(300),
    );
    const texts = fc.oneof(
      fc.string(),
      fc.array(pieces, { maxLength: 200 }).map((all) => all.join("")),
    );
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        expect(["nothing thrown", "ASSERTION_INVALID", "ASSERTION_EXPIRED"]).toContain(
          await codeOf(() => read(text)),
        );
      }),
      { numRuns: 300 },
    );
    const began = performance.now();
    for (const hard of [
      `<saml:Assertion ${"a=".repeat(30_000)}`,
      " NotOnOrAfter ".repeat(4600),
      `<a ${"b='c' ".repeat(9000)}`,
    ])
      await codeOf(() => read(hard));
    expect(performance.now() - began).toBeLessThan(1000);
  });
});
