import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { redact } from "../../src/adapters/redact.ts";
import { leaksIn } from "./leaks.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const key = String(privateKey.export({ type: "pkcs8", format: "pem" }));

describe("the search for secrets", () => {
  const secret = { kind: "refresh token", value: `5Aep861${"Kx9vQ2mT7bLr4WzYcN8pHdF3sJgA6eUi".repeat(2)}` };
  const middle = secret.value.slice(25, 45);
  const found = (text: string) => leaksIn([{ where: "here", text }], [secret]).length;

  it("finds a secret whole, in part, and however it is written", () => {
    expect(found(`it says ${secret.value}`)).toBe(1);
    expect(found(`it says ${middle.slice(0, 16)}`)).toBe(1);
    expect(found(Buffer.from(`Basic ${secret.value}`).toString("base64"))).toBe(1);
    expect(found(Buffer.from(`x${secret.value}`).toString("base64url"))).toBe(1);
    expect(found(Buffer.from(middle).toString("hex"))).toBe(1);
    expect(found(`it says ${middle.slice(0, 15)}`)).toBe(0);
    expect(found(redact(`it says ${secret.value}`))).toBe(0);
  });

  it("finds a private key by its numbers and by its file, and an assertion by its signature", () => {
    const at = (text: string, kind: string, value: string) =>
      leaksIn([{ where: "here", text }], [{ kind, value }]);
    const { d = "" } = privateKey.export({ format: "jwk" });
    expect(at(d.slice(30, 60), "key", key)).toHaveLength(1);
    expect(at(key.split("\n")[3] ?? "", "key", key)).toHaveLength(1);
    const xml = `<Assertion><SignatureValue>${Buffer.alloc(60, "seal").toString("base64")}</SignatureValue></Assertion>`;
    expect(at(xml.slice(40, 70), "assertion", Buffer.from(xml).toString("base64url"))).toHaveLength(1);
  });
});
