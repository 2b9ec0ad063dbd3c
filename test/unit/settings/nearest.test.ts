import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/agent/nearest.ts";

describe("the nearest name", () => {
  const names = ["org.url", "org.clientId", "broker.url", "status", "sign-out"];
  it.each([
    ["a letter too few", "org.ur", "org.url"],
    ["a letter too many", "statuss", "status"],
    ["two letters swapped", "satus", "status"],
    ["swapped neighbours", "sttaus", "status"],
    ["another letter", "org.orl", "org.url"],
    ["another case", "ORG.CLIENTID", "org.clientId"],
    ["the name itself", "broker.url", "broker.url"],
    ["another separator", "sign_out", "sign-out"],
    ["nothing alike", "teapot", undefined],
    ["an empty name", "", undefined],
    ["a name far too long", "x".repeat(100_000), undefined],
  ])("for %s", (_, name, expected) => {
    expect(nearest(name, names)).toBe(expected);
  });

  it("is none where there are no names", () => {
    expect(nearest("a", [])).toBeUndefined();
  });
});
