import { describe, expect, test } from "vitest";
import { newSigningKey, readSigningKey, signature } from "../../../build/sign.ts";
import { checkSignature, readMakerKey } from "../../../src/update/minisign.ts";
import { makerKeyOf } from "./maker.ts";

const signing = readSigningKey(newSigningKey());
const maker = makerKeyOf(signing);
const content = Buffer.from("what is signed");
const signed = signature(content, signing, "version 1.2.3");
const lines = signed.split("\n");

const altered = (line: number, change: (bytes: Buffer) => Buffer): string =>
  lines
    .map((text, index) => (index === line ? change(Buffer.from(text, "base64")).toString("base64") : text))
    .join("\n");
const flipped = (at: number) => (bytes: Buffer) => {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  return bytes;
};

describe("a maker's signature", () => {
  test("is taken with its comment, when it is right", () => {
    expect(checkSignature(content, signed, maker)).toBe("version 1.2.3");
  });

  test("is taken from files with the line ends of Windows", () => {
    expect(checkSignature(content, signed.replaceAll("\n", "\r\n"), maker)).toBe("version 1.2.3");
  });

  test.each([
    ["another content", () => checkSignature(Buffer.from("something else"), signed, maker)],
    ["an altered signature", () => checkSignature(content, altered(1, flipped(20)), maker)],
    ["an altered comment", () => checkSignature(content, signed.replace("1.2.3", "1.2.4"), maker)],
    ["an altered signature of the comment", () => checkSignature(content, altered(3, flipped(5)), maker)],
    ["another key's id", () => checkSignature(content, altered(1, flipped(4)), maker)],
    ["an old kind of signature", () => checkSignature(content, altered(1, flipped(1)), maker)],
    ["another key", () => checkSignature(content, signed, makerKeyOf(readSigningKey(newSigningKey())))],
    ["a signature that is cut off", () => checkSignature(content, signed.slice(0, 100), maker)],
    ["no signature", () => checkSignature(content, "", maker)],
    ["no comment", () => checkSignature(content, lines.slice(0, 2).join("\n"), maker)],
  ])("is refused for %s", (_, check) => {
    expect(check).toThrow(expect.objectContaining({ code: "UPDATE_SIGNATURE" }));
  });
});

describe("a maker's public key", () => {
  test.each([
    ["nothing", ""],
    ["no base64", "?".repeat(56)],
    ["too short", signing.publicText.slice(4)],
    ["another algorithm", Buffer.concat([Buffer.from("Xx"), Buffer.alloc(40)]).toString("base64")],
  ])("is none: %s", (_, text) => {
    expect(readMakerKey(text)).toBeUndefined();
  });

  test("of another kind than Ed25519 makes no signatures", () => {
    expect(() => readSigningKey("no PEM")).toThrow();
  });
});
