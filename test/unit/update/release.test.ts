import { describe, expect, test } from "vitest";
import { choose, MOST_TRIES, placeOf } from "../../../src/update/choice.ts";
import { compareVersions, parseRelease, parseSums, type Release } from "../../../src/update/release.ts";

const hash = "ab".repeat(32);
const sums = parseSums(`${hash}  program\n${hash} *program.zst\n`);
const file = { name: "program", bytes: 100, packed: "program.zst", packedBytes: 10 };
const good = { version: "1.2.3", rollout: 50, files: { "linux-arm64": file } };

describe("the sums of a release", () => {
  test.each([
    ["a short hash", "abcd  program"],
    ["a path", `${hash}  ../program`],
    ["an absolute path", `${hash}  /etc/passwd`],
    ["a name that is hidden", `${hash}  .program`],
    ["the same name twice", `${hash}  a\n${hash}  a`],
    ["anything else", "<html>"],
  ])("are refused with %s", (_, text) => {
    expect(() => parseSums(text)).toThrow(expect.objectContaining({ code: "UPDATE_DAMAGED" }));
  });
});

describe("the description of a release", () => {
  test("tells the program for each platform with the hashes that are signed", () => {
    expect(parseRelease(JSON.stringify(good), sums).files["linux-arm64"]).toEqual({
      name: "program",
      bytes: 100,
      sha256: hash,
      packed: { name: "program.zst", bytes: 10, sha256: hash },
    });
  });

  test.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["no files", JSON.stringify({ ...good, files: undefined })],
    ["no version", JSON.stringify({ ...good, version: "new" })],
    ["a version with a tail", JSON.stringify({ ...good, version: "1.2.3-beta" })],
    ["a version that is a path", JSON.stringify({ ...good, version: "../1.2.3" })],
    ["a share beyond 100", JSON.stringify({ ...good, rollout: 101 })],
    ["a share that is no number", JSON.stringify({ ...good, rollout: "50" })],
    ["a file that is not signed", JSON.stringify({ ...good, files: { x: { ...file, name: "other" } } })],
    ["a packed file that is not signed", JSON.stringify({ ...good, files: { x: { ...file, packed: "y" } } })],
    ["a size that is none", JSON.stringify({ ...good, files: { x: { ...file, bytes: -1 } } })],
    ["a size beyond all reason", JSON.stringify({ ...good, files: { x: { ...file, bytes: 1e12 } } })],
    ["a file that is no object", JSON.stringify({ ...good, files: { x: null } })],
  ])("is refused: %s", (_, text) => {
    expect(() => parseRelease(text, sums)).toThrow(expect.objectContaining({ code: "UPDATE_DAMAGED" }));
  });
});

describe("versions", () => {
  test.each([
    ["1.2.3", "1.2.3", 0],
    ["1.2.4", "1.2.3", 1],
    ["1.10.0", "1.9.9", 1],
    ["2.0.0", "10.0.0", -1],
    ["0.9.9", "1.0.0", -1],
    ["1.0.0-beta", "0.0.1", -1],
  ])("%s against %s", (a, b, order) => {
    expect(Math.sign(compareVersions(a, b))).toBe(order);
  });
});

describe("whether a board takes a release", () => {
  const release: Release = { version: "1.2.3", rollout: 100, files: {} };
  const here = { running: "1.2.2", deviceId: "porch-1", failures: {} };
  const wish = { older: false, asked: false };
  const place = placeOf("porch-1", "1.2.3");

  test.each([
    ["a newer one", release, here, wish, "take"],
    ["the same", release, { ...here, running: "1.2.3" }, wish, "upToDate"],
    ["the same, asked for", release, { ...here, running: "1.2.3" }, { older: true, asked: true }, "upToDate"],
    ["an older one", release, { ...here, running: "1.3.0" }, wish, "older"],
    [
      "an older one that is asked for",
      release,
      { ...here, running: "1.3.0" },
      { older: true, asked: false },
      "take",
    ],
    [
      "an older one, asked for without --older",
      release,
      { ...here, running: "1.3.0" },
      { older: false, asked: true },
      "older",
    ],
    ["before its turn", { ...release, rollout: place - 0.001 }, here, wish, "later"],
    ["at its turn", { ...release, rollout: place + 0.001 }, here, wish, "take"],
    ["before its turn, asked for", { ...release, rollout: 0 }, here, { older: false, asked: true }, "take"],
    ["for nobody", { ...release, rollout: 0 }, here, wish, "later"],
    ["that failed twice", release, { ...here, failures: { "1.2.3": MOST_TRIES - 1 } }, wish, "take"],
    ["that failed too often", release, { ...here, failures: { "1.2.3": MOST_TRIES } }, wish, "givenUp"],
    [
      "that failed too often, asked for",
      release,
      { ...here, failures: { "1.2.3": 9 } },
      { older: false, asked: true },
      "take",
    ],
  ] as const)("%s", (_, offered, board, asked, kind) => {
    expect(choose(offered, board, asked).kind).toBe(kind);
  });

  test("a share of the boards is about that share of them, and others for each version", () => {
    const boards = Array.from({ length: 2000 }, (_, index) => `porch-${index}`);
    const first = boards.filter((id) => placeOf(id, "1.2.3") < 20);
    const second = boards.filter((id) => placeOf(id, "1.2.4") < 20);
    expect(first.length / boards.length).toBeCloseTo(0.2, 1);
    expect(first.filter((id) => second.includes(id)).length).toBeLessThan(first.length / 2);
  });
});
