import { describe, expect, test } from "vitest";
import {
  agoWords,
  dayWords,
  glowOf,
  healthLines,
  lampWords,
  lowerFirst,
  passWords,
  takenBackWords,
} from "../../../companion/app/words.ts";
import type { ShownLamp } from "../../../companion/core/boards.ts";
import type { GuestKey, Pass } from "../../../companion/core/pass.ts";

const keyOf = (x: string): GuestKey => ({ crv: "P-256", kty: "EC", x, y: "y" });

const lamp: ShownLamp = {
  info: {
    id: "main",
    name: "Porch",
    traits: { dims: true, temperature: null, rgb: false, effects: [] },
    set: "s",
    state: "t",
  },
  state: { on: true, brightness: 0.4, colour: { mode: "none" }, effect: null },
  waiting: false,
  available: true,
};

describe("a lamp in words", () => {
  test.each<[Partial<ShownLamp>, boolean, string]>([
    [{}, true, "On, 40 %"],
    [{ waiting: true }, true, "On, 40 %…"],
    [{}, false, "Was on, 40 %"],
    [{ state: null }, true, "No report yet"],
    [{ available: false }, true, "Its hardware does not answer"],
    [{ info: { ...lamp.info, traits: { ...lamp.info.traits, dims: false } } }, true, "On"],
    [{ state: { on: false, brightness: 1, colour: { mode: "none" }, effect: null } }, true, "Off"],
  ])("%j, in reach %s: %s", (part, reachable, words) => {
    expect(lampWords({ ...lamp, ...part }, reachable)).toBe(words);
  });
});

test.each([
  [0, "just now"],
  [1, "a minute ago"],
  [59, "59 minutes ago"],
  [60, "an hour ago"],
  [300, "5 hours ago"],
])("%i minutes are %s", (minutes, words) => {
  expect(agoWords(0, minutes * 60_000)).toBe(words);
});

test("days are told by their date", () => {
  expect(agoWords(Date.parse("2026-12-01T12:00:00Z"), Date.parse("2026-12-05T12:00:00Z"))).toMatch(/^on .*1/);
});

const pass: Pass = {
  id: "p",
  name: "Bob",
  user: "005",
  key: null,
  lights: null,
  may: ["switch", "brightness", "colour"],
  maxBrightness: 128,
  from: null,
  until: 1_796_054_400,
  daily: { from: "18:00", to: "22:00", timeZone: "UTC" },
};

test("a pass tells what, how bright, until when and at what times", () => {
  expect(passWords(pass)).toMatch(/^May switch, dim and colour, up to 50 %, until .+, daily 18:00 to 22:00$/);
  expect(passWords({ ...pass, may: ["effect"], maxBrightness: null, daily: null })).toMatch(
    /^May blink, until /,
  );
  expect(passWords({ ...pass, may: [] })).toMatch(/^May nothing/);
});

test.each<[string, Partial<Pass>, readonly Partial<Pass>[], RegExp]>([
  ["nobody else has one", {}, [], /^Bob is no guest any more/],
  ["others have theirs", {}, [{ user: "006" }, { user: null, key: keyOf("a") }], /no guest any more/],
  ["the person has another one", {}, [{ id: "q", name: "Robert" }], /^Bob is still a guest/],
  ["the key has another one", { user: null, key: keyOf("a") }, [{ user: null, key: keyOf("a") }], /still/],
  ["another key has one", { user: null, key: keyOf("a") }, [{ user: null, key: keyOf("b") }], /no guest/],
  ["keys of a kind that the phone does not know are left", { user: null }, [{ user: null }], /no guest/],
])("a pass that is taken back while %s is told as that", (_, taken, left, words) => {
  const passes = left.map((each) => ({ ...pass, ...each }));
  expect(takenBackWords({ ...pass, ...taken }, passes)).toMatch(words);
});

test.each([
  [{ mode: "rgb", rgb: [1, 0.5, 0] }, "255 128 0"],
  [{ mode: "temperature", kelvin: 1000 }, "255 160 72"],
  [{ mode: "temperature", kelvin: 5000 }, "255 243 230"],
  [{ mode: "temperature", kelvin: 9000 }, "214 229 255"],
  [{ mode: "none" }, "255 190 115"],
] as const)("%j glows in %s", (colour, glow) => {
  expect(glowOf(colour)).toBe(glow);
});

test("words that begin a sentence go on within one", () => {
  expect(lowerFirst("May switch")).toBe("may switch");
  expect(lowerFirst("")).toBe("");
});

describe("what is wrong with a board", () => {
  test("is said with the lamp's name, since when, and the code, also where that is not known yet", () => {
    const since = Date.parse("2026-12-01T18:00:00Z");
    const problem = { light: null, since: null };
    const problems = [
      { code: "LIGHT_FAULT", light: "main", since },
      { ...problem, code: "LIGHT_FAULT", light: "gone" },
      { ...problem, code: "NEW_ONE" },
      { ...problem, code: "toString" },
    ];
    expect(healthLines({ well: false, problems }, [{ id: "main", name: "Porch" }])).toEqual([
      `Porch: the hardware does not answer, since ${dayWords(since)} (LIGHT_FAULT)`,
      "gone: the hardware does not answer (LIGHT_FAULT)",
      "Something is wrong (NEW_ONE)",
      "Something is wrong (toString)",
    ]);
  });
});
