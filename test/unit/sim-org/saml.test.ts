import { createHmac, createPublicKey } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  assertionXml,
  responseXml,
  type Statement,
  signXml,
} from "../../../firmware-sim/identity-provider.ts";
import { recordId } from "../../../firmware-sim/org/ids.ts";
import { openSaml, SamlFault } from "../../../firmware-sim/org/saml.ts";
import { BASE, openDesk, otherKey, TOKEN, text } from "./desk.ts";

const BEARER = "urn:ietf:params:oauth:grant-type:saml2-bearer";
const BROWSER = "urn:oasis:names:tc:SAML:2.0:profiles:SSO:browser";
const SAML = 'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"';
const MINUTE = 60_000;

/** A desk at an org that trusts the simulated identity provider, and somebody else of the org whom its app admits, too. */
const openWithProvider = () => {
  const desk = openDesk();
  const { org } = desk;
  org.trustSimulatedProvider();
  const provider = org.simulatedProvider;
  const says = (more: Partial<Statement> = {}): Statement => ({
    issuer: desk.clientId,
    subject: org.owner.username,
    audience: BASE,
    recipient: `${BASE}${TOKEN}`,
    at: desk.clock.wall(),
    ...more,
  });
  const signed = (more: Partial<Statement> = {}, key = provider.privateKey) =>
    signXml(assertionXml(says(more)), "Assertion", { privateKey: key });
  const browser = (more: Partial<Statement> = {}) => says({ issuer: provider.entityId, ...more });
  const signedInResponse = (more: Partial<Statement> = {}) =>
    responseXml(signXml(assertionXml(browser(more)), "Assertion", provider), browser(more));
  const bear = (xml: string) =>
    desk.token({ grant_type: BEARER, assertion: Buffer.from(xml).toString("base64url") });
  const show = (xml: string, more: Readonly<Record<string, string>> = {}) =>
    desk.token({
      grant_type: "assertion",
      assertion_type: BROWSER,
      assertion: Buffer.from(xml).toString("base64"),
      ...more,
    });
  /** What the login history says. */
  const why = () => desk.wire.messages.at(-1)?.meaning;
  return { ...desk, provider, says, browser, signed, signedInResponse, bear, show, why };
};

type Desk = ReturnType<typeof openWithProvider>;

const INVALID = { error: "invalid_grant", error_description: "invalid assertion" };

const expectRefused = (desk: Desk, { status, fields }: Awaited<ReturnType<Desk["bear"]>>, reason: RegExp) => {
  expect([status, fields]).toEqual([400, INVALID]);
  expect(desk.why()).toMatch(reason);
  expect(desk.org.approvals).toEqual([]);
};

describe("a bearer assertion", () => {
  test("by the key of the app's certificate gives an access token of its subject, and no refresh token", async () => {
    const desk = openWithProvider();
    const { status, fields } = await desk.bear(desk.signed());
    expect([status, "refresh_token" in fields]).toEqual([200, false]);
    expect(desk.org.introspect(text(fields, "access_token"))).toMatchObject({
      active: true,
      username: desk.org.owner.username,
    });
    expect((await desk.bear(desk.signed())).status).toBe(200);
    expect(desk.org.approvals).toHaveLength(1);
  });

  test("may be for the login host, and come within what clocks may differ by", async () => {
    const desk = openWithProvider();
    const host = "https://login.salesforce.com";
    const login = { audience: host, recipient: `${host}${TOKEN}` };
    for (const shift of [2.9, -7.9])
      expect((await desk.bear(desk.signed({ ...login, at: later(desk, shift) }))).status).toBe(200);
  });

  test("is told nothing but that it is invalid; the login history knows why", async () => {
    const desk = openWithProvider();
    expect((await desk.bear(desk.signed({ audience: "x" }))).fields).toEqual(INVALID);
    expect(desk.why()).toBe("Audience Invalid: it is made for somebody else.");
  });

  test("counts once", async () => {
    const desk = openWithProvider();
    const xml = desk.signed();
    expect((await desk.bear(xml)).status).toBe(200);
    const again = await desk.bear(xml);
    expect([again.fields, desk.why()]).toEqual([INVALID, expect.stringContaining("Replay Detected")]);
    // The same id by chance, long after the first can be used again.
    await desk.clock.advance(9 * MINUTE);
    const [, id = ""] = /ID="([^"]+)"/.exec(xml) ?? [];
    expect((await desk.bear(desk.signed({ id }))).status).toBe(200);
  });

  const refusals: [string, (desk: Desk) => string, RegExp][] = [
    [
      "is signed by another key",
      (desk) => desk.signed({}, otherKey.privateKey),
      /Signature Invalid.*certificate/,
    ],
    ["is not signed", (desk) => assertionXml(desk.says()), /Signature Invalid.*nothing is signed/],
    ["has ended", (desk) => desk.signed({ at: later(desk, -9) }), /Assertion Expired/],
    [
      "counts for a second",
      (desk) => desk.signed({ at: later(desk, -3.1), lifeMs: 1000 }),
      /Assertion Expired/,
    ],
    ["is from the future", (desk) => desk.signed({ at: later(desk, 3.1) }), /not count yet/],
    [
      "is for another audience",
      (desk) => desk.signed({ audience: "https://other.example" }),
      /Audience Invalid/,
    ],
    ["is for another recipient", (desk) => desk.signed({ recipient: BASE }), /Recipient Mismatched/],
    [
      "is confirmed by a key",
      (desk) => desk.signed({ method: "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key" }),
      /Subject Confirmation Error/,
    ],
    ["answers a question", (desk) => desk.signed({ inResponseTo: "_q" }), /Subject Confirmation Error/],
    ["is a response", (desk) => desk.signedInResponse(), /no assertion/],
    [
      "names nobody",
      (desk) => sealed(desk, (xml) => xml.replace(/>[^<]*<\/saml:NameID>/, "></saml:NameID>")),
      /NameID/,
    ],
    [
      "has no subject",
      (desk) => sealed(desk, (xml) => xml.replace(/<saml:Subject>.*<\/saml:Subject>/, "")),
      /Subject/,
    ],
    [
      "has two subjects",
      (desk) => sealed(desk, (xml) => xml.replace(/<saml:Subject>.*<\/saml:Subject>/, "$&$&")),
      /several/,
    ],
    [
      "has more in its name than a name",
      (desk) => sealed(desk, (xml) => xml.replace("</saml:NameID>", "<b/></saml:NameID>")),
      /more than a text/,
    ],
    [
      "says no time",
      (desk) => sealed(desk, (xml) => xml.replace(/ IssueInstant="[^"]*"/, "")),
      /IssueInstant/,
    ],
    [
      "says a senseless time",
      (desk) => sealed(desk, (xml) => xml.replace(/(IssueInstant=")[^"]*/, "$1yesterday")),
      /no time/,
    ],
    [
      "has no end of its confirmation",
      (desk) => sealed(desk, (xml) => xml.replace(/(ConfirmationData) NotOnOrAfter="[^"]*"/, "$1")),
      /NotOnOrAfter/,
    ],
    [
      "has no recipient",
      (desk) => sealed(desk, (xml) => xml.replace(/ Recipient="[^"]*"/, "")),
      /Recipient Mismatched/,
    ],
    [
      "has no audience",
      (desk) => sealed(desk, (xml) => xml.replace(/<saml:Aud.*<\/saml:AudienceRestriction>/, "")),
      /Audience/,
    ],
    [
      "has a condition that nobody knows",
      (desk) => sealed(desk, (xml) => xml.replace("<saml:AudienceRestriction>", "<saml:Condition/>$&")),
      /condition/,
    ],
    [
      "is of SAML 1.1",
      (desk) => sealed(desk, (xml) => xml.replace('Version="2.0"', 'Version="1.1"')),
      /SAML 2\.0/,
    ],
    ["is no XML", () => "hello", /well-formed|empty/],
    ["is cut off", (desk) => desk.signed().slice(0, -30), /well-formed/],
    [
      "is large",
      (desk) => sealed(desk, (xml) => xml.replace("</saml:Assertion>", `${" ".repeat(65_000)}$&`)),
      /64 KiB/,
    ],
    [
      "has entities that grow",
      (desk) => `<!DOCTYPE a [<!ENTITY a "${"a".repeat(1000)}"><!ENTITY b "&a;&a;&a;">]>${desk.signed()}`,
      /DTD/,
    ],
    ["has a comment in its name", (desk) => desk.signed().replace("@", "<!-- x -->@"), /comment/],
    ["has CDATA", (desk) => desk.signed().replace("ada.okafor", "<![CDATA[ada.okafor]]>"), /CDATA/],
    [
      "has a processing instruction",
      (desk) => desk.signed().replace("<saml:Subject>", "<?a b?>$&"),
      /instruction/,
    ],
    [
      "says that it is in Latin 1",
      (desk) => `<?xml version="1.0" encoding="latin1"?>${desk.signed()}`,
      /UTF-8/,
    ],
    [
      "is nested deeply",
      (desk) =>
        sealed(desk, (xml) => xml.replace("</saml:Assertion>", `${"<a>".repeat(40)}${"</a>".repeat(40)}$&`)),
      /deeply/,
    ],
  ];
  test.each(refusals)("that %s is refused", async (_name, make, reason) => {
    const desk = openWithProvider();
    expectRefused(desk, await desk.bear(make(desk)), reason);
  });

  test("is refused without one, in another encoding, of an unknown app or of one without a certificate", async () => {
    const desk = openWithProvider();
    const send = (assertion: string) => desk.token({ grant_type: BEARER, assertion });
    expect((await send("")).fields.error).toBe("invalid_request");
    expectRefused(desk, await send("+/+/"), /not in base64url/);
    expectRefused(desk, await send(Buffer.from([0xff, 0xfe]).toString("base64url")), /UTF-8/);
    expect((await desk.bear(desk.signed({ issuer: "nobody" }))).fields.error).toBe("invalid_client_id");
    expectRefused(
      desk,
      await desk.bear(desk.signed({ issuer: desk.org.phoneApp.clientId })),
      /no certificate/,
    );
  });

  test("is refused for somebody who is nobody here, or whom no administrator has admitted", async () => {
    const desk = openWithProvider();
    const nobody = await desk.bear(desk.signed({ subject: "nobody" }));
    expect(nobody.fields.error_description).toBe("user hasn't approved this consumer");
    const ben = await desk.bear(desk.signed({ subject: desk.org.users[1]?.username ?? "" }));
    expect(ben.fields.error).toBe("invalid_app_access");
  });
});

const later = (desk: Desk, minutes: number) => (desk.clock.wall() + minutes * MINUTE) as Statement["at"];

/** An assertion that its issuer itself has made wrong, and signed. */
const sealed = (desk: Desk, alter: (xml: string) => string): string =>
  signXml(alter(assertionXml(desk.says())), "Assertion", desk.provider);

describe("a response of single sign-on", () => {
  test("whose assertion is signed gives an access token of its subject, without any app", async () => {
    const desk = openWithProvider();
    const { status, fields } = await desk.show(desk.signedInResponse());
    expect([status, "refresh_token" in fields]).toEqual([200, false]);
    const token = text(fields, "access_token");
    expect(desk.org.introspect(token)).toMatchObject({ active: true, username: desk.org.owner.username });
    expect((await desk.get("/services/oauth2/userinfo", token)).status).toBe(200);
    const exchanged = await desk.exchange(token, null);
    expect(exchanged.fields.error_description).toBe("asset tokens are not enabled for the app");
  });

  test("may be signed as a whole, in both places, and be for the login address with the org in it", async () => {
    const desk = openWithProvider();
    const recipient = `${BASE}?so=${recordId("00D", 1)}`;
    const plain = responseXml(assertionXml(desk.browser({ recipient })), desk.browser({ recipient }));
    expect((await desk.show(signXml(plain, "Response", desk.provider))).status).toBe(200);
    const both = signXml(desk.signedInResponse(), "Response", desk.provider);
    expect((await desk.show(both)).status).toBe(200);
  });

  const refusals: [string, (desk: Desk) => string, RegExp][] = [
    ["is a bare assertion", (desk) => desk.signed({ issuer: desk.provider.entityId }), /no response/],
    [
      "is not signed",
      (desk) => responseXml(assertionXml(desk.browser()), desk.browser()),
      /nothing is signed/,
    ],
    ["is of another issuer", (desk) => desk.signedInResponse({ issuer: desk.clientId }), /Issuer Mismatched/],
    [
      "says that it failed",
      (desk) => inResponse(desk, { status: "urn:oasis:names:tc:SAML:2.0:status:Requester" }),
      /failed/,
    ],
    ["answers a question", (desk) => inResponse(desk, { inResponseTo: "_q" }), /question/],
    [
      "is for another address than its assertion",
      (desk) =>
        responseXml(
          desk.signed({ issuer: desk.provider.entityId }),
          desk.browser({ recipient: "https://other.example" }),
        ),
      /Recipient Mismatched/,
    ],
    [
      "names nobody of the org",
      (desk) => desk.signedInResponse({ subject: "nobody" }),
      /Subject Confirmation Error/,
    ],
    [
      "has its assertion elsewhere",
      (desk) =>
        desk
          .signedInResponse()
          .replace("<saml:Assertion", "<x><saml:Assertion")
          .replace("</saml:Assertion>", "$&</x>"),
      /not where it belongs/,
    ],
    [
      "has an encrypted assertion besides",
      (desk) => desk.signedInResponse().replace("</samlp:Response>", `<saml:EncryptedAssertion ${SAML}/>$&`),
      /encrypted/,
    ],
    [
      "is of another version",
      (desk) => desk.signedInResponse().replace('Version="2.0"', 'Version="2.1"'),
      /SAML 2\.0/,
    ],
  ];
  test.each(refusals)("that %s is refused", async (_name, make, reason) => {
    const desk = openWithProvider();
    expectRefused(desk, await desk.show(make(desk)), reason);
  });

  test("is refused in another type or encoding, at a login host, and where the org trusts no provider", async () => {
    const desk = openWithProvider();
    const xml = desk.signedInResponse();
    for (const more of [{ assertion_type: "" }, { assertion: "" }])
      expect((await desk.show(xml, more)).fields.error).toBe("invalid_request");
    expect((await desk.token({ grant_type: "assertion" })).fields.error).toBe("invalid_request");
    expectRefused(desk, await desk.show("", { assertion: "_-_-" }), /not in base64/);
    const form = {
      grant_type: "assertion",
      assertion_type: BROWSER,
      assertion: Buffer.from(xml).toString("base64"),
    };
    expectRefused(desk, await desk.post(`https://login.salesforce.com${TOKEN}`, form), /Configuration Error/);
    const bare = openDesk();
    expect((await bare.token(form)).fields).toEqual(INVALID);
    expect(bare.wire.messages.at(-1)?.meaning).toContain("no single sign-on settings");
  });
});

const inResponse = (desk: Desk, options: { status?: string; inResponseTo?: string }): string =>
  responseXml(signXml(assertionXml(desk.browser()), "Assertion", desk.provider), desk.browser(), options);

describe("nobody else's name gets in by wrapping what is signed", () => {
  const ben = "ben.lindqvist@northwind.example";
  const SIGNATURE = /<ds:Signature.*?<\/ds:Signature>/;

  /** The signed assertion, the same for somebody else without and with the signature on it, and the signature alone. */
  const pieces = (desk: Desk) => {
    const signed = desk.signed({ issuer: desk.provider.entityId });
    const signature = SIGNATURE.exec(signed)?.[0] ?? "";
    const bare = signed.replace(SIGNATURE, "");
    const forged = signed.replaceAll("ada.okafor@northwind.example", ben);
    const evil = forged.replace(SIGNATURE, "").replace(/ ID="[^"]*"/, ' ID="_evil"');
    const around = (inside: string) => responseXml(inside, desk.browser());
    const whole = signXml(around(bare), "Response", desk.provider);
    const wholeSignature = SIGNATURE.exec(whole)?.[0] ?? "";
    const wholeBare = whole.replace(SIGNATURE, "");
    const wholeEvil = wholeBare
      .replaceAll("ada.okafor@northwind.example", ben)
      .replace(/ ID="[^"]*"/, ' ID="_evil"');
    return { signed, signature, bare, forged, evil, around, whole, wholeSignature, wholeBare, wholeEvil };
  };
  type Pieces = ReturnType<typeof pieces>;
  const into = (xml: string, before: string, inside: string) =>
    xml.replace(before, () => `${inside}${before}`);
  const END = "</saml:Assertion>";
  const ENDS = "</samlp:Response>";
  const SIGNED = "</ds:Signature>";
  const object = (inside: string) =>
    `<ds:Object xmlns:ds="http://www.w3.org/2000/09/xmldsig#">${inside}</ds:Object>`;
  const inSignature = (signature: string, inside: string) => into(signature, SIGNED, object(inside));

  const wrapped: [string, (p: Pieces) => string][] = [
    [
      "the response, original within the signature (1)",
      (p) => into(p.wholeEvil, "<samlp:Status>", inSignature(p.wholeSignature, p.wholeBare)),
    ],
    [
      "the response, original beside the signature (2)",
      (p) => into(p.wholeEvil, "<samlp:Status>", `${p.wholeBare}${p.wholeSignature}`),
    ],
    ["an assertion before the signed one (3)", (p) => p.around(`${p.evil}${p.signed}`)],
    ["an assertion around the signed one (4)", (p) => p.around(into(p.evil, END, p.signed))],
    ["the signed one altered, a bare copy at the end (5)", (p) => into(p.around(p.forged), ENDS, p.bare)],
    [
      "the signed one altered, a bare copy in its signature (6)",
      (p) => p.around(p.forged.replace(SIGNATURE, () => inSignature(p.signature, p.bare))),
    ],
    [
      "a copy in extensions of the response (7)",
      (p) =>
        p
          .around(p.signed)
          .replace("<samlp:Status>", () => `<samlp:Extensions>${p.evil}</samlp:Extensions><samlp:Status>`),
    ],
    [
      "the signed one in an object of the other's signature (8)",
      (p) => p.around(into(p.evil, "<saml:Subject>", inSignature(p.signature, p.bare))),
    ],
    ["an altered assertion", (p) => p.around(p.forged)],
    ["an altered response", (p) => p.whole.replaceAll("ada.okafor@northwind.example", ben)],
    ["the signature on another assertion", (p) => p.around(into(p.evil, "<saml:Subject>", p.signature))],
    ["the signature outside", (p) => into(p.around(p.evil), ENDS, p.signature)],
    [
      "the signed one under another name",
      (p) =>
        p
          .around(p.evil)
          .replace(
            "<samlp:Status>",
            () =>
              `<samlp:Extensions>${p.signed.replaceAll("saml:Assertion", "saml:Advice")}</samlp:Extensions><samlp:Status>`,
          ),
    ],
    ["two signatures in one element", (p) => p.around(into(p.signed, "<saml:Subject>", p.signature))],
    [
      "an id twice",
      (p) =>
        p
          .around(p.signed)
          .replace("<samlp:Status>", `<samlp:Status ID="${/ ID="([^"]*)"/.exec(p.signed)?.[1]}">`),
    ],
    [
      "an assertion of a namespace of its own",
      (p) => into(p.around(p.signed), ENDS, `<Assertion xmlns="urn:x"/>`),
    ],
  ];
  test.each(wrapped)("%s", async (_name, make) => {
    const desk = openWithProvider();
    expectRefused(desk, await desk.show(make(pieces(desk))), /Signature Invalid|Assertion Invalid/);
  });

  test("a bare assertion around the signed one, in its advice or its signature", async () => {
    const desk = openWithProvider();
    const signed = desk.signed();
    const signature = SIGNATURE.exec(signed)?.[0] ?? "";
    const evil = signed
      .replace(SIGNATURE, "")
      .replaceAll("ada.okafor@northwind.example", ben)
      .replace(/ ID="[^"]*"/, ' ID="_evil"');
    for (const xml of [
      into(evil, END, `<saml:Advice>${signed}</saml:Advice>`),
      into(evil, "<saml:Subject>", inSignature(signature, signed.replace(SIGNATURE, ""))),
      into(evil, "<saml:Subject>", signature),
    ])
      expectRefused(desk, await desk.bear(xml), /Signature Invalid|Assertion Invalid/);
  });

  const methods: [string, (signature: string, desk: Desk) => string, RegExp][] = [
    ["SHA-1", (s) => s.replace("rsa-sha256", "rsa-sha1"), /RSA-SHA256/],
    [
      "a MAC with the certificate as key",
      (s) =>
        s
          .replace(
            "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
          )
          .replace(
            /(<ds:SignatureValue>)[^<]*/,
            (_all, tag: string) => tag + createHmac("sha1", "x").digest("base64"),
          ),
      /RSA-SHA256/,
    ],
    [
      "another canonical form",
      (s) => s.replaceAll("2001/10/xml-exc-c14n#", "TR/2001/REC-xml-c14n-20010315"),
      /canonical/,
    ],
    [
      "no enveloped transform",
      (s) => s.replace(/<ds:Transform Algorithm="[^"]*enveloped-signature"\/>/, ""),
      /canonical/,
    ],
    [
      "an XPath transform",
      (s) =>
        s.replace(
          "<ds:Transforms>",
          `$&<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>`,
        ),
      /canonical/,
    ],
    ["a reference to the whole document", (s) => s.replace(/URI="#[^"]*"/, 'URI=""'), /another element/],
    ["a reference to nowhere", (s) => s.replace(/ URI="#[^"]*"/, ""), /another element/],
    ["two references", (s) => s.replace(/<ds:Reference .*<\/ds:Reference>/, "$&$&"), /one reference/],
    ["an object of its own", (s) => s.replace("</ds:Signature>", "<ds:Object/>$&"), /something of its own/],
    ["no value", (s) => s.replace(/<ds:SignatureValue>.*<\/ds:SignatureValue>/, ""), /certificate/],
    ["two of what is signed", (s) => s.replace(/<ds:SignedInfo>.*<\/ds:SignedInfo>/, "$&$&"), /several/],
    [
      "the key of whoever made it",
      (_s, desk) =>
        SIGNATURE.exec(
          signXml(assertionXml(desk.says({ subject: ben, id: "_1" })), "Assertion", {
            privateKey: otherKey.privateKey,
          }),
        )?.[0] ?? "",
      /another element|certificate/,
    ],
  ];
  test.each(methods)("a signature with %s", async (_name, alter, reason) => {
    const desk = openWithProvider();
    const xml = desk.signed().replace(SIGNATURE, (signature) => alter(signature, desk));
    expectRefused(desk, await desk.bear(xml), reason);
  });
});

test("whatever is changed in a signed message, it is refused or says the same as before", () => {
  const desk = openWithProvider();
  const publicKey = createPublicKey(desk.provider.certificate);
  const key = () => publicKey;
  const bearer = desk.signed();
  const response = desk.signedInResponse();
  const said = {
    Assertion: openSaml(bearer, "Assertion", key),
    Response: openSaml(response, "Response", key),
  };
  const splice = fc.tuple(
    fc.nat(6000),
    fc.nat(400),
    fc.constantFrom(
      "",
      "<",
      '"',
      " ",
      "x",
      "&#97;",
      "<a/>",
      'ID="_1"',
      "</saml:NameID>",
      'xmlns:saml="urn:x"',
    ),
    fc.boolean(),
  );
  fc.assert(
    fc.property(fc.boolean(), fc.array(splice, { minLength: 1, maxLength: 3 }), (bare, splices) => {
      const root = bare ? "Assertion" : "Response";
      let xml = bare ? bearer : response;
      // Cut something out and put something in, or repeat what is there.
      for (const [at, length, text, repeat] of splices)
        xml =
          xml.slice(0, at) +
          text +
          (repeat ? xml.slice(at, at + length) + xml.slice(at) : xml.slice(at + length));
      try {
        // Where the response is to be brought is not signed with the assertion in it.
        expect({ ...openSaml(xml, root, key), destination: null }).toEqual({
          ...said[root],
          destination: null,
        });
      } catch (error) {
        if (!(error instanceof SamlFault)) throw error;
      }
    }),
    { numRuns: 200 },
  );
});

describe("the simulated identity provider", () => {
  const ben = "ben.lindqvist@northwind.example";
  const ask = (desk: ReturnType<typeof openDesk>, query: string) => desk.get(`/simulated-idp/saml?${query}`);

  test("says who anybody is, for both ways in", async () => {
    const desk = openWithProvider();
    expect((await desk.bear((await ask(desk, "flow=saml-bearer")).body)).status).toBe(200);
    const other = await ask(desk, `flow=saml-assertion&user=${ben}`);
    expect((await desk.show(other.body)).status).toBe(200);
    expect(desk.org.approvals.map(({ userId }) => userId)).toEqual(desk.org.users.map(({ id }) => id));
  });

  test("is not there until the org trusts it, and knows no other way in", async () => {
    expect((await ask(openDesk(), "flow=saml-bearer")).status).toBe(404);
    expect((await ask(openWithProvider(), "flow=other")).status).toBe(404);
  });
});
