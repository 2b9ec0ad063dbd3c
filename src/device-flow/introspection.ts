import type { Grant } from "../model.ts";
import type { HttpRequest, HttpResponse } from "../ports.ts";
import { type EpochMs, fromNumericDate } from "../units.ts";
import { readMembers } from "./answer.ts";
import type { OrgOptions } from "./options.ts";
import { formPost } from "./steps.ts";

// Salesforce's token answers name no lifetime; its introspection endpoint does (RFC 7662).

/** What the org says of a token. `expiresAt` is null where it does not say. */
export interface Introspected {
  readonly active: boolean;
  readonly expiresAt: EpochMs | null;
}

/** Asks about the access token of a grant; only Salesforce's endpoint is known. */
export const introspectRequest = ({ clientId, clientSecret }: OrgOptions, grant: Grant): HttpRequest =>
  formPost(`${grant.instanceUrl}/services/oauth2/introspect`, {
    token: grant.accessToken.reveal(),
    token_type_hint: "access_token",
    client_id: clientId,
    client_secret: clientSecret?.reveal(),
  });

/** The answer, or null where the org does not let this client ask. Throws ORG_ANSWER_TOO_LARGE. */
export const readIntrospection = (response: HttpResponse): Introspected | null => {
  const members = response.status === 200 ? readMembers(response.body) : undefined;
  if (typeof members?.active !== "boolean") return null;
  const { active, exp } = members;
  return {
    active,
    expiresAt: typeof exp === "number" && exp > 0 && exp < 1e11 ? fromNumericDate(exp) : null,
  };
};
