import type { OrgConfig } from "../companion/core/org.ts";
import { findOrg } from "../companion/core/org.ts";
import { createPhoneKey, type PhoneKey } from "../companion/core/phone-key.ts";
import { type Begun, beginSignIn, finishSignIn, type Session } from "../companion/core/sign-in.ts";
import type { Clock, Http } from "../src/ports.ts";

/** Who has signed in, and the key with which they sign. */
export interface SignedIn {
  readonly session: Session;
  readonly key: PhoneKey;
}

export interface PhoneSignIn {
  /** Where the phone's browser goes: the org's authorize page with a PKCE challenge, and a nonce that binds a new key. */
  begin(signal: AbortSignal): Promise<string>;
  /** Takes the org's answer in the callback's address. Throws when it is not the answer to the last `begin`. */
  finish(callback: URL, signal: AbortSignal): Promise<SignedIn>;
}

/** The phone's own sign-in, as the companion app does it, with a memory that ends with the phone. */
export const createPhoneSignIn = (options: {
  readonly clock: Clock;
  readonly http: Http;
  readonly orgUrl: string;
  readonly clientId: string;
  readonly callback: () => string;
  readonly scope: string;
}): PhoneSignIn => {
  const { orgUrl, clientId, scope, clock } = options;
  const signIn = "web-server";
  const org: OrgConfig = { url: orgUrl, dialect: "salesforce", clientId, scope, signIn, codePage: null };
  const http: Http = (request, signal) =>
    options.http({ ...request, headers: { ...request.headers, "x-porchlight-sim-party": "phone" } }, signal);
  let last: { readonly begun: Begun; readonly key: PhoneKey } | null = null;

  return {
    async begin(signal) {
      const places = await findOrg(org, http, signal);
      const key = await createPhoneKey();
      const { url, begun } = await beginSignIn(org, places, options.callback(), key, clock.wall());
      last = { begun, key };
      return url;
    },

    async finish(address, signal) {
      const key = last?.key ?? (await createPhoneKey());
      const begun = last?.begun ?? null;
      last = null;
      const places = await findOrg(org, http, signal);
      const access = { org, places, http, now: () => clock.wall() };
      return { session: await finishSignIn(access, begun, key, address, signal), key };
    },
  };
};
