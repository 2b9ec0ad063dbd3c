import { describe, expect, it } from "vitest";
import { nearest } from "../../../src/agent/nearest.ts";
import { least, mistakesOf } from "./given.ts";

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

it("is told for the first mistakes of a file only, so that a file full of nonsense is refused at once", () => {
  const nonsense = Object.fromEntries(Array.from({ length: 5_000 }, (_, each) => [`devise${each}`, 1]));
  const { user } = process.threadCpuUsage();
  const mistakes = mistakesOf({ file: { ...least, broker: { ...least.broker, usrname: "x" }, ...nonsense } });
  expect(process.threadCpuUsage().user - user).toBeLessThan(500_000);
  expect(mistakes[0]?.problem).toContain("did you mean broker.username?");
  expect(mistakes).toHaveLength(200);
  expect(mistakes.at(-1)?.problem).not.toContain("did you mean");
});
