import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { goJson } from "../../../src/owner/go-json.ts";
import { readPkToken } from "../../../src/owner/pk-token.ts";
import { Refused } from "../../../src/owner/refused.ts";
import { readContent } from "../../../src/owner/request.ts";
import { readEnvelope } from "../../../src/owner/signed-message.ts";
import { decodeReplay } from "../../../src/owner/stored-replay.ts";
import { type Alg, signerOf } from "./openpubkey.ts";
import { createBoard, freshToken, message } from "./support.ts";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

/** One change of bytes somewhere in a message. */
type Mutation =
  | { readonly kind: "flip"; readonly at: number; readonly bits: number }
  | { readonly kind: "delete"; readonly at: number; readonly count: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  | { readonly kind: "swap"; readonly at: number; readonly count: number };

const mutated = (bytes: Uint8Array, mutation: Mutation): Uint8Array => {
  const at = mutation.at % (bytes.length + 1);
  const [before, behind] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (mutation.kind) {
    case "flip":
      return Buffer.concat([before, Buffer.from([(behind[0] ?? 0) ^ mutation.bits]), behind.subarray(1)]);
    case "delete":
      return Buffer.concat([before, behind.subarray(mutation.count)]);
    case "insert":
      return Buffer.concat([before, mutation.bytes, behind]);
    case "swap":
      return Buffer.concat([
        before,
        behind.subarray(mutation.count, 2 * mutation.count),
        behind.subarray(0, mutation.count),
        behind.subarray(2 * mutation.count),
      ]);
  }
};

const anywhere = fc.nat(20_000);
const signs = fc.constantFrom(...'{}[]":.,=-_ \n\t\\A0eZ'.split("").map((sign) => bytesOf(sign)));
const mutation: fc.Arbitrary<Mutation> = fc.oneof(
  fc.record({ kind: fc.constant("flip" as const), at: anywhere, bits: fc.integer({ min: 1, max: 255 }) }),
  fc.record({ kind: fc.constant("delete" as const), at: anywhere, count: fc.integer({ min: 1, max: 8 }) }),
  fc.record({
    kind: fc.constant("insert" as const),
    at: anywhere,
    bytes: fc.oneof(signs, fc.uint8Array({ minLength: 1, maxLength: 8 })),
  }),
  fc.record({ kind: fc.constant("swap" as const), at: anywhere, count: fc.integer({ min: 1, max: 8 }) }),
);

describe("a signed command with any bytes changed", () => {
  const clock = new VirtualClock();
  const messages = (["ES256", "RS256", "EdDSA"] as const).flatMap((alg: Alg) => {
    const phone = signerOf(alg);
    return [message(clock, { phone }), message(clock, { phone, fresh: freshToken(clock) })].map(bytesOf);
  });

  it("is never obeyed, and each time the untouched one still is", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...messages),
        fc.array(mutation, { minLength: 1, maxLength: 3 }),
        async (good, mutations) => {
          const bent = mutations.reduce(mutated, good);
          fc.pre(Buffer.compare(bent, good) !== 0);
          const { check } = createBoard({ clock });
          const verdict = await check(bent);
          expect(verdict).toMatchObject({ ok: false, code: expect.stringMatching(/^COMMAND_/) });
          expect(verdict).not.toMatchObject({ code: "COMMAND_REPEATED" });
          expect((await check(good)).ok).toBe(true);
        },
      ),
      { numRuns: 1500 },
    );
  });

  it("is never obeyed cut off, at whatever length", async () => {
    const { check } = createBoard({ clock });
    const good = messages[0] ?? bytesOf("");
    for (let length = 0; length < good.length; length++)
      expect(await check(good.subarray(0, length))).toMatchObject({ ok: false, code: "COMMAND_UNREADABLE" });
    for (let start = 1; start < good.length; start += 7)
      expect(await check(good.subarray(start))).toMatchObject({ ok: false, code: "COMMAND_UNREADABLE" });
    expect((await check(good)).ok).toBe(true);
  });

  it("is never obeyed with parts of another message, as long as they are signed parts of it", async () => {
    const [one, two] = [message(clock, { phone: signerOf("ES256") }), message(clock)].map((text) =>
      JSON.parse(text),
    );
    const parts = (text: string): readonly string[] => text.split(/[.:]/);
    const { check } = createBoard({ clock });
    for (const [index, own] of parts(one.pkt).entries()) {
      const pkt = one.pkt.replace(own, parts(two.pkt)[index]);
      if (pkt !== one.pkt) expect((await check(JSON.stringify({ pkt, osm: one.osm }))).ok).toBe(false);
    }
    for (const [index, own] of parts(one.osm).entries())
      expect(
        (await check(JSON.stringify({ pkt: one.pkt, osm: one.osm.replace(own, parts(two.osm)[index]) }))).ok,
      ).toBe(false);
    expect((await check(JSON.stringify(one))).ok).toBe(true);
  });
});

describe("readers of what anybody can send", () => {
  /** Answers, or refuses; throws nothing else. */
  const holds = (read: () => unknown): void => {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
    }
  };
  const json = fc.oneof(fc.json({ maxDepth: 6 }), fc.string(), fc.constant("[".repeat(16_000)));

  it("throw nothing but refusals", () => {
    fc.assert(
      fc.property(json, fc.uint8Array({ maxLength: 64 }), (text, bytes) => {
        holds(() => goJson(text));
        holds(() => readContent(text));
        holds(() => readPkToken(text));
        holds(() => readEnvelope(bytes));
        holds(() => readEnvelope(bytesOf(text)));
        expect(() => decodeReplay(bytes)).not.toThrow();
        expect(() => decodeReplay(bytesOf(text))).not.toThrow();
      }),
      { numRuns: 2000 },
    );
  });

  it("read whole members of the right names and any values without throwing anything else", () => {
    const names = [
      "porchlight",
      "device",
      "id",
      "iat",
      "exp",
      "do",
      "light",
      "set",
      "pass",
      "name",
      "evening",
    ];
    const value = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom("command", "light", "admit", "evening", 1, 2),
    );
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...names), value, { maxKeys: 11 }), (fields) => {
        holds(() => readContent(JSON.stringify(fields)));
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ["brackets", "[".repeat(16_384)],
    ["colons", ":".repeat(16_384)],
    ["full stops", `{"osm":"${".".repeat(16_000)}"}`],
    ["quotes", '"'.repeat(16_384)],
    ["backslashes", `{"osm":"${"\\\\".repeat(8_000)}"}`],
    [
      "claims of nothing but brackets",
      JSON.stringify({
        pkt: `e30:e30:AA:${Buffer.from("[".repeat(9_000)).toString("base64url")}:AA`,
        osm: "e30.e30.AA",
      }),
    ],
    [
      "claims with as many members as fit",
      JSON.stringify({
        pkt: `e30:e30:AA:${Buffer.from(JSON.stringify(Object.fromEntries(Array.from({ length: 900 }, (_, index) => [`m${index}`, 1])))).toString("base64url")}:AA`,
        osm: "e30.e30.AA",
      }),
    ],
  ])("take no longer for the worst of %s than for a good message", async (_what, text) => {
    const { check } = createBoard();
    const start = process.hrtime.bigint();
    for (let round = 0; round < 20; round++) expect((await check(text)).ok).toBe(false);
    // A bound against anything that grows faster than the message, with room for a busy machine: 100 ms each.
    expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(2_000);
  });
});
