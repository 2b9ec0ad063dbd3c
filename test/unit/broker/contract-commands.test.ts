import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCommand } from "../../../src/broker/codec.ts";
import { lightCommand } from "../../contract/light-commands.ts";
import { validatorOf } from "../../contract/published.ts";

const reads = (text: string): boolean => parseCommand(Buffer.from(text), "main", null)?.ok === true;
const fits = (text: string): boolean => validatorOf("command")(JSON.parse(text));

describe("the schema of a plain command", () => {
  it("takes what the reader takes, and nothing else", () => {
    let taken = 0;
    let refused = 0;
    fc.assert(
      fc.property(lightCommand, (text) => {
        const read = reads(text);
        if (read) taken++;
        else refused++;
        expect(fits(text)).toBe(read);
      }),
      { numRuns: 20_000 },
    );
    // It would be no test of both ways if nearly all were of one kind.
    expect(Math.min(taken, refused)).toBeGreaterThan(3_000);
  });

  it("refuses every value of JSON that the reader refuses", () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(fits(text)).toBe(reads(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ["the Kelvin sign in a word", { effect: "blin\u212A" }, false],
    ["an id of as many emoji as it may have characters", { state: "ON", id: "\u{1F4A1}".repeat(128) }, true],
    ["one emoji more", { state: "ON", id: "\u{1F4A1}".repeat(129) }, false],
    ["a moment in 1970 by another zone", { state: "ON", expiresAt: "1970-01-01T00:00:00+01:00" }, false],
    ["small letters in a moment", { state: "ON", expiresAt: "2026-12-01t17:00:30z" }, true],
    ["a second too many", { state: "ON", expiresAt: "2026-12-01T17:00:60Z" }, false],
    ["both colours without a word on which counts", { color_temp: 2700, color: { h: 1, s: 1 } }, false],
    ["both colours with it", { color_temp: 2700, color: { h: 1, s: 1 }, color_mode: "hs" }, true],
    ["an effect that is ended", { effect: null }, true],
    ["a state of null", { state: null }, false],
  ])("judges as the reader does: %s", (_, command, good) => {
    const text = JSON.stringify(command);
    expect([reads(text), fits(text)]).toEqual([good, good]);
  });
});
