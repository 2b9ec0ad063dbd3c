import { createHash } from "node:crypto";
import type { CryptoKey, JWK } from "jose";
import { asAgentError, entryOf } from "../errors.ts";
import type { PublishedKeys } from "../org-keys/published-keys.ts";
import { ORG_ALGORITHM } from "./algorithms.ts";
import { isSigned, readyKey } from "./phone-key.ts";
import type { IdToken } from "./pk-token.ts";
import { createRecent } from "./recent.ts";
import { Refused } from "./refused.ts";

/** An ID token without `kid` is tried with as many keys. */
const MAX_TRIED = 8;

/** Of so many ID tokens it is remembered which key has signed them. */
const MAX_REMEMBERED = 64;

const mayHaveSigned =
  (kid: string | undefined) =>
  (key: JWK): boolean =>
    key.kty === "RSA" &&
    (key.use ?? "sig") === "sig" &&
    (key.alg ?? ORG_ALGORITHM) === ORG_ALGORITHM &&
    (kid === undefined || key.kid === kid);

const nameOf = ({ org, payload }: IdToken): string =>
  createHash("sha256").update(`${org.protected}.${payload}.${org.signature}`).digest("base64url");

/** Checks the org's signature under ID tokens; of one that was good before, only that its key still counts. */
export const createOrgSignatures = (keys: PublishedKeys) => {
  const signers = createRecent<string>(MAX_REMEMBERED);
  const ready = new WeakMap<JWK, CryptoKey>();

  const readied = async (jwk: JWK): Promise<CryptoKey | undefined> => {
    const known = ready.get(jwk) ?? (await readyKey(jwk, ORG_ALGORITHM));
    if (known !== undefined) ready.set(jwk, known);
    return known;
  };

  const publishedFor = async (
    token: IdToken,
    jwksUrl: string | null,
    signal: AbortSignal,
  ): Promise<readonly JWK[]> => {
    const { kid } = token.org.header;
    if (kid !== undefined && typeof kid !== "string")
      throw new Refused("COMMAND_ORG_KEY", "the org's header names none");
    try {
      const set = await keys.set({ url: jwksUrl, issuer: token.claims.iss }, kid, signal);
      return set.keys.filter(mayHaveSigned(kid)).slice(0, MAX_TRIED);
    } catch (error) {
      signal.throwIfAborted();
      throw new Refused("COMMAND_ORG_KEY", entryOf(asAgentError(error).code).title);
    }
  };

  /** Throws COMMAND_ORG_KEY, COMMAND_ORG_SIGNATURE. */
  return async (token: IdToken, jwksUrl: string | null, signal: AbortSignal): Promise<void> => {
    const published = await publishedFor(token, jwksUrl, signal);
    if (published.length === 0) throw new Refused("COMMAND_ORG_KEY", "the org publishes no such key");
    const name = nameOf(token);
    const signer = signers.get(name);
    if (signer !== undefined && published.some((jwk) => jwk.n === signer)) return;
    const { org, payload } = token;
    for (const jwk of published) {
      const key = await readied(jwk);
      const jws = { protected: org.protected, payload, signature: org.signature };
      if (key === undefined || !(await isSigned(jws, key, ORG_ALGORITHM))) continue;
      signers.set(name, jwk.n ?? "");
      return;
    }
    throw new Refused("COMMAND_ORG_SIGNATURE", "no key of the org has signed the sign-in");
  };
};
