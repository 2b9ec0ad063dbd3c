// One generation of what is kept under a key, as it lies on disk: a line that says what follows, and then the bytes.
//
//   porchlight-state 1 grant 12 plain 1734 5f3a90c2
//
// are the version of this form, the key, the generation, how the bytes are kept, how many they are, and a CRC-32 of all
// else. Every later version keeps the first word, its number behind it and the CRC-32 at the end of the line: so a
// program tells what is newer than itself from what is damaged.

/** The version that this program writes; what was there before it, a file without such a line, counts as 0. */
export const VERSION = 1;

/** How the bytes are kept; `removed`: there are none, and what was there before counts no more. */
export type Form = "plain" | "aes-256-gcm" | "removed";

export interface Frame {
  readonly key: string;
  /** 1 and up; the newest counts. */
  readonly generation: number;
  readonly form: Form;
  readonly body: Uint8Array;
}

export type Decoded =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "newer" }
  /** `why` is the end of a sentence about the file. */
  | { readonly kind: "damaged"; readonly why: string };

/** Longest first line, in bytes. */
const MAX_LINE = 256;
const LINE = /^porchlight-state (\d{1,9}) (.*) ([0-9a-f]{8})$/;
const REST = /^(\S+) (\d{1,15}) (plain|aes-256-gcm|removed) (\d{1,9})$/;

/**
 * Tables of the usual CRC-32 (ITU-T V.42), for four bytes at a time: a start reads files with code that nothing has warmed
 * up yet. Node has one in node:zlib, which a start has no other need of and takes longer to load.
 */
const tables = new Uint32Array(4 * 256);
for (let index = 0; index < 256; index++) {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  tables[index] = value;
}
for (let index = 256; index < tables.length; index++) {
  const before = tables[index - 256] ?? 0;
  tables[index] = (before >>> 8) ^ (tables[before & 0xff] ?? 0);
}

const at = (index: number): number => tables[index] ?? 0;

const crc32 = (...parts: readonly Uint8Array[]): string => {
  const bytes = Buffer.concat(parts);
  const words = bytes.length >>> 2;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let crc = -1;
  for (let word = 0; word < words; word++) {
    crc ^= view.getInt32(word * 4, true);
    crc =
      at(768 + (crc & 0xff)) ^
      at(512 + ((crc >>> 8) & 0xff)) ^
      at(256 + ((crc >>> 16) & 0xff)) ^
      at(crc >>> 24);
  }
  for (const byte of bytes.subarray(words * 4)) crc = (crc >>> 8) ^ at((crc ^ byte) & 0xff);
  return (~crc >>> 0).toString(16).padStart(8, "0");
};

/** What stands in the line before the length: encrypted bytes are bound to it, so that no file can take another's place. */
export const titleOf = ({ key, generation, form }: Omit<Frame, "body">): string =>
  `porchlight-state ${VERSION} ${key} ${generation} ${form}`;

export const encodeFrame = (frame: Frame): Uint8Array => {
  const { body } = frame;
  const line = `${titleOf(frame)} ${body.byteLength}`;
  return Buffer.concat([Buffer.from(`${line} ${crc32(Buffer.from(line), body)}\n`), body]);
};

const damaged = (why: string): Decoded => ({ kind: "damaged", why });

/** Reads what should be a generation of `key`. */
export const decodeFrame = (key: string, bytes: Uint8Array): Decoded => {
  if (bytes.byteLength === 0) return damaged("is empty");
  const end = bytes.subarray(0, MAX_LINE).indexOf(10);
  const [, version, rest = "", sum] = LINE.exec(Buffer.from(bytes.subarray(0, end)).toString("latin1")) ?? [];
  if (version === undefined) return damaged("does not begin as it should");
  const body = bytes.subarray(end + 1);
  const isWhole = crc32(Buffer.from(`porchlight-state ${version} ${rest}`, "latin1"), body) === sum;
  if (isWhole && Number(version) > VERSION) return { kind: "newer" };
  const [, ofKey, generation, form, length] = REST.exec(rest) ?? [];
  if (length !== undefined && body.byteLength < Number(length)) return damaged("is cut short");
  if (!isWhole) return damaged("has a wrong checksum");
  if (Number(version) !== VERSION || body.byteLength !== Number(length)) return damaged("makes no sense");
  if (ofKey !== key) return damaged(`holds what belongs to ${ofKey}`);
  return {
    kind: "frame",
    frame: { key, generation: Number(generation), form: form as Form, body },
  };
};
