import { describe, expect, it } from "vitest";
import { covers, matches, validFilter, validTopic } from "../../../firmware-sim/broker/topic-names.ts";

describe("topic names", () => {
  it.each([
    ["a/b", "a/b", true],
    ["a/b", "a/b/c", false],
    ["a/b/c", "a/b", false],
    ["a/+", "a/b", true],
    ["a/+", "a", false],
    ["a/+", "a/", true],
    ["a/+/c", "a/b/c", true],
    ["+", "/a", false],
    ["+/+", "/a", true],
    ["#", "a/b/c", true],
    ["a/#", "a", true],
    ["a/#", "a/b/c", true],
    ["a/#", "ab", false],
    ["#", "$SYS/x", false],
    ["+/x", "$SYS/x", false],
    ["$SYS/#", "$SYS/x", true],
  ])("%s matches %s: %s", (filter, topic, expected) => {
    expect(matches(filter, topic)).toBe(expected);
  });

  it.each([
    ["a/#", "a/b/+", true],
    ["a/#", "a/#", true],
    ["a/#", "#", false],
    ["a/#", "+/b", false],
    ["a/+", "a/b", true],
    ["a/+", "a/+", true],
    ["a/+", "a/#", false],
    ["a/b", "a/+", false],
    ["a/b", "a/b", true],
    ["a/b", "a", false],
    ["a/b", "a/b/c", false],
  ])("a right on %s covers %s: %s", (rule, filter, expected) => {
    expect(covers(rule, filter)).toBe(expected);
  });

  it("are valid only without wildcards, filters only with whole ones", () => {
    expect(["a", "/", "a b"].every(validTopic)).toBe(true);
    expect(["", "a/+", "#", "a\0"].some(validTopic)).toBe(false);
    expect(["a", "+", "#", "+/a/#", "/"].every(validFilter)).toBe(true);
    expect(["", "a+", "a/b#", "#/a", "a\0"].some(validFilter)).toBe(false);
  });
});
