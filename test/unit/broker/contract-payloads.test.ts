import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { signCommand } from "../../../companion/core/signed-message.ts";
import { exampleAbout, type SchemaName } from "../../../src/broker/contract-examples.ts";
import { schemaDocument } from "../../../src/broker/contract-schemas.ts";
import { encodeDiscovery } from "../../../src/broker/discovery.ts";
import { encodeAbout, encodeResult, encodeState } from "../../../src/broker/payloads.ts";
import { topicsOf } from "../../../src/broker/topics.ts";
import { AgentError, type ErrorCode, errorTable } from "../../../src/errors.ts";
import { lightTraits } from "../../../src/hal/traits.ts";
import type { About, Channel, CommandResult, LightReport, LightTraits } from "../../../src/model.ts";
import { readPass } from "../../../src/owner/passes.ts";
import { readEvening } from "../../../src/owner/request.ts";
import { validatorOf } from "../../contract/published.ts";
import { evening, guestPass, mutations, signedContent } from "../../contract/signed-requests.ts";

const share = fc.double({ min: 0, max: 1, noNaN: true });
const code = fc.constantFrom(...(Object.keys(errorTable) as ErrorCode[]));
const level = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 64 });

const traits: fc.Arbitrary<LightTraits> = fc
  .uniqueArray(fc.constantFrom<Channel>("white", "warm", "cold", "red", "green", "blue"), { minLength: 1 })
  .chain((channels) => fc.constantFrom<Channel[]>(channels, ["switch"]))
  .map((channels) => lightTraits({ channels, framesPerSecond: 50 }));

const state = fc.record({
  on: fc.boolean(),
  brightness: share,
  colour: fc.oneof(
    fc.constant({ mode: "none" as const }),
    fc.record({
      mode: fc.constant("temperature" as const),
      kelvin: fc.double({ min: 1000, max: 20_000, noNaN: true }),
    }),
    fc.record({ mode: fc.constant("rgb" as const), rgb: fc.tuple(share, share, share) }),
  ),
  effect: fc.constantFrom(null, "blink" as const, "identify" as const),
});

const report: fc.Arbitrary<LightReport> = fc.record({
  light: level,
  target: state,
  available: fc.boolean(),
  fault: fc.option(code.map((each) => new AgentError(each))),
  cause: fc.constant({ kind: "agent" as const }),
});

const result: fc.Arbitrary<CommandResult> = fc.record({
  id: fc.option(fc.stringMatching(/^[\x20-\x7e]{1,128}$/)),
  outcome: fc.constantFrom("done", "refused", "failed"),
  code: fc.option(code),
  message: fc.option(text),
  light: level,
  state: fc.option(state),
});

/** After a command about guest passes. */
const withGuests: fc.Arbitrary<CommandResult> = fc
  .tuple(result, fc.array(guestPass.map(readPass), { maxLength: 3 }))
  .map(([each, guests]) => ({ ...each, guests }));

const aboutOf: fc.Arbitrary<About> = fc
  .record({
    id: level,
    lamps: fc.uniqueArray(level, { minLength: 1, maxLength: 4 }),
    traits,
    name: text,
    key: fc.option(text),
    owner: fc.option(
      fc.record({ userId: text, name: text, username: fc.option(text), orgId: fc.option(text) }),
    ),
    outcome: fc.constantFrom("installed" as const, "wentBack" as const, "refused" as const),
    code: fc.option(code),
    trust: fc.constantFrom("owner" as const, "broker" as const),
    from: fc.constantFrom("phone" as const, "settings" as const, null),
    settled: fc.option(evening.map(readEvening)),
    home: fc.constantFrom("settings" as const, "org" as const, "timeZone" as const, null),
    updated: fc.boolean(),
    started: fc.option(
      fc.record({
        at: fc.constant("2026-12-02T04:05:00.000Z"),
        after: fc.constantFrom(
          "first",
          "stopped",
          "error",
          "crashed",
          "power",
          "watchdog",
          "memory",
          "killed",
        ),
        code: fc.option(code),
        restarts: fc.nat(),
      }),
    ),
    health: fc.record({
      status: fc.constantFrom("pass", "warn", "fail"),
      problems: fc.array(
        fc.record({
          code,
          light: fc.option(fc.constant("main")),
          since: fc.option(fc.constant("2026-12-02T04:05:00.000Z")),
        }),
        { maxLength: 3 },
      ),
      upSince: fc.option(fc.constant("2026-12-02T04:05:00.000Z")),
      restarts: fc.nat(),
      lastDay: fc.record({ reconnects: fc.nat(), refused: fc.nat(), faults: fc.nat() }),
    }),
  })
  .map((each) => ({
    ...exampleAbout,
    device: { id: each.id, name: each.name, serial: each.name },
    trust: each.trust,
    lights: each.lamps.map((id) => ({ id, name: each.name, traits: each.traits })),
    keyThumbprint: each.key,
    owner: each.owner,
    eveningFrom: each.from,
    eveningSettings: each.settled,
    homeFrom: each.home,
    started: each.started,
    health: each.health,
    update: each.updated
      ? {
          version: "1.0.0",
          outcome: each.outcome,
          code: each.code,
          message: "not told",
          at: "2026-12-02T04:06:00.000Z",
        }
      : null,
  }));

const topicsFor = ({ device, lights }: About) =>
  topicsOf(
    device.id,
    lights.map(({ id }) => id),
  );

/** Paths of the members that a payload has, lists and components without their place: `lights[].traits.rgb`. */
const pathsIn = (value: unknown, path = ""): string[] => {
  if (Array.isArray(value)) return value.flatMap((each) => pathsIn(each, `${path}[]`));
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const at = path === "components" ? `${path}.*` : path === "" ? name : `${path}.${name}`;
    return [at, ...pathsIn(each, at)];
  });
};

/** Paths of the members that a schema names. */
const pathsOf = (schema: unknown, path = ""): string[] => {
  if (typeof schema !== "object" || schema === null) return [];
  const { properties, items, additionalProperties } = schema as Record<string, unknown>;
  return [
    ...Object.entries(Object(properties)).flatMap(([name, each]) => {
      const at = path === "" ? name : `${path}.${name}`;
      return [at, ...pathsOf(each, at)];
    }),
    ...pathsOf(items, `${path}[]`),
    ...(typeof additionalProperties === "object"
      ? [`${path}.*`, ...pathsOf(additionalProperties, `${path}.*`)]
      : []),
  ];
};

/** All that is said fits the schema, and all that the schema names is said sooner or later. */
const holds = (name: SchemaName, payload: fc.Arbitrary<string>): void => {
  const said = new Set<string>();
  const valid = validatorOf(name);
  fc.assert(
    fc.property(payload, (json) => {
      const value: unknown = JSON.parse(json);
      valid(value);
      expect(valid.errors ?? []).toEqual([]);
      for (const path of pathsIn(value)) said.add(path);
    }),
    { numRuns: 1_000 },
  );
  expect(pathsOf(schemaDocument(name)).filter((path) => !said.has(path))).toEqual([]);
};

describe("what the board says fits its schema, and the schema names no more than it says", () => {
  it("of a lamp's state", () => {
    holds(
      "light-state",
      fc.tuple(report, traits).map(([each, can]) => encodeState(each, can)),
    );
  });

  it("of an answer", () => {
    holds(
      "result",
      fc.tuple(fc.oneof(result, withGuests), fc.option(traits)).map(([each, can]) => encodeResult(each, can)),
    );
  });

  it("of itself", () => {
    holds(
      "about",
      aboutOf.map((each) => encodeAbout(each, topicsFor(each))),
    );
  });

  it("to Home Assistant", () => {
    holds(
      "discovery",
      aboutOf.map((each) => encodeDiscovery(each, topicsFor(each))),
    );
  });
});

describe("the schema of signed commands", () => {
  const fits = validatorOf("signed-command");

  it("takes every kind of request", () => {
    fc.assert(
      fc.property(signedContent(), (content) => {
        fits(content);
        expect(fits.errors ?? []).toEqual([]);
      }),
      { numRuns: 1_000 },
    );
    fc.assert(fc.property(guestPass, (pass) => validatorOf("guest-pass")(pass)));
    fc.assert(fc.property(evening, (schedule) => validatorOf("evening")(schedule)));
  });

  it.each(mutations)("refuses %s", (_, change) => {
    fc.assert(
      fc.property(signedContent(), (content) => !fits(JSON.parse(JSON.stringify(change(content))))),
      { numRuns: 100 },
    );
  });

  it("takes the envelope that the phone's own code makes", async () => {
    const { createPhoneKey } = await import("../../../companion/core/phone-key.ts");
    const { createPkToken } = await import("../../../companion/core/pk-token.ts");
    const key = await createPhoneKey();
    const command = { device: "porch-1", id: "7f1c", ask: { do: "guests" } };
    const jwt = ["eyJhbGciOiJSUzI1NiJ9", "eyJpc3MiOiJvcmcifQ", "c2lnbmVk"].join(".");
    const pkToken = await createPkToken(jwt, key);
    const envelopes = await Promise.all([
      signCommand({ kind: "person", key, pkToken, freshIdToken: null }, command, 1_796_083_200_000),
      signCommand({ kind: "person", key, pkToken, freshIdToken: jwt }, command, 1_796_083_200_000),
      signCommand({ kind: "key", key }, command, 1_796_083_200_000),
    ]);
    for (const envelope of envelopes) {
      const value = JSON.parse(envelope);
      expect(validatorOf("signed-envelope")(value), envelope).toBe(true);
      const content = JSON.parse(Buffer.from(value.osm.split(".")[1], "base64url").toString());
      expect(fits(content)).toBe(true);
      expect(validatorOf("signed-envelope")({ ...value, more: 1 })).toBe(false);
    }
  });
});
