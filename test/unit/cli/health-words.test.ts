import { describe, expect, it } from "vitest";
import { healthWords } from "../../../src/cli/health-words.ts";
import { momentWords, spanWords } from "../../../src/cli/moment-words.ts";
import type { Health } from "../../../src/model.ts";

const now = Date.parse("2026-12-01T17:00:00Z");
const well: Health = {
  status: "pass",
  problems: [],
  upSince: null,
  restarts: 0,
  lastDay: { reconnects: 0, refused: 0, faults: 0 },
};

describe("a moment", () => {
  it.each([
    ["2026-12-01T20:15:00Z", "21:15 CET, in 3 h"],
    ["2026-12-01T23:15:00Z", "2 Dec 2026, 00:15 CET, in 6 h"],
    ["2026-12-01T16:59:15Z", "17:59 CET, 45 s ago"],
    ["2026-12-01T16:15:00Z", "17:15 CET, 45 min ago"],
    ["2026-07-01T16:15:00Z", "1 Jul 2026, 18:15 CEST, 153 days ago"],
    ["at noon", "at noon"],
  ])("%s is said as %s", (moment, words) => {
    // Some versions of the language data say GMT+1.
    const said = momentWords(moment, now, "Europe/Berlin").replace("GMT+1", "CET").replace("GMT+2", "CEST");
    expect(said).toBe(words);
  });

  it("is said by the clock of this machine where no other is named", () => {
    expect(momentWords("2026-12-01T17:00:00Z", now)).toMatch(/^\d\d:\d\d \S+, 0 s ago$/);
    expect(spanWords(36 * 3_600_000)).toBe("36 h");
  });
});

describe("the status of a board's health", () => {
  it("is one word where all is well", () => {
    expect(healthWords(well, new Set(), now)).toEqual([["health", "good"]]);
  });

  it("says what is wrong, since when, what to do where nothing else says so, and how often", () => {
    const health: Health = {
      status: "warn",
      problems: [
        { code: "LIGHT_FAULT", light: "main", since: "2026-12-01T14:00:00Z" },
        { code: "STATE_UNWRITABLE", light: null, since: null },
      ],
      upSince: "2026-11-28T17:00:00Z",
      restarts: 2,
      lastDay: { reconnects: 1, refused: 1, faults: 4 },
    };
    const rows = healthWords(health, new Set(["STATE_UNWRITABLE"]), now);
    expect(rows.map(([name]) => name)).toEqual(["health", "", "", "", "up since", "last 24 h"]);
    expect(rows[1]?.[1]).toMatch(/^main: .* \(LIGHT_FAULT\), since \d\d:\d\d \S+, 3 h ago$/);
    expect(rows[3]?.[1]).toBe("The state folder cannot be written (STATE_UNWRITABLE)");
    expect(rows[4]?.[1]).toMatch(/, 3 days ago$/);
    expect(rows[5]?.[1]).toBe(
      "2 restarts in a row that nobody asked for, 1 new connection, 1 command refused, 4 faults",
    );
    expect(healthWords({ ...health, status: "fail", restarts: 1 }, new Set(), now)[0]?.[1]).toContain("afar");
  });
});
