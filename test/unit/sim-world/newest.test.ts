import { expect, it } from "vitest";
import { forgetOldest, keepNewest } from "../../../firmware-sim/newest.ts";

it("a list keeps its newest, in their order", () => {
  const list: number[] = [];
  for (let item = 0; item < 10; item += 1) keepNewest(list, item, 3);
  expect(list).toEqual([7, 8, 9]);
});

it("a map forgets what came first, and nothing while it is small", () => {
  const map = new Map([
    ["a", 1],
    ["b", 2],
    ["c", 3],
  ]);
  forgetOldest(map, 3);
  expect([...map.keys()]).toEqual(["a", "b", "c"]);
  forgetOldest(map, 1);
  expect([...map.keys()]).toEqual(["c"]);
});
