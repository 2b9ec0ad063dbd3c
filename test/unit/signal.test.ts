import { describe, expect, it } from "vitest";
import { signalOf, signalWords, signalWordsUnseen } from "../../src/signal.ts";

describe("the signal of a user code", () => {
  it.each([
    ["WDJBMJHT", { colour: "white", count: 3 }],
    ["X0C7TSHE", { colour: "white", count: 1 }],
    ["ABCD1234", { colour: "blue", count: 3 }],
    ["GTHVJKPN", { colour: "orange", count: 1 }],
    ["", { colour: "white", count: 2 }],
  ])("of %j is the same in every version, as apps work it out by themselves", (code, signal) => {
    expect(signalOf(code)).toEqual(signal);
  });

  it("does not hang on case, marks or spaces: people type codes as they like", () => {
    for (const same of ["wdjb-mjht", "WDJB MJHT", " wdjb.MJHT\n", "wdjb–mjht"])
      expect(signalOf(same)).toEqual(signalOf("WDJBMJHT"));
  });

  it("is each of twelve about equally often, for codes that look alike too", () => {
    const letters = "BCDFGHJKLMNPQRSTVWXZ";
    const counts = new Map<string, number>();
    const rounds = 12_000;
    for (let n = 0; n < rounds; n += 1) {
      let code = "WDJB";
      for (let rest = n, place = 0; place < 4; place += 1, rest = Math.floor(rest / letters.length))
        code += letters[rest % letters.length];
      const words = signalWords(signalOf(code));
      counts.set(words, (counts.get(words) ?? 0) + 1);
    }
    expect(counts.size).toBe(12);
    for (const [words, count] of counts) {
      expect(count / rounds, words).toBeGreaterThan(0.07);
      expect(count / rounds, words).toBeLessThan(0.097);
    }
  });

  it.each([
    [{ colour: "blue", count: 3 }, "blinks blue, 3 times", "blinks 3 times (blue, if it has colours)"],
    [{ colour: "orange", count: 1 }, "blinks orange, once", "blinks once (orange, if it has colours)"],
    [{ colour: null, count: 4 }, "blinks 4 times", "blinks 4 times"],
    [{ colour: null, count: 1 }, "blinks once", "blinks once"],
  ] as const)("%j is said in words", (signal, seen, unseen) => {
    expect(signalWords(signal)).toBe(seen);
    expect(signalWordsUnseen(signal)).toBe(unseen);
  });
});
