import { after, toNumericDate } from "../../src/units.ts";
import { keepNewest } from "../newest.ts";
import { type Actor, readActor } from "./actor-token.ts";
import { linkAsset } from "./assets.ts";
import { type Bearer, bearerOf, type OrgContext, orgNow } from "./context.ts";
import { recordTime, type TokenFields } from "./grants.ts";
import { signJwt } from "./jwt.ts";
import { published } from "./keys.ts";
import { Refusal } from "./messages.ts";
import type { AssetRecord, AssetTokenEvent } from "./store.ts";

const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const JWT = "urn:ietf:params:oauth:token-type:jwt";

const subjectOf = (org: OrgContext, form: URLSearchParams): Bearer => {
  if (form.get("subject_token_type") !== ACCESS_TOKEN)
    throw new Refusal(
      "invalid_request",
      "subject_token_type must be the access token type",
      "The exchange needs the user's access token as the subject.",
    );
  const subject = bearerOf(org, form.get("subject_token"));
  if (subject === undefined)
    throw new Refusal(
      "invalid_grant",
      "expired access/refresh token",
      "The user's access token is not valid any more. Get a new one with the refresh token.",
    );
  if (subject.app.assetAudiences.length === 0 || !org.faults.assetTokensEnabled)
    throw new Refusal(
      "invalid_grant",
      "asset tokens are not enabled for the app",
      "Somebody has to switch on asset tokens for this app in the org's settings.",
    );
  if (!["api", "openid"].every((scope) => subject.approval.scope.includes(scope)))
    throw new Refusal(
      "invalid_scope",
      "asset tokens need the scopes api and openid",
      "The sign-in allows too little.",
    );
  return subject;
};

const actorOf = (org: OrgContext, form: URLSearchParams): Actor | undefined => {
  const [token, type] = [form.get("actor_token"), form.get("actor_token_type")];
  // RFC 8693 section 2.1: the type is there exactly when the token is.
  if ((token === null) !== (type === null) || (type !== null && type !== JWT))
    throw new Refusal(
      "invalid_request",
      "actor_token and actor_token_type do not fit together",
      "The board's own token and its type come together or not at all.",
    );
  return token === null ? undefined : readActor(org, token);
};

/** Asset token events that can be read afterwards: more than a day of them for a board that takes a token every ten minutes. */
const EVENTS_KEPT = 200;

const announce = (
  org: OrgContext,
  subject: Bearer,
  actor: Actor | undefined,
  asset: AssetRecord | undefined,
  expiresAt: number,
): void => {
  const uuid = org.random(16);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x40;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  const event: AssetTokenEvent = {
    ActorTokenPayload: actor?.payloadText ?? null,
    AssetId: asset?.Id ?? null,
    AssetName: asset?.Name ?? null,
    AssetSerialNumber: asset?.SerialNumber ?? null,
    ConnectedAppId: null,
    CreatedById: subject.user.id,
    CreatedDate: recordTime(org),
    DeviceId: actor?.deviceId ?? null,
    DeviceKey: actor === undefined ? null : JSON.stringify(actor.jwk),
    EventUuid: uuid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
    Expiration: new Date(expiresAt).toISOString().replace("Z", "+0000"),
    ExternalClientApplicationId: subject.app.id,
    Name: actor?.name ?? null,
    ReplayId: String(Number(org.store.events.at(-1)?.ReplayId ?? 0) + 1),
    UserId: subject.user.id,
  };
  keepNewest(org.store.events, event, EVENTS_KEPT);
  org.changed({ kind: "event", eventUuid: event.EventUuid });
};

const sealed = (org: OrgContext, payload: object): string => {
  const { faults, keys } = org;
  const { kid } = keys.asset();
  if (faults.unsigned) return signJwt({ kid, typ: "JWT", alg: "none" }, payload, null);
  const key = faults.wrongKey ? keys.forger() : keys.asset();
  return signJwt(
    { kid: faults.unknownKeyId ? "Retired" : kid, typ: "JWT", alg: "RS256" },
    payload,
    key.privateKey,
  );
};

const confirmation = (org: OrgContext, actor: Actor | undefined): object => {
  if (actor === undefined || org.faults.omitCnf) return {};
  if (!org.faults.wrongCnf) return { cnf: actor.cnf };
  const { kty, n, e } = published(org.keys.forger());
  return { cnf: { jwk: { kty, n, e } } };
};

/**
 * The asset token flow (RFC 8693): the user's access token and the board's own token go in; a JWT comes out that ties
 * the two together. Registers the board as an Asset and publishes an AssetTokenEvent.
 */
export const exchange = (org: OrgContext, form: URLSearchParams): TokenFields => {
  const { faults } = org;
  const subject = subjectOf(org, form);
  const actor = actorOf(org, form);
  const asset = actor === undefined ? undefined : linkAsset(org, actor, subject.user);
  const now = orgNow(org);
  const expiresAt = after(now, faults.assetTokenLifetimeMs);
  const name = actor?.name ?? asset?.Name;
  const token = sealed(org, {
    aud: faults.wrongAudience ? ["https://somebody-else.example"] : subject.app.assetAudiences,
    nbf: toNumericDate(now),
    iss: faults.wrongIssuer ? "https://another-org.example" : org.baseUrl(),
    exp: toNumericDate(expiresAt),
    iat: toNumericDate(now),
    sub: subject.user.id,
    ...(actor === undefined ? {} : { did: faults.wrongDevice ? `not-${actor.deviceId}` : actor.deviceId }),
    ...(name === undefined ? {} : { Name: name }),
    ...confirmation(org, actor),
  });
  announce(org, subject, actor, asset, expiresAt);
  org.secrets.hand("asset token", token);
  return {
    access_token: token,
    issued_token_type: JWT,
    token_type: "Bearer",
    expires_in: Math.round(faults.assetTokenLifetimeMs / 1000),
  };
};
