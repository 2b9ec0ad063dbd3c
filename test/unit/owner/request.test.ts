import { describe, expect, it } from "vitest";
import type { SignedRequest } from "../../../src/model.ts";
import { Refused } from "../../../src/owner/refused.ts";
import { readContent, readEvening } from "../../../src/owner/request.ts";
import { icuZones } from "../icu-zones.ts";
import type { Members } from "./openpubkey.ts";

const at = 1_796_144_400;
const content = (changes: Members): string =>
  JSON.stringify({
    porchlight: "command",
    device: "porch-1",
    id: "a b~",
    iat: at + 0.25,
    exp: at + 30.25,
    ...changes,
  });

const evening = { on: "18:30", off: "23:00", timeZone: "Europe/Berlin" };

describe("the content of a signed message", () => {
  it("says which board, what, and how long", () => {
    expect(readContent(content({ do: "update" }))).toEqual({
      device: "porch-1",
      id: "a b~",
      issuedAt: (at + 0.25) * 1000,
      expiresAt: (at + 30.25) * 1000,
      request: { do: "update" },
    });
  });

  it.each<[Members, SignedRequest]>([
    [
      { do: "light", set: { brightness: 51, transition: 1.5 } },
      { do: "light", light: null, change: { on: true, brightness: 0.2 }, fadeMs: 1500 },
    ],
    [
      { do: "light", light: "stairs", set: { state: "OFF" } },
      { do: "light", light: "stairs", change: { on: false }, fadeMs: 0 },
    ],
    [{ do: "guests" }, { do: "guests" }],
    [
      { do: "revoke", pass: "p_1-" },
      { do: "revoke", pass: "p_1-" },
    ],
    [
      { do: "rename", name: "Küche 💡" },
      { do: "rename", light: null, name: "Küche 💡" },
    ],
    [
      { do: "rename", name: "💡".repeat(64) },
      { do: "rename", light: null, name: "💡".repeat(64) },
    ],
    [
      { do: "rename", name: "Hall", light: "main" },
      { do: "rename", light: "main", name: "Hall" },
    ],
    [
      { do: "evening", evening: null },
      { do: "evening", evening: null },
    ],
    [
      { do: "evening", evening },
      { do: "evening", evening: { ...evening, lights: null, brightness: null, away: false } },
    ],
    [
      { do: "evening", evening: { ...evening, lights: ["main"], brightness: 51 } },
      { do: "evening", evening: { ...evening, lights: ["main"], brightness: 0.2, away: false } },
    ],
    ...["dusk", "dusk+5", "dusk-15", "dusk+180"].map(
      (on): [Readonly<Record<string, unknown>>, SignedRequest] => [
        { do: "evening", evening: { ...evening, on, away: true } },
        { do: "evening", evening: { ...evening, on, lights: null, brightness: null, away: true } },
      ],
    ),
    [{ do: "signOut" }, { do: "signOut" }],
    [{ do: "update" }, { do: "update" }],
  ])("%j is read", (asked, request) => {
    expect(readContent(content(asked)).request).toEqual(request);
  });

  it("admits a guest until a year after it was signed", () => {
    const pass = { id: "p1", name: "Bob", user: "005", may: ["switch"], until: at + 366 * 86_400 };
    expect(readContent(content({ do: "admit", pass })).request).toMatchObject({
      do: "admit",
      pass: { id: "p1" },
    });
  });
});

describe("an evening", () => {
  it.each(icuZones)("in %s, which no moment can be reckoned with, is none", (timeZone) => {
    expect(() => readEvening({ ...evening, timeZone })).toThrow(
      expect.objectContaining({ code: "COMMAND_INVALID" }),
    );
  });

  it("is in any zone that a phone offers", () => {
    for (const timeZone of Intl.supportedValuesOf("timeZone"))
      expect(readEvening({ ...evening, timeZone })).toMatchObject({ timeZone });
  });

  it.each<[string, unknown]>([
    ["no object", null],
    ["no time", { ...evening, on: "6 pm" }],
    ["both at once", { ...evening, off: "18:30" }],
    ["at no dusk", { ...evening, on: "dusk+0" }],
    ["long after dusk", { ...evening, on: "dusk+181" }],
    ["at dusk, without an end", { ...evening, on: "dusk", off: "dusk" }],
    ["at dusk in no zone", { ...evening, on: "dusk", timeZone: "Nowhere" }],
    ["away perhaps", { ...evening, away: "yes" }],
    ["in no zone", { ...evening, timeZone: "Nowhere" }],
    ["of no lamp", { ...evening, lights: [] }],
    ["too bright", { ...evening, brightness: 300 }],
    ["with a member that nobody knows", { ...evening, dusk: true }],
  ])("%s is none", (_what, value) => {
    expect(() => readEvening(value)).toThrow(Refused);
  });
});
