import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerableTopic, topicsOf } from "../../../src/broker/topics.ts";

const topics = topicsOf("porch-1", ["main", "hall", "attic"]);

describe("topics", () => {
  it("gives the first lamp the plain names and every further lamp its own level", () => {
    expect(topics.of("main")).toEqual({
      set: "porchlight/porch-1/light/set",
      state: "porchlight/porch-1/light/state",
    });
    expect(topics.of("hall")).toEqual({
      set: "porchlight/porch-1/lights/hall/set",
      state: "porchlight/porch-1/lights/hall/state",
    });
  });

  it("names the board's own topics", () => {
    const { availability, about, result, command, discovery } = topics;
    expect([availability, about, result, command, discovery]).toEqual([
      "porchlight/porch-1/availability",
      "porchlight/porch-1/about",
      "porchlight/porch-1/result",
      "porchlight/porch-1/command",
      "homeassistant/device/porch-1/config",
    ]);
  });

  it("subscribes with one wildcard, or lamp by lamp where the broker has none", () => {
    expect(topics.filters(true)).toEqual([
      "porchlight/porch-1/light/set",
      "porchlight/porch-1/lights/+/set",
      "porchlight/porch-1/command",
    ]);
    expect(topics.filters(false)).toEqual([
      "porchlight/porch-1/light/set",
      "porchlight/porch-1/lights/hall/set",
      "porchlight/porch-1/lights/attic/set",
      "porchlight/porch-1/command",
    ]);
  });

  it.each([
    ["porchlight/porch-1/light/set", { channel: "plain", light: "main" }],
    ["porchlight/porch-1/lights/hall/set", { channel: "plain", light: "hall" }],
    ["porchlight/porch-1/lights/main/set", { channel: "plain", light: "main" }],
    ["porchlight/porch-1/lights/nobody/set", { channel: "plain", light: "nobody" }],
    ["porchlight/porch-1/command", { channel: "signed" }],
    ["porchlight/porch-1/light/state", null],
    ["porchlight/porch-2/light/set", null],
    ["porchlight/porch-1/lights/a/b/set", null],
    ["porchlight/porch-1/lights//set", null],
    ["xporchlight/porch-1/light/set", null],
    ["", null],
  ])("reads %s", (topic, expected) => {
    expect(topics.parse(topic)).toEqual(expected);
  });

  it("still has a name for a lamp on a board without lamps", () => {
    expect(topicsOf("bare", []).filters(false)).toEqual([
      "porchlight/bare/light/set",
      "porchlight/bare/command",
    ]);
  });

  it.each([
    ["phones/anna/answers", true],
    ["porchlight/porch-1/replies/anna", true],
    ["", false],
    ["$SYS/broker", false],
    ["phones/+/answers", false],
    ["phones/#", false],
    ["phones/\u0000", false],
    ["porchlight/porch-1/light/set", false],
    ["porchlight/porch-1/lights/hall/set", false],
    ["porchlight/porch-1/command", false],
    ["porchlight/porch-1/light/state", false],
    ["porchlight/porch-1/lights/hall/state", false],
    ["porchlight/porch-1/availability", false],
    ["porchlight/porch-1/about", false],
    ["homeassistant/device/porch-1/config", false],
    ["porchlight/porch-1/result", true],
    ["porchlight/porch-1/result/anna", true],
    ["x".repeat(256), true],
    ["x".repeat(257), false],
  ])("answers to %s: %s", (topic, expected) => {
    expect(answerableTopic(topic, topics)).toBe(expected);
  });

  it("never answers to a topic it would read as a command", () => {
    fc.assert(
      fc.property(fc.string(), (topic) => topics.parse(topic) === null || !answerableTopic(topic, topics)),
    );
  });
});
