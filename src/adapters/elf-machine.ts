// Which processor a program is for, by the first bytes of its file (ELF: e_ident and e_machine). Pure.

/** By e_machine, for 64-bit and 32-bit files. */
const machines: Readonly<Record<string, string>> = {
  "2/62": "x86-64",
  "2/183": "arm64",
  "1/40": "32-bit ARM",
  "1/3": "32-bit x86",
  "2/243": "RISC-V",
};

/** The bytes of the header that are looked at. */
export const ELF_BYTES = 20;

const MAGIC = Buffer.from("\x7fELF", "latin1");

/** The processor in words that people compare; undefined for a file that is no program. */
export const elfMachine = (header: Buffer): string | undefined => {
  if (header.length < ELF_BYTES || !header.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const bits = header.readUInt8(4);
  const machine = header.readUInt8(5) === 2 ? header.readUInt16BE(18) : header.readUInt16LE(18);
  return machines[`${bits}/${machine}`] ?? `machine ${machine}`;
};
