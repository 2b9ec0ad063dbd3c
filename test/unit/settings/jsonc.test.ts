import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readJsonc } from "../../../src/agent/settings-jsonc.ts";

const valueIn = (text: string): unknown => {
  const read = readJsonc(text);
  if (!read.ok) throw new Error(`line ${read.mistake.line}: ${read.mistake.problem}`);
  return read.value;
};

describe("the reader of settings files", () => {
  it("reads whatever JSON.stringify writes", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 6 }), (text) => {
        expect(JSON.stringify(valueIn(text))).toBe(JSON.stringify(JSON.parse(text)));
      }),
    );
  });

  it("never throws, whatever it is given", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'{}[]:,"\\/*\n -10.eEtruefalsn\u0000é') }), (text) => {
        expect(typeof readJsonc(text).ok).toBe("boolean");
      }),
    );
  });

  it.each([
    ["comments of both kinds", '// a\n{ /* b */ "k": 1 // c\n}', { k: 1 }],
    ["trailing commas", '{ "a": [1, 2,], }', { a: [1, 2] }],
    ["a byte order mark", '\uFEFF{"a":true}', { a: true }],
    ["comment signs inside a text", '{"url":"https://x//y/*z*/"}', { url: "https://x//y/*z*/" }],
    ["escapes", String.raw`["\u00e9\n\\\""]`, ['é\n\\"']],
    ["numbers in every form", "[0, -1, 2.5, 3e2, -4.5E-1]", [0, -1, 2.5, 300, -0.45]],
    ["empty containers", "[{}, [], null, false]", [{}, [], null, false]],
  ])("reads %s", (_, text, value) => {
    expect(valueIn(text)).toEqual(value);
  });

  it("says whether there were comments", () => {
    expect(readJsonc('{"a":"//"}')).toMatchObject({ ok: true, comments: false });
    expect(readJsonc("{} // x")).toMatchObject({ ok: true, comments: true });
  });

  it("keeps a key called __proto__ from changing anything but itself", () => {
    const value = valueIn('{"__proto__": {"polluted": true}}') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect("polluted" in {}).toBe(false);
  });

  it.each([
    ["a missing comma", '{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ["a comma too many", "[1,,2]", 1, 4],
    ["a comma alone", "{,}", 1, 2],
    ["a key without quotes", "{\r\n a: 1}", 2, 2],
    ["a key without a colon", '{"a" 1}', 1, 6],
    ["a word that is no value", '{"a": yes}', 1, 7],
    ["single quotes", "{'a': 1}", 1, 2],
    ["a text that does not end", '{"a": "b\n"}', 1, 7],
    ["a wrong escape", String.raw`["\x"]`, 1, 2],
    ["a comment that does not end", "{} /* x", 1, 4],
    ["a second value", "{} {}", 1, 4],
    ["an end too early", '{"a": [', 1, 8],
    ["nothing at all", "", 1, 1],
    ["a number with a leading zero", "[01]", 1, 3],
    ["a key that is there twice", '{"a": 1,\n"a": 2}', 2, 1],
    ["a value named like an inherited property", "[constructor]", 1, 2],
  ])("tells the place of %s", (_, text, line, column) => {
    expect(readJsonc(text)).toMatchObject({ ok: false, mistake: { line, column } });
  });

  it("refuses what is nested deeper than any settings", () => {
    expect(readJsonc("[".repeat(30) + "]".repeat(30)).ok).toBe(true);
    expect(readJsonc("[".repeat(100_000)).ok).toBe(false);
  });
});
