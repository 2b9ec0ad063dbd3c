import { createHash, type KeyObject, sign } from "node:crypto";
import type { EpochMs } from "../../src/units.ts";

// Just enough DER (ITU-T X.690) for one self-signed X.509 v3 certificate (RFC 5280 section 4.1).

const element = (tag: number, ...contents: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(contents);
  if (content.length < 0x80) return Buffer.concat([Buffer.of(tag, content.length), content]);
  const length = Buffer.from(
    content.length.toString(16).padStart(content.length < 0x100 ? 2 : 4, "0"),
    "hex",
  );
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, content]);
};

const sequence = (...contents: readonly Uint8Array[]): Buffer => element(0x30, ...contents);
const set = (...contents: readonly Uint8Array[]): Buffer => element(0x31, ...contents);
const utf8 = (text: string): Buffer => element(0x0c, Buffer.from(text));
const octets = (bytes: Uint8Array): Buffer => element(0x04, bytes);
const bits = (bytes: Uint8Array, unused = 0): Buffer => element(0x03, Buffer.of(unused), bytes);
const yes = element(0x01, Buffer.of(0xff));

/** Dotted object identifier; all arcs below 16 384 or a multiple of seven bits, as DER wants. */
const oid = (dotted: string): Buffer => {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >>> 7; left > 0; left >>>= 7) groups.unshift(0x80 | (left & 0x7f));
    bytes.push(...groups);
  }
  return element(0x06, Buffer.from(bytes));
};

/** Years up to 2049 are written with two digits (RFC 5280 section 4.1.2.5). */
const time = (at: EpochMs): Buffer => {
  const digits = new Date(at).toISOString().replace(/[-:T]|\.\d+/g, "");
  return Number(digits.slice(0, 4)) < 2050
    ? element(0x17, Buffer.from(digits.slice(2)))
    : element(0x18, Buffer.from(digits));
};

const SHA256_WITH_RSA = sequence(oid("1.2.840.113549.1.1.11"), element(0x05));
const COMMON_NAME = "2.5.4.3";
const ORGANIZATION = "2.5.4.10";

const name = (organization: string, commonName: string): Buffer =>
  sequence(
    set(sequence(oid(ORGANIZATION), utf8(organization))),
    set(sequence(oid(COMMON_NAME), utf8(commonName))),
  );

const extension = (id: string, critical: boolean, value: Uint8Array): Buffer =>
  sequence(oid(id), ...(critical ? [yes] : []), octets(value));

/** What goes into the certificate. */
export interface CertificateRequest {
  readonly commonName: string;
  readonly organization: string;
  /** RSA. */
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  /** At most 20 bytes of chance. */
  readonly serial: Uint8Array;
}

/** A self-signed certificate, SHA-256 with RSA, for digital signatures, as PEM. */
export const selfSigned = (request: CertificateRequest): string => {
  const subject = name(request.organization, request.commonName);
  const publicKey = request.publicKey.export({ type: "spki", format: "der" });
  // A first byte of 0x01 to 0x7f: positive, and not longer than it needs to be.
  const serial = Buffer.from(request.serial);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  const body = sequence(
    element(0xa0, element(0x02, Buffer.of(2))),
    element(0x02, serial),
    SHA256_WITH_RSA,
    subject,
    sequence(time(request.notBefore), time(request.notAfter)),
    subject,
    publicKey,
    element(
      0xa3,
      sequence(
        extension("2.5.29.19", true, sequence()),
        extension("2.5.29.15", true, bits(Buffer.of(0x80), 7)),
        extension("2.5.29.14", false, octets(createHash("sha1").update(publicKey).digest())),
      ),
    ),
  );
  const der = sequence(body, SHA256_WITH_RSA, bits(sign("sha256", body, request.privateKey)));
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
};
