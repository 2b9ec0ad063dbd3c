import fc from "fast-check";
import { getPosition } from "suncalc";
import { describe, expect, it } from "vitest";
import { momentsAround, rememberMoments, type Surroundings } from "../../../src/agent/evening-moments.ts";
import { darkFrom } from "../../../src/agent/sun.ts";
import type { Evening, Place } from "../../../src/model.ts";
import { after, epochMs } from "../../../src/units.ts";

const at = (text: string) => epochMs(Date.parse(text));
const berlin: Pick<Evening, "on" | "off" | "timeZone" | "away"> = {
  on: "18:30",
  off: "23:00",
  timeZone: "Europe/Berlin",
  away: false,
};
const nowhere: Surroundings = { home: null, seed: "porch-1" };

describe("the moments of a schedule", () => {
  it.each<[string, Partial<typeof berlin>, string, string, string]>([
    ["before the evening", {}, "2026-12-01T12:00:00Z", "2026-11-30T22:00:00Z", "2026-12-01T17:30:00Z"],
    ["in the evening", {}, "2026-12-01T18:00:00Z", "2026-12-01T17:30:00Z", "2026-12-01T22:00:00Z"],
    ["at the very moment", {}, "2026-12-01T17:30:00Z", "2026-12-01T17:30:00Z", "2026-12-01T22:00:00Z"],
    ["after it", {}, "2026-12-01T22:30:00Z", "2026-12-01T22:00:00Z", "2026-12-02T17:30:00Z"],
    [
      "in summer an hour earlier by UTC",
      {},
      "2026-07-01T12:00:00Z",
      "2026-06-30T21:00:00Z",
      "2026-07-01T16:30:00Z",
    ],
    [
      "over midnight",
      { on: "22:00", off: "01:00" },
      "2026-12-01T23:30:00Z",
      "2026-12-01T21:00:00Z",
      "2026-12-02T00:00:00Z",
    ],
    [
      "at a time that the change to summer time leaves out: after the gap",
      { on: "02:30", off: "05:00" },
      "2026-03-29T00:59:00Z",
      "2026-03-28T04:00:00Z",
      "2026-03-29T01:00:00Z",
    ],
    [
      "that begins in the gap: it ends in the same night, not a day later",
      { on: "02:30", off: "03:10" },
      "2026-03-29T01:00:00Z",
      "2026-03-29T01:00:00Z",
      "2026-03-29T01:10:00Z",
    ],
    [
      "that ends in the gap",
      { on: "01:50", off: "02:40" },
      "2026-03-29T00:55:00Z",
      "2026-03-29T00:50:00Z",
      "2026-03-29T01:00:00Z",
    ],
    [
      "by a clock that is put forward by half an hour only",
      { on: "02:10", off: "05:00", timeZone: "Australia/Lord_Howe" },
      "2026-10-03T15:00:00Z",
      "2026-10-02T18:30:00Z",
      "2026-10-03T15:30:00Z",
    ],
    [
      "in a zone three quarters of an hour off",
      { timeZone: "Asia/Kathmandu" },
      "2026-12-01T13:00:00Z",
      "2026-12-01T12:45:00Z",
      "2026-12-01T17:15:00Z",
    ],
    [
      "that ends at a time that comes twice: the first",
      { on: "22:00", off: "02:30" },
      "2026-10-24T21:00:00Z",
      "2026-10-24T20:00:00Z",
      "2026-10-25T00:30:00Z",
    ],
    [
      "at a time that comes twice: the first",
      { on: "02:30", off: "05:00" },
      "2026-10-25T00:00:00Z",
      "2026-10-24T03:00:00Z",
      "2026-10-25T00:30:00Z",
    ],
  ])("%s", (_name, over, now, last, next) => {
    const found = momentsAround({ ...berlin, ...over }, at(now), nowhere);
    expect([found.last.at, found.next.at]).toEqual([at(last), at(next)]);
  });

  it.each([
    ["02:10", "02:40", false],
    ["02:40", "02:10", true],
  ])("from %s to %s, both left out, leave the lamp as they would: on is %s", (on, off, last) => {
    const found = momentsAround({ ...berlin, on, off }, at("2026-03-29T01:00:00Z"), nowhere);
    expect([found.last.on, found.last.at]).toEqual([last, at("2026-03-29T01:00:00Z")]);
    expect(found.next.at).toBeGreaterThan(at("2026-03-29T12:00:00Z"));
  });

  it("need a time zone that exists", () => {
    expect(() =>
      momentsAround({ ...berlin, timeZone: "Mars/Base" }, at("2026-12-01T12:00:00Z"), nowhere),
    ).toThrow(RangeError);
  });
});

const places = {
  berlin: { latitude: 52.52, longitude: 13.405 },
  quito: { latitude: -0.18, longitude: -78.47 },
  auckland: { latitude: -36.85, longitude: 174.76 },
  helsinki: { latitude: 60.17, longitude: 24.94 },
  tromsø: { latitude: 69.65, longitude: 18.96 },
  vostok: { latitude: -78.46, longitude: 106.84 },
  longyearbyen: { latitude: 78.22, longitude: 15.65 },
} as const satisfies Readonly<Record<string, Place>>;

describe("dusk", () => {
  it.each<[keyof typeof places, string, string, string | null]>([
    ["berlin", "in midwinter", "2026-12-21T11:00Z", "2026-12-21T15:36Z"],
    ["berlin", "in midsummer", "2026-06-21T11:00Z", "2026-06-21T20:24Z"],
    ["berlin", "thousands of years from now", "9998-12-21T11:00Z", "9998-12-21T16:00Z"],
    ["quito", "is at nearly the same time of day all year", "2026-03-20T17:00Z", "2026-03-20T23:46Z"],
    ["quito", "half a year later, too", "2026-09-20T17:00Z", "2026-09-20T23:32Z"],
    ["auckland", "east of all others", "2026-12-21T23:00Z", "2026-12-22T08:11Z"],
    ["helsinki", "is after midnight in white nights", "2026-06-21T09:00Z", "2026-06-21T21:43Z"],
    ["tromsø", "is there though the sun does not rise", "2026-12-21T11:00Z", "2026-12-21T12:54Z"],
    ["tromsø", "is not there while the sun does not set", "2026-06-21T11:00Z", null],
    ["longyearbyen", "is noon while it is dark all day", "2026-12-21T11:00Z", "2026-12-21T10:56Z"],
  ])("in %s %s", (place, _name, noon, dusk) => {
    expect(darkFrom(places[place], at(noon))).toBe(dusk === null ? null : at(dusk));
  });

  it("moves to noon before the days without one, and does not fail on one of them", () => {
    for (let day = at("2026-11-01T11:00Z"); day < at("2027-02-10T11:00Z"); day = after(day, 86_400_000)) {
      const dark = darkFrom(places.longyearbyen, day);
      expect(Math.abs((dark ?? 0) - day)).toBeLessThan(4.5 * 3_600_000);
    }
  });

  it("comes with the dark, neither in daylight nor days later, in the last and the first white nights", () => {
    const minute = 60_000;
    for (const latitude of [-84.3, -65.4, -61.9, 59.9, 61.3, 65.5, 66.9, 67.6, 71])
      for (const longitude of [-179.9, 0, 20.3])
        for (let days = 0; days < 365; days++) {
          const noon = epochMs(Date.UTC(2026, 0, 1 + days, 12) - (longitude / 15) * 3_600_000);
          const dark = darkFrom({ latitude, longitude }, noon);
          if (dark === null) continue;
          const sunAt = (moment: number): number =>
            getPosition(new Date(moment), latitude, longitude).altitude;
          expect(sunAt(dark)).toBeLessThan(-5.5);
          expect(Math.abs(dark - noon)).toBeLessThan(13 * 3_600_000);
          // Later than half an hour after noon it is no polar night, and was light before.
          if (dark - noon > 30 * minute) expect(sunAt(dark - 2 * minute)).toBeGreaterThan(-5.52);
        }
  });

  it("is a moment within a day of noon, or none, wherever and whenever", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -90, max: 90, noNaN: true }),
        fc.double({ min: -180, max: 180, noNaN: true }),
        fc.integer({ min: 0, max: at("9999-01-01T00:00Z") }),
        (latitude, longitude, noon) => {
          const dark = darkFrom({ latitude, longitude }, epochMs(noon));
          if (dark !== null) expect(Math.abs(dark - noon)).toBeLessThan(24 * 3_600_000 + 60_000);
        },
      ),
    );
  });
});

describe("a schedule that begins at dusk", () => {
  const atHome = (home: Place | null): Surroundings => ({ home, seed: "porch-1" });
  const dusk = { ...berlin, on: "dusk" };

  it.each<[string, Partial<typeof berlin>, Place | null, string, string, boolean, string, boolean]>([
    [
      "in winter",
      {},
      places.berlin,
      "2026-12-21T12:00Z",
      "2026-12-20T22:00Z",
      false,
      "2026-12-21T15:36Z",
      true,
    ],
    [
      "later",
      { on: "dusk+30" },
      places.berlin,
      "2026-12-21T16:10Z",
      "2026-12-21T16:06Z",
      true,
      "2026-12-21T22:00Z",
      false,
    ],
    [
      "earlier",
      { on: "dusk-15" },
      places.berlin,
      "2026-12-21T12:00Z",
      "2026-12-20T22:00Z",
      false,
      "2026-12-21T15:21Z",
      true,
    ],
    [
      "until the morning",
      { off: "06:30" },
      places.berlin,
      "2026-12-21T20:00Z",
      "2026-12-21T15:36Z",
      true,
      "2026-12-22T05:30Z",
      false,
    ],
    [
      "until noon",
      { off: "12:00" },
      places.berlin,
      "2026-12-21T20:00Z",
      "2026-12-21T15:36Z",
      true,
      "2026-12-22T11:00Z",
      false,
    ],
    [
      "the day before summer time",
      {},
      places.berlin,
      "2026-03-28T12:00Z",
      "2026-03-27T22:00Z",
      false,
      "2026-03-28T18:09Z",
      true,
    ],
    [
      "the day of summer time",
      {},
      places.berlin,
      "2026-03-29T12:00Z",
      "2026-03-28T22:00Z",
      false,
      "2026-03-29T18:10Z",
      true,
    ],
    [
      "after its end: not at all",
      { off: "22:00" },
      places.berlin,
      "2026-06-21T12:00Z",
      "2026-06-20T20:00Z",
      false,
      "2026-06-21T20:00Z",
      false,
    ],
    [
      "after midnight",
      { off: "06:00", timeZone: "Europe/Helsinki" },
      places.helsinki,
      "2026-06-21T12:00Z",
      "2026-06-21T03:00Z",
      false,
      "2026-06-21T21:43Z",
      true,
    ],
    [
      "under the midnight sun: not at all",
      {},
      places.tromsø,
      "2026-06-21T12:00Z",
      "2026-06-20T21:00Z",
      false,
      "2026-06-21T21:00Z",
      false,
    ],
    [
      "in the polar night: from noon",
      {},
      places.longyearbyen,
      "2026-12-21T09:00Z",
      "2026-12-20T22:00Z",
      false,
      "2026-12-21T10:56Z",
      true,
    ],
    [
      "where home is unknown: at six",
      {},
      null,
      "2026-12-21T12:00Z",
      "2026-12-20T22:00Z",
      false,
      "2026-12-21T17:00Z",
      true,
    ],
    [
      "where home is unknown, later",
      { on: "dusk+30" },
      null,
      "2026-12-21T12:00Z",
      "2026-12-20T22:00Z",
      false,
      "2026-12-21T17:30Z",
      true,
    ],
    [
      "in a polar night whose noon comes before the end: from there on, and on",
      { off: "12:00", timeZone: "Antarctica/Vostok" },
      places.vostok,
      "2026-06-21T07:00Z",
      "2026-06-21T04:55Z",
      true,
      "2026-06-22T04:55Z",
      true,
    ],
    [
      "before the end of the evening before: on, and on",
      { on: "dusk-180", off: "11:30" },
      places.tromsø,
      "2026-12-21T10:00Z",
      "2026-12-21T09:54Z",
      true,
      "2026-12-22T09:54Z",
      true,
    ],
  ])("%s", (_name, over, home, now, last, wasOn, next, willBeOn) => {
    expect(momentsAround({ ...dusk, ...over }, at(now), atHome(home))).toEqual({
      last: { at: at(last), on: wasOn },
      next: { at: at(next), on: willBeOn },
    });
  });
});

describe("a lived-in evening", () => {
  /** What happens on the evening of `day`, from one noon to the next. */
  const switchings = (schedule: typeof berlin, around: Surroundings, day: string) => {
    const found: { at: number; on: boolean }[] = [];
    const until = after(at(`${day}T11:00Z`), 86_400_000);
    for (let now = at(`${day}T11:00Z`); ; ) {
      const { next } = momentsAround(schedule, now, around);
      if (next.at > until) return found;
      found.push(next);
      now = next.at;
    }
  };
  const anyDay = fc
    .integer({ min: 0, max: 3000 })
    .map((days) => Temporal.PlainDate.from("2026-01-01").add({ days }).toString());

  it("is between dusk and its end, goes on and off by turns, a few times, and ends dark", () => {
    fc.assert(
      fc.property(
        anyDay,
        fc.constantFrom("dusk", "18:30", "dusk+60", "21:50"),
        fc.constantFrom("23:00", "22:30", "01:30"),
        (day, on, off) => {
          const schedule = { ...berlin, on, off };
          const around = { home: places.berlin, seed: "porch-1" };
          const plain = switchings(schedule, around, day);
          const lived = switchings({ ...schedule, away: true }, around, day);
          const [begin, end] = [plain[0], plain.at(-1)];
          if (begin?.on !== true || end === undefined) {
            expect(lived).toEqual(plain);
            return;
          }
          expect(lived.map((each) => each.on)).toEqual(lived.map((_, index) => index % 2 === 0));
          expect(lived.length).toBeLessThanOrEqual(8);
          expect(lived.length % 2).toBe(0);
          expect(lived[0]?.at).toBeGreaterThanOrEqual(begin.at);
          expect(lived.at(-1)?.at).toBeLessThanOrEqual(end.at);
          const gaps = lived.slice(1).map((each, index) => each.at - (lived[index]?.at ?? 0));
          const long = end.at - begin.at >= 20 * 60_000;
          if (long) expect(Math.min(...gaps)).toBeGreaterThanOrEqual(5 * 60_000);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("is another one every day and for every board, and the same one however often it is asked for", () => {
    const away = { ...berlin, away: true };
    const of = (day: string, board: string): string =>
      JSON.stringify(
        switchings(away, { home: null, seed: board }, day).map((each) => each.at - at(`${day}T11:00Z`)),
      );
    const days = ["2026-12-01", "2026-12-02", "2026-12-03", "2026-12-04"];
    expect(new Set(days.map((day) => of(day, "porch-1"))).size).toBe(4);
    expect(of("2026-12-01", "porch-2")).not.toBe(of("2026-12-01", "porch-1"));
    expect(of("2026-12-01", "porch-1")).toBe(of("2026-12-01", "porch-1"));
  });

  it("that is short is as it stands", () => {
    const short = { ...berlin, on: "22:45" };
    const around = { home: null, seed: "porch-1" };
    expect(switchings({ ...short, away: true }, around, "2026-12-01")).toEqual(
      switchings(short, around, "2026-12-01"),
    );
  });
});

describe("any schedule, anywhere, on any day", () => {
  const zones = Intl.supportedValuesOf("timeZone");
  const timeOfDay = fc
    .integer({ min: 0, max: 24 * 60 - 1 })
    .map((minutes) => Temporal.PlainTime.from("00:00").add({ minutes }).toString().slice(0, 5));
  const anywhere = fc.record({
    evening: fc
      .record({
        on: fc.oneof(timeOfDay, fc.constantFrom("dusk", "dusk+45", "dusk-180", "dusk+180")),
        off: timeOfDay,
        timeZone: fc.constantFrom(...zones),
        away: fc.boolean(),
      })
      .filter(({ on, off }) => on !== off),
    home: fc.option(
      fc.record({
        latitude: fc.double({ min: -90, max: 90, noNaN: true }),
        longitude: fc.double({ min: -180, max: 180, noNaN: true }),
      }),
      { nil: null },
    ),
    now: fc.integer({ min: at("2024-01-01T00:00Z"), max: at("2030-01-01T00:00Z") }).map(epochMs),
  });

  it("has a last moment and a next one, within two days, on and off at the times it names", () => {
    fc.assert(
      fc.property(anywhere, ({ evening, home, now }) => {
        const { last, next } = momentsAround(evening, now, { home, seed: "porch-1" });
        expect(last.at).toBeLessThanOrEqual(now);
        expect(next.at).toBeGreaterThan(now);
        expect(next.at - last.at).toBeLessThanOrEqual(49 * 3_600_000);
        if (evening.away) return;
        for (const moment of [last, next]) {
          const named = moment.on ? evening.on : evening.off;
          if (named.startsWith("dusk")) continue;
          const shown = Temporal.Instant.fromEpochMilliseconds(moment.at).toZonedDateTimeISO(
            evening.timeZone,
          );
          const wanted = shown.withPlainTime(named);
          // Only where a change of clocks leaves the time out is it another one: the first moment after the gap.
          if (shown.toPlainTime().toString().startsWith(named)) expect(shown.offset).toBe(wanted.offset);
          else expect(wanted.getTimeZoneTransition("previous")?.toString()).toBe(shown.toString());
        }
      }),
      { numRuns: 400 },
    );
  });

  it("lights no lamp before dusk, and none after its end, lived-in or not", () => {
    fc.assert(
      fc.property(
        anywhere,
        fc.constantFrom(0, 45, 180),
        fc.boolean(),
        ({ evening, home, now }, minutes, away) => {
          if (home === null) return;
          const dusk = { ...evening, on: minutes === 0 ? "dusk" : `dusk+${minutes}`, away };
          const around = { home, seed: "porch-1" };
          const { last, next } = momentsAround(dusk, now, around);
          for (const { at: moment, on } of [last, next]) {
            if (!on) continue;
            const day = Temporal.Instant.fromEpochMilliseconds(moment)
              .toZonedDateTimeISO(dusk.timeZone)
              .toPlainDate();
            // The dusk that it follows is that of this day or of the one before; of the next, where a time zone from the other
            // side of the Earth has noon at midnight.
            const dusks = [-1, 0, 1].map((days) =>
              darkFrom(
                home,
                epochMs(
                  day.add({ days }).toZonedDateTime({ timeZone: dusk.timeZone, plainTime: "12:00" })
                    .epochMilliseconds,
                ),
              ),
            );
            const since = dusks
              .map((each) => (each === null ? -1 : moment - each - minutes * 60_000))
              .filter((ms) => ms >= 0);
            expect(since.length).toBeGreaterThan(0);
            if (!away) expect(since).toContain(0);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe("moments that are remembered", () => {
  const days = fc.integer({ min: 0, max: 20 * 24 * 60 }).map((minutes) => minutes * 60_000);
  const begin = at("2026-10-15T00:00:00Z");

  it("are those that would be found anew, wherever the clock jumps, and whatever changes", () => {
    const questions = fc.array(
      fc.record({
        after: days,
        on: fc.constantFrom<Evening["on"]>("18:30", "dusk"),
        away: fc.boolean(),
        home: fc.constantFrom<Place | null>(null, { latitude: 38.7, longitude: -9.1 }),
        seed: fc.constantFrom("porch-1 main", "porch-1 door"),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(questions, (asked) => {
        const remembered = rememberMoments();
        for (const { after: ms, on, away, home, seed } of asked) {
          const question = [{ ...berlin, on, away }, after(begin, ms), { home, seed }] as const;
          expect(remembered(...question)).toEqual(momentsAround(...question));
        }
      }),
      { numRuns: 60 },
    );
  });

  it("are not worked out again before the next one has come", () => {
    const remembered = rememberMoments();
    const first = remembered(berlin, at("2026-12-01T12:00:00Z"), nowhere);
    expect(remembered(berlin, at("2026-12-01T17:29:00Z"), nowhere)).toBe(first);
    expect(remembered(berlin, at("2026-12-01T17:30:00Z"), nowhere)).not.toEqual(first);
  });
});
