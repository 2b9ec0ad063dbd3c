// What an org answers, of both dialects.

import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { exchangeRequest, readExchange } from "../../../src/asset-token/exchange.ts";
import { retryAfterMs } from "../../../src/device-flow/answer.ts";
import { readApprovals } from "../../../src/device-flow/approvals.ts";
import { findAsset, writeAsset } from "../../../src/device-flow/asset-record.ts";
import { readMetadata } from "../../../src/device-flow/discovery.ts";
import { decodeGrant, encodeGrant } from "../../../src/device-flow/grant-codec.ts";
import { askHome } from "../../../src/device-flow/home.ts";
import { readIntrospection } from "../../../src/device-flow/introspection.ts";
import { readSignIn } from "../../../src/device-flow/own-sign-in-answer.ts";
import { readRecords, readRest } from "../../../src/device-flow/rest.ts";
import * as rfc8628 from "../../../src/device-flow/rfc8628.ts";
import * as salesforce from "../../../src/device-flow/salesforce.ts";
import { readRefresh, readRevocation, readUserRecord } from "../../../src/device-flow/steps.ts";
import { readCallback, readRedeemed } from "../../../src/device-flow/web-sign-in.ts";
import { readAuthorized } from "../../../src/doctor/org-client.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { Grant, SignInLink } from "../../../src/model.ts";
import type { Clock, Http } from "../../../src/ports.ts";
import { readAssets } from "../../../src/report/assets.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";
import { MARK, same, type Target } from "../target.ts";
import { answer, answerOf } from "./http-answer.ts";

export const now = {
  mono: monoMs(1_000),
  wall: epochMs(Date.parse("2026-12-01T17:00:00Z")),
  wallKnown: true,
};
export const never = new AbortController().signal;

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
export const jwtOf = (claims: unknown): string =>
  `${part({ alg: "RS256", kid: "k1", typ: "JWT" })}.${part(claims)}.c2lnbmF0dXJl`;

export const aGrant: Grant = {
  accessToken: new Secret("access-1"),
  refreshToken: new Secret("refresh-1"),
  instanceUrl: "https://home.my.example",
  scope: "openid api",
  issuedAt: now.wall,
  expiresAt: null,
  identity: {
    userId: "005xx000000000AAAA",
    name: "Ada",
    username: "ada@home.example",
    orgId: "00Dxx0000000001EAA",
  },
  idUrl: null,
  idToken: null,
  signedInAs: null,
};

export const link: SignInLink = {
  kind: "link",
  url: "https://home.my.example/authorize",
  callback: "http://localhost:8400/callback",
  state: new Secret("state-of-the-link"),
  nonce: new Secret("nonce-of-the-link"),
  verifier: new Secret("verifier-of-the-link"),
  issuer: { name: "https://issuer.example", required: false },
  expiresAt: monoMs(900_000),
  expiresAtWall: now.wall,
};

const idToken = jwtOf({ sub: "user-1", nonce: "nonce-of-the-link", name: "Ada", zoneinfo: "Europe/Berlin" });
const token = {
  access_token: `00Dxx!${MARK}`,
  refresh_token: `5Aep${MARK}`,
  instance_url: "https://home.my.example",
  id: "https://login.salesforce.com/id/00Dxx0000000001EAA/005xx000000000AAAA",
  token_type: "Bearer",
  issued_at: "1796144400000",
  scope: "openid api",
  expires_in: 7200,
  id_token: idToken,
};
const refusal = (error: string, error_description = ""): object => ({ error, error_description });

/** Wherever an answer is read at all. */
const unreadable: readonly ErrorCode[] = ["ORG_BUSY", "ORG_ANSWER_INVALID", "ORG_ANSWER_TOO_LARGE"];
const client: readonly ErrorCode[] = [...unreadable, "CLIENT_UNKNOWN", "SCOPE_REFUSED"];
const ask: readonly ErrorCode[] = [...client, "DEVICE_FLOW_DISABLED", "TOO_MANY_CODES"];
const poll: readonly ErrorCode[] = [...ask, "CODE_EXPIRED", "CODE_DENIED", "CODE_INVALID"];
const own: readonly ErrorCode[] = [...client, "SIGN_IN_NOT_APPROVED", "SIGN_IN_CLOSED", "ASSERTION_REFUSED"];
const web: readonly ErrorCode[] = [...client, "WEB_FLOW_DISABLED", "SIGN_IN_NOT_APPROVED", "CODE_INVALID"];

const metadata = readMetadata(
  answerOf(
    Buffer.from(
      answer(200, {
        issuer: "https://issuer.example",
        device_authorization_endpoint: "https://issuer.example/device",
        token_endpoint: "https://issuer.example/token",
        userinfo_endpoint: "https://issuer.example/me",
      }),
    ),
  ),
  "https://issuer.example",
  null,
);
if (typeof metadata === "string") throw new Error(metadata);

/** A grant lies on the disk as it came from the org. */
const kept = (grant: Grant): Grant => {
  same(
    "a grant on disk",
    encodeGrant(decodeGrant(encodeGrant(grant))).toString(),
    encodeGrant(grant).toString(),
  );
  return grant;
};

const files = (names: readonly string[]): string[] => names.map((name) => `src/device-flow/${name}.ts`);

const signInAnswers = [
  answer(200, token),
  answer(200, { ...token, issued_at: undefined, refresh_token: undefined, id_token: undefined }),
  answer(200, {
    device_code: MARK,
    user_code: "WDJB-MJHT",
    verification_uri: "https://home.my.example/setup/connect",
    verification_uri_complete: "https://home.my.example/setup/connect?user_code=WDJB-MJHT",
    interval: 5,
    expires_in: 600,
  }),
  answer(200, { device_code: MARK, user_code: "A", verification_url: "https://g.example/d", interval: "5" }),
  answer(200, new URLSearchParams({ access_token: MARK, token_type: "bearer", scope: "" }).toString()),
  answer(400, refusal("authorization_pending")),
  answer(400, refusal("slow_down"), "retry-after: 30"),
  answer(400, refusal("invalid_grant", `expired access/refresh token ${MARK}`)),
  answer(400, refusal("invalid_client_id", "client identifier invalid")),
  answer(400, refusal("access_denied", "end-user denied authorization")),
  answer(401, "error=invalid_client&error_description=bad"),
  answer(400, ""),
  answer(401, ""),
  answer(403, "Bad_OAuth_Token", 'www-authenticate: Bearer error="insufficient_scope"'),
  answer(302, "", "location: https://portal.example/login"),
  answer(
    503,
    "<html>maintenance</html>",
    "retry-after: Wed, 02 Dec 2026 07:28:00 GMT",
    "date: Wed, 02 Dec 2026 07:27:00 GMT",
  ),
  answer(200, {
    sub: "user-1",
    user_id: "005xx000000000AAAA",
    name: "Ada",
    preferred_username: "ada@home.example",
    organization_id: "00Dxx0000000001EAA",
    zoneinfo: "Europe/Berlin",
  }),
  answer(200, { active: true, exp: 1796150000, token: MARK }),
];

export const orgSignIn: Target = {
  name: "org-sign-in",
  what: "an org's answers to a sign-in, a refresh, who it was, a revocation",
  most: 256 * 1024,
  sources: files([
    "answer",
    "steps",
    "refusals",
    "salesforce",
    "rfc8628",
    "own-sign-in-answer",
    "web-sign-in",
    "introspection",
    "address",
  ]),
  seeds: signInAnswers,
  readers: [
    {
      name: "salesforce code",
      throws: ask,
      read: (input) => salesforce.readCodeAnswer(answerOf(input), now),
    },
    { name: "rfc8628 code", throws: ask, read: (input) => rfc8628.readCodeAnswer(answerOf(input), now) },
    {
      name: "salesforce poll",
      throws: poll,
      read: (input) => {
        const polled = salesforce.readPollAnswer(answerOf(input), now);
        return polled.kind === "granted"
          ? [kept(polled.grant), salesforce.readIdentity(null, polled.grant)]
          : polled;
      },
    },
    {
      name: "rfc8628 poll",
      throws: poll,
      read: (input) => {
        const polled = rfc8628.readPollAnswer(answerOf(input), metadata, now);
        if (polled.kind !== "granted") return polled;
        const { grant } = polled;
        return [
          kept(grant),
          rfc8628.readIdentity(null, grant),
          rfc8628.readHome(null, grant),
          rfc8628.areOthers(grant, aGrant),
        ];
      },
    },
    {
      name: "refresh",
      throws: [...client, "GRANT_GONE", "REFRESH_BUSY"],
      read: (input) => kept(readRefresh(answerOf(input), aGrant, now)),
    },
    {
      name: "code exchange",
      throws: web,
      read: (input) => kept(readRedeemed(answerOf(input), link, "https://issuer.example", now)),
    },
    ...(["jwt-bearer", "client-credentials", "saml-bearer", "saml-assertion"] as const).map((kind) => ({
      name: kind,
      throws: own,
      read: (input: Buffer) => kept(readSignIn(answerOf(input), kind, null, "me", now)),
    })),
    {
      name: "user record",
      throws: [...unreadable, "ACCESS_TOKEN_REJECTED"],
      read: (input) => {
        const record = readUserRecord(answerOf(input));
        return [
          salesforce.readIdentity(record, aGrant),
          rfc8628.readIdentity(record, aGrant),
          rfc8628.readHome(record, aGrant),
        ];
      },
    },
    {
      name: "introspection",
      throws: ["ORG_ANSWER_TOO_LARGE"],
      read: (input) => readIntrospection(answerOf(input)),
    },
    {
      name: "revocation",
      throws: [...unreadable, "CLIENT_UNKNOWN"],
      read: (input) => readRevocation(answerOf(input)),
    },
    { name: "Retry-After", read: (input) => retryAfterMs(answerOf(input).headers) },
    {
      name: "token exchange",
      throws: [...unreadable, "ACCESS_TOKEN_REJECTED", "ASSET_TOKEN_REFUSED", "CLIENT_UNKNOWN"],
      read: (input) => {
        const { jwt, lifeMs } = readExchange(answerOf(input));
        exchangeRequest("https://issuer.example/token", jwt, "actor", { kind: "none" });
        return [jwt, lifeMs];
      },
    },
    {
      name: "doctor's look at the sign-in page",
      read: (input) =>
        readAuthorized(
          answerOf(input),
          "https://issuer.example/authorize?redirect_uri=http%3A%2F%2Flocalhost%3A8400%2Fcallback",
        ),
    },
  ],
};

export const orgDiscovery: Target = {
  name: "org-discovery",
  what: "an org's description of itself",
  most: 256 * 1024,
  sources: files(["discovery", "answer", "address"]),
  seeds: [
    answer(200, {
      issuer: "https://issuer.example",
      device_authorization_endpoint: "https://issuer.example/device",
      authorization_endpoint: "https://issuer.example/authorize",
      authorization_response_iss_parameter_supported: true,
      token_endpoint: "https://issuer.example/token",
      userinfo_endpoint: "https://issuer.example/me",
      revocation_endpoint: "https://issuer.example/revoke",
      jwks_uri: "https://issuer.example/keys",
      token_endpoint_auth_methods_supported: ["client_secret_basic"],
    }),
    answer(200, {
      issuer: "https://login.example/{tenantid}/v2.0",
      token_endpoint: "https://login.example/t",
    }),
    answer(404, "not here"),
    answer(503, "", "retry-after: 5"),
  ],
  readers: (["https://issuer.example", "https://login.example/0123-4567/v2.0"] as const).flatMap((issuer) =>
    (["device_authorization_endpoint", "authorization_endpoint", null] as const).map((beginsAt) => ({
      name: `${issuer} ${beginsAt}`,
      throws: [...unreadable, "ORG_DISCOVERY"] as const,
      read: (input: Buffer) => readMetadata(answerOf(input), issuer, beginsAt),
    })),
  ),
};

/** What is waited for has passed. */
const hasty: Clock = new Proxy(new VirtualClock(), {
  get: (clock, name) => {
    if (name === "sleep") return async () => undefined;
    const member: unknown = Reflect.get(clock, name);
    return typeof member === "function" ? member.bind(clock) : member;
  },
});

/** The same answer to the first questions, and nobody there after that. */
const saysSo = (input: Buffer, times = 3): Http => {
  let left = times;
  return async () => {
    if (left-- <= 0) throw new AgentError("ORG_UNREACHABLE", "it said enough");
    return answerOf(input);
  };
};

const rest: readonly ErrorCode[] = [...unreadable, "ACCESS_TOKEN_REJECTED"];
const record = { Id: "02ixx0000000001AAA", Name: "Porch", SerialNumber: "SN-0815" };

export const orgRecords: Target = {
  name: "org-records",
  what: "records of the org: assets, approvals, where home is, the report's pages",
  most: 256 * 1024,
  sources: [
    ...files(["rest", "home", "asset-record", "approvals", "answer"]),
    "src/report/assets.ts",
    "src/report/plain-text.ts",
  ],
  seeds: [
    answer(200, { totalSize: 1, done: true, records: [record] }),
    answer(200, { totalSize: 2, done: true, records: [record, record] }),
    answer(200, {
      totalSize: 3,
      done: false,
      nextRecordsUrl: "/services/data/v60.0/query/01gxx-200",
      records: [
        {
          ...record,
          ContactId: "003xx0000000001AAA",
          Contact: { Name: "Ada" },
          PorchlightLastSeen__c: "2026-11-26T14:00:00.000+0000",
        },
      ],
    }),
    answer(200, { fields: [{ name: "SerialNumber" }, { name: "ContactId", relationshipName: "Contact" }] }),
    answer(200, {
      records: [
        {
          Latitude: 52.52,
          Longitude: 13.4,
          TimeZoneSidKey: "Europe/Berlin",
          ContactId: "003xx0000000001AAA",
          AccountId: "001xx0000000001AAA",
          MailingLatitude: 1,
          MailingLongitude: 2,
        },
      ],
    }),
    answer(200, {
      records: [
        {
          AppName: "Porchlight",
          AppMenuItemId: null,
          CreatedDate: "2026-12-01T17:00:01.000+0000",
          LastUsedDate: null,
        },
      ],
    }),
    answer(400, [
      {
        message: "\nSELECT Id, Foo__c\nERROR at Row:1\nNo such column 'Foo__c' on entity 'Asset'",
        errorCode: "INVALID_FIELD",
      },
    ]),
    answer(401, [{ message: "Session expired or invalid", errorCode: "INVALID_SESSION_ID" }]),
    answer(403, [{ message: "TotalRequests Limit exceeded.", errorCode: "REQUEST_LIMIT_EXCEEDED" }]),
    answer(404, [{ errorCode: "NOT_FOUND", message: "not there" }]),
    answer(204, ""),
  ],
  readers: [
    { name: "any", throws: rest, read: (input) => readRest(answerOf(input)) },
    { name: "a query", throws: rest, read: (input) => readRecords(answerOf(input)) },
    {
      name: "the board's asset",
      throws: [...rest, "ASSET_RECORD_UNKNOWN", "ASSET_RECORD_CLOSED"],
      read: async (input) => {
        const id = await findAsset(aGrant, "SN-0815", saysSo(input), never);
        await writeAsset(aGrant, id, { Status: "Installed" }, saysSo(input), never);
        return id;
      },
    },
    {
      name: "approvals",
      throws: ["ORG_ANSWER_TOO_LARGE"],
      read: (input) => readApprovals(answerOf(input), aGrant),
    },
    ...[true, false].map((byItself) => ({
      name: `home of a board that signs in ${byItself ? "by itself" : "by a person"}`,
      throws: rest,
      read: (input: Buffer) => askHome(aGrant, { serial: "SN-0815", byItself }, saysSo(input, 99), never),
    })),
    {
      name: "the report",
      throws: [...rest, "ASSET_RECORD_CLOSED", "ORG_UNREACHABLE"],
      read: (input) =>
        readAssets(
          {
            fields: { PorchlightLastSeen__c: "{lastSeen}", PorchlightOnline__c: "{online}" },
            where: null,
            most: 1000,
            progress: () => undefined,
          },
          { http: saysSo(input), clock: hasty, random: () => 0.5, session: { fresh: async () => aGrant } },
          never,
        ),
    },
  ],
};

export const signInAddress: Target = {
  name: "sign-in-address",
  what: "an address that a browser ended on, or that somebody pastes into porchlight sign-in",
  most: 8192,
  sources: files(["web-sign-in", "answer"]),
  seeds: [
    `http://localhost:8400/callback?code=${MARK}&state=state-of-the-link`,
    `localhost:8400/callback?code=${MARK}&state=state-of-the-link&iss=https%3A%2F%2Fissuer.example`,
    `http://localhost:8400/callback?error=access_denied&error_description=no%20${MARK}&state=state-of-the-link`,
    `http://localhost:8400/callback?error=invalid_request&error_description=redirect_uri&state=state-of-the-link`,
    "http://localhost:8400/callback?code=1&code=2&state=state-of-the-link",
    "/callback",
    "",
  ],
  readers: [
    {
      name: "callback",
      throws: [...web, "CODE_DENIED", "CALLBACK_STRANGE"],
      read: (input) => {
        const reading = readCallback(input.toString("utf8"), link);
        if (reading.kind === "code") return reading.code;
        // Told as if it had been thrown: what it says is looked at.
        throw reading.error;
      },
    },
  ],
};
