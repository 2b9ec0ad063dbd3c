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
      { evening, eveningFrom: "settings", homeFrom: "timeZone" },
      [
        ["evening", "dusk to 23:00 (Europe/Berlin); set in the settings"],
        ["home", "not known: the city of its time zone stands for it"],
      ],
    ],
    [
      "the phone's evening with its lamps",
      {
        evening: { ...evening, lights: ["main", "hall"], brightness: 0.6, away: true },
        eveningFrom: "phone",
        homeFrom: null,
      },
      [["evening", "dusk to 23:00 (Europe/Berlin), main and hall, 60 %, nobody at home; set from the phone"]],
    ],
  ])("says %s", (_name, status, words) => {
    expect(eveningWords(status)).toEqual(words);
  });
});
