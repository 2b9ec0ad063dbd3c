import { X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { epochMs, iso } from "../../../src/units.ts";
import { deviceKey } from "./desk.ts";

test.each([
  ["2026-12-01T17:00:00.000Z", "2027-12-01T17:00:00.000Z", "00".repeat(16)],
  ["2049-12-31T23:59:59.000Z", "2050-01-01T00:00:00.000Z", "ff".repeat(20)],
  ["2026-12-01T17:00:00.000Z", "2126-12-01T17:00:00.000Z", "80"],
])("a certificate from %s to %s with serial %s can be read and checked", (from, to, serial) => {
  const certificate = new X509Certificate(
    selfSigned({
      ...deviceKey,
      commonName: "Assets",
      // Longer than 127 bytes, to need two length bytes
      organization: "Ünïcode ".repeat(30),
      notBefore: epochMs(Date.parse(from)),
      notAfter: epochMs(Date.parse(to)),
      serial: Buffer.from(serial, "hex"),
    }),
  );
  expect(certificate.verify(deviceKey.publicKey)).toBe(true);
  expect(certificate.checkPrivateKey(deviceKey.privateKey)).toBe(true);
  expect([
    iso(epochMs(certificate.validFromDate.getTime())),
    iso(epochMs(certificate.validToDate.getTime())),
  ]).toEqual([from, to]);
  expect(certificate.subject).toBe(certificate.issuer);
  expect(BigInt(`0x${certificate.serialNumber}`) > 0n).toBe(true);
});
