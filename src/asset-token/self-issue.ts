import { randomUUID } from "node:crypto";
import { type EpochMs, toNumericDate } from "../units.ts";
import type { DeviceKey } from "./key.ts";

/** How long a token that the board made for itself lasts, in seconds. */
const LIFE = 3_600;

/** The user and the device that a self-issued token ties together. */
export interface SelfIssuedFacts {
  readonly userId: string;
  readonly orgId: string | null;
  readonly device: { readonly id: string; readonly name: string };
  readonly audience: string;
}

/** What stands as `iss` in the tokens a device makes for itself. */
export const selfIssuer = (deviceId: string): string => `porchlight/${deviceId}`;

/**
 * An asset token by the board itself, for orgs that have no such flow: good for an hour, with the claims an org's would
 * have. Whoever checks it must know the device's key beforehand; the header's `kid` is its RFC 7638 thumbprint.
 */
export const mintSelfIssued = (key: DeviceKey, facts: SelfIssuedFacts, at: EpochMs): Promise<string> => {
  const iat = toNumericDate(at);
  const org = facts.orgId === null ? {} : { org: facts.orgId };
  return key.sign(
    {
      iss: selfIssuer(facts.device.id),
      sub: facts.userId,
      ...org,
      aud: [facts.audience],
      did: facts.device.id,
      Name: facts.device.name,
      cnf: { jwk: key.publicJwk },
      iat,
      nbf: iat,
      exp: iat + LIFE,
      jti: randomUUID(),
    },
    { kid: key.thumbprint },
  );
};
