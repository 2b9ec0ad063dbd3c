import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from "jose";
import type { Clock } from "../../src/ports.ts";
import { type EpochMs, fromNumericDate } from "../../src/units.ts";
import type { Access, Authenticate, Credentials } from "./access.ts";
import { covers } from "./topic-names.ts";

export interface TokenAuthorityOptions {
  /** The org's public keys, asked for at every connection, so that a key change counts at once. */
  jwks(): Promise<JSONWebKeySet>;
  readonly audience: string;
  /** Not checked when it is left out. */
  readonly issuer?: string;
  readonly clock: Clock;
  /** Asks the org about an access token (RFC 7662); null when it is not active. */
  introspect(token: string): Promise<{
    readonly userId: string;
    readonly name: string;
    readonly expiresAt: EpochMs | null;
  } | null>;
  /** An account for guests who have none at the org; no guests of that kind without it. */
  readonly guest?: { readonly username: string; readonly password: string };
  /** Boards that show a password and no token, by device id. Read at each connection. */
  readonly boards?: ReadonlyMap<string, string>;
  /** Which user owns which device, by device id: learnt from asset tokens, and may be filled in beforehand. */
  readonly owners?: Map<string, string>;
}

const PHONE_ID = /^phone-[A-Za-z0-9_-]{1,64}$/;

/** `porchlight report`: it may read what all boards keep, and nothing else. */
const REPORT_ID = /^porchlight-report-[a-z0-9]{1,16}$/;

const refused = (reason: string) => ({ ok: false, reason }) as const;

/**
 * Access rules of the simulated world, as a maker's broker would have them. A board shows an asset token: its `did`
 * must be the client id and the user name, and it may use `porchlight/<did>/#` and nothing else; one of `boards`
 * shows its password. A phone shows an access token of the org; its client id begins with `phone-`, so that it takes no board's
 * place. With its user's own boards it may do as it likes. To any board it may send signed commands,
 * read what the board is and how its lamps are, and the answers to itself: which of them are obeyed the board decides,
 * by their signature and the guest passes that it keeps, of which no broker knows. A guest without an account at the
 * org comes with an account that all such guests share, and may do the same with boards that it knows by name.
 */
export const tokenAuthority = (options: TokenAuthorityOptions): Authenticate => {
  const owners = options.owners ?? new Map<string, string>();
  return async (credentials) => {
    const { password, username, clientId } = credentials;
    if (password === null || password === "") return refused("no token was shown as password");
    if (username === clientId && password === options.boards?.get(clientId)) return asBoard(clientId, null);
    const asGuest = username === options.guest?.username && password === options.guest?.password;
    const claims = asGuest ? null : await readAssetToken(password, options);
    if (claims === null) {
      // One with a board's client id would push that board off the broker, one with a wildcard read everybody's answers.
      if (REPORT_ID.test(credentials.clientId) && !asGuest) return admitReport(password, options);
      if (!PHONE_ID.test(credentials.clientId)) return refused("a phone's client id begins with phone-");
      return asGuest
        ? admitGuest(credentials.clientId)
        : admitPhone(credentials.clientId, password, owners, options);
    }
    if (claims instanceof Error) return refused(claims.message);
    return admitBoard(credentials, claims, owners);
  };
};

/** The claims of a valid asset token, what is wrong with it, or null when it is some other kind of token. */
const readAssetToken = async (
  token: string,
  { jwks, audience, issuer, clock }: TokenAuthorityOptions,
): Promise<JWTPayload | Error | null> => {
  if (!hasDeviceClaim(token)) return null;
  try {
    const { payload } = await jwtVerify(token, createLocalJWKSet(await jwks()), {
      audience,
      ...(issuer === undefined ? {} : { issuer }),
      requiredClaims: ["exp", "sub", "did"],
      currentDate: new Date(clock.wall()),
    });
    return payload;
  } catch (error) {
    return error instanceof Error ? error : new Error("the token cannot be read");
  }
};

/** Whether the token claims, unchecked, to be about a device: an org's access token may be a JWT too. */
const hasDeviceClaim = (token: string): boolean => {
  const parts = token.split(".");
  if (parts.length !== 3) return false;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null && "did" in claims;
  } catch {
    return false;
  }
};

const admitBoard = (
  { clientId, username }: Credentials,
  claims: JWTPayload,
  owners: Map<string, string>,
): ({ ok: true } & Access) | { ok: false; reason: string } => {
  const { did, sub, exp } = claims;
  if (typeof did !== "string" || did !== clientId || did !== username)
    return refused("the token is for another device than client id and user name say");
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(did)) return refused("the device id cannot be a level of a topic");
  // Salesforce may name the user by URL, https://<host>/id/<org>/<user>
  const owner = (sub ?? "").split("/").at(-1) ?? "";
  owners.set(did, owner);
  return asBoard(did, exp === undefined ? null : fromNumericDate(exp));
};

const asBoard = (did: string, expiresAt: EpochMs | null): { ok: true } & Access => ({
  ok: true,
  who: { kind: "device", name: did },
  may: (action, topic) =>
    covers(`porchlight/${did}/#`, topic) ||
    topic === (action === "publish" ? `homeassistant/device/${did}/config` : "homeassistant/status"),
  expiresAt,
});

const admitPhone = async (
  clientId: string,
  token: string,
  owners: ReadonlyMap<string, string>,
  { introspect }: TokenAuthorityOptions,
): Promise<({ ok: true } & Access) | { ok: false; reason: string }> => {
  const user = await introspect(token);
  if (user === null) return refused("the org says that this token is not active");
  return {
    ok: true,
    who: { kind: "phone", name: user.name },
    may: (action, topic) => {
      const [, did = ""] = topic.split("/");
      const owns = owners.get(did) === user.userId;
      return phoneRules(action, clientId, owns ? did : null).some((rule) => covers(rule, topic));
    },
    expiresAt: user.expiresAt,
  };
};

const admitReport = async (
  token: string,
  { introspect }: TokenAuthorityOptions,
): Promise<({ ok: true } & Access) | { ok: false; reason: string }> => {
  const user = await introspect(token);
  if (user === null) return refused("the org says that this token is not active");
  return {
    ok: true,
    who: { kind: "other", name: "the report" },
    may: (action, topic) =>
      action === "subscribe" && readableByAll.some((rest) => covers(`porchlight/+/${rest}`, topic)),
    expiresAt: user.expiresAt,
  };
};

const admitGuest = (clientId: string): { ok: true } & Access => ({
  ok: true,
  who: { kind: "phone", name: "a guest" },
  may: (action, topic) =>
    !topic.startsWith("porchlight/+/") &&
    phoneRules(action, clientId, null).some((rule) => covers(rule, topic)),
  expiresAt: null,
});

const readableByAll = ["about", "availability", "light/state", "lights/+/state"];

/** What a phone may use; `own` is a board of its user. */
const phoneRules = (
  action: "publish" | "subscribe",
  clientId: string,
  own: string | null,
): readonly string[] => {
  if (action === "publish")
    return [
      "porchlight/+/command",
      ...(own === null ? [] : [`porchlight/${own}/light/set`, `porchlight/${own}/lights/+/set`]),
    ];
  return [
    ...readableByAll.map((rest) => `porchlight/+/${rest}`),
    `porchlight/+/result/${clientId}`,
    ...(own === null ? [] : [`porchlight/${own}/#`]),
  ];
};
