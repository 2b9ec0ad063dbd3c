// The parts of an ELF file that matter to a program made out of Node: its program headers (System V ABI, gABI chapter 5).
// Little-endian, 64 bits. Pure.

const PT_LOAD = 1;
const PT_PHDR = 6;
const EXECUTE = 1;
const WRITE = 2;
const READ = 4;

// Places in Elf64_Ehdr and Elf64_Phdr
const AT_MACHINE = 0x12;
const AT_PHOFF = 0x20;
const AT_SHOFF = 0x28;
const AT_PHENTSIZE = 0x36;
const AT_PHNUM = 0x38;
const AT_SHNUM = 0x3c;
const AT_SHSTRNDX = 0x3e;

export interface Header {
  /** Where it is in the file. */
  readonly at: number;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
}

const machines: Readonly<Record<number, "x64" | "arm64">> = { 62: "x64", 183: "arm64" };

/** Throws a sentence for a file that is none of ours. */
export const machineOf = (file: Buffer): "x64" | "arm64" => {
  const machine = machines[file.length > 64 ? file.readUInt16LE(AT_MACHINE) : 0];
  if (file.readUInt32BE(0) !== 0x7f454c46 || file[4] !== 2 || file[5] !== 1 || machine === undefined)
    throw new Error("this is no ELF program for x64 or arm64");
  return machine;
};

/** Its program headers, in their order. */
export const headersOf = (file: Buffer): readonly Header[] => {
  machineOf(file);
  const start = Number(file.readBigUInt64LE(AT_PHOFF));
  const size = file.readUInt16LE(AT_PHENTSIZE);
  return Array.from({ length: file.readUInt16LE(AT_PHNUM) }, (_, index): Header => {
    const at = start + index * size;
    const long = (place: number): number => Number(file.readBigUInt64LE(at + place));
    return {
      at,
      type: file.readUInt32LE(at),
      flags: file.readUInt32LE(at + 4),
      offset: long(8),
      vaddr: long(16),
      filesz: long(32),
      memsz: long(40),
    };
  });
};

/** Without what no program header covers: symbols, debug information, the table of sections. */
export const stripped = (file: Buffer): Buffer => {
  const headers = headersOf(file);
  const tableEnd = Math.max(...headers.map(({ at }) => at)) + file.readUInt16LE(AT_PHENTSIZE);
  const end = Math.max(tableEnd, ...headers.map(({ offset, filesz }) => offset + filesz));
  const out = Buffer.from(file.subarray(0, end));
  out.writeBigUInt64LE(0n, AT_SHOFF);
  out.writeUInt16LE(0, AT_SHNUM);
  out.writeUInt16LE(0, AT_SHSTRNDX);
  return out;
};

/**
 * Makes writable, in place, the segment that `--build-sea` adds for the program headers. It comes 4 KiB behind the zeroed
 * data; where a page is larger, the end of that data is in the same page, and the first write to it would be the last.
 */
export const mendSegments = (file: Buffer): void => {
  const headers = headersOf(file);
  const table = headers.find(({ type }) => type === PT_PHDR);
  const loads = headers.filter(({ type }) => type === PT_LOAD);
  const holder = loads.find(
    ({ offset, filesz }) => table !== undefined && table.offset >= offset && table.offset < offset + filesz,
  );
  if (holder === undefined || holder === loads[0] || (holder.flags & EXECUTE) !== 0) return;
  file.writeUInt32LE(READ | WRITE, holder.at + 4);
};

/**
 * What goes wrong when a kernel with pages of `pageBytes` loads the file, as sentences; empty when nothing does. Segments
 * are mapped by whole pages, in their order: where two share one, the later one's rights and bytes hold for both.
 */
export const layoutFaults = (file: Buffer, pageBytes: number): readonly string[] => {
  const loads = headersOf(file).filter(({ type }) => type === PT_LOAD);
  const hex = (value: number): string => `0x${value.toString(16)}`;
  const down = (value: number): number => Math.floor(value / pageBytes) * pageBytes;
  const faults: string[] = [];
  loads.forEach((later, index) => {
    if ((later.vaddr - later.offset) % pageBytes !== 0)
      faults.push(`the segment at ${hex(later.vaddr)} cannot be mapped: its place in the file differs`);
    for (const earlier of loads.slice(0, index)) {
      const from = Math.max(down(later.vaddr), earlier.vaddr);
      const to = Math.min(later.vaddr, earlier.vaddr + earlier.memsz);
      if (from >= to) continue;
      if ((earlier.flags & ~later.flags) !== 0)
        faults.push(`the segment at ${hex(later.vaddr)} takes rights from ${hex(from)} to ${hex(to)}`);
      for (let address = from; address < to; address += 1) {
        const mapped = file[later.offset - (later.vaddr - address)];
        const within = address - earlier.vaddr;
        const meant = within < earlier.filesz ? file[earlier.offset + within] : 0;
        if (mapped === meant) continue;
        faults.push(`the segment at ${hex(later.vaddr)} puts other bytes at ${hex(address)}`);
        break;
      }
    }
  });
  return faults;
};
