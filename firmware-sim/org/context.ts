import type { Clock } from "../../src/ports.ts";
import { after, type EpochMs } from "../../src/units.ts";
import type { Secrets } from "../secrets.ts";
import type { OrgFaults } from "./faults.ts";
import type { OrgKeys } from "./keys.ts";
import { Refusal } from "./messages.ts";
import type { AccessToken, Approval, OrgApp, OrgStore, OrgUser } from "./store.ts";

/** Something happened that a page about the org may want to show. */
export type OrgChange =
  | { readonly kind: "code" /** what became of it */; readonly userCode: string; readonly status: string }
  | { readonly kind: "approval"; readonly id: string; readonly status: "given" | "ended" }
  | { readonly kind: "asset"; readonly id: string }
  | { readonly kind: "event"; readonly eventUuid: string };

/** Where users of this org sign in, besides its own address. */
export const LOGIN_HOST = "https://login.salesforce.com";

/** Stands where an app would, for sessions that none asked for: single sign-on by an API. No request can name it. */
export const orgItself: OrgApp = {
  id: "",
  clientId: "single sign-on",
  clientSecret: "",
  secretRequired: true,
  name: "Single sign-on",
  maker: "the org itself",
  scopes: [],
  deviceFlow: false,
  assetAudiences: [],
  redirectUris: [],
  anyLoopbackPort: false,
  certificateKey: null,
  preauthorized: [],
  runAs: null,
  party: "board",
};

/** What every endpoint works with. */
export interface OrgContext {
  readonly clock: Clock;
  readonly store: OrgStore;
  readonly faults: OrgFaults;
  readonly keys: OrgKeys;
  readonly random: (size: number) => Buffer;
  readonly baseUrl: () => string;
  readonly changed: (change: OrgChange) => void;
  /** Every secret that this org makes or is shown. */
  readonly secrets: Secrets;
}

/** The org's own time of day, `clockSkewMs` included. */
export const orgNow = (org: OrgContext): EpochMs => after(org.clock.wall(), org.faults.clockSkewMs);

/** The app that asks. Throws `invalid_client_id` or `invalid_client`; a secret that is sent must be right. */
export const appOf = (org: OrgContext, form: URLSearchParams): OrgApp => {
  const clientId = form.get("client_id");
  const app = org.store.apps.find((each) => each.clientId === clientId);
  if (app === undefined)
    throw new Refusal(
      "invalid_client_id",
      "client identifier invalid",
      "The org has no app with this client id.",
    );
  const secret = form.get("client_secret");
  if (secret === null ? app.secretRequired : secret !== app.clientSecret)
    throw new Refusal(
      "invalid_client",
      "invalid client credentials",
      "The app's secret is missing or wrong.",
    );
  return app;
};

/** The scopes asked for, or all of the app's. Throws `invalid_scope`. */
export const scopeOf = (app: OrgApp, asked: string | null): readonly string[] => {
  const scopes = (asked ?? "").split(/[\s+]+/).filter((scope) => scope !== "");
  const foreign = scopes.find((scope) => !app.scopes.includes(scope));
  if (foreign !== undefined)
    throw new Refusal(
      "invalid_scope",
      "the requested scope is not allowed",
      `This app may not ask for the scope ${JSON.stringify(foreign.slice(0, 40))}.`,
    );
  return scopes.length === 0 ? app.scopes : [...new Set(scopes)];
};

/** A live access token with everything behind it. */
export interface Bearer {
  readonly token: AccessToken;
  readonly approval: Approval;
  readonly user: OrgUser;
  readonly app: OrgApp;
}

/** Looks an access token up; undefined when it never was, has ended, or its approval was revoked. */
export const bearerOf = (org: OrgContext, text: string | null | undefined): Bearer | undefined => {
  const token = org.store.accessTokens.get(text ?? "");
  if (token === undefined || token.endsAt <= org.clock.mono()) return undefined;
  const approval = org.store.approvals.get(token.approvalId);
  const user = org.store.users.find((each) => each.id === approval?.userId);
  const app = [...org.store.apps, orgItself].find((each) => each.clientId === approval?.clientId);
  return approval && user && app ? { token, approval, user, app } : undefined;
};

/** The token of an `Authorization: Bearer` header (RFC 6750 section 2.1; the vendor also takes `OAuth`). */
export const authorizationOf = (headers: Readonly<Record<string, string>>): string | undefined =>
  /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(headers.authorization ?? "")?.[1];
