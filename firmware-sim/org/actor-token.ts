import { createPublicKey, type KeyObject } from "node:crypto";
import { toNumericDate } from "../../src/units.ts";
import { type OrgContext, orgNow } from "./context.ts";
import { isObject, readJwt, verifyJwt } from "./jwt.ts";
import { Refusal } from "./messages.ts";

/** What the board says about itself, checked. */
export interface Actor {
  readonly deviceId: string;
  /** The token's display name. */
  readonly name: string | null;
  /** The `cnf` claim (RFC 7800) as it came. */
  readonly cnf: Readonly<Record<string, unknown>>;
  /** The public key in it, as the board wrote it. */
  readonly jwk: Readonly<Record<string, unknown>>;
  /** Claims about the Asset record, names in lower case. */
  readonly asset: Readonly<Record<string, string>>;
  readonly payloadText: string;
}

/** How far an actor token may reach into the future, and the buffer for clocks that run ahead, in seconds. */
const LONGEST_SECONDS = 180;

const wrong = (description: string, says: string): Refusal => new Refusal("invalid_grant", description, says);

const publicKeyOf = (org: OrgContext, jwk: Readonly<Record<string, unknown>>): KeyObject => {
  if ("d" in jwk)
    throw wrong(
      "actor token carries a private key",
      "The board has sent its private key. It must never leave the board.",
    );
  let key: KeyObject;
  try {
    key = createPublicKey({ key: { ...jwk }, format: "jwk" });
  } catch {
    throw wrong("actor token cnf.jwk is not a public key", "The key in the board's token cannot be read.");
  }
  const rsa = key.asymmetricKeyType === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) >= 2048;
  if (!rsa && !(org.faults.acceptEcKeys && key.asymmetricKeyType === "ec"))
    throw wrong(
      "actor token cnf.jwk must be an RSA key of at least 2048 bits",
      "The org takes only RSA keys of at least 2048 bits.",
    );
  return key;
};

/** The moment until which it counts, in seconds since 1970. */
const checkTimes = (org: OrgContext, payload: Readonly<Record<string, unknown>>): number => {
  const now = toNumericDate(orgNow(org));
  const { exp, iat, nbf } = payload;
  if (typeof exp !== "number")
    throw wrong("actor token has no exp", "The board's token does not say when it ends.");
  if (exp <= now)
    throw wrong("actor token expired", "The board's token has run out. Is the board's clock right?");
  if (exp > now + LONGEST_SECONDS)
    throw wrong(
      "actor token exp is too far in the future",
      "The board's token may be good for three minutes at most. Is the board's clock right?",
    );
  for (const start of [iat, nbf])
    if (start !== undefined && (typeof start !== "number" || start > now + LONGEST_SECONDS))
      throw wrong(
        "actor token is not yet valid",
        "The board's token begins in the future. Is the board's clock right?",
      );
  return exp;
};

const assetClaims = (payload: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => {
  const group = payload.Asset ?? payload.asset;
  if (!isObject(group)) return {};
  return Object.fromEntries(
    Object.entries(group).flatMap(([name, value]) =>
      typeof value === "string" && value !== "" ? [[name.toLowerCase(), value.slice(0, 255)]] : [],
    ),
  );
};

/** Checks an actor token: signed by the key it names in `cnf.jwk`, of today, used once. Throws `invalid_grant`. */
export const readActor = (org: OrgContext, text: string): Actor => {
  const jwt = readJwt(text);
  if (jwt === undefined) throw wrong("actor token is not a JWT", "The board's token cannot be read.");
  const { payload } = jwt;
  const cnf = payload.cnf;
  const jwk = isObject(cnf) ? cnf.jwk : undefined;
  if (!isObject(cnf) || !isObject(jwk))
    throw wrong(
      "actor token has no cnf.jwk",
      "The board's token does not say with which key it can be checked.",
    );
  if (!verifyJwt(jwt, publicKeyOf(org, jwk)))
    throw wrong(
      "actor token signature is invalid",
      "The board's token was not signed with the key that it names: the board has not proved that it holds the key.",
    );
  const until = checkTimes(org, payload);
  const { did, aud, jti } = payload;
  if (typeof did !== "string" || did === "" || did.length > 255)
    throw wrong("actor token has no did", "The board's token does not say which device it is.");
  const audiences = Array.isArray(aud) ? aud : [aud];
  const mine = [org.baseUrl(), `${org.baseUrl()}/`, `${org.baseUrl()}/services/oauth2/token`];
  if (aud !== undefined && !audiences.some((each) => mine.includes(String(each))))
    throw wrong("actor token audience is invalid", "The board's token is meant for somebody else.");
  if (typeof jti === "string") {
    const { actorTokenIds } = org.store;
    const now = toNumericDate(orgNow(org));
    for (const [known, end] of actorTokenIds) if (end <= now) actorTokenIds.delete(known);
    if (actorTokenIds.has(jti))
      throw wrong("actor token was used before", "The board's token is good for one exchange only.");
    actorTokenIds.set(jti, until);
  }
  const name = payload.Name ?? payload.name;
  return {
    deviceId: did,
    name: typeof name === "string" ? name.slice(0, 255) : null,
    cnf,
    jwk,
    asset: assetClaims(payload),
    payloadText: jwt.payloadText,
  };
};
