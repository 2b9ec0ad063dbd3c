import { describe, expect, it } from "vitest";
import { layoutFaults, machineOf, mendSegments, stripped } from "../../../build/elf.ts";

const LOAD = 1;
const PHDR = 6;
const [R, RX, RW] = [4, 5, 6];

interface Segment {
  readonly type?: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz?: number;
}

const TABLE = 0x40;

/** An ELF file of `length` bytes with these program headers; what is not said is zeros. */
const elf = (length: number, segments: readonly Segment[], machine = 183): Buffer => {
  const file = Buffer.alloc(length);
  Buffer.from("7f454c460201", "hex").copy(file);
  file.writeUInt16LE(machine, 0x12);
  file.writeBigUInt64LE(BigInt(TABLE), 0x20);
  file.writeBigUInt64LE(BigInt(length - 64), 0x28);
  file.writeUInt16LE(56, 0x36);
  file.writeUInt16LE(segments.length, 0x38);
  file.writeUInt16LE(3, 0x3c);
  segments.forEach(({ type = LOAD, flags, offset, vaddr, filesz, memsz = filesz }, index) => {
    const at = TABLE + index * 56;
    file.writeUInt32LE(type, at);
    file.writeUInt32LE(flags, at + 4);
    for (const [place, value] of [
      [8, offset],
      [16, vaddr],
      [32, filesz],
      [40, memsz],
    ] as const)
      file.writeBigUInt64LE(BigInt(value), at + place);
  });
  return file;
};

/** As --build-sea lays it out: zeroed data up to 0x20600, the program headers in a segment of their own at 0x21000. */
const likeSea = (flags = R): Buffer =>
  elf(0x6000, [
    { type: PHDR, flags: R, offset: 0x5000, vaddr: 0x2_1000, filesz: 0xa8 },
    { flags: RX, offset: 0, vaddr: 0, filesz: 0x1000 },
    { flags: RW, offset: 0x1000, vaddr: 0x1_1000, filesz: 0x800, memsz: 0xf600 },
    { flags, offset: 0x5000, vaddr: 0x2_1000, filesz: 0x200 },
  ]);

describe("the machine of an ELF file", () => {
  it.each([
    [62, "x64"],
    [183, "arm64"],
  ])("%d is %s", (number, name) => {
    expect(machineOf(elf(256, [], number))).toBe(name);
  });

  it.each([
    ["for another processor", elf(256, [], 40)],
    ["that is a script", Buffer.from(`#!/bin/sh\n${"#".repeat(100)}`)],
    ["that is too short", Buffer.from("7f454c46", "hex")],
  ])("is not told of a file %s", (_, file) => {
    expect(() => machineOf(file)).toThrow(/no ELF program/);
  });
});

describe("a stripped file", () => {
  it("ends where its last segment ends, and has no sections", () => {
    const file = elf(0x9000, [{ flags: RX, offset: 0, vaddr: 0, filesz: 0x1234 }]);
    file.fill(7, 0x200);
    const out = stripped(file);
    expect(out).toHaveLength(0x1234);
    expect(out.subarray(0x200).equals(file.subarray(0x200, 0x1234))).toBe(true);
    expect([out.readBigUInt64LE(0x28), out.readUInt16LE(0x3c), out.readUInt16LE(0x3e)]).toEqual([0n, 0, 0]);
    expect(file).toHaveLength(0x9000);
  });
});

describe("segments that share a page", () => {
  it("lose the right to write to the later one, with pages that are larger than the space between them", () => {
    expect(layoutFaults(likeSea(), 4096)).toEqual([]);
    expect(layoutFaults(likeSea(), 16_384)).toEqual([
      "the segment at 0x21000 takes rights from 0x20000 to 0x20600",
    ]);
  });

  it("are mended by giving the later one that right", () => {
    const file = likeSea();
    mendSegments(file);
    expect(layoutFaults(file, 16_384)).toEqual([]);
    expect(file.equals(likeSea(RW))).toBe(true);
  });

  it("are a fault when the later one brings other bytes with it", () => {
    const file = likeSea(RW);
    file[0x4600] = 1;
    expect(layoutFaults(file, 16_384)).toEqual([]);
    file[0x45ff] = 1;
    expect(layoutFaults(file, 16_384)).toEqual(["the segment at 0x21000 puts other bytes at 0x205ff"]);
  });

  it("are left alone where the program headers are in the first segment, as a linker puts them", () => {
    const file = elf(0x2000, [
      { type: PHDR, flags: R, offset: TABLE, vaddr: TABLE, filesz: 0x70 },
      { flags: R, offset: 0, vaddr: 0, filesz: 0x1000 },
    ]);
    const before = Buffer.from(file);
    mendSegments(file);
    expect(file.equals(before)).toBe(true);
  });

  it("cannot be mapped when their places in the file and in memory differ within a page", () => {
    const file = elf(0x3000, [{ flags: R, offset: 0x1000, vaddr: 0x2000, filesz: 0x100 }]);
    expect(layoutFaults(file, 4096)).toEqual([]);
    expect(layoutFaults(file, 16_384)).toEqual([expect.stringMatching(/cannot be mapped/)]);
  });
});
