import { base64url } from "./base64url.ts";
import { type PhoneKey, sha3, signWith } from "./phone-key.ts";

/** The org's ID token and the phone's signature over the same payload: OpenPubkey's PK token. */
export interface PkToken {
  readonly payload: string;
  readonly org: { readonly header: string; readonly signature: string };
  readonly phone: { readonly header: string; readonly signature: string };
}

/** Binds the key to the person of the ID token, whose nonce must be the key's. Throws when it is no JWT. */
export const createPkToken = async (idToken: string, key: PhoneKey): Promise<PkToken> => {
  const [header = "", payload = "", signature = "", ...more] = idToken.split(".");
  if (signature === "" || more.length > 0) throw new Error("the ID token is no signed JWT");
  const own = base64url(key.cic);
  return {
    payload,
    org: { header, signature },
    phone: { header: own, signature: await signWith(key, `${own}.${payload}`) },
  };
};

/** OpenPubkey's compact form; `fresh` is the ID token of a later refresh. */
export const compact = ({ payload, org, phone }: PkToken, fresh: string | null = null): string =>
  [payload, org.header, org.signature, phone.header, phone.signature].join(":") +
  (fresh === null ? "" : `.${fresh}`);

/** What signed messages name as `kid`: the hash of the JSON form, which has no fresh ID token. */
export const hashOf = ({ payload, org, phone }: PkToken): string =>
  sha3(
    JSON.stringify({
      payload,
      signatures: [org, phone].map(({ header, signature }) => ({ protected: header, signature })),
    }),
  );
