import type { CryptoKey } from "jose";
import type { Clock } from "../ports.ts";
import { after, fromNumericDate } from "../units.ts";
import { checkAlgorithms } from "./algorithms.ts";
import type { createOrgSignatures } from "./org-signature.ts";
import { isSigned, type PhoneKey, readyKey } from "./phone-key.ts";
import type { IdToken, PkToken } from "./pk-token.ts";
import { createRecent } from "./recent.ts";
import { Refused } from "./refused.ts";
import { SKEW_MS } from "./replay.ts";
import type { SignedMessage } from "./signed-message.ts";

/** Whose sign-ins count. */
export interface Trust {
  /** What `iss` may be. */
  readonly issuers: readonly string[];
  /** Where these issuers publish their keys; null: where that was before. */
  readonly jwksUrl: string | null;
}

/** A phone whose key the org has tied to a person. */
export interface ProvenPhone {
  readonly key: PhoneKey;
  readonly ready: CryptoKey;
}

/** Of so many phones it is remembered that they have proven their key. */
const MAX_PHONES = 64;

const trimmed = (url: string): string => url.replace(/\/+$/, "");

const checkIssuer = (token: PkToken, { issuers }: Trust): void => {
  const { iss } = token.claims;
  if (!issuers.some((each) => trimmed(each) === trimmed(iss)))
    throw new Refused("COMMAND_ISSUER", "iss is not this board's org");
  if (token.fresh !== null && token.fresh.claims.iss !== iss)
    throw new Refused("COMMAND_ISSUER", "the fresh ID token is of another issuer");
};

const checkAudience = ({ claims: { aud, azp } }: IdToken, clientId: string): void => {
  // An app that was let in beside another has not asked for this sign-in: it may not choose the nonce.
  if (!aud.includes(clientId) || (azp !== null && azp !== clientId))
    throw new Refused("COMMAND_AUDIENCE", "the sign-in is for another app than commands.clientId");
};

const checkNonce = ({ claims, commitment, fresh }: PkToken): void => {
  if (claims.nonce !== commitment)
    throw new Refused("COMMAND_NONCE", "nonce is not the hash of the client instance claims");
  if (fresh !== null && fresh.claims.nonce !== null && fresh.claims.nonce !== claims.nonce)
    throw new Refused("COMMAND_NONCE", "the fresh ID token has another nonce");
};

/** Everything about the sign-in, in the order of docs/signed-commands.md. */
export const createSignIns = (
  options: { readonly clientId: string; readonly signInHours: number },
  ports: { readonly orgSigned: ReturnType<typeof createOrgSignatures>; readonly clock: Clock },
) => {
  const { orgSigned, clock } = ports;
  const phones = createRecent<CryptoKey>(MAX_PHONES);

  const provenKey = async (token: PkToken, key: PhoneKey): Promise<CryptoKey> => {
    const known = phones.get(token.hash);
    if (known !== undefined) return known;
    const refused = (why: string) => new Refused("COMMAND_PHONE_KEY", why);
    if (Object.hasOwn(Object(token.phone.header.upk), "d")) throw refused("upk gives the private key away");
    const ready = await readyKey(key.jwk, key.alg);
    const jws = {
      protected: token.phone.protected,
      payload: token.payload,
      signature: token.phone.signature,
    };
    if (ready === undefined || !(await isSigned(jws, ready, key.alg)))
      throw refused("the signature under the client instance claims is not by upk");
    phones.set(token.hash, ready);
    return ready;
  };

  /** A board that does not know the time refuses the command further on. */
  const checkAge = ({ claims, fresh }: PkToken): void => {
    if (!clock.wallKnown()) return;
    const now = clock.wall();
    const signedIn = [claims.iat, ...(fresh === null ? [] : [fresh.claims.iat])].map(fromNumericDate);
    const refused = (why: string) => new Refused("COMMAND_SIGN_IN_OLD", why);
    if (signedIn.some((at) => at > after(now, SKEW_MS))) throw refused("the sign-in is from the future");
    if (Math.max(...signedIn) < now - options.signInHours * 3_600_000)
      throw refused(`more than ${options.signInHours} hours`);
  };

  /** Throws the codes from COMMAND_ALGORITHM to COMMAND_SIGN_IN_OLD. */
  return async (
    token: PkToken,
    message: SignedMessage,
    trustOf: () => Promise<Trust>,
    signal: AbortSignal,
  ): Promise<ProvenPhone> => {
    const key = checkAlgorithms(token, message);
    const ready = await provenKey(token, key);
    const trust = await trustOf();
    checkIssuer(token, trust);
    await orgSigned(token, trust.jwksUrl, signal);
    if (token.fresh !== null) await orgSigned(token.fresh, trust.jwksUrl, signal);
    checkAudience(token, options.clientId);
    if (token.fresh !== null) checkAudience(token.fresh, options.clientId);
    checkNonce(token);
    checkAge(token);
    return { key, ready };
  };
};
