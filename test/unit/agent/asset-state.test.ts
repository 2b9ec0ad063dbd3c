import { describe, expect, it } from "vitest";
import {
  type AssetFacts,
  assetFields,
  chosenFields,
  dueAt,
  isNews,
  templateFields,
  templateMistake,
} from "../../../src/agent/asset-state.ts";
import { epochMs } from "../../../src/units.ts";

const now = epochMs(Date.parse("2026-12-01T17:00:00Z"));
const facts: AssetFacts = {
  device: { id: "porch-1", name: "Porch light", serial: "S1" },
  version: "0.1.0",
  online: true,
  lights: [
    {
      name: "Porch",
      state: { on: true, brightness: 0.4, colour: { mode: "none" }, effect: null },
      fault: null,
    },
    {
      name: "Hall",
      state: { on: false, brightness: 1, colour: { mode: "none" }, effect: null },
      fault: "LIGHT_FAULT",
    },
  ],
  signedInUntil: epochMs(Date.parse("2026-12-31T05:06:07Z")),
};

describe("what a board writes", () => {
  it("is, into the fields of org-template, how it is", () => {
    expect(assetFields(chosenFields({}), facts, now)).toEqual({
      Porchlight_DeviceId__c: "porch-1",
      Porchlight_Online__c: true,
      Porchlight_Lights__c: "Porch: on 40 %, Hall: off",
      Porchlight_Fault__c: "LIGHT_FAULT",
      Porchlight_LastSeen__c: "2026-12-01T17:00:00.000Z",
      Porchlight_Firmware__c: "0.1.0",
      Porchlight_TokenExpires__c: "2026-12-31T00:00:00.000Z",
    });
  });

  it("goes into whatever fields the settings name, filled in, and cut to what fits", () => {
    const template = {
      Description: "{device.name} ({device.serial}): {lights}{fault}",
      Custom__c: 7,
      Old__c: null,
    };
    const none = { ...facts, lights: facts.lights.slice(0, 1), signedInUntil: null };
    expect(assetFields(template, none, now)).toEqual({
      Description: "Porch light (S1): Porch: on 40 %",
      Custom__c: 7,
      Old__c: null,
    });
    const [light] = facts.lights;
    const many = {
      ...facts,
      lights: Array.from({ length: 99 }, () => light ?? facts.lights[1]),
    } as AssetFacts;
    expect(String(assetFields({ A: "x{lights}" }, many, now).A)).toHaveLength(255);
    expect(assetFields({ A: "{signedInUntil}", B: "{fault}" }, none, now)).toEqual({ A: null, B: null });
  });

  it.each([
    [{ A: "{nothing}" }, "has {nothing} for A"],
    [{ "A B": "x" }, 'has "A B", which is no name of a field'],
    [{ A: { b: 1 } }, "has something other than a text"],
    [Object.fromEntries(Array.from({ length: 33 }, (_none, n) => [`A${n}`, 1])), "has more than 32 fields"],
  ])("is refused as a setting: %j", (template, problem) => {
    expect(templateMistake(template)).toContain(problem);
  });

  it("is no mistake as it comes", () => {
    expect(templateMistake(templateFields)).toBeNull();
    expect(templateMistake({ A: null, B: true, C: "{online} {firmware}" })).toBeNull();
  });

  it("is news unless only the time has passed", () => {
    const before = assetFields(templateFields, facts, now);
    const later = epochMs(now + 60_000);
    expect(isNews(templateFields, null, before)).toBe(true);
    expect(isNews(templateFields, before, assetFields(templateFields, facts, later))).toBe(false);
    expect(
      isNews(templateFields, before, assetFields(templateFields, { ...facts, online: false }, now)),
    ).toBe(true);
    expect(isNews({ A: "{online}" }, before, assetFields({ A: "{online}" }, facts, now))).toBe(true);
  });
});

describe("when it writes", () => {
  const pauses = { intervalMs: 100, heartbeatMs: 1000, settleMs: 10 };
  it.each([
    ["at once, but for the settling, where it never wrote", 5, null, 0, 15],
    ["an interval after the last write", 5, 0, 0, 100],
    ["after settling when the interval is over", 300, 0, 0, 310],
    ["for its heartbeat when nothing is new", null, 0, 0, 1000],
    ["not before the org lets it", 5, 0, 500, 500],
    ["never, while nothing is known", null, null, 0, Number.POSITIVE_INFINITY],
  ])("is %s", (_name, newsSince, writtenAt, notBefore, expected) => {
    expect(dueAt({ newsSince, writtenAt, notBefore }, pauses)).toBe(expected);
  });
});
