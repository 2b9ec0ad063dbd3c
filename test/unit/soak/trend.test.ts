import { describe, expect, it } from "vitest";
import { gauges } from "../../soak/gauges.ts";
import type { Soaked } from "../../soak/soak.ts";
import { slopeOf, trendOf } from "../../soak/trend.ts";
import { idleWords, realWords, soakedWords } from "../../soak/words.ts";

describe("what comes with each day", () => {
  it.each([
    ["nothing of one day", [7], 0],
    ["nothing while nothing changes", [7, 7, 7, 7], 0],
    ["the steps of a straight line", [0, 3, 6, 9], 3],
    ["less than nothing where it shrinks", [9, 6, 3], -3],
    ["not what one odd day had", [5, 5, 900, 5, 5], 0],
    ["what stays of every day, through noise", [0, 12, 19, 31, 38, 52, 59], 10],
  ])("is %s", (_name, values, slope) => {
    expect(slopeOf(values)).toBeCloseTo(slope, 0);
  });
});

describe("a figure", () => {
  it("grows when more comes with each day than it may", () => {
    expect(trendOf(gauges.listeners, [20, 21, 22, 23])).toMatchObject({ perDay: 1, grows: true });
    expect(trendOf(gauges.heap, [1e6, 1.01e6, 1.02e6, 1.03e6])).toMatchObject({ grows: false });
    expect(trendOf(gauges.heap, [1e6, 1.02e6, 1.04e6, 1.06e6])).toMatchObject({ grows: true });
  });

  it("does not grow by what filled up at first", () => {
    expect(trendOf(gauges.heap, [1e6, 5e6, 8e6, 9e6, 9e6, 9e6, 9e6, 9e6])).toMatchObject({
      first: 1e6,
      last: 9e6,
      grows: false,
    });
  });
});

it("a table says what grew, by how much, and what was written", () => {
  const written = { grant: { bytes: 17_248, blocks: 45_056, writes: 11 } };
  const soaked: Soaked = {
    days: [],
    trends: [
      { id: "heap", ...trendOf(gauges.heap, [1e6, 1e6]) },
      { id: "timers", ...trendOf(gauges.timers, [11, 11, 12, 13]) },
    ],
    answers: { done: 3 },
    faults: { BROKER_LOST: 1 },
    written,
  };
  const idle = { written, bytes: 17_248, blocks: 45_056, writes: 11, device: 247_808, log: 3296 };
  const text = [...soakedWords(soaked), ...idleWords("asset tokens of an hour", idle)].join("\n");
  expect(text).toMatch(/heap +1000\.0 kB +1000\.0 kB +0\.0 kB +12\.0 kB$/m);
  expect(text).toMatch(/timers +11 +13 +1 +0\.1 {2}GROWS$/m);
  expect(text).toMatch(/grant +17\.2 kB +45\.1 kB +11 writes$/m);
  expect(text).toMatch(/on the device +247\.8 kB$/m);
  expect(text).toMatch(/log \(journald's\) +3\.3 kB$/m);
  expect(text).toContain("done: 3");
});

it("what the kernel counted of a real program is told by the day", () => {
  const text = realWords({ command: "porchlight", seconds: 60, disk: 0, all: 52 }).join("\n");
  expect(text).toMatch(/to the disk +0 +0\.0 kB$/m);
  expect(text).toMatch(/files, sockets, pipes +52 +74\.9 kB$/m);
});
