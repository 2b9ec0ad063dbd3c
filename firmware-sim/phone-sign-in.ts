import { createHash, randomBytes } from "node:crypto";
import type { Http } from "../src/ports.ts";

export interface PhoneSignIn {
  /** Where the phone's browser goes: the org's authorize page (RFC 6749 section 4.1.1) with a PKCE challenge. */
  begin(): string;
  /** Swaps the code in the callback's address for an access token. Throws when it is not the answer to `begin`. */
  finish(
    callback: URL,
    signal: AbortSignal,
  ): Promise<{ readonly accessToken: string; readonly name: string }>;
}

/** The phone app's own sign-in: web server flow with PKCE (RFC 7636); no secret is in the app. */
export const createPhoneSignIn = (options: {
  readonly http: Http;
  readonly orgUrl: string;
  readonly clientId: string;
  readonly callback: () => string;
  readonly scope: string;
}): PhoneSignIn => {
  const { http, orgUrl, clientId } = options;
  let begun: { readonly verifier: string; readonly state: string; readonly callback: string } | null = null;

  const json = async (response: { status: number; body: string }): Promise<Record<string, unknown>> => {
    const answer: unknown = JSON.parse(response.body);
    if (typeof answer !== "object" || answer === null) throw new Error("the org's answer is no object");
    if (response.status !== 200) {
      const { error } = { error: "no reason", ...answer };
      throw new Error(`the org did not sign the phone in: ${String(error)}`);
    }
    return { ...answer };
  };

  return {
    begin() {
      const verifier = randomBytes(48).toString("base64url");
      const state = randomBytes(16).toString("base64url");
      const callback = options.callback();
      begun = { verifier, state, callback };
      const url = new URL("/services/oauth2/authorize", orgUrl);
      url.search = new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        redirect_uri: callback,
        scope: options.scope,
        state,
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
      }).toString();
      return url.href;
    },

    async finish(address, signal) {
      const answer = address.searchParams;
      const started = begun;
      begun = null;
      if (started === null || answer.get("state") !== started.state)
        throw new Error("this is not the answer to a sign-in that the phone has begun");
      const code = answer.get("code");
      if (code === null) throw new Error(`the sign-in was refused: ${answer.get("error") ?? "no reason"}`);
      const party = { "x-porchlight-sim-party": "phone", accept: "application/json" };
      const tokens = await json(
        await http(
          {
            method: "POST",
            url: new URL("/services/oauth2/token", orgUrl).href,
            headers: { ...party, "content-type": "application/x-www-form-urlencoded" },
            body: new URLSearchParams({
              grant_type: "authorization_code",
              client_id: clientId,
              code,
              redirect_uri: started.callback,
              code_verifier: started.verifier,
            }).toString(),
          },
          signal,
        ),
      );
      const accessToken = tokens.access_token;
      if (typeof accessToken !== "string") throw new Error("the org's answer has no access token");
      const user = await json(
        await http(
          {
            method: "GET",
            url: new URL("/services/oauth2/userinfo", orgUrl).href,
            headers: { ...party, authorization: `Bearer ${accessToken}` },
          },
          signal,
        ),
      );
      return { accessToken, name: typeof user.name === "string" ? user.name : "somebody" };
    },
  };
};
