import { AgentError } from "../errors.ts";
import type { Grant, Identity } from "../model.ts";
import { epochMs, Secret } from "../units.ts";

// The grant as it lies on disk: one JSON object with a version, read back with every member checked.

const VERSION = 1;

/** More than any grant needs, in bytes. */
const MAX_BYTES = 256 * 1024;

/** The bytes to keep. They hold both tokens in clear: the vault keeps them for this user only. */
export const encodeGrant = (grant: Grant): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({
      version: VERSION,
      accessToken: grant.accessToken.reveal(),
      refreshToken: grant.refreshToken?.reveal() ?? null,
      instanceUrl: grant.instanceUrl,
      scope: grant.scope,
      issuedAt: grant.issuedAt,
      expiresAt: grant.expiresAt,
      identity: grant.identity,
      idUrl: grant.idUrl,
      idToken: grant.idToken?.reveal() ?? null,
      signedInAs: grant.signedInAs,
      leaving: grant.leaving,
    }),
  );

const damaged = (what: string): AgentError => new AgentError("STATE_DAMAGED", `grant: ${what}`);

type Stored = Readonly<Record<string, unknown>>;

const record = (value: unknown, what: string): Stored => {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw damaged(`${what} is no object`);
  return { ...value };
};

const text = (stored: Stored, name: string): string => {
  const value = stored[name];
  if (typeof value !== "string" || value === "") throw damaged(`${name} is no text`);
  return value;
};

const moment = (stored: Stored, name: string) => {
  const value = stored[name];
  if (typeof value !== "number" || !Number.isFinite(value)) throw damaged(`${name} is no time`);
  return epochMs(value);
};

const nullable = <T>(read: (stored: Stored, name: string) => T, stored: Stored, name: string): T | null =>
  stored[name] === null ? null : read(stored, name);

const secret = (stored: Stored, name: string): Secret => new Secret(text(stored, name));

const identity = (stored: Stored, name: string): Identity => {
  const who = record(stored[name], name);
  return {
    userId: text(who, "userId"),
    name: text(who, "name"),
    username: nullable(text, who, "username"),
    orgId: nullable(text, who, "orgId"),
  };
};

/** The grant in the bytes. Throws STATE_DAMAGED, naming the member that is wrong but never its value. */
export const decodeGrant = (bytes: Uint8Array): Grant => {
  if (bytes.byteLength > MAX_BYTES) throw damaged("it is too large");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // The parser's own message quotes what it read, and that may be a token.
    throw damaged("it is no JSON");
  }
  const stored = record(value, "it");
  if (stored.version !== VERSION) throw damaged("it is of another version of Porchlight");
  return {
    accessToken: secret(stored, "accessToken"),
    refreshToken: nullable(secret, stored, "refreshToken"),
    instanceUrl: text(stored, "instanceUrl"),
    scope: nullable(text, stored, "scope"),
    issuedAt: moment(stored, "issuedAt"),
    expiresAt: nullable(moment, stored, "expiresAt"),
    identity: nullable(identity, stored, "identity"),
    idUrl: nullable(text, stored, "idUrl"),
    idToken: nullable(secret, stored, "idToken"),
    // Left out by earlier releases: such a board signs in once more.
    signedInAs: stored.signedInAs === undefined ? null : nullable(text, stored, "signedInAs"),
    ...(stored.leaving === true ? { leaving: true } : {}),
  };
};
