import { createHash } from "node:crypto";
import { unreadable } from "./refused.ts";

// Bytes and texts, read so that one content has one form: what is accepted cannot be written in another way.

/** A JSON object whose members nobody has looked at. */
export type Fields = Readonly<Record<string, unknown>>;

/** base64url without padding, and without bits that mean nothing (RFC 4648 section 3.5). Throws COMMAND_UNREADABLE. */
export const fromBase64url = (text: string, what: string): Uint8Array => {
  const bytes = Buffer.from(text, "base64url");
  if (text === "" || bytes.toString("base64url") !== text) throw unreadable(`${what} is not base64url`);
  return bytes;
};

// With a byte order mark kept, so that JSON refuses it.
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Throws COMMAND_UNREADABLE. */
export const textOf = (bytes: Uint8Array, what: string): string => {
  try {
    return utf8.decode(bytes);
  } catch {
    throw unreadable(`${what} is not UTF-8`);
  }
};

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Throws COMMAND_UNREADABLE. */
export const fieldsOf = (text: string, what: string): Fields => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable(`${what} is not JSON`);
  }
  if (!isFields(value)) throw unreadable(`${what} is no object`);
  return value;
};

/** OpenPubkey's hash: base64url of SHA3-256. */
export const sha3 = (text: string): string => createHash("sha3-256").update(text).digest("base64url");
