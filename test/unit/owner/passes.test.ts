import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { passFields } from "../../../src/broker/codec-passes.ts";
import { mergeChange } from "../../../src/hal/change.ts";
import {
  type GuestPass,
  guestMays,
  type LightChange,
  type LightState,
  type SignedRequest,
} from "../../../src/model.ts";
import { endOf, judgeGuest, limited, readNewPass, readPass } from "../../../src/owner/passes.ts";
import { Refused } from "../../../src/owner/refused.ts";
import { epochMs } from "../../../src/units.ts";
import { type Members, signerOf } from "./openpubkey.ts";

const NOW = Date.parse("2026-12-01T17:00:00Z");
const now = epochMs(NOW);
const seconds = NOW / 1000;
const at = (text: string) => epochMs(Date.parse(text));

const wire = {
  id: "p1",
  name: "Bob",
  user: "005xx000000000CAAA",
  lights: ["main"],
  may: ["switch", "brightness"],
  maxBrightness: 128,
  from: seconds - 60,
  until: seconds + 3600,
  daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
};

const pass = (changes: Partial<GuestPass> = {}): GuestPass => ({
  id: "p1",
  name: "Bob",
  to: { kind: "user", userId: "005xx000000000CAAA" },
  lights: null,
  may: guestMays,
  maxBrightness: null,
  from: null,
  until: epochMs(NOW + 3_600_000),
  daily: null,
  ...changes,
});

const codeOf = (read: () => unknown): string => {
  try {
    read();
    return "read";
  } catch (error) {
    return error instanceof Refused ? error.code : String(error);
  }
};

const publicJwk = (alg: "ES256" | "EdDSA" | "RS256"): Members => {
  const { alg: _, ...jwk } = signerOf(alg).jwk;
  return jwk;
};

describe("a guest pass", () => {
  it("is read from the wire, and written as it was", () => {
    const read = readNewPass(wire, now);
    expect(read).toEqual({
      ...pass(),
      lights: ["main"],
      may: ["switch", "brightness"],
      maxBrightness: 128 / 255,
      from: NOW - 60_000,
      daily: wire.daily,
    });
    expect(passFields(read)).toEqual(wire);
    const { lights, maxBrightness, from, daily, ...least } = wire;
    expect(passFields(readNewPass(least, now))).toEqual(least);
  });

  it.each(["ES256", "EdDSA"] as const)("may name a key for %s, known by its thumbprint", (alg) => {
    const { user, ...rest } = wire;
    const jwk = publicJwk(alg);
    const read = readNewPass({ ...rest, key: { ...jwk, kid: "ignored" } }, now);
    const required =
      alg === "ES256"
        ? { crv: jwk.crv, kty: jwk.kty, x: jwk.x, y: jwk.y }
        : { crv: jwk.crv, kty: jwk.kty, x: jwk.x };
    const thumbprint = createHash("sha256").update(JSON.stringify(required)).digest("base64url");
    expect(read.to).toEqual({ kind: "key", thumbprint, jwk: required });
    expect(readPass(passFields(read))).toEqual(read);
  });

  it.each<[string, Members | unknown]>([
    ["no object", 7],
    ["id missing", { ...wire, id: undefined }],
    ["id with a slash", { ...wire, id: "a/b" }],
    ["id too long", { ...wire, id: "x".repeat(65) }],
    ["name empty", { ...wire, name: "" }],
    ["user and key", { ...wire, key: publicJwk("ES256") }],
    ["neither user nor key", { ...wire, user: undefined }],
    ["user a number", { ...wire, user: 5 }],
    ["user with a space", { ...wire, user: "a b" }],
    ["key no object", { ...wire, user: undefined, key: "AAAA" }],
    ["key for RSA", { ...wire, user: undefined, key: publicJwk("RS256") }],
    ["key of a shared secret", { ...wire, user: undefined, key: { kty: "oct", k: "AAAA" } }],
    ["key with its private half", { ...wire, user: undefined, key: { ...publicJwk("EdDSA"), d: "AAAA" } }],
    ["lights empty", { ...wire, lights: [] }],
    ["lights a text", { ...wire, lights: "main" }],
    ["too many lights", { ...wire, lights: Array.from({ length: 65 }, () => "main") }],
    ["may missing", { ...wire, may: undefined }],
    ["may empty", { ...wire, may: [] }],
    ["may of more than there is", { ...wire, may: ["switch", "switch", "switch", "switch", "switch"] }],
    ["may unknown", { ...wire, may: ["signOut"] }],
    ["maxBrightness 0", { ...wire, maxBrightness: 0 }],
    ["maxBrightness 256", { ...wire, maxBrightness: 256 }],
    ["maxBrightness a half", { ...wire, maxBrightness: 0.5 }],
    ["maxBrightness a text", { ...wire, maxBrightness: "128" }],
    ["until missing", { ...wire, until: undefined }],
    ["until past", { ...wire, from: undefined, until: seconds }],
    ["until in 367 days", { ...wire, until: seconds + 367 * 86_400 }],
    ["until beyond all times", { ...wire, until: 1e300 }],
    ["from after until", { ...wire, from: wire.until }],
    ["from a fraction", { ...wire, from: seconds + 0.5 }],
    ["daily a text", { ...wire, daily: "18:00" }],
    ["daily without its zone", { ...wire, daily: { from: "18:00", to: "22:00" } }],
    ["daily in no zone", { ...wire, daily: { ...wire.daily, timeZone: "Europe/Atlantis" } }],
    ["daily at an offset", { ...wire, daily: { ...wire.daily, timeZone: "+01:00" } }],
    ["daily from 24:00", { ...wire, daily: { ...wire.daily, from: "24:00" } }],
    ["daily of no length", { ...wire, daily: { ...wire.daily, to: "18:00" } }],
    ["daily with days", { ...wire, daily: { ...wire.daily, days: ["Mon"] } }],
    ["a limit that nobody knows", { ...wire, colours: ["red"] }],
  ])("with %s is none", (_what, fields) => {
    expect(codeOf(() => readNewPass(JSON.parse(JSON.stringify(fields)), now))).toBe("COMMAND_INVALID");
  });
});

describe("what a pass allows", () => {
  const light = (change: LightChange, name: string | null = "main", fadeMs = 0): SignedRequest => ({
    do: "light",
    light: name,
    change,
    fadeMs,
  });
  const half = 128 / 255;

  it.each<[string, Partial<GuestPass>, SignedRequest, string]>([
    [
      "anything of a lamp",
      {},
      light({ on: true, brightness: 1, colour: { mode: "none" }, effect: "identify" }),
      "ok",
    ],
    ["nothing but lamps", {}, { do: "guests" }, "COMMAND_FORBIDDEN"],
    ["its lamps", { lights: ["main"] }, light({ on: true }), "ok"],
    ["its lamps, the main one unnamed", { lights: ["main"] }, light({ on: true }, null), "ok"],
    ["its lamps, not the main one unnamed", { lights: ["stairs"] }, light({ on: true }, null), "GUEST_LIMIT"],
    ["its lamps, no other", { lights: ["main"] }, light({ on: true }, "stairs"), "GUEST_LIMIT"],
    ["switching on", { may: ["switch"] }, light({ on: true }), "ok"],
    ["switching off", { may: ["switch"] }, light({ on: false }), "ok"],
    ["switching, not dimming", { may: ["switch"] }, light({ on: true, brightness: 0.5 }), "GUEST_LIMIT"],
    ["dimming", { may: ["brightness"] }, light({ on: true, brightness: 0.5 }), "ok"],
    ["dimming, not switching on", { may: ["brightness"] }, light({ on: true }), "GUEST_LIMIT"],
    ["dimming, not switching off", { may: ["brightness"] }, light({ on: false }), "GUEST_LIMIT"],
    [
      "dimming, not switching off by the way",
      { may: ["brightness"] },
      light({ on: false, brightness: 0.5 }),
      "GUEST_LIMIT",
    ],
    [
      "dimming, not colours",
      { may: ["brightness"] },
      light({ colour: { mode: "temperature", kelvin: 3000 } }),
      "GUEST_LIMIT",
    ],
    ["colours", { may: ["colour"] }, light({ colour: { mode: "rgb", rgb: [1, 0, 0] } }), "ok"],
    ["colours, not effects", { may: ["colour"] }, light({ effect: "blink" }), "GUEST_LIMIT"],
    ["effects", { may: ["effect"] }, light({ effect: null }), "ok"],
    ["as much brightness", { maxBrightness: half }, light({ brightness: half }), "ok"],
    ["no more brightness", { maxBrightness: half }, light({ brightness: 129 / 255 }), "GUEST_LIMIT"],
    ["no flash at full brightness", { maxBrightness: half }, light({ effect: "identify" }), "GUEST_LIMIT"],
    ["from its beginning", { from: now }, light({ on: true }), "ok"],
    ["nothing before", { from: epochMs(NOW + 1) }, light({ on: true }), "GUEST_TIME"],
    ["nothing at its end", { until: now }, light({ on: true }), "GUEST_TIME"],
    ["a fade within its time", {}, light({ on: true }, "main", 3_599_000), "ok"],
    ["no fade beyond its end", {}, light({ on: true }, "main", 3_600_000), "GUEST_TIME"],
    [
      "no fade beyond its hours",
      { daily: { from: "16:00", to: "17:01", timeZone: "UTC" } },
      light({ on: true }, "main", 120_000),
      "GUEST_TIME",
    ],
    [
      "what it forbids by limit before by time",
      { until: now, may: ["effect"] },
      light({ on: true }),
      "GUEST_LIMIT",
    ],
  ])("is %s", (_what, changes, request, verdict) => {
    expect(judgeGuest(pass(changes), request, "main", now)).toBe(verdict);
  });

  it.each([
    // Berlin is one hour ahead of UTC in winter, two in summer.
    ["18:00", "22:00", "2026-12-01T16:59:59Z", "GUEST_TIME"],
    ["18:00", "22:00", "2026-12-01T17:00:00Z", "ok"],
    ["18:00", "22:00", "2026-12-01T20:59:59Z", "ok"],
    ["18:00", "22:00", "2026-12-01T21:00:00Z", "GUEST_TIME"],
    ["18:00", "22:00", "2026-07-01T16:00:00Z", "ok"],
    ["18:00", "22:00", "2026-07-01T20:00:00Z", "GUEST_TIME"],
    // Over midnight.
    ["22:00", "02:00", "2026-12-01T20:59:59Z", "GUEST_TIME"],
    ["22:00", "02:00", "2026-12-01T21:00:00Z", "ok"],
    ["22:00", "02:00", "2026-12-01T23:30:00Z", "ok"],
    ["22:00", "02:00", "2026-12-02T00:59:59Z", "ok"],
    ["22:00", "02:00", "2026-12-02T01:00:00Z", "GUEST_TIME"],
    // The hour that is missing in March, and the one that comes twice in October.
    ["01:30", "02:30", "2026-03-29T00:59:59Z", "ok"],
    ["01:30", "02:30", "2026-03-29T01:00:00Z", "GUEST_TIME"],
    ["02:15", "02:45", "2026-10-25T00:30:00Z", "ok"],
    ["02:15", "02:45", "2026-10-25T01:30:00Z", "ok"],
    ["02:15", "02:45", "2026-10-25T01:50:00Z", "GUEST_TIME"],
    ["00:00", "00:01", "2026-12-01T23:00:30Z", "ok"],
  ])("from %s to %s in Berlin, at %s: %s", (from, to, at, verdict) => {
    const daily = { from, to, timeZone: "Europe/Berlin" };
    const when = epochMs(Date.parse(at));
    const guest = pass({ daily, until: epochMs(when + 1) });
    expect(judgeGuest(guest, light({ on: true }), "main", when)).toBe(verdict);
  });

  const state = (changes: Partial<LightState> = {}): LightState => ({
    on: false,
    brightness: 1,
    colour: { mode: "none" },
    effect: null,
    ...changes,
  });

  it.each<[string, Partial<GuestPass>, LightChange, Partial<LightState>, LightChange | "GUEST_LIMIT"]>([
    [
      "comes on no brighter than allowed",
      { maxBrightness: half },
      { on: true },
      {},
      { on: true, brightness: half },
    ],
    [
      "comes on as it was when that was less",
      { maxBrightness: half },
      { on: true },
      { brightness: 0.2 },
      { on: true },
    ],
    [
      "comes on at the limit when it had no brightness",
      { maxBrightness: half },
      { on: true },
      { brightness: 0 },
      { on: true, brightness: half },
    ],
    [
      "comes on by blinking no brighter than allowed",
      { maxBrightness: half },
      { effect: "blink" },
      {},
      { effect: "blink", brightness: half },
    ],
    [
      "comes on at the brightness that was asked for",
      { maxBrightness: half },
      { on: true, brightness: 0.1 },
      {},
      { on: true, brightness: 0.1 },
    ],
    ["comes on as it was without a limit", {}, { on: true }, {}, { on: true }],
    [
      "stays as bright as the owner made it",
      { maxBrightness: half },
      { on: true },
      { on: true },
      { on: true },
    ],
    ["stays off", { maxBrightness: half }, { on: false }, {}, { on: false }],
    [
      "stays off with another colour",
      { maxBrightness: half },
      { colour: { mode: "none" } },
      {},
      { colour: { mode: "none" } },
    ],
    [
      "does not come on by a brightness for whoever may not switch",
      { may: ["brightness"] },
      { on: true, brightness: 0.5 },
      {},
      "GUEST_LIMIT",
    ],
    [
      "does not come on by blinking for whoever may not switch",
      { may: ["effect"] },
      { effect: "blink" },
      {},
      "GUEST_LIMIT",
    ],
    [
      "is dimmed while it is on by whoever may not switch",
      { may: ["brightness"] },
      { on: true, brightness: 0.5 },
      { on: true },
      { on: true, brightness: 0.5 },
    ],
  ])("a lamp %s", (_what, changes, change, was, expected) => {
    expect(limited(pass(changes), change, state(was))).toEqual(expected);
  });

  it.each<[string, Partial<GuestPass>, string, string]>([
    ["at its end", { daily: null }, "2026-12-01T17:00:00Z", "2026-12-01T18:00:00Z"],
    ["at the end of the daily time", {}, "2026-12-01T17:00:30.5Z", "2026-12-01T17:30:00Z"],
    [
      "at its end before that",
      { until: at("2026-12-01T17:10:00Z") },
      "2026-12-01T17:00:00Z",
      "2026-12-01T17:10:00Z",
    ],
    [
      "past midnight",
      { daily: { from: "17:00", to: "01:15", timeZone: "Etc/UTC" } },
      "2026-12-01T23:59:59Z",
      "2026-12-02T01:15:00Z",
    ],
    [
      "never within a day that it counts all through",
      { daily: { from: "08:00", to: "08:00", timeZone: "Etc/UTC" } },
      "2026-12-01T17:00:00Z",
      "2026-12-03T12:00:00Z",
    ],
    [
      "by the clocks of that night, when they go back",
      { until: at("2027-01-01T00:00:00Z"), daily: { from: "20:00", to: "05:00", timeZone: "Europe/Berlin" } },
      "2026-10-24T20:00:00Z",
      "2026-10-25T04:00:00Z",
    ],
    [
      "by the clocks of that night, when they go forward",
      { until: at("2028-01-01T00:00:00Z"), daily: { from: "20:00", to: "05:00", timeZone: "Europe/Berlin" } },
      "2027-03-27T21:00:00Z",
      "2027-03-28T03:00:00Z",
    ],
  ])("counts no more %s", (_when, changes, from, to) => {
    const daily = { from: "16:00", to: "17:30", timeZone: "Etc/UTC" };
    const until = changes.daily === null ? at("2026-12-01T18:00:00Z") : at("2026-12-03T12:00:00Z");
    expect(new Date(endOf(pass({ until, daily, ...changes }), at(from))).toISOString()).toBe(
      new Date(to).toISOString(),
    );
  });

  it("holds for the lamp itself: a guest leaves it no brighter than the pass says, or than it was", () => {
    const traits = { dims: true, temperature: null, rgb: true, effects: ["blink", "identify"] } as const;
    const change: fc.Arbitrary<LightChange> = fc.record(
      {
        on: fc.boolean(),
        brightness: fc.double({ min: 1 / 255, max: 1, noNaN: true }),
        effect: fc.constantFrom("blink" as const, "identify" as const, null),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.double({ min: 1 / 255, max: 1, noNaN: true }),
        change,
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (maxBrightness, asked, on, brightness) => {
          const guest = pass({ maxBrightness });
          if (judgeGuest(guest, light(asked), "main", now) !== "ok") return;
          const before = state({ on, brightness });
          const allowed = limited(guest, asked, before);
          if (allowed === "GUEST_LIMIT") return;
          const merged = mergeChange(before, allowed, traits);
          if (!merged.ok || !merged.target.on) return;
          expect(merged.target.brightness).toBeLessThanOrEqual(
            on ? Math.max(maxBrightness, brightness > 0 ? brightness : 1) : maxBrightness,
          );
        },
      ),
    );
  });
});
