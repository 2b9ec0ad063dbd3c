import { describe, expect, it } from "vitest";
import { isTimeZone } from "../../src/time-zone.ts";
import { icuZones } from "./icu-zones.ts";

describe("a time zone", () => {
  it.each(["Europe/Berlin", "utc", "Etc/GMT+12", "EST5EDT", "America/Argentina/ComodRivadavia"])(
    "is %s",
    (name) => {
      expect(isTimeZone(name)).toBe(true);
    },
  );

  it.each([
    ...icuZones,
    "",
    "Mars/Base",
    "+01:00",
    "2026-01-01T00:00Z[Europe/Berlin]",
    `Europe/${"x".repeat(64)}`,
  ])("is not %j", (name) => {
    expect(isTimeZone(name)).toBe(false);
  });
});
