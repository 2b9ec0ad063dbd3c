import { describe, expect, it } from "vitest";
import { burst, knownOf } from "../../fuzz/burst.ts";
import { fromLine, inLine } from "../../fuzz/corpus.ts";
import { look } from "../../fuzz/oracles.ts";
import { Contradiction, MARK, type Target } from "../../fuzz/target.ts";
import { targets } from "../../fuzz/targets.ts";

// Every input that the long runs have kept, and a few hundred new ones for each kind of input. What breaks a reader is
// replayed by: npm run fuzz -- --target NAME --input FILE

const COUNT = 250;
const COUNT_SLOW = 12;

describe("what comes from outside breaks no reader", () => {
  it.each(targets)("$name: $what", async (target) => {
    const inputs = [...knownOf(target), ...burst(target, target.slow ? COUNT_SLOW : COUNT, 20_261_130)];
    for (const input of inputs) {
      const finding = await look(target, input);
      expect(finding === null ? null : { ...finding, input: inLine(input) }).toBeNull();
    }
  });
});

describe("the judge of a reader", () => {
  const one = (read: (input: Buffer) => unknown): Target => ({
    name: "one",
    what: "anything",
    most: 1000,
    sources: [],
    seeds: [],
    readers: [{ name: "it", throws: ["ORG_BUSY"], read }],
  });
  const told = async (read: (input: Buffer) => unknown): Promise<string | undefined> =>
    (await look(one(read), Buffer.from(`{"secret":"${MARK}"}`)))?.kind;
  const spin = (): void => {
    const { user } = process.threadCpuUsage();
    while (process.threadCpuUsage().user - user < 60_000);
  };

  it("takes a documented error, and an answer of a fair size", async () => {
    const { AgentError } = await import("../../../src/errors.ts");
    expect(await told(() => ({ fine: true }))).toBeUndefined();
    expect(await told(() => Promise.reject(new AgentError("ORG_BUSY", "later")))).toBeUndefined();
  });

  it("notices an error that nobody documented, a secret in one, a huge answer, a slow one and a contradiction", async () => {
    const { AgentError } = await import("../../../src/errors.ts");
    expect(await told(() => JSON.parse("{"))).toBe("error");
    expect(await told(() => Promise.reject(new AgentError("BUG", "x")))).toBe("error");
    expect(await told((input) => Promise.reject(new AgentError("ORG_BUSY", String(input))))).toBe("leak");
    expect(
      await told(() => Promise.reject(new AgentError("ORG_BUSY", "x", { cause: new Error(MARK) }))),
    ).toBe("leak");
    expect(await told(() => Promise.reject(new AgentError("ORG_BUSY", MARK.slice(5, 24))))).toBeUndefined();
    expect(await told(() => "x".repeat(100_000))).toBe("heavy");
    expect(await told(spin)).toBe("slow");
    expect(await told(() => Promise.reject(new Contradiction("two things")))).toBe("contradiction");
  });

  it("is given the same inputs for the same seed, which survive their file", () => {
    const target = one(() => null);
    const [first, second] = [1, 1].map((seed) => [
      ...burst({ ...target, seeds: ['{"a":[1,"b"]}', "eyJhIjoxfQ"] }, 300, seed),
    ]);
    expect(first).toEqual(second);
    for (const input of first ?? []) expect(fromLine(inLine(input))).toEqual(input);
    expect(new Set(first?.map(String)).size).toBeGreaterThan(200);
  });
});
