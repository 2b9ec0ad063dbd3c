import { isFields } from "./encodings.ts";
import { type PhoneKey, phoneAlgorithm, phoneKeyOf } from "./phone-key.ts";
import type { IdToken, PkToken } from "./pk-token.ts";
import { Refused, unreadable } from "./refused.ts";
import type { SignedMessage } from "./signed-message.ts";

/** The one algorithm that Salesforce and every OpenID provider signs ID tokens with (OpenID Connect Core section 15.1). */
export const ORG_ALGORITHM = "RS256";

const refused = (what: string): Refused => new Refused("COMMAND_ALGORITHM", what);

const checkOrg = ({ org }: IdToken): void => {
  if (org.header.alg !== ORG_ALGORITHM) throw refused(`the org's is not ${ORG_ALGORITHM}`);
};

/** The message names the algorithm of the key that it has to be signed with. Throws COMMAND_ALGORITHM. */
export const checkMessageAlgorithm = ({ header }: SignedMessage, key: PhoneKey): void => {
  if (header.alg !== key.alg) throw refused("the message's is not that of its key");
};

/** The same as long as its key is not known. Throws COMMAND_ALGORITHM. */
export const checkAnyAlgorithm = ({ header }: SignedMessage): void => {
  if (phoneAlgorithm(header.alg) === undefined)
    throw refused("the message's is none of ES256, RS256 and EdDSA");
};

/**
 * Every algorithm is allowed, and the phone's is the same everywhere; returns the phone's key. Throws COMMAND_ALGORITHM, and
 * COMMAND_UNREADABLE when the client instance claims hold no key.
 */
export const checkAlgorithms = (token: PkToken, message: SignedMessage): PhoneKey => {
  const { alg, upk } = token.phone.header;
  if (!isFields(upk)) throw unreadable("upk is missing");
  checkOrg(token);
  if (token.fresh !== null) checkOrg(token.fresh);
  if (phoneAlgorithm(alg) === undefined) throw refused("the phone's is none of ES256, RS256 and EdDSA");
  const key = phoneKeyOf(upk);
  if (key === undefined) throw refused("upk is no key of a kind that may sign");
  if (upk.alg !== alg || key.alg !== alg) throw refused("the client instance claims name two");
  checkMessageAlgorithm(message, key);
  return key;
};
