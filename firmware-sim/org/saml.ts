// Reads a SAML 2.0 message and proves who has signed it. Loaded when the first one comes: the library behind it is large.
//
// The danger is that one element is signed and another one is used (signature wrapping). So nothing of the message counts but
// what the library gives back as signed: that text is read anew, and everything is taken from there.

import type { KeyObject } from "node:crypto";
import { DOMParser } from "@xmldom/xmldom";
import { SignedXml } from "xml-crypto";

/** Why a message is refused: in the words of the org's login history, and in a sentence. */
export class SamlFault extends Error {
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.name = "SamlFault";
    this.reason = reason;
  }
}

/** What a signed assertion says. Times are as they are written, in UTC. */
export interface SamlClaims {
  readonly id: string;
  readonly issuer: string;
  readonly issuedAt: number;
  readonly subject: string;
  readonly confirmation: {
    readonly recipient: string | null;
    readonly notOnOrAfter: number;
    readonly inResponseTo: string | null;
  };
  readonly notBefore: number | null;
  readonly notOnOrAfter: number | null;
  readonly audiences: readonly string[];
  /** Of the response around it. */
  readonly destination: string | null;
}

const SAML = "urn:oasis:names:tc:SAML:2.0:assertion";
const SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol";
const DSIG = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256";
const BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
const SUCCESS = "urn:oasis:names:tc:SAML:2.0:status:Success";

/** In bytes. */
const MAX_MESSAGE = 64 * 1024;
/** A parser's work grows with these; no assertion has near as many. */
const MAX_DEPTH = 32;

const invalid = (message: string): SamlFault => new SamlFault("Assertion Invalid", message);
const unsigned = (message: string): SamlFault => new SamlFault("Signature Invalid", message);

const parse = (xml: string): Element => {
  const fail = (what: unknown): never => {
    throw invalid(`this is no well-formed XML: ${String(what).split("\n")[0]?.slice(0, 100)}`);
  };
  const parser = new DOMParser({ errorHandler: { warning: fail, error: fail, fatalError: fail } });
  const root = parser.parseFromString(xml, "text/xml").documentElement;
  return root ?? fail("it is empty");
};

const elementsOf = (parent: Element): Element[] =>
  Array.from(parent.childNodes).filter((node): node is Element => node.nodeType === 1);

const all = (root: Element): Element[] => [root, ...Array.from(root.getElementsByTagName("*"))];

const is = (element: Element, namespace: string, name: string): boolean =>
  element.namespaceURI === namespace && element.localName === name;

const children = (parent: Element, namespace: string, name: string): Element[] =>
  elementsOf(parent).filter((each) => is(each, namespace, name));

/** The only child of that name. */
const child = (parent: Element, namespace: string, name: string): Element => {
  const [found, ...others] = children(parent, namespace, name);
  if (found === undefined || others.length > 0)
    throw invalid(`<${parent.localName}> has ${found === undefined ? "no" : "several"} <${name}>`);
  return found;
};

/** The text of an element that holds nothing else. */
const textOf = (element: Element): string => {
  if (elementsOf(element).length > 0) throw invalid(`<${element.localName}> holds more than a text`);
  return (element.textContent ?? "").trim();
};

const attribute = (element: Element, name: string): string | null =>
  element.hasAttribute(name) ? element.getAttribute(name) : null;

const timeOf = (element: Element, name: string): number | null => {
  const text = attribute(element, name);
  if (text === null) return null;
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(text) || Number.isNaN(Date.parse(text)))
    throw invalid(`${name} is no time in UTC`);
  return Date.parse(text);
};

const required = <T>(value: T | null, name: string): T => {
  if (value === null || value === "") throw invalid(`${name} is missing`);
  return value;
};

/** What is refused before any parser sees it. */
const checkText = (xml: string): void => {
  if (Buffer.byteLength(xml) > MAX_MESSAGE) throw invalid("the message is larger than 64 KiB");
  // No DTD, so no entities; no comment, which could cut a name in two; no CDATA, which parsers read in more than one way.
  if (xml.includes("<!")) throw invalid("there is a DTD, a comment or CDATA in it");
  const [declaration = ""] = /^<\?xml[^>]*\?>/.exec(xml) ?? [];
  if (xml.indexOf("<?", declaration.length) >= 0) throw invalid("there is a processing instruction in it");
  if (/encoding=/.test(declaration) && !/encoding=["']utf-8["']/i.test(declaration))
    throw invalid("it is not in UTF-8");
};

const checkShape = (root: Element): void => {
  const ids = new Set<string>();
  for (const element of all(root)) {
    let depth = 0;
    for (let up = element.parentNode; up !== null; up = up.parentNode) depth++;
    if (depth > MAX_DEPTH) throw invalid("it is nested too deeply");
    for (const name of ["ID", "Id", "id"]) {
      const id = attribute(element, name);
      if (id === null) continue;
      if (ids.has(id)) throw invalid("two elements have the same id");
      ids.add(id);
    }
  }
  // By name alone: one in a namespace of its own would be there only to deceive somebody.
  const assertions = all(root).filter(({ localName }) => localName === "Assertion");
  if (assertions.length !== 1) throw invalid(`there are ${assertions.length} assertions in it`);
  if (all(root).some(({ localName }) => localName === "EncryptedAssertion"))
    throw invalid("this org was given no key to read encrypted assertions with");
};

/** The text that a signature covers: all of its parent but itself. Throws unless it is the one simple form that is allowed. */
const signedText = (xml: string, signature: Element, key: KeyObject): string => {
  const parent = signature.parentNode as Element;
  const info = child(signature, DSIG, "SignedInfo");
  const algorithm = (element: Element): string | null => attribute(element, "Algorithm");
  const [reference, ...others] = children(info, DSIG, "Reference");
  if (reference === undefined || others.length > 0) throw unsigned("the signature has not one reference");
  const transforms = children(child(reference, DSIG, "Transforms"), DSIG, "Transform");
  const methods = [
    algorithm(child(info, DSIG, "CanonicalizationMethod")),
    algorithm(child(info, DSIG, "SignatureMethod")),
    algorithm(child(reference, DSIG, "DigestMethod")),
    ...transforms.map(algorithm),
  ];
  if (methods.join() !== [EXCLUSIVE, RSA_SHA256, SHA256, ENVELOPED, EXCLUSIVE].join())
    throw unsigned("the signature is not RSA-SHA256 over the exclusive canonical form");
  if (all(signature).some((each) => is(each, DSIG, "Object") || is(each, DSIG, "Manifest")))
    throw unsigned("the signature carries something of its own");
  if (attribute(reference, "URI") !== `#${attribute(parent, "ID")}`)
    throw unsigned("the signature is over another element than the one it stands in");
  // Never a key out of the message itself.
  const checker = new SignedXml({
    publicCert: key.export({ type: "spki", format: "pem" }),
    getCertFromKeyInfo: () => null,
  });
  let good = false;
  try {
    checker.loadSignature(signature);
    good = checker.checkSignature(xml);
  } catch {
    // The library's words quote the message.
  }
  const [text, ...more] = good ? checker.getSignedReferences() : [];
  if (text === undefined || more.length > 0)
    throw unsigned("the signature is not by the key whose certificate the org has");
  return text;
};

/** Where signatures may stand: once in the assertion, once in the response around it; the innermost one counts. */
const signaturesOf = (root: Element): Element[] => {
  const assertion = all(root).find(({ localName }) => localName === "Assertion") ?? root;
  const signatures = all(root).filter((each) => is(each, DSIG, "Signature"));
  const allowed = (parent: unknown): boolean => parent === assertion || parent === root;
  if (signatures.some(({ parentNode }) => !allowed(parentNode)))
    throw unsigned("a signature stands where none belongs");
  if (new Set(signatures.map(({ parentNode }) => parentNode)).size !== signatures.length)
    throw unsigned("two signatures stand in the same element");
  if (signatures.length === 0) throw unsigned("nothing is signed");
  return signatures;
};

const claimsOf = (assertion: Element): Omit<SamlClaims, "destination"> => {
  if (!is(assertion, SAML, "Assertion") || attribute(assertion, "Version") !== "2.0")
    throw invalid("the assertion is not SAML 2.0");
  const subject = child(assertion, SAML, "Subject");
  const confirmation = child(subject, SAML, "SubjectConfirmation");
  if (attribute(confirmation, "Method") !== BEARER)
    throw new SamlFault(
      "Subject Confirmation Error",
      "the subject is not confirmed by bearing the assertion",
    );
  const data = child(confirmation, SAML, "SubjectConfirmationData");
  const conditions = child(assertion, SAML, "Conditions");
  // SAML core section 2.5.1: a condition that is not understood makes the assertion worthless.
  const known = ["AudienceRestriction", "OneTimeUse", "ProxyRestriction"];
  if (elementsOf(conditions).some((each) => each.namespaceURI !== SAML || !known.includes(each.localName)))
    throw invalid("there is a condition in it that this org does not know");
  return {
    id: required(attribute(assertion, "ID"), "ID"),
    issuer: textOf(child(assertion, SAML, "Issuer")),
    issuedAt: required(timeOf(assertion, "IssueInstant"), "IssueInstant"),
    subject: required(textOf(child(subject, SAML, "NameID")), "NameID"),
    confirmation: {
      recipient: attribute(data, "Recipient"),
      notOnOrAfter: required(timeOf(data, "NotOnOrAfter"), "NotOnOrAfter of the confirmation"),
      inResponseTo: attribute(data, "InResponseTo"),
    },
    notBefore: timeOf(conditions, "NotBefore"),
    notOnOrAfter: timeOf(conditions, "NotOnOrAfter"),
    audiences: children(child(conditions, SAML, "AudienceRestriction"), SAML, "Audience").map(textOf),
  };
};

const checkResponse = (response: Element): void => {
  if (!is(response, SAMLP, "Response") || attribute(response, "Version") !== "2.0")
    throw invalid("the message is no SAML 2.0 response");
  const status = child(child(response, SAMLP, "Status"), SAMLP, "StatusCode");
  if (attribute(status, "Value") !== SUCCESS) throw invalid("the identity provider says that it failed");
  if (attribute(response, "InResponseTo") !== null)
    throw invalid("it answers a question that this org has not asked");
};

/**
 * What a message says that is signed by the key of its issuer: `keyOf` is given the issuer as it stands there, unproven.
 * The root is an assertion, or a response with one in it. Throws SamlFault.
 */
export const openSaml = (
  xml: string,
  root: "Assertion" | "Response",
  keyOf: (issuer: string) => KeyObject,
): SamlClaims => {
  checkText(xml);
  const message = parse(xml);
  if (message.localName !== root) throw invalid(`the message is no ${root.toLowerCase()}`);
  checkShape(message);
  const [assertion] = root === "Assertion" ? [message] : children(message, SAML, "Assertion");
  if (assertion === undefined) throw invalid("the assertion is not where it belongs");
  if (root === "Response") checkResponse(message);
  const issuer = textOf(child(assertion, SAML, "Issuer"));
  const key = keyOf(issuer);
  // All of them have to be good; the one in the assertion, else the one around it, says what counts.
  const texts = signaturesOf(message).map((each) => ({
    inAssertion: each.parentNode === assertion,
    text: signedText(xml, each, key),
  }));
  const signed = parse((texts.find(({ inAssertion }) => inAssertion) ?? texts[0])?.text ?? "");
  const proven = signed.localName === "Assertion" ? signed : child(signed, SAML, "Assertion");
  const claims = claimsOf(proven);
  if (claims.issuer !== issuer) throw unsigned("the key is of another issuer than the one that has signed");
  return { ...claims, destination: root === "Response" ? attribute(message, "Destination") : null };
};
