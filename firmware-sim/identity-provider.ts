// A simulated identity provider: says, in SAML 2.0, who somebody is, and signs it. What goes into a message can be chosen, so that tests
// can make every wrong one. Loaded when it is used: the library behind it is large.

import { createPublicKey, type KeyObject, randomBytes } from "node:crypto";
import { SignedXml } from "xml-crypto";
import type { EpochMs } from "../src/units.ts";

const SAML = "urn:oasis:names:tc:SAML:2.0:assertion";
const SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol";
const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";

/** What an assertion says. Times in milliseconds since 1970. */
export interface Statement {
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string;
  readonly recipient: string;
  readonly at: EpochMs;
  /** How long it counts; five minutes unless set. */
  readonly lifeMs?: number;
  readonly id?: string;
  readonly method?: string;
  readonly inResponseTo?: string;
}

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

const time = (ms: number): string => new Date(ms).toISOString();
const newId = (): string => `_${randomBytes(16).toString("hex")}`;

/** An assertion (SAML core section 2.3.3), not signed yet. */
export const assertionXml = (says: Statement): string => {
  const { at, lifeMs = 300_000, method = "urn:oasis:names:tc:SAML:2.0:cm:bearer" } = says;
  const ends = time(at + lifeMs);
  const answers = says.inResponseTo === undefined ? "" : ` InResponseTo="${escaped(says.inResponseTo)}"`;
  return [
    `<saml:Assertion xmlns:saml="${SAML}" ID="${escaped(says.id ?? newId())}" Version="2.0" IssueInstant="${time(at)}">`,
    `<saml:Issuer>${escaped(says.issuer)}</saml:Issuer>`,
    `<saml:Subject><saml:NameID Format="urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified">${escaped(says.subject)}</saml:NameID>`,
    `<saml:SubjectConfirmation Method="${escaped(method)}">`,
    `<saml:SubjectConfirmationData NotOnOrAfter="${ends}" Recipient="${escaped(says.recipient)}"${answers}/>`,
    `</saml:SubjectConfirmation></saml:Subject>`,
    `<saml:Conditions NotBefore="${time(at)}" NotOnOrAfter="${ends}">`,
    `<saml:AudienceRestriction><saml:Audience>${escaped(says.audience)}</saml:Audience></saml:AudienceRestriction>`,
    `</saml:Conditions>`,
    `<saml:AuthnStatement AuthnInstant="${time(at)}"><saml:AuthnContext>`,
    `<saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified</saml:AuthnContextClassRef>`,
    `</saml:AuthnContext></saml:AuthnStatement></saml:Assertion>`,
  ].join("");
};

/** The response of single sign-on (SAML core section 3.3.3) around an assertion, which may be signed already. */
export const responseXml = (
  assertion: string,
  { issuer, recipient, at }: Statement,
  options: { readonly status?: string; readonly inResponseTo?: string } = {},
): string => {
  const status = options.status ?? "urn:oasis:names:tc:SAML:2.0:status:Success";
  const answers =
    options.inResponseTo === undefined ? "" : ` InResponseTo="${escaped(options.inResponseTo)}"`;
  return [
    `<samlp:Response xmlns:samlp="${SAMLP}" ID="${newId()}" Version="2.0" IssueInstant="${time(at)}" Destination="${escaped(recipient)}"${answers}>`,
    `<saml:Issuer xmlns:saml="${SAML}">${escaped(issuer)}</saml:Issuer>`,
    `<samlp:Status><samlp:StatusCode Value="${escaped(status)}"/></samlp:Status>`,
    `${assertion}</samlp:Response>`,
  ].join("");
};

/** Signs the assertion or response in `xml`: enveloped, exclusive canonical form, RSA-SHA256 (XML Signature section 4). */
export const signXml = (
  xml: string,
  root: "Assertion" | "Response",
  { privateKey, certificate }: { readonly privateKey: KeyObject; readonly certificate?: string },
): string => {
  const signer = new SignedXml({
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }),
    publicCert: certificate ?? createPublicKey(privateKey).export({ type: "spki", format: "pem" }),
    signatureAlgorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
    canonicalizationAlgorithm: EXCLUSIVE,
    ...(certificate === undefined ? { getKeyInfoContent: () => null } : {}),
  });
  const path = root === "Response" ? "/*" : "//*[local-name(.)='Assertion']";
  signer.addReference({
    xpath: path,
    transforms: [ENVELOPED, EXCLUSIVE],
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
  });
  signer.computeSignature(xml, {
    prefix: "ds",
    location: { reference: `${path}/*[local-name(.)='Issuer']`, action: "after" },
  });
  return signer.getSignedXml();
};
