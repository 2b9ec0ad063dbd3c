import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFrame, encodeFrame } from "../../../src/adapters/vault-frame.ts";

const body = Buffer.from('{"version":1,"accessToken":"…"}');
const whole = encodeFrame({ key: "grant", generation: 12, form: "plain", body });
const read = (bytes: Uint8Array | string) => {
  const decoded = decodeFrame("grant", Buffer.from(bytes));
  return decoded.kind === "damaged" ? decoded.why : decoded.kind;
};
/** A file with the right sum below any line. */
const summed = (line: string, after: string): string =>
  `${line} ${crc32(`${line}${after}`).toString(16).padStart(8, "0")}\n${after}`;

describe("a generation on disk", () => {
  it("is a line that a person can read, and the bytes", () => {
    const [line, rest] = Buffer.from(whole).toString().split("\n");
    const sum = crc32(Buffer.concat([Buffer.from("porchlight-state 1 grant 12 plain 33"), body]));
    expect(line).toBe(`porchlight-state 1 grant 12 plain 33 ${sum.toString(16).padStart(8, "0")}`);
    expect(rest).toBe(body.toString());
    expect(decodeFrame("grant", whole)).toEqual({
      kind: "frame",
      frame: { key: "grant", generation: 12, form: "plain", body },
    });
  });

  it("is read as what it was written as, whatever the bytes", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.integer({ min: 1, max: 2 ** 40 }),
        (bytes, generation) => {
          const frame = { key: "light-main", generation, form: "aes-256-gcm", body: bytes } as const;
          const decoded = decodeFrame("light-main", encodeFrame(frame));
          expect(decoded).toMatchObject({ kind: "frame", frame: { generation, form: "aes-256-gcm" } });
          if (decoded.kind === "frame") expect(Buffer.from(decoded.frame.body)).toEqual(Buffer.from(bytes));
        },
      ),
    );
  });

  it("is known to be damaged when any byte of it is another, or it ends anywhere else", () => {
    for (let at = 0; at < whole.length; at++) {
      for (const bit of [1, 2, 4, 16, 128]) {
        const bytes = Uint8Array.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ bit;
        expect(decodeFrame("grant", bytes).kind).toBe("damaged");
      }
      expect(decodeFrame("grant", whole.subarray(0, at)).kind).toBe("damaged");
    }
    expect(decodeFrame("grant", Buffer.concat([whole, Buffer.from("x")])).kind).toBe("damaged");
  });

  it.each<readonly [what: string, bytes: Uint8Array | string, why: string]>([
    ["nothing", "", "is empty"],
    ["zeros", "\0".repeat(500), "does not begin as it should"],
    ["no end of line", "porchlight-state 1 grant 12", "does not begin as it should"],
    ["half of it", whole.subarray(0, 60), "is cut short"],
    ["a flipped bit", Buffer.from(whole).fill("X", 60, 61), "has a wrong checksum"],
    [
      "another key's",
      encodeFrame({ key: "replay", generation: 1, form: "plain", body }),
      "holds what belongs to replay",
    ],
    ["a later version's", summed("porchlight-state 2 whatever comes then", "and its bytes"), "newer"],
    ["a version before the first", summed("porchlight-state 0 grant 1 plain 1", "x"), "makes no sense"],
    ["a form that is not known", summed("porchlight-state 1 grant 1 rot13 1", "x"), "makes no sense"],
    ["more than its length", summed("porchlight-state 1 grant 1 plain 1", "xyz"), "makes no sense"],
  ])("with %s says in words what is wrong", (_what, bytes, why) => {
    expect(read(bytes)).toBe(why);
  });
});
