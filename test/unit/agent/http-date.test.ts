import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readHttpDate } from "../../../src/agent/http-date.ts";

describe("an HTTP-date", () => {
  it.each([
    ["Sun, 06 Nov 1994 08:49:37 GMT", "1994-11-06T08:49:37.000Z"],
    ["Tue, 29 Feb 2028 23:59:60 GMT", "2028-02-29T23:59:59.000Z"],
    ["Sunday, 06-Nov-94 08:49:37 GMT", "2094-11-06T08:49:37.000Z"],
    ["Thursday, 26-Nov-26 08:49:37 GMT", "2026-11-26T08:49:37.000Z"],
    ["Sun Nov  6 08:49:37 1994", "1994-11-06T08:49:37.000Z"],
    ["Sun Nov 16 08:49:37 1994", "1994-11-16T08:49:37.000Z"],
  ])("%s is understood", (text, expected) => {
    const at = readHttpDate(text);
    expect(at === null ? null : new Date(at).toISOString()).toBe(expected);
  });

  it.each([
    "",
    "2026-11-26T08:49:37Z",
    "Sun, 06 Nov 1994 08:49:37",
    "Sun, 06 Nov 1994 08:49:37 CET",
    "Sun, 31 Feb 2027 08:49:37 GMT",
    "Sun, 00 Feb 2027 08:49:37 GMT",
    "Sun, 06 Nov 1994 24:00:00 GMT",
    "Sun, 06 Nov 1994 08:60:00 GMT",
    "Sun, 06 Nov 1994 08:49:61 GMT",
    "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT",
    "Sun, 06 Nov 19940 08:49:37 GMT",
  ])("%j is none", (text) => {
    expect(readHttpDate(text)).toBeNull();
  });

  it("is read as it is written, for every moment, and nothing else makes it stumble", () => {
    const moment = fc.date({ min: new Date(0), max: new Date("9999-12-31"), noInvalidDate: true });
    fc.assert(
      fc.property(moment, fc.string(), (date, noise) => {
        expect(readHttpDate(date.toUTCString())).toBe(Math.floor(date.getTime() / 1000) * 1000);
        expect(readHttpDate(noise)).toBeNull();
      }),
    );
  });
});
