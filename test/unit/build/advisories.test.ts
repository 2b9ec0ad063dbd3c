import { describe, expect, it } from "vitest";
import { judge } from "../../../build/advisories.ts";

const weak = (name: string, id: string, nodes: readonly string[]) => ({
  name,
  severity: "high",
  via: [
    {
      source: 1,
      name,
      title: `${name} can be made to wait`,
      url: `https://github.com/advisories/${id}`,
      severity: "high",
      range: "<2",
    },
  ],
  nodes,
});
const report = (vulnerabilities: object): string =>
  JSON.stringify({ auditReportVersion: 2, vulnerabilities });
const shipped = ["node_modules/ms"];

describe("an answer of npm audit", () => {
  it("without weaknesses leaves nothing open", () => {
    expect(judge(report({}), shipped, {})).toEqual({ kind: "judged", lines: [] });
  });

  it("names each weakness once, with where it is, and not those who only bring it", () => {
    const brings = { name: "debug", via: ["ms"], nodes: ["node_modules/debug"] };
    const vulnerabilities = {
      ms: weak("ms", "GHSA-1", ["node_modules/ms"]),
      other: weak("other", "GHSA-2", ["node_modules/other"]),
      again: weak("other", "GHSA-2", ["node_modules/again"]),
      debug: brings,
    };
    expect(judge(report(vulnerabilities), shipped, {})).toEqual({
      kind: "judged",
      lines: [
        "ms <2 (high, in the programs): ms can be made to wait, https://github.com/advisories/GHSA-1",
        "other <2 (high, not in the programs): other can be made to wait, https://github.com/advisories/GHSA-2",
      ],
    });
  });

  it("is no more open where somebody has answered it, until it is gone", () => {
    const answered = { "GHSA-1": "never waits" };
    const there = report({ ms: weak("ms", "GHSA-1", ["node_modules/ms"]) });
    expect(judge(there, shipped, answered)).toEqual({ kind: "judged", lines: [] });
    expect(judge(report({}), shipped, answered)).toEqual({
      kind: "judged",
      lines: ["GHSA-1 is answered, and not there any more"],
    });
  });

  it.each([
    ["405 Method Not Allowed", JSON.stringify({ message: "405 Method Not Allowed", statusCode: 405 })],
    ["nothing", "nothing"],
    ["null", "null"],
  ])("that is none is not taken for a clean one: %s", (reason, text) => {
    expect(judge(text, shipped, {})).toEqual({ kind: "unanswered", reason });
  });
});
