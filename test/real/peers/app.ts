import { randomUUID } from "node:crypto";
import type { OrgHttp } from "../../../companion/core/http.ts";
import { findOrg } from "../../../companion/core/org.ts";
import { createPhoneKey } from "../../../companion/core/phone-key.ts";
import { beginSignIn, finishSignIn } from "../../../companion/core/sign-in.ts";
import { type Ask, signCommand } from "../../../companion/core/signed-message.ts";
import { deviceId } from "./home.ts";
import type { OidcProvider } from "./oidc.ts";
import { signInTo } from "./person.ts";

const signal = AbortSignal.timeout(120_000);

/** Somebody's app: signs in at the provider, straight, and makes signed commands. */
export const signInApp = async (
  provider: OidcProvider,
  login: string,
): Promise<(ask: Ask, id?: string) => Promise<string>> => {
  const http: OrgHttp = async ({ method, url, headers, body }) => {
    const answer = await fetch(provider.straight(url), {
      method,
      ...(headers === undefined ? {} : { headers }),
      ...(body === undefined ? {} : { body }),
    });
    return { status: answer.status, body: await answer.text() };
  };
  const org = {
    url: provider.issuer,
    dialect: "rfc8628",
    clientId: provider.appClientId,
    scope: "openid profile",
    signIn: "web-server",
    codePage: null,
  } as const;
  const callback = "http://127.0.0.1:7777/callback";
  const places = await findOrg(org, http, signal);
  const key = await createPhoneKey();
  const { url, begun } = await beginSignIn(org, places, callback, key, Date.now());
  const address = await signInTo(provider.straight(url), callback, login);
  const { pkToken } = await finishSignIn({ org, places, http, now: Date.now }, begun, key, address, signal);
  const signer = { kind: "person", key, pkToken, freshIdToken: null } as const;
  return (ask, id = randomUUID()) => signCommand(signer, { device: deviceId, id, ask }, Date.now());
};
