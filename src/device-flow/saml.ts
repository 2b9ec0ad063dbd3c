import { AgentError } from "../errors.ts";
import { type EpochMs, MOST_SKEW_MS, Secret } from "../units.ts";
import type { Moment } from "./steps.ts";

// The assertion that a board was given to sign in with (SAML 2.0 core). The board does not check it, since only the org
// knows whom it trusts; but a person should hear from the board itself that a file is stale, cut off or no assertion at all. So this
// looks at the outside only, and needs no reader of XML.

/** What goes to the org, as it came. Both are secrets: whoever has one within its minutes signs in as its user. */
export interface SamlAssertion {
  /** A bare assertion, or the response of an identity provider around it. */
  readonly root: "Assertion" | "Response";
  readonly xml: Secret;
}

/** No identity provider's assertion needs more, in bytes; and in base64. */
const MAX_XML = 64 * 1024;
const MAX_BYTES = 96 * 1024;

const NAMESPACE = {
  Assertion: "urn:oasis:names:tc:SAML:2.0:assertion",
  Response: "urn:oasis:names:tc:SAML:2.0:protocol",
} as const;

const invalid = (what: string): AgentError => new AgentError("ASSERTION_INVALID", what);

/** Null when the bytes are no UTF-8. */
const utf8 = (bytes: Uint8Array): string | null => {
  try {
    // A byte order mark is dropped: it stands outside of what is signed.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).trim();
  } catch {
    return null;
  }
};

/** The XML in the bytes: as it is, in base64 (RFC 4648 section 4, also in lines) or base64url (section 5). */
const xmlOf = (bytes: Uint8Array): string => {
  const text = utf8(bytes);
  if (text === null) throw invalid("it is no text in UTF-8");
  if (text === "") throw invalid("it is empty");
  if (text.startsWith("<")) return text;
  const packed = text.replace(/\s+/g, "");
  if (!/^[\w+/-]+={0,2}$/.test(packed)) throw invalid("it is neither XML nor base64");
  const unpacked = utf8(Buffer.from(packed, "base64"));
  if (unpacked?.startsWith("<") !== true) throw invalid("it is base64, but of no XML in UTF-8");
  return unpacked;
};

const DECLARATION = /^<\?xml\s[^?]{0,200}\?>\s*/;
/** The start tag of the root, quotes respected. */
const ROOT =
  /^<(?:([A-Za-z_][\w.-]{0,63}):)?([A-Za-z]{1,64})((?:\s[^<>"']{0,256}(?:"[^<"]{0,2048}"|'[^<']{0,2048}')){0,64})\s*>/;

const ENDS = /\sNotOnOrAfter\s{0,8}=\s{0,8}["'](\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z)["']/g;

/** When the first of its terms ends; null when it names none that can be read. SAML times are UTC (core section 1.3.3). */
const endOf = (xml: string): EpochMs | null => {
  const ends = [...xml.matchAll(ENDS)].map(([, at = ""]) => Date.parse(at)).filter(Number.isFinite);
  return ends.length === 0 ? null : (Math.min(...ends) as EpochMs);
};

/**
 * Reads what `org.assertion` names. Throws ASSERTION_INVALID (too large, no XML, a DTD, not one SAML 2.0 assertion or
 * response, cut off) and ASSERTION_EXPIRED.
 */
export const readAssertion = (bytes: Uint8Array, now: Moment): SamlAssertion => {
  const xml = bytes.byteLength > MAX_BYTES ? "" : xmlOf(bytes);
  if (xml === "" || Buffer.byteLength(xml) > MAX_XML)
    throw invalid(`it is larger than ${MAX_XML / 1024} KiB`);
  // Entities can make a small text a huge one, or bring in files; no SAML message has any.
  if (/<!(?:DOCTYPE|ENTITY)/i.test(xml)) throw invalid("it has a DTD");
  const declaration = DECLARATION.exec(xml)?.[0] ?? "";
  const encoding = /\sencoding\s*=\s*["']([^"']*)/.exec(declaration)?.[1];
  if (encoding !== undefined && !/^utf-?8$/i.test(encoding)) throw invalid("it says that it is not in UTF-8");
  const [tag, prefix, name, attributes = ""] = ROOT.exec(xml.slice(declaration.length)) ?? [];
  if (tag === undefined) throw invalid("it does not begin as an XML document does");
  if (name !== "Assertion" && name !== "Response")
    throw invalid("its outermost element is no SAML assertion or response, but another");
  const namespace = `xmlns${prefix === undefined ? "" : `:${prefix}`}`;
  const declared = new RegExp(`\\s${namespace.replaceAll(".", "\\.")}\\s*=\\s*(?:"([^"]*)"|'([^']*)')`).exec(
    attributes,
  );
  if (
    (declared?.[1] ?? declared?.[2]) !== NAMESPACE[name] ||
    !/\sVersion\s*=\s*["']2\.0["']/.test(attributes)
  )
    throw invalid("it is not SAML 2.0");
  const end = `</${prefix === undefined ? "" : `${prefix}:`}${name}`;
  const at = xml.lastIndexOf(end);
  if (at < 0 || !/^\s*>$/.test(xml.slice(at + end.length))) throw invalid("it is cut off");
  const inside = xml.match(/<(?:[\w.-]{1,64}:)?(?:Encrypted)?Assertion[\s>/]/g)?.length ?? 0;
  if (inside !== 1)
    throw invalid(inside === 0 ? "it has no assertion in it" : "it has several assertions in it");
  const ended = endOf(xml);
  if (ended !== null && now.wall > ended + MOST_SKEW_MS)
    throw new AgentError("ASSERTION_EXPIRED", `it ended ${agoWords(now.wall - ended)} ago`);
  return { root: name, xml: new Secret(xml) };
};

const agoWords = (ms: number): string => {
  const minutes = Math.round(ms / 60_000);
  if (minutes < 120) return `${minutes} minutes`;
  const hours = Math.round(minutes / 60);
  return hours < 72 ? `${hours} hours` : `${Math.round(hours / 24)} days`;
};
