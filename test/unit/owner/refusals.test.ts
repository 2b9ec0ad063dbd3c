import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { VirtualClock } from "../../../firmware-sim/clock.ts";
import type { GuestPass, Identity } from "../../../src/model.ts";
import { epochMs } from "../../../src/units.ts";
import {
  b64,
  cicOf,
  goMarshal,
  type Members,
  messageOf,
  type Parts,
  signed,
  signerOf,
} from "./openpubkey.ts";
import {
  type Board,
  codeOf,
  createBoard,
  freshToken,
  ISSUER,
  message,
  ORG,
  OWNER,
  orgSigner,
  otherOrgSigner,
  owner,
  ownersPhone,
  type Recipe,
  signIn,
} from "./support.ts";

// Every field of a signed command, altered. One row, one field, one code; and after each row the board still obeys the good one.

/** RFC 7638: SHA-256 of the required members, by name. */
const createThumbprint = (jwk: Members): string =>
  createHash("sha256").update(goMarshal(jwk)).digest("base64url");

const stranger = signerOf("ES256");
const rsaPhone = signerOf("RS256");

type Bend = Recipe | ((clock: VirtualClock, board: Board) => Recipe);
type Row = readonly [what: string, code: string, bend: Bend, who?: Identity | null];

const resigned = (parts: Parts, phone = ownersPhone): Parts => ({
  ...parts,
  cicSignature: signed(phone, `${parts.cicHeader}.${parts.payload}`),
});

const textOf = (part: string): string => Buffer.from(part, "base64url").toString();
const bentJson = (part: string, change: (text: string) => string): string => b64(change(textOf(part)));
const withMember =
  (name: string, value: unknown) =>
  (text: string): string =>
    goMarshal({ ...JSON.parse(text), [name]: value });

/** The payload as another text, signed by org and phone: only its form is wrong. */
const payloadText = (text: string): Recipe => ({
  parts(parts) {
    const payload = b64(text);
    return resigned({ ...parts, payload, orgSignature: signed(orgSigner, `${parts.orgHeader}.${payload}`) });
  },
});

const orgHeaderText = (change: (text: string) => string): Recipe => ({
  parts(parts) {
    const orgHeader = bentJson(parts.orgHeader, change);
    return { ...parts, orgHeader, orgSignature: signed(orgSigner, `${orgHeader}.${parts.payload}`) };
  },
});

/** The message's header as another text, well signed. */
const messageHeader = (text: (header: string) => string): Recipe => ({
  osm(osm) {
    const [header = "", content = ""] = osm.split(".");
    const input = `${bentJson(header, text)}.${content}`;
    return `${input}.${signed(ownersPhone, input)}`;
  },
});

/** A signature part as other bytes that are base64url still. */
const flipped = (part: string): string => {
  const bytes = Buffer.from(part, "base64url");
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  return b64(bytes);
};

/** The same bytes with a bit set that means nothing: 64 and 256 bytes leave such bits over. */
const loose = (part: string): string => {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return part.slice(0, -1) + alphabet[alphabet.indexOf(part.slice(-1)) + 1];
};

const part = (name: keyof Parts, change: (part: string) => string): Recipe => ({
  parts: (parts) => ({ ...parts, [name]: change(parts[name]) }),
});

const content = (changes: Members): Recipe => ({ content: changes });
const bare = { light: undefined, set: undefined };

const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

const envelopeRows: readonly Row[] = [
  ["nothing", "COMMAND_UNREADABLE", { envelope: () => "" }],
  ["no JSON", "COMMAND_UNREADABLE", { envelope: () => "{" }],
  ["a list", "COMMAND_UNREADABLE", { envelope: () => "[]" }],
  ["null", "COMMAND_UNREADABLE", { envelope: () => "null" }],
  ["no osm", "COMMAND_UNREADABLE", { envelope: (pkt) => JSON.stringify({ pkt }) }],
  ["osm a number", "COMMAND_UNREADABLE", { envelope: (pkt) => JSON.stringify({ pkt, osm: 1 }) }],
  ["pkt null", "COMMAND_UNREADABLE", { envelope: (_, osm) => JSON.stringify({ pkt: null, osm }) }],
  ["another member", "COMMAND_UNREADABLE", { envelope: (pkt, osm) => JSON.stringify({ pkt, osm, a: 1 }) }],
  ["white space", "COMMAND_UNREADABLE", { envelope: (pkt, osm) => JSON.stringify({ pkt, osm }, null, 1) }],
  [
    "white space behind",
    "COMMAND_UNREADABLE",
    { envelope: (pkt, osm) => `${JSON.stringify({ pkt, osm })}\n` },
  ],
  [
    "osm twice",
    "COMMAND_UNREADABLE",
    { envelope: (pkt, osm) => `{"pkt":"${pkt}","osm":"x","osm":"${osm}"}` },
  ],
  ["an escape", "COMMAND_UNREADABLE", { envelope: (pkt, osm) => `{"pkt":"${pkt}","\\u006fsm":"${osm}"}` }],
  [
    "a byte order mark",
    "COMMAND_UNREADABLE",
    { envelope: (pkt, osm) => `\ufeff${JSON.stringify({ pkt, osm })}` },
  ],
  [
    "more than 16 KiB",
    "COMMAND_TOO_LARGE",
    { envelope: (pkt, osm) => JSON.stringify({ pkt, osm }).padEnd(16_385) },
  ],
];

const formRows: readonly Row[] = [
  ["pkt cut to four parts", "COMMAND_UNREADABLE", { compact: (pkt) => pkt.slice(0, pkt.lastIndexOf(":")) }],
  [
    "a cosigner's signature",
    "COMMAND_UNREADABLE",
    { compact: (pkt) => `${pkt}:${b64('{"typ":"COS"}')}:AAAA` },
  ],
  ["a sixth part", "COMMAND_UNREADABLE", { compact: (pkt) => `${pkt}:AAAA` }],
  [
    "org and phone the wrong way round",
    "COMMAND_UNREADABLE",
    {
      parts: ({ payload, orgHeader, orgSignature, cicHeader, cicSignature }) => ({
        payload,
        orgHeader: cicHeader,
        orgSignature: cicSignature,
        cicHeader: orgHeader,
        cicSignature: orgSignature,
      }),
    },
  ],
  ...(["payload", "orgHeader", "orgSignature", "cicHeader", "cicSignature"] as const).flatMap(
    (name): Row[] => [
      [`${name} missing`, "COMMAND_UNREADABLE", part(name, () => "")],
      [`${name} padded`, "COMMAND_UNREADABLE", part(name, (text) => `${text}=`)],
      [`${name} with + and /`, "COMMAND_UNREADABLE", part(name, (text) => `${text}+/`)],
      [
        `${name} of bytes that are no text`,
        name.endsWith("Header") || name === "payload"
          ? "COMMAND_UNREADABLE"
          : name === "orgSignature"
            ? "COMMAND_ORG_SIGNATURE"
            : "COMMAND_PHONE_KEY",
        part(name, () => b64(Buffer.from([255, 254, 253]))),
      ],
    ],
  ),
  ["the org's signature with bits that mean nothing", "COMMAND_UNREADABLE", part("orgSignature", loose)],
  ["the phone's signature with bits that mean nothing", "COMMAND_UNREADABLE", part("cicSignature", loose)],
  ["the org's header no object", "COMMAND_UNREADABLE", orgHeaderText(() => "[]")],
  ["the org's header with crit", "COMMAND_UNREADABLE", orgHeaderText(withMember("crit", ["b64"]))],
  ["the org's header with b64", "COMMAND_UNREADABLE", orgHeaderText(withMember("b64", false))],
  ["the org's token an access token", "COMMAND_UNREADABLE", { orgHeader: { typ: "at+jwt" } }],
  ["two client instance claims", "COMMAND_UNREADABLE", { orgHeader: { typ: "CIC" } }],
  ["payload no JSON", "COMMAND_UNREADABLE", payloadText("{")],
  ["payload no object", "COMMAND_UNREADABLE", payloadText("[1]")],
  ["iss missing", "COMMAND_UNREADABLE", { claims: { iss: undefined } }],
  ["sub missing", "COMMAND_UNREADABLE", { claims: { sub: undefined } }],
  ["sub empty", "COMMAND_UNREADABLE", { claims: { sub: "" } }],
  ["iat missing", "COMMAND_UNREADABLE", { claims: { iat: undefined } }],
  ["iat a text", "COMMAND_UNREADABLE", { claims: { iat: "1796144400" } }],
  ["iat beyond all times", "COMMAND_UNREADABLE", { claims: { iat: 1e12 } }],
  ["nonce a number", "COMMAND_UNREADABLE", { claims: { nonce: 7 } }],
  ["typ of the phone's header JWT", "COMMAND_UNREADABLE", { cic: { typ: "JWT" } }],
  ["rz missing", "COMMAND_UNREADABLE", { cic: { rz: undefined } }],
  ["rz empty", "COMMAND_UNREADABLE", { cic: { rz: "" } }],
  ["upk missing", "COMMAND_UNREADABLE", { cic: { upk: undefined } }],
  ["upk a text", "COMMAND_UNREADABLE", { cic: { upk: "key" } }],
  ["the phone's header with crit", "COMMAND_UNREADABLE", { cic: { crit: ["rz"] } }],
  [
    "a member of the claims twice",
    "COMMAND_UNREADABLE",
    { cicText: (text) => text.replace("{", '{"rz":"0",') },
  ],
  [
    "a number that is not written back",
    "COMMAND_UNREADABLE",
    { cicText: (text) => text.replace("{", '{"a":1.0,') },
  ],
  [
    "a number beyond exactness",
    "COMMAND_UNREADABLE",
    { cicText: (text) => text.replace("{", '{"a":12345678901234567890,') },
  ],
  ["minus zero", "COMMAND_UNREADABLE", { cicText: (text) => text.replace("{", '{"a":-0,') }],
  ["a needless escape", "COMMAND_UNREADABLE", { cicText: (text) => text.replace("{", '{"a":"\\u0041",') }],
  ["half a character", "COMMAND_UNREADABLE", { cicText: (text) => text.replace("{", '{"a":"\\ud800",') }],
  ["a form feed", "COMMAND_UNREADABLE", { cicText: (text) => text.replace("{", '{"a":"\\f",') }],
  ["__proto__", "COMMAND_UNREADABLE", { cicText: (text) => text.replace("{", '{"__proto__":{},') }],
  ["claims too deep", "COMMAND_UNREADABLE", { cic: { a: nested(9) } }],
  ["osm of two parts", "COMMAND_UNREADABLE", { osm: (osm) => osm.slice(0, osm.lastIndexOf(".")) }],
  ["osm of four parts", "COMMAND_UNREADABLE", { osm: (osm) => `${osm}.AAAA` }],
  ["osm padded", "COMMAND_UNREADABLE", { osm: (osm) => `${osm}==` }],
  ["osm without a signature", "COMMAND_UNREADABLE", { osm: (osm) => osm.slice(0, osm.lastIndexOf(".") + 1) }],
  ["osm's signature with bits that mean nothing", "COMMAND_UNREADABLE", { osm: loose }],
  ["osm's header with b64", "COMMAND_UNREADABLE", messageHeader(withMember("b64", false))],
  ["osm's header with crit", "COMMAND_UNREADABLE", messageHeader(withMember("crit", ["exp"]))],
  ["osm's header no JSON", "COMMAND_UNREADABLE", messageHeader(() => "osm")],
  [
    "osm's content no text",
    "COMMAND_UNREADABLE",
    { osm: (osm) => osm.replace(/\..*\./, `.${b64(Buffer.from([255]))}.`) },
  ],
  ["a fresh ID token of two parts", "COMMAND_UNREADABLE", { fresh: "AAAA.AAAA" }],
  ["a fresh ID token of four parts", "COMMAND_UNREADABLE", { fresh: "AAAA.AAAA.AAAA.AAAA" }],
  ["an empty fresh ID token", "COMMAND_UNREADABLE", { fresh: "" }],
  [
    "a fresh token that is no ID token",
    "COMMAND_UNREADABLE",
    (clock) => ({ fresh: freshToken(clock, {}, orgSigner, { alg: "RS256", kid: "k1", typ: "CIC" }) }),
  ],
];

const algorithmRows: readonly Row[] = [
  ...["none", "HS256", "ES256", "PS256", "RS512", undefined, 7].map(
    (alg): Row => [`the org's alg ${alg}`, "COMMAND_ALGORITHM", { orgHeader: { alg } }],
  ),
  ...["none", "HS256", "ES384", "Ed25519", undefined, ["ES256"]].map(
    (alg): Row => [`the phone's alg ${alg}`, "COMMAND_ALGORITHM", { cic: { alg } }],
  ),
  ["upk of another alg", "COMMAND_ALGORITHM", { cic: { upk: { ...ownersPhone.jwk, alg: "EdDSA" } } }],
  ["upk without alg", "COMMAND_ALGORITHM", { cic: { upk: { ...ownersPhone.jwk, alg: undefined } } }],
  [
    "alg of both but not of the key",
    "COMMAND_ALGORITHM",
    { cic: { alg: "EdDSA", upk: { ...ownersPhone.jwk, alg: "EdDSA" } } },
  ],
  ["upk on another curve", "COMMAND_ALGORITHM", { cic: { upk: { ...ownersPhone.jwk, crv: "P-384" } } }],
  ["upk a shared secret", "COMMAND_ALGORITHM", { cic: { upk: { kty: "oct", k: "c2VjcmV0", alg: "ES256" } } }],
  ["upk without y", "COMMAND_ALGORITHM", { cic: { upk: { ...ownersPhone.jwk, y: undefined } } }],
  [
    "upk with a padded x",
    "COMMAND_ALGORITHM",
    { cic: { upk: { ...ownersPhone.jwk, x: `${ownersPhone.jwk.x}=` } } },
  ],
  [
    "an RSA key too short",
    "COMMAND_ALGORITHM",
    { cic: { alg: "RS256", upk: { ...rsaPhone.jwk, n: b64(Buffer.alloc(128, 255)) } } },
  ],
  [
    "an RSA key too long",
    "COMMAND_ALGORITHM",
    { cic: { alg: "RS256", upk: { ...rsaPhone.jwk, n: b64(Buffer.alloc(1024, 255)) } } },
  ],
  ["the message's alg another", "COMMAND_ALGORITHM", { header: { alg: "RS256" } }],
  ["the message's alg none", "COMMAND_ALGORITHM", { header: { alg: "none" } }],
  [
    "the fresh ID token's alg none",
    "COMMAND_ALGORITHM",
    (clock) => ({ fresh: freshToken(clock, {}, orgSigner, { alg: "none", kid: "k1" }) }),
  ],
];

const phoneRows: readonly Row[] = [
  ["the phone's signature changed", "COMMAND_PHONE_KEY", part("cicSignature", flipped)],
  [
    "the phone's signature that of the org",
    "COMMAND_PHONE_KEY",
    { parts: (parts) => ({ ...parts, cicSignature: parts.orgSignature }) },
  ],
  [
    "the phone's signature by another key",
    "COMMAND_PHONE_KEY",
    { parts: (parts) => resigned(parts, stranger) },
  ],
  ["rz changed", "COMMAND_PHONE_KEY", part("cicHeader", (text) => bentJson(text, withMember("rz", "0")))],
  [
    "upk changed",
    "COMMAND_PHONE_KEY",
    part("cicHeader", (text) => bentJson(text, withMember("upk", stranger.jwk))),
  ],
  [
    "a claim of the phone added",
    "COMMAND_PHONE_KEY",
    part("cicHeader", (text) => bentJson(text, withMember("a", 1))),
  ],
  [
    "the ID token's payload changed",
    "COMMAND_PHONE_KEY",
    part("payload", (text) => bentJson(text, withMember("sub", "x"))),
  ],
  ["upk with its private half", "COMMAND_PHONE_KEY", { cic: { upk: { ...ownersPhone.jwk, d: "AAAA" } } }],
  [
    "upk that is no point of the curve",
    "COMMAND_PHONE_KEY",
    { cic: { upk: { ...ownersPhone.jwk, y: ownersPhone.jwk.x } } },
  ],
  [
    "an ID token that somebody else made a PK token of",
    "COMMAND_PHONE_KEY",
    (clock) => {
      const stolen = signIn(clock);
      return {
        parts: (parts) => ({
          ...parts,
          payload: stolen.payload,
          orgHeader: stolen.orgHeader,
          orgSignature: stolen.orgSignature,
        }),
      };
    },
  ],
];

const orgRows: readonly Row[] = [
  ["iss of another org", "COMMAND_ISSUER", { claims: { iss: "https://evil.example" } }],
  ["iss that only begins right", "COMMAND_ISSUER", { claims: { iss: `${ISSUER}.evil.example` } }],
  ["iss in other letters", "COMMAND_ISSUER", { claims: { iss: ISSUER.toUpperCase() } }],
  [
    "the fresh ID token of another org",
    "COMMAND_ISSUER",
    (clock) => ({ fresh: freshToken(clock, { iss: "https://login.org.example" }) }),
  ],
  ["a kid that the org does not publish", "COMMAND_ORG_KEY", { orgHeader: { kid: "k9" } }],
  ["a kid that is no text", "COMMAND_ORG_KEY", { orgHeader: { kid: 1 } }],
  [
    "a fresh ID token with a kid that the org does not publish",
    "COMMAND_ORG_KEY",
    (clock) => ({ fresh: freshToken(clock, {}, orgSigner, { alg: "RS256", kid: "k9" }) }),
  ],
  [
    "the org away, and no key of it known",
    "COMMAND_ORG_KEY",
    (_, board) => {
      board.org.away = true;
      return {};
    },
  ],
  ["the org's signature changed", "COMMAND_ORG_SIGNATURE", part("orgSignature", flipped)],
  [
    "the org's signature that of the phone",
    "COMMAND_ORG_SIGNATURE",
    { parts: (parts) => ({ ...parts, orgSignature: parts.cicSignature }) },
  ],
  [
    "the org's header changed",
    "COMMAND_ORG_SIGNATURE",
    part("orgHeader", (text) => bentJson(text, withMember("a", 1))),
  ],
  ["an ID token by another org's key", "COMMAND_ORG_SIGNATURE", { org: otherOrgSigner }],
  [
    "an ID token by another key, without kid",
    "COMMAND_ORG_SIGNATURE",
    { org: otherOrgSigner, orgHeader: { kid: undefined } },
  ],
  [
    "a payload that only the phone has signed",
    "COMMAND_ORG_SIGNATURE",
    { parts: (parts) => resigned({ ...parts, payload: bentJson(parts.payload, withMember("sub", OWNER)) }) },
  ],
  [
    "a fresh ID token by another key",
    "COMMAND_ORG_SIGNATURE",
    (clock) => ({ fresh: freshToken(clock, {}, otherOrgSigner) }),
  ],
];

const signInRows: readonly Row[] = [
  ["aud of another app", "COMMAND_AUDIENCE", { claims: { aud: "other" } }],
  ["aud missing", "COMMAND_AUDIENCE", { claims: { aud: undefined } }],
  ["aud a list of others", "COMMAND_AUDIENCE", { claims: { aud: ["a", 7, "b"] } }],
  ["azp of another app", "COMMAND_AUDIENCE", { claims: { azp: "other" } }],
  [
    "the fresh ID token for another app",
    "COMMAND_AUDIENCE",
    (clock) => ({ fresh: freshToken(clock, { aud: "other" }) }),
  ],
  ["nonce missing", "COMMAND_NONCE", { claims: { nonce: undefined } }],
  [
    "nonce of something else",
    "COMMAND_NONCE",
    { claims: { nonce: "fsTLlOIUqtJHomMB2t6HymoAqJi-wORIFtg3y8c65VY" } },
  ],
  [
    "a key that was put under somebody's ID token",
    "COMMAND_NONCE",
    {
      parts: (parts) => resigned({ ...parts, cicHeader: b64(goMarshal(cicOf(stranger))) }, stranger),
      messageBy: stranger,
    },
  ],
  [
    "the fresh ID token's nonce another",
    "COMMAND_NONCE",
    (clock) => ({ fresh: freshToken(clock, { nonce: "other" }) }),
  ],
  [
    "a sign-in of yesterday",
    "COMMAND_SIGN_IN_OLD",
    (clock) => ({ claims: { iat: clock.wall() / 1000 - 24 * 3600 - 1 } }),
  ],
  [
    "a sign-in from the future",
    "COMMAND_SIGN_IN_OLD",
    (clock) => ({ claims: { iat: clock.wall() / 1000 + 31 } }),
  ],
  [
    "a fresh ID token of yesterday",
    "COMMAND_SIGN_IN_OLD",
    (clock) => ({
      claims: { iat: clock.wall() / 1000 - 48 * 3600 },
      fresh: freshToken(clock, { iat: clock.wall() / 1000 - 24 * 3600 - 1 }),
    }),
  ],
  [
    "a fresh ID token from the future",
    "COMMAND_SIGN_IN_OLD",
    (clock) => ({ fresh: freshToken(clock, { iat: clock.wall() / 1000 + 31 }) }),
  ],
];

const ownerRows: readonly Row[] = [
  ["nobody has approved the board", "COMMAND_OWNER_UNKNOWN", {}, null],
  ["the org has not told who did", "COMMAND_OWNER_UNKNOWN", {}, { ...owner, userId: "unknown" }],
  ["the org has told nothing", "COMMAND_OWNER_UNKNOWN", {}, { ...owner, userId: "" }],
  [
    "another user of the org",
    "COMMAND_NOT_OWNER",
    { claims: { sub: `${ISSUER}/id/${ORG}/005xx000000000BAAA` } },
  ],
  ["the owner's id in other letters", "COMMAND_NOT_OWNER", { claims: { sub: OWNER.toUpperCase() } }],
  [
    "the owner's double in a copy of the org",
    "COMMAND_NOT_OWNER",
    { claims: { sub: `${ISSUER}/id/00Dxx0000000002EAA/${OWNER}` } },
  ],
  ["the same by organization_id", "COMMAND_NOT_OWNER", { claims: { organization_id: "00Dxx0000000002EAA" } }],
  [
    "a fresh ID token of somebody else",
    "COMMAND_NOT_OWNER",
    (clock) => ({ fresh: freshToken(clock, { sub: "005xx000000000BAAA" }) }),
  ],
];

const messageRows: readonly Row[] = [
  ["typ of the message JWT", "COMMAND_SIGNATURE", { header: { typ: "JWT" } }],
  ["typ of the message missing", "COMMAND_SIGNATURE", { header: { typ: undefined } }],
  [
    "kid of the message another",
    "COMMAND_SIGNATURE",
    { header: { kid: "fsTLlOIUqtJHomMB2t6HymoAqJi-wORIFtg3y8c65VY" } },
  ],
  ["kid of the message missing", "COMMAND_SIGNATURE", { header: { kid: undefined } }],
  ["the message by another key", "COMMAND_SIGNATURE", { messageBy: stranger }],
  [
    "the message's signature changed",
    "COMMAND_SIGNATURE",
    {
      osm: (osm) => osm.slice(0, osm.lastIndexOf(".") + 1) + flipped(osm.slice(osm.lastIndexOf(".") + 1)),
    },
  ],
  [
    "the message's header changed",
    "COMMAND_SIGNATURE",
    { osm: (osm) => osm.replace(/^[^.]*/, (header) => bentJson(header, withMember("a", 1))) },
  ],
  ...(
    [
      ["id", "other"],
      ["device", "porch-2"],
      ["iat", 1],
      ["exp", 9e9],
      ["do", "signOut"],
      ["light", "stairs"],
      ["set", { state: "OFF" }],
      ["porchlight", "x"],
    ] as const
  ).map(
    ([name, value]): Row => [
      `${name} changed on the way`,
      "COMMAND_SIGNATURE",
      {
        osm: (osm) =>
          osm.replace(/\.[^.]*\./, (text) => `.${bentJson(text.slice(1, -1), withMember(name, value))}.`),
      },
    ],
  ),
  [
    "a message of another sign-in with the same key",
    "COMMAND_SIGNATURE",
    (clock) => {
      const other = JSON.parse(message(clock));
      return { envelope: (pkt) => JSON.stringify({ pkt, osm: other.osm }) };
    },
  ],
];

const contentRows: readonly Row[] = [
  ["content no JSON", "COMMAND_INVALID", { content: "on" }],
  ["content a list", "COMMAND_INVALID", { content: "[]" }],
  ["porchlight missing", "COMMAND_INVALID", content({ porchlight: undefined })],
  ["porchlight something else", "COMMAND_INVALID", content({ porchlight: "offer" })],
  ["device missing", "COMMAND_INVALID", content({ device: undefined })],
  ["id missing", "COMMAND_INVALID", content({ id: undefined })],
  ["id empty", "COMMAND_INVALID", content({ id: "" })],
  ["id a number", "COMMAND_INVALID", content({ id: 7 })],
  ["id too long", "COMMAND_INVALID", content({ id: "x".repeat(129) })],
  ["id with a line end", "COMMAND_INVALID", content({ id: "a\n" })],
  ["id beyond ASCII", "COMMAND_INVALID", content({ id: "ä" })],
  ["iat missing", "COMMAND_INVALID", content({ iat: undefined })],
  ["iat a text", "COMMAND_INVALID", content({ iat: "1" })],
  ["iat below 0", "COMMAND_INVALID", content({ iat: -1 })],
  ["exp missing", "COMMAND_INVALID", content({ exp: undefined })],
  ["exp before iat", "COMMAND_INVALID", (clock) => content({ exp: clock.wall() / 1000 - 1 })],
  ["exp 301 s after iat", "COMMAND_INVALID", (clock) => content({ exp: clock.wall() / 1000 + 301 })],
  ["exp beyond all times", "COMMAND_INVALID", content({ exp: 1e300 })],
  ["do missing", "COMMAND_INVALID", content({ do: undefined })],
  ["do unknown", "COMMAND_INVALID", content({ do: "explode" })],
  ["do a name that every object has", "COMMAND_INVALID", content({ do: "constructor" })],
  ["a member that nobody knows", "COMMAND_INVALID", content({ until: "23:00" })],
  ["light no id", "COMMAND_INVALID", content({ light: "Main lamp" })],
  ["light null", "COMMAND_INVALID", content({ light: null })],
  ["set missing", "COMMAND_INVALID", content({ set: undefined })],
  ["set empty", "COMMAND_INVALID", content({ set: {} })],
  ["set with a brightness beyond 255", "COMMAND_INVALID", content({ set: { brightness: 256 } })],
  ["set with an id of its own", "COMMAND_INVALID", content({ set: { state: "ON", id: "x" } })],
  ["set with an end of its own", "COMMAND_INVALID", content({ set: { state: "ON", expiresAt: 1 } })],
  ["rename without a name", "COMMAND_INVALID", content({ ...bare, do: "rename" })],
  ["rename to white space", "COMMAND_INVALID", content({ ...bare, do: "rename", name: " " })],
  ["rename to 65 characters", "COMMAND_INVALID", content({ ...bare, do: "rename", name: "x".repeat(65) })],
  ["rename to a line end", "COMMAND_INVALID", content({ ...bare, do: "rename", name: "a\nb" })],
  ["rename to half a character", "COMMAND_INVALID", content({ ...bare, do: "rename", name: "\ud800" })],
  ["rename of no lamp's id", "COMMAND_INVALID", content({ ...bare, do: "rename", name: "x", light: 7 })],
  ["revoke of nothing", "COMMAND_INVALID", content({ ...bare, do: "revoke" })],
  ["signOut with a member", "COMMAND_INVALID", content({ do: "signOut" })],
  ["evening missing", "COMMAND_INVALID", content({ ...bare, do: "evening" })],
  [
    "evening without off",
    "COMMAND_INVALID",
    content({ ...bare, do: "evening", evening: { on: "18:30", timeZone: "Europe/Berlin" } }),
  ],
];

const timeRows: readonly Row[] = [
  ["device another board", "COMMAND_DEVICE", content({ device: "porch-2" })],
  ["device in other letters", "COMMAND_DEVICE", content({ device: "Porch-1" })],
  [
    "a board that has not been told the time",
    "COMMAND_CLOCK",
    (clock) => {
      const made = signIn(clock);
      const sent = message(clock, {}, made);
      clock.setWall(epochMs(0), false);
      return { envelope: () => sent };
    },
  ],
  [
    "exp half a minute past",
    "COMMAND_STALE",
    (clock) => content({ iat: clock.wall() / 1000 - 60, exp: clock.wall() / 1000 - 30 }),
  ],
  [
    "iat more than half a minute ahead",
    "COMMAND_EARLY",
    (clock) => content({ iat: clock.wall() / 1000 + 30.5, exp: clock.wall() / 1000 + 60 }),
  ],
];

const bob = signerOf("ES256");
const BOB = "005xx000000000CAAA";
const carol = signerOf("EdDSA");
const asBob: Recipe = { phone: bob, claims: { sub: BOB } };

/** Lets Bob (by user) and Carol (by key) in, in the way of `changes`. */
const admit = async (board: Board, changes: Partial<GuestPass> = {}): Promise<void> => {
  const pass: GuestPass = {
    id: "p1",
    name: "Bob",
    to: { kind: "user", userId: BOB },
    lights: ["main"],
    may: ["switch"],
    maxBrightness: null,
    from: null,
    until: epochMs(board.clock.wall() + 3_600_000),
    daily: null,
    ...changes,
  };
  await board.guests.admit(pass, owner);
};

const rows: readonly Row[] = [
  ...envelopeRows,
  ...formRows,
  ...algorithmRows,
  ...phoneRows,
  ...orgRows,
  ...signInRows,
  ...ownerRows,
  ...messageRows,
  ...contentRows,
  ...timeRows,
];

describe("a signed command with", () => {
  it.each(rows.map(([what, code, bend, who = owner]) => ({ what, code, bend, who })))(
    "$what is refused: $code",
    async ({ code, bend, who }) => {
      const board = createBoard();
      const sent = message(board.clock, typeof bend === "function" ? bend(board.clock, board) : bend);
      expect(codeOf(await board.check(sent, who))).toBe(code);
    },
  );

  it("nothing altered is obeyed, with each way to write it that counts", async () => {
    const board = createBoard();
    const good = async (recipe: Recipe): Promise<string> =>
      codeOf(await board.check(message(board.clock, recipe)));
    for (const recipe of [
      {},
      { claims: { aud: ["other", 7, "3MVG9-app"] } },
      { claims: { azp: "3MVG9-app" } },
      { claims: { iss: `${ISSUER}/` } },
      { claims: { sub: OWNER.slice(0, 15) } },
      { claims: { sub: "someone", user_id: OWNER } },
      { claims: { organization_id: ORG.slice(0, 15) } },
      { fresh: freshToken(board.clock) },
      { fresh: freshToken(board.clock, { nonce: undefined }) },
      { envelope: (pkt: string, osm: string) => JSON.stringify({ osm, pkt }) },
      content({ light: undefined }),
    ])
      expect(await good(recipe)).toBe("obeyed light");
    // Give or take half a minute, and not a moment more.
    const now = board.clock.wall() / 1000;
    expect(await good(content({ iat: now + 30, exp: now + 60 }))).toBe("obeyed light");
    expect(await good(content({ iat: now - 60, exp: now - 29.9 }))).toBe("obeyed light");
    expect(await good({ claims: { iat: now - 24 * 3600 } })).toBe("obeyed light");
    expect(await good(content({ iat: now, exp: now + 300 }))).toBe("obeyed light");
  });
});

describe("a guest", () => {
  const doings: Members[] = [
    { do: "guests" },
    { do: "revoke", pass: "p1" },
    { do: "rename", name: "Mine" },
    { do: "evening", evening: null },
    { do: "signOut" },
    { do: "update" },
    {
      do: "admit",
      pass: { id: "p2", name: "Eve", user: "005xx000000000EAAA", may: ["switch"], until: 1796144400 + 60 },
    },
  ];
  const ask = async (changes: Partial<GuestPass>, recipe: Recipe): Promise<string> => {
    const board = createBoard();
    await admit(board, changes);
    return codeOf(await board.check(message(board.clock, { ...asBob, ...recipe })));
  };

  it("is obeyed within the pass", async () => {
    expect(await ask({}, {})).toBe("obeyed light");
  });

  it.each(doings)("may not ask for %j", async (doing) => {
    expect(await ask({}, content({ ...bare, ...doing }))).toBe("COMMAND_FORBIDDEN");
  });

  it("is refused another lamp, another change, and another time, each with its code", async () => {
    expect(await ask({}, content({ light: "stairs" }))).toBe("GUEST_LIMIT");
    expect(await ask({}, content({ set: { color: { r: 1, g: 2, b: 3 } } }))).toBe("GUEST_LIMIT");
    expect(await ask({ daily: { from: "08:00", to: "09:00", timeZone: "UTC" } }, {})).toBe("GUEST_TIME");
  });

  it("with a pass of another person is none", async () => {
    expect(await ask({ to: { kind: "user", userId: "005xx000000000DAAA" } }, {})).toBe("COMMAND_NOT_OWNER");
  });

  it("of another org's copy is none", async () => {
    const sub = `${ISSUER}/id/00Dxx0000000002EAA/${BOB}`;
    expect(await ask({}, { claims: { sub } })).toBe("COMMAND_NOT_OWNER");
  });

  it("with two passes is obeyed when one of them allows it", async () => {
    const board = createBoard();
    await admit(board, { id: "p1", lights: ["stairs"] });
    await admit(board, { id: "p2" });
    expect(await board.check(message(board.clock, asBob))).toMatchObject({
      ok: true,
      sender: { pass: { id: "p2" } },
    });
  });

  describe("with a key alone", () => {
    const { crv, kty, x } = carol.jwk;
    const jwk = { crv, kty, x } as Readonly<Record<string, string>>;
    const thumbprint = createThumbprint(jwk);
    const send = (clock: VirtualClock, header: Members, by = carol, changes: Members = {}): string => {
      const now = clock.wall() / 1000;
      const text = {
        porchlight: "command",
        device: "porch-1",
        id: "k",
        iat: now,
        exp: now + 30,
        do: "light",
        set: { state: "ON" },
        ...changes,
      };
      return JSON.stringify({
        osm: messageOf(by, { alg: "EdDSA", kid: thumbprint, typ: "osm", ...header }, JSON.stringify(text)),
      });
    };
    const board = async (): Promise<Board> => {
      const made = createBoard();
      await admit(made, { to: { kind: "key", thumbprint, jwk } });
      return made;
    };

    it("is obeyed within the pass, once", async () => {
      const made = await board();
      const sent = send(made.clock, {});
      expect(await made.check(sent)).toMatchObject({ ok: true, sender: { kind: "guest", key: thumbprint } });
      expect(codeOf(await made.check(sent))).toBe("COMMAND_REPEATED");
    });

    it.each<[string, string, Members, typeof carol, Members]>([
      ["names another algorithm", "COMMAND_ALGORITHM", { alg: "ES256" }, carol, {}],
      ["names none", "COMMAND_ALGORITHM", { alg: "none" }, carol, {}],
      ["names a key without a pass", "COMMAND_NOT_OWNER", { kid: "x" }, carol, {}],
      ["names no key", "COMMAND_NOT_OWNER", { kid: undefined }, carol, {}],
      ["is another's", "COMMAND_SIGNATURE", {}, { ...signerOf("EdDSA") }, {}],
      ["is no command", "COMMAND_SIGNATURE", { typ: "JWT" }, carol, {}],
      ["is for another board", "COMMAND_DEVICE", {}, carol, { device: "porch-2" }],
      ["asks for what only the owner may", "COMMAND_FORBIDDEN", {}, carol, { do: "signOut", set: undefined }],
    ])("is refused when the message %s: %s", async (_what, code, header, by, changes) => {
      const made = await board();
      expect(codeOf(await made.check(send(made.clock, header, by, changes)))).toBe(code);
    });

    it("is refused while nobody knows the owner", async () => {
      const made = await board();
      expect(codeOf(await made.check(send(made.clock, {}), null))).toBe("COMMAND_OWNER_UNKNOWN");
    });

    it("that is no point of its curve is refused", async () => {
      const made = createBoard();
      const { x: px } = bob.jwk;
      const broken = { crv: "P-256", kty: "EC", x: String(px), y: String(px) };
      const kid = createThumbprint(broken);
      await admit(made, { to: { kind: "key", thumbprint: kid, jwk: broken } });
      expect(codeOf(await made.check(send(made.clock, { alg: "ES256", kid }, bob)))).toBe(
        "COMMAND_SIGNATURE",
      );
    });
  });
});

describe("the same command", () => {
  it("counts once, also with its signature in another form", async () => {
    const { clock, check } = createBoard();
    const sent = message(clock);
    expect(codeOf(await check(sent))).toBe("obeyed light");
    expect(codeOf(await check(sent))).toBe("COMMAND_REPEATED");
    // ECDSA: with s, n - s is a good signature too.
    const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
    const { pkt, osm } = JSON.parse(sent);
    const at = osm.lastIndexOf(".") + 1;
    const bytes = Buffer.from(osm.slice(at), "base64url");
    const s = order - BigInt(`0x${bytes.subarray(32).toString("hex")}`);
    const mirrored = Buffer.concat([
      bytes.subarray(0, 32),
      Buffer.from(s.toString(16).padStart(64, "0"), "hex"),
    ]);
    expect(mirrored.equals(bytes)).toBe(false);
    expect(codeOf(await check(JSON.stringify({ pkt, osm: osm.slice(0, at) + b64(mirrored) })))).toBe(
      "COMMAND_REPEATED",
    );
  });

  it("counts once, also with another of the sign-in's ID tokens", async () => {
    const { clock, check } = createBoard();
    const parts = signIn(clock);
    const { pkt, osm } = JSON.parse(message(clock, {}, parts));
    expect(codeOf(await check(JSON.stringify({ pkt: `${pkt}.${freshToken(clock)}`, osm })))).toBe(
      "obeyed light",
    );
    expect(codeOf(await check(JSON.stringify({ pkt, osm })))).toBe("COMMAND_REPEATED");
  });

  it("counts on each phone: ids of one are no business of another", async () => {
    const { clock, check } = createBoard();
    expect(codeOf(await check(message(clock, content({ id: "same" }))))).toBe("obeyed light");
    expect(codeOf(await check(message(clock, { phone: stranger, ...content({ id: "same" }) })))).toBe(
      "obeyed light",
    );
  });

  it("that was held back is refused when its time is over", async () => {
    const { clock, check } = createBoard();
    const sent = message(clock);
    await clock.advance(60_000);
    expect(codeOf(await check(sent))).toBe("COMMAND_STALE");
  });

  it("is refused by every other board", async () => {
    const { clock } = createBoard();
    const other = createBoard({ options: { deviceId: "porch-2" } });
    expect(codeOf(await other.check(message(clock)))).toBe("COMMAND_DEVICE");
  });
});

describe("docs/signed-commands.md", () => {
  const page = readFileSync(new URL("../../../docs/signed-commands.md", import.meta.url), "utf8");
  const table = page.slice(page.indexOf("in this order"), page.indexOf("## Guest passes"));
  const listed = [...new Set(table.match(/\b(?:COMMAND|GUEST)_[A-Z_]+/g))];

  it("lists the codes that these tests bring about, and no others", () => {
    // Whoever takes the message from the broker refuses a retained one. Those of guests and of the memory are brought about above and
    // in replay.test.ts, where a row is not enough.
    const elsewhere = [
      "COMMAND_RETAINED",
      "COMMAND_REPEATED",
      "COMMAND_CROWDED",
      "COMMAND_FORBIDDEN",
      "GUEST_LIMIT",
      "GUEST_TIME",
    ];
    const brought = new Set([...rows.map(([, code]) => code), ...elsewhere]);
    expect(listed.toSorted()).toEqual([...brought].toSorted());
  });

  /** One thing wrong each; any two of them can be wrong together. */
  const wrongs: Readonly<Record<string, (clock: VirtualClock) => Recipe>> = {
    COMMAND_ALGORITHM: () => ({ header: { alg: "RS256" } }),
    COMMAND_PHONE_KEY: () => part("cicSignature", flipped),
    COMMAND_ISSUER: () => ({ claims: { iss: "https://evil.example" } }),
    COMMAND_ORG_KEY: () => ({ orgHeader: { kid: "k9" } }),
    COMMAND_ORG_SIGNATURE: () => ({ org: otherOrgSigner }),
    COMMAND_AUDIENCE: () => ({ claims: { aud: "other" } }),
    COMMAND_NONCE: () => ({ nonce: "other" }),
    COMMAND_SIGN_IN_OLD: (clock) => ({ claims: { iat: clock.wall() / 1000 - 100_000 } }),
    COMMAND_OWNER_UNKNOWN: () => ({}),
    COMMAND_NOT_OWNER: () => ({ claims: { sub: "005xx000000000BAAA" } }),
    COMMAND_SIGNATURE: () => ({ header: { typ: "JWT" } }),
    COMMAND_INVALID: () => content({ do: "explode" }),
    COMMAND_DEVICE: () => content({ device: "porch-2" }),
    COMMAND_CLOCK: () => ({}),
    COMMAND_STALE: (clock) => content({ iat: clock.wall() / 1000 - 90, exp: clock.wall() / 1000 - 60 }),
  };
  const names = Object.keys(wrongs).toSorted(
    (a, b) => listed.lastIndexOf(a) - listed.lastIndexOf(b) || a.localeCompare(b),
  );
  // COMMAND_STALE stands in the first row too, for what the broker says.
  const order = [...names.filter((name) => name !== "COMMAND_STALE"), "COMMAND_STALE"];
  const pairs = order.flatMap((first, index) =>
    order.slice(index + 1).map((second) => [first, second] as const),
  );

  it.each(
    // Without the time nobody can say how old a sign-in is.
    pairs.filter(([first, second]) => !(first === "COMMAND_SIGN_IN_OLD" && second === "COMMAND_CLOCK")),
  )("says which of two counts: %s before %s", async (...both) => {
    const { clock, check } = createBoard();
    const merged: Recipe = {};
    for (const name of both) {
      const { claims, header, content: asked, ...rest } = wrongs[name]?.(clock) ?? {};
      Object.assign(merged, rest, {
        claims: { ...merged.claims, ...claims },
        header: { ...merged.header, ...header },
        content: { ...Object(merged.content), ...Object(asked) },
      });
    }
    const sent = message(clock, merged);
    if (both.includes("COMMAND_CLOCK")) clock.setWall(epochMs(0), false);
    const who = both.includes("COMMAND_OWNER_UNKNOWN") ? null : owner;
    expect(codeOf(await check(sent, who))).toBe(both[0]);
  });
});
