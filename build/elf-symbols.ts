// The symbols that the dynamic linker reads of an ELF program (gABI chapter 5; GNU hash as glibc's dl-lookup.c reads it).
// Node offers 46 000 of its own to native addons. The program loads none, and whoever looks for any symbol at its start, each
// of the C++ library's among them, is led through all of these tables: 3 MB of them come into memory. Pure.

import { headersOf } from "./elf.ts";

const PT_LOAD = 1;
const PT_DYNAMIC = 2;

const DT_NEEDED = 1;
const DT_STRTAB = 5;
const DT_SYMTAB = 6;
const DT_RELA = 7;
const DT_RELASZ = 8;
const DT_STRSZ = 10;
const DT_SONAME = 14;
const DT_RPATH = 15;
const DT_JMPREL = 23;
const DT_PLTRELSZ = 2;
const DT_RUNPATH = 29;
const DT_HASH = 4;
const DT_GNU_HASH = 0x6ffffef5;
const DT_VERSYM = 0x6ffffff0;
const DT_VERDEF = 0x6ffffffc;
const DT_VERNEED = 0x6ffffffe;
const DT_VERNEEDNUM = 0x6fffffff;

const SYMBOL = 24;
const RELOCATION = 24;
const BLOOM_SHIFT = 6;

interface Entry {
  /** Where its value is in the file. */
  readonly at: number;
  readonly tag: number;
  readonly value: number;
}

/** The hash of a name that the tables are ordered by. */
const hashOf = (name: string): number => {
  let hash = 5381;
  for (const byte of Buffer.from(name)) hash = (Math.imul(hash, 33) + byte) >>> 0;
  return hash;
};

/**
 * Takes out, in place, every symbol that the program defines and none of its own relocations names, as if it had been linked
 * without `-rdynamic`. The tables shrink and stay where they are; what they leave free is zeros. Throws for a program whose tables
 * are not as Node's are.
 */
export const withoutExports = (file: Buffer): void => {
  const headers = headersOf(file);
  const dynamic = headers.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) throw new Error("the program is not linked dynamically");
  const entries: Entry[] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.filesz; at += 16)
    entries.push({
      at: at + 8,
      tag: Number(file.readBigUInt64LE(at)),
      value: Number(file.readBigUInt64LE(at + 8)),
    });
  const entry = (tag: number): Entry => {
    const found = entries.find((each) => each.tag === tag);
    if (found === undefined) throw new Error(`the program has no entry ${tag} for the dynamic linker`);
    return found;
  };
  const place = (tag: number): number => {
    const { value } = entry(tag);
    const segment = headers.find(
      ({ type, vaddr, filesz }) => type === PT_LOAD && value >= vaddr && value < vaddr + filesz,
    );
    if (segment === undefined) throw new Error(`entry ${tag} for the dynamic linker leads nowhere`);
    return segment.offset + value - segment.vaddr;
  };
  // A second hash table, or versions of its own, would have to be written anew as well.
  if (entries.some(({ tag }) => tag === DT_HASH || tag === DT_VERDEF))
    throw new Error("the program's symbols are in tables of another kind");

  const [strings, symbols, versions, hashes] = [DT_STRTAB, DT_SYMTAB, DT_VERSYM, DT_GNU_HASH].map(place) as [
    number,
    number,
    number,
    number,
  ];
  const text = (offset: number): string =>
    file.toString("latin1", strings + offset, file.indexOf(0, strings + offset));
  const relocations = [
    [DT_RELA, DT_RELASZ],
    [DT_JMPREL, DT_PLTRELSZ],
  ].flatMap(([table = 0, size = 0]) =>
    Array.from(
      { length: entry(size).value / RELOCATION },
      (_, index) => place(table) + index * RELOCATION + 12, // the symbol's number, in the upper half of r_info
    ),
  );
  const count = (strings - symbols) / SYMBOL;
  if (!Number.isInteger(count) || count < 1) throw new Error("the names do not come right after the symbols");

  // Of the old tables: which stay, in the order of the new ones. Those that others define come first, then by bucket.
  const isForeign = (index: number): boolean => file.readUInt16LE(symbols + index * SYMBOL + 6) === 0;
  const nameOf = (index: number): string => text(file.readUInt32LE(symbols + index * SYMBOL));
  const named = new Set(relocations.map((at) => file.readUInt32LE(at)));
  const all = Array.from({ length: count }, (_, index) => index);
  const foreign = all.filter(isForeign);
  const own = all.filter((index) => !isForeign(index) && named.has(index));
  const buckets = Math.max(1, own.length >> 1);
  const hashed = own
    .map((index) => ({ index, hash: hashOf(nameOf(index)) }))
    .sort((a, b) => (a.hash % buckets) - (b.hash % buckets) || a.index - b.index);
  const kept = [...foreign, ...hashed.map(({ index }) => index)];

  // The names that are still needed: of symbols, of libraries, of versions.
  const names = new Map([["", 0]]);
  let length = 1;
  const put = (name: string): number => {
    const known = names.get(name);
    if (known !== undefined) return known;
    const offset = length;
    names.set(name, offset);
    length += Buffer.byteLength(name, "latin1") + 1;
    return offset;
  };
  const renamed: { readonly at: number; readonly offset: number; readonly bytes: 4 | 8 }[] = [];
  const rename = (at: number, bytes: 4 | 8): void => {
    const offset = bytes === 4 ? file.readUInt32LE(at) : Number(file.readBigUInt64LE(at));
    renamed.push({ at, offset: put(text(offset)), bytes });
  };
  for (const { at, tag } of entries)
    if ([DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH].includes(tag)) rename(at, 8);
  let needed = place(DT_VERNEED);
  for (let left = entry(DT_VERNEEDNUM).value; left > 0; left -= 1) {
    rename(needed + 4, 4);
    let version = needed + file.readUInt32LE(needed + 8);
    for (let versionsLeft = file.readUInt16LE(needed + 2); versionsLeft > 0; versionsLeft -= 1) {
      rename(version + 8, 4);
      version += file.readUInt32LE(version + 12);
    }
    needed += file.readUInt32LE(needed + 12);
  }
  const newSymbols = Buffer.concat(
    kept.map((index) => {
      const symbol = Buffer.from(file.subarray(symbols + index * SYMBOL, symbols + (index + 1) * SYMBOL));
      symbol.writeUInt32LE(put(nameOf(index)), 0);
      return symbol;
    }),
  );
  const newVersions = Buffer.concat(
    kept.map((index) => file.subarray(versions + index * 2, versions + (index + 1) * 2)),
  );
  const newStrings = Buffer.from(`${[...names.keys()].join("\0")}\0`, "latin1");

  const newHashes = Buffer.alloc(16 + 8 * bloomWords(hashed.length) + 4 * (buckets + hashed.length));
  writeHashes(newHashes, hashed, buckets, foreign.length);

  const replace = (at: number, old: number, by: Buffer): void => {
    if (by.length > old) throw new Error("a table of the dynamic linker has grown");
    file.fill(0, at, at + old);
    by.copy(file, at);
  };
  for (const { at, offset, bytes } of renamed)
    if (bytes === 4) file.writeUInt32LE(offset, at);
    else file.writeBigUInt64LE(BigInt(offset), at);
  const numbers = new Map(kept.map((index, number) => [index, number]));
  for (const at of relocations) file.writeUInt32LE(numbers.get(file.readUInt32LE(at)) ?? 0, at);
  replace(hashes, symbols - hashes, newHashes);
  replace(symbols, count * SYMBOL, newSymbols);
  replace(versions, count * 2, newVersions);
  replace(strings, entry(DT_STRSZ).value, newStrings);
  file.writeBigUInt64LE(BigInt(newStrings.length), entry(DT_STRSZ).at);
};

/** A power of two, with about 8 bits for each symbol. */
const bloomWords = (symbols: number): number => 2 ** Math.max(0, Math.ceil(Math.log2(symbols / 8)));

/** Fills a table for symbols that are ordered by bucket, the first of which has the number `first`. */
const writeHashes = (
  table: Buffer,
  symbols: readonly { readonly hash: number }[],
  buckets: number,
  first: number,
): void => {
  const words = bloomWords(symbols.length);
  [buckets, first, words, BLOOM_SHIFT].forEach((value, index) => {
    table.writeUInt32LE(value, index * 4);
  });
  const atBuckets = 16 + words * 8;
  symbols.forEach(({ hash }, index) => {
    const word = 16 + (Math.floor(hash / 64) % words) * 8;
    const bits = (1n << BigInt(hash % 64)) | (1n << BigInt((hash >>> BLOOM_SHIFT) % 64));
    table.writeBigUInt64LE(table.readBigUInt64LE(word) | bits, word);
    const bucket = atBuckets + (hash % buckets) * 4;
    if (table.readUInt32LE(bucket) === 0) table.writeUInt32LE(first + index, bucket);
    const next = symbols[index + 1];
    const isLast = next === undefined || next.hash % buckets !== hash % buckets;
    table.writeUInt32LE(((hash & ~1) | (isLast ? 1 : 0)) >>> 0, atBuckets + (buckets + index) * 4);
  });
};
