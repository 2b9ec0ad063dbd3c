import { describe, expect, it } from "vitest";
import { eveningWords } from "../../../src/cli/evening-words.ts";
import type { Evening } from "../../../src/model.ts";

const evening: Evening = {
  on: "dusk",
  off: "23:00",
  timeZone: "Europe/Berlin",
  lights: null,
  brightness: null,
  away: false,
};

describe("the status", () => {
  it.each<[string, Parameters<typeof eveningWords>[0], readonly (readonly [string, string])[]]>([
    ["nothing of an evening that nobody set", { evening: null, eveningFrom: null, homeFrom: null }, []],
    [
      "that the owner wants none",
      { evening: null, eveningFrom: "phone", homeFrom: null },
      [["evening", "none, as the owner said from the phone"]],
    ],
    [
      "the settings' evening, and that home is a guess",
      {
        evening,
        eveningFrom: "settings",
        eveningNext: { at: "2026-12-01T15:42:00.000Z", on: true },
        homeFrom: "timeZone",
      },
      [
        ["evening", "dusk to 23:00 (Europe/Berlin); set in the settings"],
        ["", "next on at 16:42 CET, in 1 h"],
        ["home", "not known: the city of its time zone stands for it"],
      ],
    ],
    [
      "the phone's evening with its lamps",
      {
        evening: { ...evening, lights: ["main", "hall"], brightness: 0.6, away: true },
        eveningFrom: "phone",
        eveningNext: { at: "2026-12-02T22:00:00.000Z", on: false },
        homeFrom: null,
      },
      [
        ["evening", "dusk to 23:00 (Europe/Berlin), main and hall, 60 %, nobody at home; set from the phone"],
        ["", "next off at 2 Dec 2026, 23:00 CET, in 31 h"],
      ],
    ],
  ])("says %s", (_name, status, words) => {
    expect(eveningWords(status, Date.parse("2026-12-01T14:42:00Z"))).toEqual(words);
  });
});
