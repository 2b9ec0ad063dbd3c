import { type Fields, fieldsOf, fromBase64url, sha3, textOf } from "./encodings.ts";
import { goJson } from "./go-json.ts";
import { unreadable } from "./refused.ts";

// OpenPubkey's PK token in its compact form: an ID token and the phone's signature over the same payload.

/** One signature and what it says about itself. */
export interface Signature {
  /** As it came. */
  readonly protected: string;
  readonly header: Fields;
  readonly signature: string;
}

/** What an ID token says (OpenID Connect Core section 2), as far as it counts here. */
export interface Claims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  /** The app that asked for it, where the org says so. */
  readonly azp: string | null;
  /** Seconds since 1970. */
  readonly iat: number;
  readonly nonce: string | null;
  /** Salesforce's own words for user and org, beside `sub`. */
  readonly userId: string | null;
  readonly orgId: string | null;
}

/** An ID token taken apart. */
export interface IdToken {
  readonly payload: string;
  readonly claims: Claims;
  readonly org: Signature;
}

export interface PkToken extends IdToken {
  readonly phone: Signature;
  /** What `nonce` has to be: the hash of the client instance claims, which are the phone's header. */
  readonly commitment: string;
  /** The ID token of a later refresh. */
  readonly fresh: IdToken | null;
  /** What signed messages name as `kid`. */
  readonly hash: string;
}

/** A protected header. None of the extensions that change what is signed (RFC 7515 section 4.1.11, RFC 7797). */
export const readHeader = (part: string, what: string): Fields => {
  const header = fieldsOf(textOf(fromBase64url(part, what), what), what);
  for (const name of ["crit", "b64"])
    if (Object.hasOwn(header, name)) throw unreadable(`${what} has the extension ${name}`);
  return header;
};

const readSignature = (header: string, signature: string, who: string): Signature => {
  fromBase64url(signature, `${who}'s signature`);
  return { protected: header, header: readHeader(header, `${who}'s header`), signature };
};

const text = (fields: Fields, name: string): string | null => {
  const value = fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value !== "string") throw unreadable(`${name} is no text`);
  return value;
};

const needed = (fields: Fields, name: string): string => {
  const value = text(fields, name);
  if (value === null || value === "") throw unreadable(`${name} is missing`);
  return value;
};

const readClaims = (payload: string): Claims => {
  const fields = fieldsOf(textOf(fromBase64url(payload, "the payload"), "the payload"), "the payload");
  const { aud, iat } = fields;
  if (typeof iat !== "number" || iat < 0 || iat > 1e11) throw unreadable("iat is no time");
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  return {
    iss: needed(fields, "iss"),
    sub: needed(fields, "sub"),
    aud: audience.filter((each) => typeof each === "string"),
    azp: text(fields, "azp"),
    iat,
    nonce: text(fields, "nonce"),
    userId: text(fields, "user_id"),
    orgId: text(fields, "organization_id"),
  };
};

const readIdToken = (header: string, payload: string, signature: string): IdToken => {
  const org = readSignature(header, signature, "the org");
  // Missing at some orgs. An access token (at+jwt) is signed by the same key and is no sign-in.
  const { typ } = org.header;
  if (typ !== undefined && typ !== "JWT") throw unreadable("the org's header is not that of an ID token");
  return { payload, claims: readClaims(payload), org };
};

const readFresh = (token: string): IdToken => {
  const [header, payload, signature, ...more] = token.split(".");
  if (header === undefined || payload === undefined || signature === undefined || more.length > 0)
    throw unreadable("the fresh ID token has not three parts");
  return readIdToken(header, payload, signature);
};

/** Throws COMMAND_UNREADABLE. A third signature (a cosigner's) is refused: nobody here could say whether it counts. */
export const readPkToken = (compact: string): PkToken => {
  const dot = compact.indexOf(".");
  const parts = (dot < 0 ? compact : compact.slice(0, dot)).split(":");
  const [payload, orgHeader, orgSignature, cicHeader, cicSignature, ...more] = parts;
  if (
    payload === undefined ||
    orgHeader === undefined ||
    orgSignature === undefined ||
    cicHeader === undefined ||
    cicSignature === undefined ||
    more.length > 0
  )
    throw unreadable("the PK token has not five parts");
  const idToken = readIdToken(orgHeader, payload, orgSignature);
  const phone = readSignature(cicHeader, cicSignature, "the phone");
  if (phone.header.typ !== "CIC")
    throw unreadable("the phone's header is not that of client instance claims");
  if (typeof phone.header.rz !== "string" || phone.header.rz === "") throw unreadable("rz is missing");
  const signatures = [
    { protected: orgHeader, signature: orgSignature },
    { protected: cicHeader, signature: cicSignature },
  ];
  return {
    ...idToken,
    phone,
    commitment: sha3(goJson(textOf(fromBase64url(cicHeader, "the phone's header"), "the phone's header"))),
    fresh: dot < 0 ? null : readFresh(compact.slice(dot + 1)),
    hash: sha3(JSON.stringify({ payload, signatures })),
  };
};
