import { describe, expect, it } from "vitest";
import { createPhoneKey, nonceOf, thumbprintOf } from "../../../companion/core/phone-key.ts";
import { hashOf as appsHash, compact, createPkToken } from "../../../companion/core/pk-token.ts";
import { signCommand } from "../../../companion/core/signed-message.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { sha3 } from "../../../src/owner/encodings.ts";
import { goJson } from "../../../src/owner/go-json.ts";
import { epochMs } from "../../../src/units.ts";
import { type Alg, cicOf, commitmentOf, hashOf, jwt, signerOf, verifyAsOpenPubkey } from "./openpubkey.ts";
import { codeOf, createBoard, idClaims, message, orgHeader, orgSigner, owner } from "./support.ts";
import vectors from "./vectors.json" with { type: "json" };

describe("OpenPubkey's own sample", () => {
  const cic = {
    alg: "ES256",
    rz: "b9522b5c4cff90687ec6787236184659e077a619b82827227114108440fec26a",
    typ: "CIC",
    upk: {
      alg: "ES256",
      crv: "P-256",
      kty: "EC",
      x: "cvqyUFNs1OUdRcDSmzJfS7ynuTHAjlDqoeinCZy_r1Q",
      y: "Whl5jJUIz7ujFvlB5Hzhaz6DIlpyWQmIIA3J7VMj53o",
    },
  };
  const nonce = "fsTLlOIUqtJHomMB2t6HymoAqJi-wORIFtg3y8c65VY";

  it("has the nonce that the board and the app work out", () => {
    expect(sha3(goJson(JSON.stringify(cic)))).toBe(nonce);
    expect(nonceOf({ cic: JSON.stringify(cic) })).toBe(nonce);
    expect(commitmentOf(cic)).toBe(nonce);
  });

  it("has it in whatever order and with whatever white space the claims are written", () => {
    const { upk, typ, rz, alg } = cic;
    expect(sha3(goJson(JSON.stringify({ upk, typ, rz, alg }, null, 2)))).toBe(nonce);
  });
});

describe("messages that were made once, from the specification alone", () => {
  it.each(vectors.messages)(
    "with a key for $alg are what OpenPubkey takes, and are obeyed",
    async ({ pkt, osm }) => {
      expect(JSON.parse(verifyAsOpenPubkey(pkt, osm, vectors.orgKey))).toMatchObject({ id: "vector" });
      const board = createBoard({ clock: new VirtualClock({ wall: epochMs(Date.parse(vectors.at)) }) });
      board.org.keys = [vectors.orgKey];
      expect(await board.check(JSON.stringify({ pkt, osm }))).toMatchObject({
        ok: true,
        id: "vector",
        sender: { kind: "owner", userId: owner.userId },
        request: { do: "light", light: "main", change: { on: true, brightness: 153 / 255 }, fadeMs: 1000 },
      });
    },
  );
});

describe("the app's messages", () => {
  const signedIn = async (clock: VirtualClock) => {
    const key = await createPhoneKey();
    const idToken = jwt(orgSigner, orgHeader, { ...idClaims(clock), nonce: nonceOf(key) });
    return { key, pkToken: await createPkToken(idToken, key) };
  };
  const ask = { do: "light", light: "main", set: { state: "ON", brightness: 153 } };

  it("are obeyed by the board", async () => {
    const { clock, check } = createBoard();
    const signer = { kind: "person", ...(await signedIn(clock)), freshIdToken: null } as const;
    const sent = await signCommand(signer, { device: "porch-1", id: "a", ask }, clock.wall());
    expect(await check(sent)).toEqual({
      ok: true,
      id: "a",
      sender: { kind: "owner", userId: owner.userId, key: await thumbprintOf(signer.key.publicJwk) },
      request: { do: "light", light: "main", change: { on: true, brightness: 153 / 255 }, fadeMs: 0 },
    });
  });

  it("are obeyed after a refresh of the sign-in", async () => {
    const { clock, check } = createBoard();
    const before = await signedIn(clock);
    await clock.advance(48 * 3_600_000);
    const freshIdToken = jwt(orgSigner, orgHeader, idClaims(clock));
    const command = { device: "porch-1", id: "a", ask };
    const old = await signCommand({ kind: "person", ...before, freshIdToken: null }, command, clock.wall());
    expect(codeOf(await check(old))).toBe("COMMAND_SIGN_IN_OLD");
    const fresh = await signCommand({ kind: "person", ...before, freshIdToken }, command, clock.wall());
    expect(codeOf(await check(fresh))).toBe("obeyed light");
  });

  it("stand up to what a verifier with OpenPubkey's library asks", async () => {
    const clock = new VirtualClock();
    const { key, pkToken } = await signedIn(clock);
    const signer = { kind: "person", key, pkToken, freshIdToken: null } as const;
    const sent = JSON.parse(await signCommand(signer, { device: "porch-1", id: "a", ask }, clock.wall()));
    expect(JSON.parse(verifyAsOpenPubkey(sent.pkt, sent.osm, orgSigner.jwk))).toMatchObject({
      id: "a",
      ...ask,
    });
    expect(sent.pkt).toBe(compact(pkToken));
    const { org, phone, payload } = pkToken;
    expect(appsHash(pkToken)).toBe(
      hashOf({
        payload,
        orgHeader: org.header,
        orgSignature: org.signature,
        cicHeader: phone.header,
        cicSignature: phone.signature,
      }),
    );
  });

  it("of a guest with a key alone are obeyed", async () => {
    const { clock, check, guests } = createBoard();
    const key = await createPhoneKey();
    const { crv, kty, x, y } = key.publicJwk;
    const pass = {
      id: "p1",
      name: "Bob",
      key: { crv, kty, x, y },
      may: ["switch"],
      until: clock.wall() / 1000 + 600,
    };
    const admitted = await check(
      message(clock, { content: { do: "admit", pass, light: undefined, set: undefined } }),
    );
    if (!admitted.ok || admitted.request.do !== "admit") throw new Error("not admitted");
    await guests.admit(admitted.request.pass, owner);
    const content = { do: "light", set: { state: "ON" } };
    const sent = await signCommand(
      { kind: "key", key },
      { device: "porch-1", id: "g", ask: content },
      clock.wall(),
    );
    expect(await check(sent)).toMatchObject({ ok: true, sender: { kind: "guest", pass: { name: "Bob" } } });
  });
});

describe("a phone with OpenPubkey's Go library", () => {
  it.each<[Alg, Readonly<Record<string, unknown>>]>([
    ["ES256", {}],
    ["RS256", {}],
    ["EdDSA", {}],
    ["ES256", { att: "<build> & more", zone: 1.5, list: [null, true, { b: 1, a: 2 }], ünd: "\u2028" }],
  ])("commands the board with a key for %s and the claims %j", async (alg, extra) => {
    const { clock, check } = createBoard();
    const phone = signerOf(alg);
    expect(codeOf(await check(message(clock, { phone, cic: cicOf(phone, extra) })))).toBe("obeyed light");
  });

  it("commands it through an org that leaves typ and kid out", async () => {
    const { clock, check } = createBoard();
    expect(codeOf(await check(message(clock, { orgHeader: { typ: undefined, kid: undefined } })))).toBe(
      "obeyed light",
    );
  });

  it("is obeyed with claims that a JavaScript phone has not escaped", async () => {
    const { clock, check } = createBoard();
    const phone = signerOf("ES256");
    const cic = cicOf(phone, { att: "<b>" });
    const cicText = () => JSON.stringify(cic, null, 1);
    expect(codeOf(await check(message(clock, { phone, cic, cicText })))).toBe("obeyed light");
  });
});
