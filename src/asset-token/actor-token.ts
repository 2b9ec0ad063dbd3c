import { randomUUID } from "node:crypto";
import { AgentError } from "../errors.ts";
import { type EpochMs, toNumericDate } from "../units.ts";
import type { DeviceKey, JwtMembers } from "./key.ts";

// The actor token: the device says who it is, signed with its own key (RFC 8693 section 2.1 actor_token). Salesforce
// documents the claims' purpose but not all their names, so they are a template that the settings may change.

/** What the placeholders stand for. */
export interface ActorFacts {
  readonly device: { readonly id: string; readonly name: string; readonly serial: string };
  readonly clientId: string;
}

/** `{device.id}` becomes AssetTokenEvent.DeviceId; the serial number links the Asset record that has it. */
const defaultClaims: JwtMembers = {
  did: "{device.id}",
  Name: "{device.name}",
  Asset: { Name: "{device.name}", SerialNumber: "{device.serial}" },
  iss: "{client.id}",
};

/** Claims that make the token safe; a template that sets one is a mistake. */
const ownClaims = ["cnf", "iat", "nbf", "exp", "jti"];

/** Salesforce takes at most three minutes. In seconds. */
const LIFE = 120;

/** How far the org's clock may be behind the board's. In seconds. */
const SKEW = 30;

const fill = (value: unknown, facts: ActorFacts): unknown => {
  if (typeof value === "string")
    return value.replace(/\{([\w.]+)\}/g, (_whole, name: string) => {
      switch (name) {
        case "device.id":
          return facts.device.id;
        case "device.name":
          return facts.device.name;
        case "device.serial":
          return facts.device.serial;
        case "client.id":
          return facts.clientId;
        default:
          throw new AgentError(
            "SETTINGS_INVALID",
            `assetToken.actorClaims: {${name}} is none of {device.id}, {device.name}, {device.serial}, {client.id}`,
          );
      }
    });
  if (Array.isArray(value)) return value.map((each: unknown) => fill(each, facts));
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, fill(each, facts)]));
  return value;
};

/**
 * The claims of the template with everything filled in. `overrides` (settings `assetToken.actorClaims`) replaces the
 * default claims by name; null leaves one out. Throws SETTINGS_INVALID for an unknown placeholder and for claims that
 * are not the template's business.
 */
export const actorClaims = (overrides: JwtMembers, facts: ActorFacts): JwtMembers => {
  const reserved = ownClaims.find((name) => Object.hasOwn(overrides, name));
  if (reserved !== undefined)
    throw new AgentError(
      "SETTINGS_INVALID",
      `assetToken.actorClaims: ${reserved} is set by the board itself`,
    );
  const entries = Object.entries({ ...defaultClaims, ...overrides }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries.map(([name, value]) => [name, fill(value, facts)]));
};

/**
 * An actor token for `audience` (the org, unless the template names another), good for two minutes, with the public
 * key it can be checked with as `cnf` (RFC 7800 section 3.2).
 */
export const mintActorToken = (
  key: DeviceKey,
  claims: JwtMembers,
  audience: string,
  at: EpochMs,
): Promise<string> => {
  const iat = toNumericDate(at);
  return key.sign({
    aud: audience,
    ...claims,
    cnf: { jwk: key.publicJwk },
    iat,
    nbf: iat - SKEW,
    exp: iat + LIFE,
    jti: randomUUID(),
  });
};
