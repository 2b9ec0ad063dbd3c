import type { KeyObject } from "node:crypto";
import type { EpochMs, MonoMs } from "../../src/units.ts";
import { recordId } from "./ids.ts";

/** Somebody who can sign in. The address is the protected data of the story: where home is. */
export interface OrgUser {
  readonly id: string;
  readonly contactId: string;
  /** Of the person, who is one of the org's customers. */
  readonly accountId: string;
  readonly username: string;
  password: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly home: Home;
}

export interface Home {
  readonly street: string;
  readonly city: string;
  readonly state: string;
  readonly postalCode: string;
  readonly country: string;
  /** Degrees; null where the org never geocoded the address. */
  readonly latitude: number | null;
  readonly longitude: number | null;
  /** IANA name. */
  readonly timeZone: string;
}

/** An External Client App: the org's entry for a program that may ask for tokens. */
export interface OrgApp {
  readonly id: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Refuses token requests without the secret. */
  secretRequired: boolean;
  readonly name: string;
  readonly maker: string;
  readonly scopes: readonly string[];
  readonly deviceFlow: boolean;
  /** Audiences of asset tokens; empty: asset tokens are off for this app. */
  readonly assetAudiences: string[];
  /** Callback URLs, compared letter by letter. */
  readonly redirectUris: string[];
  /** On a loopback address any port will do (RFC 8252 section 7.3): not so at Salesforce, but the simulated phone has no port of its own. */
  anyLoopbackPort: boolean;
  /** The certificate's key for assertions (JWT Bearer Flow), or null while none is uploaded. */
  certificateKey: KeyObject | null;
  /** Ids of the users whom an administrator has admitted to it. */
  readonly preauthorized: string[];
  /** Id of the user that client credentials stand for; null: the Client Credentials Flow is off. */
  runAs: string | null;
  /** Who asks with this client id, for the sequence diagram. */
  readonly party: "board" | "phone";
}

/** One person's yes to one app, as long as it lasts: the grant with all its tokens. */
export interface Approval {
  readonly id: string;
  readonly userId: string;
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly approvedAt: EpochMs;
  /** What the board called itself, when it did. */
  readonly device: string | null;
  refreshToken: string | null;
  refreshUsedAt: MonoMs;
  /** How often tokens were given out for it. */
  uses: number;
}

export interface AccessToken {
  readonly token: string;
  readonly approvalId: string;
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly endsAt: MonoMs;
}

export type CodeStatus = "pending" | "approved" | "denied" | "redeemed";

/** One run of the device flow. */
export interface CodeRequest {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly clientId: string;
  readonly scope: readonly string[];
  readonly endsAt: MonoMs;
  /** What the board calls itself, when it does. */
  readonly device: string | null;
  intervalMs: number;
  polledAt: MonoMs | null;
  status: CodeStatus;
  userId: string | null;
  approvalId: string | null;
}

/** What the authorize endpoint was asked for (RFC 6749 sections 4.1.1 and 4.2.1, RFC 7636 section 4.3). */
export interface AuthorizeRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  readonly scope: readonly string[];
  readonly state: string | null;
  readonly nonce: string | null;
  readonly wants:
    | { readonly kind: "code"; readonly codeChallenge: string }
    /** The user-agent flow: tokens at once, in the callback's fragment. */
    | { readonly kind: "tokens"; readonly idToken: boolean };
}

export interface AuthorizationCode {
  readonly request: AuthorizeRequest;
  readonly codeChallenge: string;
  readonly userId: string;
  readonly endsAt: MonoMs;
  /** Set when it was redeemed: a second use ends this approval (RFC 6749 section 4.1.2). */
  approvalId: string | null;
}

/** A person's browser: who is signed in and what is waiting for a yes. */
export interface BrowserSession {
  readonly csrf: string;
  userId: string | null;
  /** `id` is in the page that asks: an answer counts for what that page has shown, and nothing that came after it. */
  pending:
    | { readonly kind: "device"; readonly id: string; readonly deviceCode: string }
    | { readonly kind: "authorize"; readonly id: string; readonly request: AuthorizeRequest }
    | { readonly kind: "page"; readonly path: string }
    | null;
}

/** A record of the device in the org. */
export interface AssetRecord {
  readonly Id: string;
  Name: string;
  SerialNumber: string | null;
  AccountId: string | null;
  ContactId: string | null;
  Product2Id: string | null;
  Status: string | null;
  Description: string | null;
  /** Where it stands, in degrees; null where nobody has said. */
  Latitude: number | null;
  Longitude: number | null;
  readonly CreatedDate: string;
  LastModifiedDate: string;
  // What boards write of themselves: the custom fields of org-template.
  Porchlight_DeviceId__c: string | null;
  Porchlight_Online__c: boolean;
  Porchlight_Lights__c: string | null;
  Porchlight_Fault__c: string | null;
  Porchlight_LastSeen__c: string | null;
  Porchlight_Firmware__c: string | null;
  Porchlight_TokenExpires__c: string | null;
}

/** The custom fields of a record that no board has written to yet. */
export const unwritten = {
  Porchlight_DeviceId__c: null,
  Porchlight_Online__c: false,
  Porchlight_Lights__c: null,
  Porchlight_Fault__c: null,
  Porchlight_LastSeen__c: null,
  Porchlight_Firmware__c: null,
  Porchlight_TokenExpires__c: null,
} as const;

/** What is left of an answer that did not fit into one page. */
export interface Cursor {
  readonly userId: string;
  readonly totalSize: number;
  readonly records: readonly object[];
}

/** The platform event of each exchange, with exactly the fields the Platform Events guide documents. */
export interface AssetTokenEvent {
  readonly ActorTokenPayload: string | null;
  readonly AssetId: string | null;
  readonly AssetName: string | null;
  readonly AssetSerialNumber: string | null;
  readonly ConnectedAppId: string | null;
  readonly CreatedById: string;
  readonly CreatedDate: string;
  readonly DeviceId: string | null;
  readonly DeviceKey: string | null;
  readonly EventUuid: string;
  readonly Expiration: string;
  readonly ExternalClientApplicationId: string | null;
  readonly Name: string | null;
  readonly ReplayId: string;
  readonly UserId: string;
}

/** All that the org knows. */
export interface OrgStore {
  readonly orgId: string;
  readonly orgName: string;
  readonly users: OrgUser[];
  readonly apps: OrgApp[];
  readonly approvals: Map<string, Approval>;
  readonly accessTokens: Map<string, AccessToken>;
  /** The approval of each refresh token while that lives; used tokens too, the newest of them, to notice their second use. */
  readonly refreshTokens: Map<string, string>;
  /** Refresh tokens whose request is being worked on. */
  readonly refreshing: Set<string>;
  /** By device code. */
  readonly codeRequests: Map<string, CodeRequest>;
  readonly authorizationCodes: Map<string, AuthorizationCode>;
  readonly sessions: Map<string, BrowserSession>;
  readonly assets: AssetRecord[];
  readonly events: AssetTokenEvent[];
  /** `jti` of actor tokens that were used, and until when (seconds since 1970) a second use has to be noticed. */
  readonly actorTokenIds: Map<string, number>;
  /** SAML assertions that were used, and until when (milliseconds since 1970) a second use has to be noticed. */
  readonly assertionIds: Map<string, number>;
  /** The identity provider that the org trusts, or null while SAML is off in Single Sign-On Settings. */
  singleSignOn: { readonly issuer: string; readonly key: KeyObject } | null;
  /** By the id in `nextRecordsUrl`. */
  readonly cursors: Map<string, Cursor>;
  /** Requests for data since midnight UTC, which the day's limit counts. */
  readonly usage: { day: number; requests: number };
  /** Gives record ids their numbers. */
  nextNumber: number;
}

const SCOPES = ["api", "openid", "profile", "email", "address", "id", "refresh_token", "offline_access"];

/** What an administrator has not set up yet in a new app. */
const asCreated = { secretRequired: false, certificateKey: null, runAs: null };

/** A new org: Northwind, with two people who live there and one app each for boards and phones. */
export const createStore = (): OrgStore => {
  const user = (n: number, firstName: string, lastName: string, home: Home): OrgUser => {
    const name = `${firstName}.${lastName}`.toLowerCase();
    return {
      id: recordId("005", n),
      contactId: recordId("003", n),
      accountId: recordId("001", n),
      username: `${name}@northwind.example`,
      password: "porchlight",
      firstName,
      lastName,
      email: `${name}@mail.example`,
      home,
    };
  };
  const app = (
    n: number,
    clientId: string,
    rest: Omit<OrgApp, "id" | "clientId" | keyof typeof asCreated | "preauthorized">,
  ): OrgApp => ({
    id: recordId("0xI", n),
    clientId,
    ...asCreated,
    preauthorized: [],
    ...rest,
  });
  return {
    orgId: recordId("00D", 1),
    orgName: "Northwind",
    users: [
      user(1, "Ada", "Okafor", {
        street: "14 Harbour Lane",
        city: "Bristol",
        state: "England",
        postalCode: "BS1 4XX",
        country: "United Kingdom",
        latitude: 51.4495,
        longitude: -2.5998,
        timeZone: "Europe/London",
      }),
      user(2, "Ben", "Lindqvist", {
        street: "3 Sjövägen",
        city: "Umeå",
        state: "Västerbotten",
        postalCode: "903 20",
        country: "Sweden",
        latitude: null,
        longitude: null,
        timeZone: "Europe/Stockholm",
      }),
    ],
    apps: [
      app(1, "3MVG9PorchlightBoard.Northwind.0001", {
        name: "Porchlight",
        maker: "Porchlight lamps",
        clientSecret: "NWB0A17F5C2E94D36B8817AC05E2D9F4",
        scopes: SCOPES,
        deviceFlow: true,
        assetAudiences: ["https://porchlight.example/broker"],
        redirectUris: ["http://localhost:7878/callback"],
        anyLoopbackPort: false,
        party: "board",
      }),
      app(2, "3MVG9PorchlightPhone.Northwind.0002", {
        name: "Porchlight remote",
        maker: "Porchlight lamps",
        clientSecret: "NWP5D03C8E1B7A64F29D6E38B07C1A52",
        scopes: SCOPES,
        deviceFlow: false,
        assetAudiences: [],
        redirectUris: ["http://localhost/callback", "http://127.0.0.1/callback", "http://127.0.0.1/app/"],
        anyLoopbackPort: true,
        party: "phone",
      }),
    ],
    approvals: new Map(),
    accessTokens: new Map(),
    refreshTokens: new Map(),
    refreshing: new Set(),
    codeRequests: new Map(),
    authorizationCodes: new Map(),
    sessions: new Map(),
    assets: [],
    events: [],
    actorTokenIds: new Map(),
    assertionIds: new Map(),
    singleSignOn: null,
    cursors: new Map(),
    usage: { day: 0, requests: 0 },
    nextNumber: 1,
  };
};

/** "Ada Okafor". */
export const fullName = (user: OrgUser): string => `${user.firstName} ${user.lastName}`;
