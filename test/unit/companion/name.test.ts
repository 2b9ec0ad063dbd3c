import { expect, test } from "vitest";
import { readAbout } from "../../../companion/core/about.ts";
import { readGuestLink } from "../../../companion/core/guest-link.ts";
import { readName, within } from "../../../companion/core/name.ts";

test.each([
  ["turned round", "Porch\u202egnp.exe", "Porch gnp.exe"],
  ["isolated and not ended", "Porch \u2067light", "Porch light"],
  ["marked", "\u200fPorch\u061c", "Porch"],
  ["of two lines", "Porch\nlight\u2028on", "Porch light on"],
  ["moving a cursor", "Porch\u001b[2J", "Porch [2J"],
  ["in Hebrew", "מנורה", "מנורה"],
  ["with a family of emoji", "👨‍👩‍👧 lamp", "👨‍👩‍👧 lamp"],
])("a name %s is read as plain text", (_what, name, read) => {
  expect(readName(name, 64)).toBe(read);
});

test.each([[7], [""], ["\u202e"], ["  "], ["x".repeat(65)]])("%j is no name", (value) => {
  expect(readName(value, 64)).toBeNull();
});

test("a name that is written leftwards stands alone in a sentence, others as they are", () => {
  expect(within("מנורה 1")).toBe("\u2068מנורה 1\u2069");
  expect(within("مصباح")).toBe("\u2068مصباح\u2069");
  expect(within("Porch")).toBe("Porch");
});

test("boards, lamps, owners and guests cannot turn round what stands beside their names", () => {
  const topics = { set: "s", state: "t" };
  const about = readAbout(
    JSON.stringify({
      device: { id: "porch-1", name: "\u202eb" },
      lights: [{ id: "main", name: "\u2066c", topics }],
      owner: { userId: "005", name: "\u202ed" },
    }),
  );
  expect([about?.name, about?.lamps[0]?.name, about?.owner?.name]).toEqual(["b", "c", "d"]);
  const card = Buffer.from('{"name":"\u202ee","user":"005"}').toString("base64url");
  expect(readGuestLink(`#guest=${card}`)?.name).toBe("e");
});
