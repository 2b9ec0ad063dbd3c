import { type KeyObject, sign, verify } from "node:crypto";

/** A JWT taken apart, nothing checked yet. */
export interface ReadJwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly payloadText: string;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/** True for a JSON object. */
export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Signs with RS256; `key` null leaves the signature empty, as `alg: none` does. */
export const signJwt = (header: object, payload: object, key: KeyObject | null): string => {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = key === null ? "" : sign("sha256", Buffer.from(input), key).toString("base64url");
  return `${input}.${signature}`;
};

/** Reads a compact JWT of at most 16 KiB; undefined when it is none. */
export const readJwt = (text: string): ReadJwt | undefined => {
  const parts = text.split(".");
  const [head = "", body = "", signature = ""] = parts;
  if (parts.length !== 3 || text.length > 16_384 || !/^[\w.-]*$/.test(text)) return undefined;
  try {
    const payloadText = Buffer.from(body, "base64url").toString("utf8");
    const header: unknown = JSON.parse(Buffer.from(head, "base64url").toString("utf8"));
    const payload: unknown = JSON.parse(payloadText);
    if (!isObject(header) || !isObject(payload)) return undefined;
    return {
      header,
      payload,
      payloadText,
      signed: Buffer.from(`${head}.${body}`),
      signature: Buffer.from(signature, "base64url"),
    };
  } catch {
    return undefined;
  }
};

/** Checks RS256, or ES256 in its JWS form (RFC 7518 section 3.4), as the header says; anything else is false. */
export const verifyJwt = (jwt: ReadJwt, key: KeyObject): boolean => {
  const alg = jwt.header.alg;
  if (alg === "RS256" && key.asymmetricKeyType === "rsa")
    return verify("sha256", jwt.signed, key, jwt.signature);
  if (alg === "ES256" && key.asymmetricKeyDetails?.namedCurve === "prime256v1")
    return verify("sha256", jwt.signed, { key, dsaEncoding: "ieee-p1363" }, jwt.signature);
  return false;
};
