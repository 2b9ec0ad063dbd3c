import { describe, expect, it } from "vitest";
import { catalogue } from "../../../src/cli/catalogue.ts";
import { readArguments } from "../../../src/cli/command.ts";
import { changeFor, readWish } from "../../../src/cli/light-words.ts";

const wish = (line: string) => {
  const spec = catalogue.find(({ spec: { name } }) => name === "light")?.spec;
  if (spec === undefined) throw new Error("no such command");
  return readWish(
    readArguments(
      spec,
      line.split(" ").filter((word) => word !== ""),
    ),
  );
};

const rgb = (red: number, green: number, blue: number) => ({ mode: "rgb", rgb: [red, green, blue] });

describe("what stands behind porchlight light", () => {
  it.each([
    ["", { list: null }],
    ["hall", { list: "hall" }],
    ["on", { id: null, verb: "on", change: {}, fadeMs: 0 }],
    ["hall toggle", { id: "hall", verb: "toggle", change: {}, fadeMs: 0 }],
    ["on off", { id: "on", verb: "off", change: {}, fadeMs: 0 }],
    ["hall -b 40%", { id: "hall", verb: null, change: { brightness: 0.4 }, fadeMs: 0 }],
    ["-b 100", { id: null, verb: null, change: { brightness: 1 }, fadeMs: 0 }],
    ["on -b 12.5", { id: null, verb: "on", change: { brightness: 0.125 }, fadeMs: 0 }],
    [
      "on -k 2700",
      { id: null, verb: "on", change: { colour: { mode: "temperature", kelvin: 2700 } }, fadeMs: 0 },
    ],
    [
      "on -k 6500K",
      { id: null, verb: "on", change: { colour: { mode: "temperature", kelvin: 6500 } }, fadeMs: 0 },
    ],
    ["on -c ff0000", { id: null, verb: "on", change: { colour: rgb(1, 0, 0) }, fadeMs: 0 }],
    ["on -c #0033FF", { id: null, verb: "on", change: { colour: rgb(0, 0.2, 1) }, fadeMs: 0 }],
    ["off -f 500ms", { id: null, verb: "off", change: {}, fadeMs: 500 }],
    ["off -f 1.5s", { id: null, verb: "off", change: {}, fadeMs: 1500 }],
    ["off -f 60m", { id: null, verb: "off", change: {}, fadeMs: 3_600_000 }],
    ["stop", { id: null, verb: "stop", change: {}, fadeMs: 0 }],
  ])("%j is understood", (line, expected) => {
    expect(wish(line)).toEqual(expected);
  });

  it.each([
    "-b 0",
    "-b 101",
    "-b half",
    "-k 900",
    "-k 30000",
    "-k warm",
    "-c red",
    "-c ff00",
    "-c ff00000",
    "-k 2700 -c ff0000",
    "on -f 2",
    "on -f 61m",
    "on -f -1s",
    "-f 2s",
    "off -b 40",
    "stop -k 2700",
    "hall dance",
  ])("%j is refused", (line) => {
    expect(() => wish(line)).toThrow(expect.objectContaining({ code: "USAGE" }));
  });

  it.each([
    ["on", false, { on: true }],
    ["-b 50", false, { brightness: 0.5, on: true }],
    ["off", true, { on: false, effect: null }],
    ["toggle", true, { on: false, effect: null }],
    ["toggle", false, { on: true }],
    ["toggle -b 50", false, { brightness: 0.5, on: true }],
    ["blink", false, { effect: "blink" }],
    ["identify", true, { effect: "identify" }],
    ["stop", true, { effect: null }],
  ])("%j on a lamp that is on: %j becomes the change %j", (line, isOn, change) => {
    const read = wish(line);
    if ("list" in read) throw new Error("a list");
    expect(changeFor(read, isOn)).toEqual(change);
  });
});
