import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeGrant, encodeGrant } from "../../../src/device-flow/grant-codec.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { aGrant, codeOf } from "./support.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

const full = aGrant({
  expiresAt: epochMs(1_796_147_000_000),
  identity: { userId: "u", name: "Ada", username: "ada@home.example", orgId: null },
  idUrl: "https://login.org.example/id/o/u",
  idToken: new Secret("id-token"),
  signedInAs: "a-hash",
});

/** With its secrets in clear, so that two grants can be compared. */
const plain = (grant: Grant) => ({
  ...grant,
  accessToken: grant.accessToken.reveal(),
  refreshToken: grant.refreshToken?.reveal(),
  idToken: grant.idToken?.reveal(),
});

const altered = (changes: object): Uint8Array =>
  bytes(JSON.stringify({ ...JSON.parse(new TextDecoder().decode(encodeGrant(full))), ...changes }));

describe("a grant on disk", () => {
  it("comes back as it was", () => {
    for (const grant of [
      full,
      aGrant(),
      aGrant({ refreshToken: null, scope: null }),
      aGrant({ leaving: true }),
    ])
      expect(plain(decodeGrant(encodeGrant(grant)))).toEqual(plain(grant));
  });

  it("of an earlier release is a person's", () => {
    expect(decodeGrant(altered({ signedInAs: undefined })).signedInAs).toBeNull();
  });

  it.each([
    ["nothing", bytes("")],
    ["zeros, as a power cut leaves them", new Uint8Array(512)],
    ["half of it", encodeGrant(full).slice(0, 100)],
    ["bytes that are no text", new Uint8Array([0xff, 0xfe])],
    ["another kind of JSON", bytes("[]")],
    ["null", bytes("null")],
    ["a later version", altered({ version: 2 })],
    ["an access token that is missing", altered({ accessToken: undefined })],
    ["an empty access token", altered({ accessToken: "" })],
    ["a refresh token that is a number", altered({ refreshToken: 7 })],
    ["a moment that is a text", altered({ issuedAt: "now" })],
    ["an identity that is a text", altered({ identity: "Ada" })],
    ["a sign-in that is a number", altered({ signedInAs: 7 })],
    ["an identity without a user", altered({ identity: { name: "Ada" } })],
    ["far too much", new Uint8Array(300_000)],
  ])("is not guessed from %s", async (_what, content) => {
    expect(await codeOf(() => decodeGrant(content))).toBe("STATE_DAMAGED");
  });

  it("never shows what it held when it is damaged", () => {
    const half = encodeGrant(aGrant({ accessToken: new Secret("visible") })).slice(0, 60);
    try {
      decodeGrant(half);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(AgentError);
      expect(`${String(error)} ${String(Reflect.get(Object(error), "cause"))}`).not.toContain("visible");
    }
  });

  it("with any byte changed is either a grant or damaged, never a crash", () => {
    const good = encodeGrant(full);
    fc.assert(
      fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, value) => {
        const bad = Uint8Array.from(good);
        bad[at] = value;
        try {
          expect(decodeGrant(bad).accessToken).toBeInstanceOf(Secret);
        } catch (error) {
          expect(error).toMatchObject({ code: "STATE_DAMAGED" });
        }
      }),
      { numRuns: 2000 },
    );
  });
});
