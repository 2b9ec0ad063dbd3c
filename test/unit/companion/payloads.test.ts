import { describe, expect, test } from "vitest";
import { readAbout } from "../../../companion/core/about.ts";
import { readAnswer } from "../../../companion/core/answer.ts";
import {
  afterDusk,
  beginWords,
  duskAnd,
  eveningAsked,
  eveningFields,
  eveningWords,
  lampsOf,
  readEvening,
} from "../../../companion/core/evening.ts";
import { changeFields, readReport } from "../../../companion/core/light.ts";
import { passFields, readGuestKey, readPasses } from "../../../companion/core/pass.ts";
import type { LightChange } from "../../../src/model.ts";

describe("a change as the board reads it", () => {
  test.each<[LightChange, Record<string, unknown>]>([
    [{ on: true }, { state: "ON" }],
    [{ on: false }, { state: "OFF" }],
    [{ brightness: 0.6 }, { brightness: 153 }],
    [{ colour: { mode: "temperature", kelvin: 2700.4 } }, { color_temp: 2700 }],
    [{ colour: { mode: "rgb", rgb: [1, 0, 0.5] } }, { color: { r: 255, g: 0, b: 128 } }],
    [{ colour: { mode: "none" } }, {}],
    [{ effect: "identify" }, { effect: "identify" }],
    [{ effect: null }, { effect: "none" }],
  ])("%j", (change, fields) => {
    expect(changeFields(change)).toEqual({ ...fields, transition: 0.4 });
  });
});

describe("what a lamp reports", () => {
  test.each([
    [
      '{"state":"ON","brightness":255,"color_temp":2700,"effect":"none"}',
      { mode: "temperature", kelvin: 2700 },
      null,
    ],
    [
      '{"state":"ON","color":{"r":255,"g":0,"b":0},"effect":"blink"}',
      { mode: "rgb", rgb: [1, 0, 0] },
      "blink",
    ],
    ['{"state":"ON"}', { mode: "none" }, null],
    ['{"state":"ON","brightness":"full","color":{"r":999,"g":0,"b":0}}', { mode: "none" }, null],
  ])("%s", (text, colour, effect) => {
    expect(readReport(text)).toEqual({
      state: { on: true, brightness: 1, colour, effect },
      available: true,
      fault: null,
    });
  });

  test("hardware that does not answer is told with its fault", () => {
    const text = '{"state":"OFF","brightness":51,"available":false,"fault":"LIGHT_FAULT"}';
    expect(readReport(text)).toMatchObject({
      state: { on: false, brightness: 0.2 },
      available: false,
      fault: "LIGHT_FAULT",
    });
  });

  test.each(["", "[]", "null", "7", '{"state":"MAYBE"}', '{"outcome":"perhaps"}'])(
    "%j is nothing",
    (text) => {
      expect(readReport(text)).toBeNull();
      expect(readAnswer(text)).toBeNull();
      expect(readAbout(text)).toBeNull();
    },
  );
});

describe("the answer to a command", () => {
  test("a refusal comes with its code and its reason", () => {
    expect(readAnswer('{"outcome":"refused","code":"COMMAND_STALE","message":"too late"}')).toEqual({
      id: null,
      outcome: "refused",
      code: "COMMAND_STALE",
      message: "too late",
      state: null,
      guests: null,
    });
  });

  test("a done one with the lamp's state, or with the passes", () => {
    expect(readAnswer('{"id":"7","outcome":"done","state":{"state":"ON","brightness":51}}')).toMatchObject({
      id: "7",
      outcome: "done",
      code: null,
      state: { on: true, brightness: 0.2 },
    });
    expect(
      readAnswer('{"outcome":"done","guests":[{"id":"p1","until":9,"may":["switch","fly"]},{"id":""},7]}')
        ?.guests,
    ).toMatchObject([{ id: "p1", name: "p1", until: 9, may: ["switch"] }]);
  });
});

describe("guest passes", () => {
  const key = { crv: "P-256", kty: "EC", x: "x".repeat(43), y: "y".repeat(43) } as const;
  const pass = {
    id: "p1",
    name: "Bob",
    user: null,
    key,
    lights: ["main"],
    may: ["switch", "brightness"],
    maxBrightness: 128,
    from: 5,
    until: 9,
    daily: { from: "18:00", to: "22:00", timeZone: "Europe/Berlin" },
  } as const;

  test("go out without what they do not say, and come back as they were", () => {
    const bare = {
      ...pass,
      key: null,
      user: "005",
      lights: null,
      maxBrightness: null,
      from: null,
      daily: null,
    };
    expect(passFields(bare)).toEqual({ id: "p1", name: "Bob", user: "005", may: pass.may, until: 9 });
    expect(readPasses([passFields(pass), passFields(bare)])).toEqual([pass, bare]);
  });

  test.each([
    null,
    {},
    { ...key, d: "secret" },
    { ...key, crv: "P-384" },
    { ...key, x: "short" },
    { ...key, y: 7 },
    { ...key, kty: "RSA" },
  ])("%j is no guest's key", (value) => {
    expect(readGuestKey(value)).toBeNull();
  });

  test("a guest's key is read without what else came with it", () => {
    expect(readGuestKey({ ...key, alg: "ES256", use: "sig" })).toEqual(key);
  });
});

describe("the evening", () => {
  const evening = {
    on: "18:30",
    off: "23:00",
    timeZone: "Europe/Berlin",
    lights: ["main"],
    brightness: 153,
    away: true,
  };

  test("goes out and comes back as it was", () => {
    const bare = { ...evening, lights: null, brightness: null, away: false };
    expect(readEvening(eveningFields(evening))).toEqual(evening);
    expect(eveningFields(bare)).toEqual({ on: "18:30", off: "23:00", timeZone: "Europe/Berlin" });
    expect(readEvening(eveningFields(bare))).toEqual(bare);
  });

  test.each([
    [0, "dusk", "dusk"],
    [30, "dusk+30", "30 minutes after dusk"],
    [-60, "dusk-60", "60 minutes before dusk"],
  ])("may begin %i minutes after dusk", (minutes, on, words) => {
    expect([duskAnd(minutes), afterDusk(on), beginWords(on)]).toEqual([on, minutes, words]);
    expect(readEvening(eveningFields({ ...evening, on }))).toEqual({ ...evening, on });
  });

  test("is asked for, asked away, and asked back to the board's own", () => {
    expect(eveningAsked(evening)).toEqual({ do: "evening", evening });
    expect(eveningAsked(null)).toEqual({ do: "evening", evening: null });
    expect(eveningAsked("settings")).toEqual({ do: "evening", evening: "settings" });
  });

  test("is a sentence, with the lamps where there are several", () => {
    const lamps = [
      { id: "main", name: "Porch" },
      { id: "hall", name: "Hall" },
    ];
    const bare = { ...evening, lights: null, brightness: null, away: false };
    expect(eveningWords(bare, lamps)).toBe("On at 18:30, off at 23:00 (Europe/Berlin)");
    expect(eveningWords(evening, lamps.slice(0, 1))).toBe(
      "On at 18:30, off at 23:00 (Europe/Berlin), at 60 %, as if somebody were at home",
    );
    expect(eveningWords({ ...bare, lights: ["hall", "gone"] }, lamps)).toBe(
      "On at 18:30, off at 23:00 (Europe/Berlin), Hall and gone",
    );
  });

  test("moves the lamps that are still there", () => {
    const lamps = [{ id: "main" }, { id: "hall" }];
    expect(lampsOf({ lights: ["hall", "gone"] }, lamps)).toEqual(["hall"]);
    expect(lampsOf({ lights: null }, lamps)).toBeNull();
    expect(lampsOf({ lights: ["gone"] }, lamps.slice(0, 1))).toBeNull();
  });

  test("that begins at a time has nothing to do with dusk", () => {
    expect([afterDusk("18:30"), beginWords("18:30")]).toEqual([null, "18:30"]);
  });

  test.each([
    null,
    {},
    { ...evening, on: "24:00" },
    { ...evening, on: "dusk+0" },
    { ...evening, off: "9:00" },
    { ...evening, timeZone: "" },
  ])("%j is none", (value) => {
    expect(readEvening(value)).toBeNull();
  });
});

describe("what a board tells of itself", () => {
  const light = {
    id: "main",
    name: "Porch",
    traits: {
      dims: true,
      temperature: { minKelvin: 2200, maxKelvin: 6500 },
      rgb: true,
      effects: ["blink", "dance"],
    },
    topics: { set: "porchlight/porch-1/light/set", state: "porchlight/porch-1/light/state" },
  };
  const about = {
    device: { id: "porch-1", name: "Porch light" },
    version: "0.1.0",
    trust: "owner",
    lights: [light],
    owner: { userId: "005", name: "Ada" },
  };

  test("its lamps, its owner and what it obeys", () => {
    expect(readAbout(JSON.stringify(about))).toEqual({
      id: "porch-1",
      name: "Porch light",
      version: "0.1.0",
      trust: "owner",
      lamps: [
        {
          id: "main",
          name: "Porch",
          traits: { ...light.traits, effects: ["blink"] },
          set: light.topics.set,
          state: light.topics.state,
        },
      ],
      owner: { userId: "005", name: "Ada" },
      evening: null,
      eveningFrom: null,
      eveningSettings: null,
      eveningFault: null,
      homeFrom: null,
      signedInUntil: null,
      approvals: null,
      startedAt: null,
      health: null,
    });
  });

  test("how it is, as far as it says", () => {
    const healthOf = (health: unknown) => readAbout(JSON.stringify({ ...about, health }))?.health;
    const problems = [
      { code: "LIGHT_FAULT", light: "main", since: "2026-12-01T18:00:00Z" },
      { light: "main" },
      7,
    ];
    expect(healthOf({ status: "warn", problems })).toEqual({
      well: false,
      problems: [{ code: "LIGHT_FAULT", light: "main", since: Date.parse("2026-12-01T18:00:00Z") }],
    });
    expect(healthOf({ status: "pass", problems: [{ code: "NEW_ONE", since: null }] })).toEqual({
      well: true,
      problems: [{ code: "NEW_ONE", light: null, since: null }],
    });
    expect(healthOf({ status: "pass" })).toEqual({ well: true, problems: [] });
    expect(healthOf({ problems })).toBeNull();
    expect(healthOf("good")).toBeNull();
  });

  test("how long it stays signed in and how many places the org has left, when it knows", () => {
    const more = {
      ...about,
      signedInUntil: "2026-12-24T18:00:00Z",
      approvals: { used: 5, limit: 5 },
      evening: { on: "dusk", off: "23:00", timeZone: "UTC" },
      eveningFault: "HOME_UNKNOWN",
      eveningFrom: "settings",
      eveningSettings: { on: "dusk", off: "23:00", timeZone: "UTC" },
      homeFrom: "timeZone",
    };
    expect(readAbout(JSON.stringify(more))).toMatchObject({
      signedInUntil: Date.parse("2026-12-24T18:00:00Z"),
      approvals: { used: 5, limit: 5 },
      evening: { on: "dusk", away: false },
      eveningFault: "HOME_UNKNOWN",
      eveningFrom: "settings",
      eveningSettings: { on: "dusk", away: false },
      homeFrom: "timeZone",
    });
    expect(readAbout(JSON.stringify({ ...more, eveningFrom: "phone" }))?.eveningFrom).toBe("phone");
    expect(readAbout(JSON.stringify({ ...more, eveningFrom: "moon" }))?.eveningFrom).toBeNull();
    expect(readAbout(JSON.stringify({ ...more, signedInUntil: 7, approvals: {} }))).toMatchObject({
      signedInUntil: 7,
      approvals: null,
    });
    expect(readAbout(JSON.stringify({ ...more, signedInUntil: "soon" }))?.signedInUntil).toBeNull();
  });

  test("lamps that cannot be read are left out, names that are missing are ids, traits that are missing are none", () => {
    const plain = { id: "x", topics: light.topics };
    const odd = {
      ...about,
      device: { id: "d" },
      owner: { userId: "005" },
      trust: "everybody",
      lights: [7, { id: "y" }, plain],
    };
    expect(readAbout(JSON.stringify(odd))).toMatchObject({
      name: "d",
      trust: "broker",
      owner: { name: "005" },
      lamps: [{ id: "x", name: "x", traits: { dims: false, temperature: null, rgb: false, effects: [] } }],
    });
    expect(readAbout(JSON.stringify({ ...about, owner: null }))?.owner).toBeNull();
  });
});
