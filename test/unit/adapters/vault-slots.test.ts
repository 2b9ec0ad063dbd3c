import { describe, expect, it } from "vitest";
import {
  isKept,
  isSpare,
  newestOf,
  type Slot,
  type Slots,
  type Step,
  stepsToKeep,
  stepsToRemove,
} from "../../../src/adapters/vault-slots.ts";

const value = Buffer.from("new");
const none: Slot = { kind: "none" };
const damaged: Slot = { kind: "damaged", why: "is empty" };
const newer: Slot = { kind: "newer" };
const locked = (generation: number): Slot => ({ kind: "locked", generation });
const removed = (generation: number): Slot => ({ kind: "removed", generation });
const good = (
  generation: number,
  text = `v${generation}`,
  form: "plain" | "aes-256-gcm" = "plain",
): Slot => ({
  kind: "good",
  generation,
  form,
  value: Buffer.from(text),
});
const bareFile: Slot = { kind: "good", generation: 0, form: "plain", value: Buffer.from("bare") };
const slots = (first: Slot, second: Slot, bare: Slot = none): Slots => ({ bare, pair: [first, second] });

const told = (at: Slots): string => {
  const newest = newestOf(at);
  if (newest.kind === "refused") return newest.code;
  if (newest.kind === "none") return "none";
  return `${Buffer.from(newest.value)}${newest.older ? ", older" : ""}`;
};

describe("what counts", () => {
  it.each([
    [slots(none, none), "none"],
    [slots(good(1), none), "v1"],
    [slots(good(3), good(2)), "v3"],
    [slots(good(3), good(4)), "v4"],
    // Nobody knows whether the damaged one was newer.
    [slots(good(3), damaged), "v3, older"],
    [slots(damaged, good(3)), "v3, older"],
    [slots(damaged, none), "STATE_DAMAGED"],
    [slots(damaged, damaged), "STATE_DAMAGED"],
    [slots(none, none, bareFile), "bare"],
    [slots(good(8), good(9), bareFile), "bare"],
    [slots(good(8), none, damaged), "v8, older"],
    [slots(none, none, damaged), "STATE_DAMAGED"],
    [slots(locked(4), good(3)), "STATE_LOCKED"],
    [slots(locked(4), none), "STATE_LOCKED"],
    [slots(locked(4), damaged), "STATE_LOCKED"],
    [slots(locked(3), good(4)), "v4"],
    [slots(good(3), removed(4)), "none"],
    [slots(good(5), removed(4)), "v5"],
    [slots(removed(4), damaged), "STATE_DAMAGED"],
    [slots(newer, good(4)), "STATE_NEWER"],
    [slots(newer, none, bareFile), "STATE_NEWER"],
  ])("is found in the files of a key (case %#)", (at, expected) => {
    expect(told(at)).toBe(expected);
  });
});

describe("what is kept already", () => {
  const new3 = good(3, "new");
  it.each<readonly [Slots, boolean, boolean]>([
    [slots(new3, good(2)), false, true],
    [slots(new3, good(2)), true, false],
    [slots(new3, good(2, "new")), true, true],
    [slots(good(3), good(2, "new")), false, false],
    [slots(good(3, "new", "aes-256-gcm"), none), false, false],
    [slots(new3, damaged), false, false],
    [slots(new3, good(2), bareFile), false, false],
    [slots(none, none), false, false],
  ])("is not written again (case %#)", (at, both, expected) => {
    expect(isKept(at, value, "plain", both)).toBe(expected);
  });
});

const words = (steps: readonly Step[]): string =>
  steps
    .map((step) => {
      if (step.do === "write")
        return `${step.value === null ? "removed" : Buffer.from(step.value)}${step.generation}>${step.place + 1}`;
      const file = step.which === "bare" ? "bare" : step.which + 1;
      return `${step.do}${step.do === "setAside" && step.replaced === true ? "*" : ""} ${file}`;
    })
    .join(", ");

describe("the way of a value to the disk", () => {
  it.each<readonly [Slots, string, string]>([
    [slots(none, none), "new1>1", "new1>1, new2>2"],
    [slots(good(1), none), "new2>2", "new2>2, new3>1"],
    [slots(good(3), good(2)), "new4>2", "new4>2, new5>1"],
    [slots(good(3), good(4)), "new5>1", "new5>1, new6>2"],
    [slots(none, good(4)), "new5>1", "new5>1, new6>2"],
    // The damaged one stays until the new one is there, and may have had the next number.
    [slots(good(3), damaged), "new5>1, setAside 2", "new5>1, setAside 2, new6>2"],
    [slots(damaged, good(3)), "new5>2, setAside 1", "new5>2, setAside 1, new6>1"],
    [slots(damaged, none), "new900>2, setAside 1", "new900>2, setAside 1, new901>1"],
    [slots(none, damaged), "new900>1, setAside 2", "new900>1, setAside 2, new901>2"],
    [
      slots(damaged, damaged),
      "setAside* 1, new900>1, setAside 2",
      "setAside* 1, new900>1, setAside 2, new901>2",
    ],
    // What an older version wrote counts until it goes, and stays as the generation before.
    [slots(none, none, bareFile), "bare1>1, new2>2, unlink bare", "new1>1, new2>2, unlink bare"],
    [
      slots(good(8), damaged, bareFile),
      "setAside 2, bare9>1, new10>2, unlink bare",
      "setAside 2, new9>1, new10>2, unlink bare",
    ],
    [slots(good(3), good(2), damaged), "new4>2, setAside bare", "new4>2, setAside bare, new5>1"],
    [slots(locked(3), good(4)), "new5>1", "new5>1, new6>2"],
    [slots(none, removed(4)), "new5>1", "new5>1, new6>2"],
  ])("is a few steps, each of which leaves what was there or the value (case %#)", (at, once, twice) => {
    expect(words(stepsToKeep(at, value, false, 900))).toBe(once);
    expect(words(stepsToKeep(at, value, true, 900))).toBe(twice);
  });
});

describe("a file that makes room", () => {
  it.each<readonly [Slots, boolean, boolean]>([
    [slots(good(3), good(4)), true, false],
    [slots(good(4), good(3)), false, true],
    [slots(removed(3), good(4)), true, false],
    [slots(none, good(4)), false, false],
    [slots(damaged, good(4)), false, false],
    [slots(good(3), locked(4)), false, false],
    [slots(good(3), good(4), bareFile), false, false],
  ])("is the one that the other is newer than (case %#)", (at, first, second) => {
    expect([isSpare(at, 0), isSpare(at, 1)]).toEqual([first, second]);
  });
});

describe("the way of a key off the disk", () => {
  it.each<readonly [Slots, string]>([
    [slots(none, none), ""],
    [slots(good(3), good(2)), "unlink 2, unlink 1"],
    [slots(good(3), good(4)), "unlink 1, unlink 2"],
    // The damaged one may come before the other, or after it.
    [slots(good(3), damaged), "removed5>1, unlink 2, unlink 1"],
    [slots(damaged, good(3)), "removed5>2, unlink 1, unlink 2"],
    [slots(damaged, none), "removed900>2, unlink 1, unlink 2"],
    [slots(none, damaged), "removed900>1, unlink 2, unlink 1"],
    [slots(damaged, damaged), "removed900>2, unlink 1, unlink 2"],
    [slots(good(3), removed(4)), "unlink 1, unlink 2"],
    [slots(damaged, none, bareFile), "unlink 1, unlink bare"],
    [slots(good(3), good(4), bareFile), "unlink 1, unlink 2, unlink bare"],
    [slots(locked(3), newer), "unlink 2, unlink 1"],
  ])("begins with what does not count (case %#)", (at, expected) => {
    expect(words(stepsToRemove(at, 900))).toBe(expected);
  });
});
