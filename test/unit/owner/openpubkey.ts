import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  verify,
} from "node:crypto";

// OpenPubkey's formats once more, written from its specification with nothing but node:crypto: what a phone with OpenPubkey's Go
// library would send, and what a verifier with it would ask of a message. Shares no code with the board or the app.

export type Alg = "ES256" | "RS256" | "EdDSA";
export type Members = Readonly<Record<string, unknown>>;

export const b64 = (of: string | Uint8Array): string => Buffer.from(of).toString("base64url");

const sha3 = (text: string): string => createHash("sha3-256").update(text).digest("base64url");

/** As Go's encoding/json writes a map: names by their bytes, no white space, <, > and & escaped. */
export const goMarshal = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(goMarshal).join(",")}]`;
  if (typeof value === "object" && value !== null) {
    const parts = Object.entries(value)
      .filter(([, each]) => each !== undefined)
      .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      .map(([name, each]) => `${goMarshal(name)}:${goMarshal(each)}`);
    return `{${parts.join(",")}}`;
  }
  return JSON.stringify(value)
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
};

export interface Signer {
  readonly alg: Alg;
  readonly privateKey: KeyObject;
  /** Public, with `alg`. */
  readonly jwk: Members;
}

export const signerOf = (alg: Alg): Signer => {
  const { privateKey, publicKey } =
    alg === "RS256"
      ? generateKeyPairSync("rsa", { modulusLength: 2048 })
      : alg === "ES256"
        ? generateKeyPairSync("ec", { namedCurve: "P-256" })
        : generateKeyPairSync("ed25519");
  return { alg, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), alg } };
};

export const signed = ({ alg, privateKey }: Pick<Signer, "alg" | "privateKey">, input: string): string =>
  alg === "EdDSA"
    ? sign(null, Buffer.from(input), privateKey).toString("base64url")
    : sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" }).toString(
        "base64url",
      );

/** The client instance claims of a phone, `extra` beside what is needed. */
export const cicOf = (phone: Signer, extra: Members = {}): Members => ({
  ...extra,
  typ: "CIC",
  alg: phone.alg,
  rz: randomBytes(32).toString("hex"),
  upk: phone.jwk,
});

export const commitmentOf = (cic: Members): string => sha3(goMarshal(cic));

/** A JWT. */
export const jwt = (signer: Signer, header: Members, claims: Members): string => {
  const input = `${b64(goMarshal(header))}.${b64(goMarshal(claims))}`;
  return `${input}.${signed(signer, input)}`;
};

/** The parts of a PK token, to put together or to bend. */
export interface Parts {
  payload: string;
  orgHeader: string;
  orgSignature: string;
  cicHeader: string;
  cicSignature: string;
}

export const partsOf = (idToken: string, phone: Signer, cicText: string): Parts => {
  const [orgHeader = "", payload = "", orgSignature = ""] = idToken.split(".");
  const cicHeader = b64(cicText);
  return {
    payload,
    orgHeader,
    orgSignature,
    cicHeader,
    cicSignature: signed(phone, `${cicHeader}.${payload}`),
  };
};

export const compactOf = (parts: Parts): string =>
  [parts.payload, parts.orgHeader, parts.orgSignature, parts.cicHeader, parts.cicSignature].join(":");

export const hashOf = (parts: Parts): string =>
  sha3(
    `{"payload":"${parts.payload}","signatures":[{"protected":"${parts.orgHeader}","signature":"${parts.orgSignature}"},` +
      `{"protected":"${parts.cicHeader}","signature":"${parts.cicSignature}"}]}`,
  );

/** A signed message over a text. */
export const messageOf = (phone: Signer, header: Members, content: string): string => {
  const input = `${b64(goMarshal(header))}.${b64(content)}`;
  return `${input}.${signed(phone, input)}`;
};

const isSigned = (jwk: Members, alg: unknown, input: string, signature: string): boolean => {
  const key = createPublicKey({ key: jwk, format: "jwk" });
  const bytes = Buffer.from(signature, "base64url");
  return alg === "EdDSA"
    ? verify(null, Buffer.from(input), key, bytes)
    : verify("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }, bytes);
};

const membersOf = (part: string): Members => JSON.parse(Buffer.from(part, "base64url").toString());

/**
 * What a verifier with OpenPubkey's library asks of a PK token and of a message signed under it, the org's signature by `orgJwk`.
 * Returns the content. Throws where one of its checks fails.
 */
export const verifyAsOpenPubkey = (pkt: string, osm: string, orgJwk: Members): string => {
  const demand = (what: string, is: boolean): void => {
    if (!is) throw new Error(what);
  };
  const [payload = "", orgHeader = "", orgSignature = "", cicHeader = "", cicSignature = "", ...more] = (
    pkt.split(".")[0] ?? ""
  ).split(":");
  demand("five parts", more.length === 0);
  const cic = membersOf(cicHeader);
  const upk = cic.upk as Members;
  demand("typ CIC, rz", cic.typ === "CIC" && typeof cic.rz === "string");
  demand("alg of upk", upk.alg === cic.alg);
  demand("org's signature", isSigned(orgJwk, "RS256", `${orgHeader}.${payload}`, orgSignature));
  demand("phone's signature", isSigned(upk, cic.alg, `${cicHeader}.${payload}`, cicSignature));
  demand("commitment", membersOf(payload).nonce === commitmentOf(cic));
  const [header = "", content = "", signature = "", ...rest] = osm.split(".");
  demand("one signature", rest.length === 0);
  const { typ, alg, kid } = membersOf(header);
  demand("typ osm", typ === "osm");
  demand("alg of the CIC", alg === cic.alg);
  demand("kid", kid === hashOf({ payload, orgHeader, orgSignature, cicHeader, cicSignature }));
  demand("message's signature", isSigned(upk, alg, `${header}.${content}`, signature));
  return Buffer.from(content, "base64url").toString();
};
