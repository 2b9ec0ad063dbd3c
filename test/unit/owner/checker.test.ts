import { describe, expect, it } from "vitest";
import { AgentError } from "../../../src/errors.ts";
import type { Trust } from "../../../src/owner/sign-in.ts";
import { signerOf } from "./openpubkey.ts";
import {
  codeOf,
  createBoard,
  forever,
  freshToken,
  ISSUER,
  KEYS,
  message,
  orgSigner,
  otherOrgSigner,
  owner,
  publicOf,
  signIn,
} from "./support.ts";

describe("checking signed commands", () => {
  it("keeps their order, also when the first has to wait for the org", async () => {
    const { clock, check } = createBoard();
    const signedIn = signIn(clock);
    const order: string[] = [];
    const sent = ["a", "b", "c"].map((id) => message(clock, { content: { id } }, signedIn));
    await Promise.all(
      sent.map(async (each) => {
        const verdict = await check(each);
        order.push(verdict.id ?? "none");
      }),
    );
    expect(order).toEqual(["a", "b", "c"]);
  });

  it("asks the org once for all commands of a sign-in", async () => {
    const { clock, check, org } = createBoard();
    const signedIn = signIn(clock);
    for (let each = 0; each < 10; each++)
      expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    expect(org.asked).toBe(1);
  });

  it("refuses a sign-in that was good before, once its org key is rotated out", async () => {
    const { clock, check, org } = createBoard();
    const signedIn = signIn(clock, { claims: { iat: clock.wall() / 1000 } });
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    org.keys = [publicOf(otherOrgSigner, "k2")];
    await clock.advance(3_600_000);
    // This one still counts, and makes the board look for newer keys beside it.
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    await clock.advance(60_000);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("COMMAND_ORG_KEY");
  });

  it("refuses it also when the org puts another key in the place of the old one", async () => {
    const { clock, check, org } = createBoard();
    const signedIn = signIn(clock);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    org.keys = [publicOf(otherOrgSigner, "k1")];
    await clock.advance(3_600_000);
    await check(message(clock, {}, signedIn));
    await clock.advance(60_000);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("COMMAND_ORG_SIGNATURE");
  });

  it("takes a new key of the org with the first command that needs it, at most a minute late", async () => {
    const { clock, check, org } = createBoard();
    expect(codeOf(await check(message(clock)))).toBe("obeyed light");
    org.keys = [publicOf(orgSigner, "k1"), publicOf(otherOrgSigner, "k2")];
    const signedIn = signIn(clock, { org: otherOrgSigner, orgHeader: { kid: "k2" } });
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("COMMAND_ORG_KEY");
    await clock.advance(60_000);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    expect(org.asked).toBe(2);
  });

  it("goes on while the org is away, also after a restart", async () => {
    const before = createBoard();
    const signedIn = signIn(before.clock);
    await before.check(message(before.clock, {}, signedIn));
    await before.checker[Symbol.asyncDispose]();
    await before.keys[Symbol.asyncDispose]();
    const after = createBoard({ clock: before.clock, disk: before.disk });
    after.org.away = true;
    expect(codeOf(await after.check(message(before.clock, {}, signedIn)))).toBe("obeyed light");
  });

  it("passes over keys of the org that are for something else", async () => {
    const { clock, check, org } = createBoard();
    const good = publicOf(orgSigner, "k1");
    org.keys = [
      { ...good, use: "enc" },
      { ...good, alg: "PS256" },
      { kty: "EC", crv: "P-256", kid: "k1" },
      { ...good, n: "AQAB", use: undefined, alg: undefined },
      { ...good, e: undefined },
    ];
    expect(codeOf(await check(message(clock)))).toBe("COMMAND_ORG_SIGNATURE");
    org.keys = [...org.keys, good];
    const again = createBoard({ clock });
    again.org.keys = org.keys;
    expect(codeOf(await again.check(message(clock)))).toBe("obeyed light");
  });

  it("forgets the owner with the owner: whoever was obeyed before is judged anew", async () => {
    const { clock, check } = createBoard();
    const signedIn = signIn(clock);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    const other = { ...owner, userId: "005xx000000000ZAAA" };
    expect(codeOf(await check(message(clock, {}, signedIn), other))).toBe("COMMAND_NOT_OWNER");
  });

  it("judges the age of a sign-in anew each time", async () => {
    const { clock, check } = createBoard();
    const signedIn = signIn(clock);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("obeyed light");
    await clock.advance(24 * 3_600_000);
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("COMMAND_SIGN_IN_OLD");
    expect(codeOf(await check(message(clock, { fresh: freshToken(clock) }, signedIn)))).toBe("obeyed light");
  });

  it("knows many phones, more than it remembers", async () => {
    const { clock, check } = createBoard();
    const phones = Array.from({ length: 70 }, () => signerOf("EdDSA"));
    for (const phone of [...phones, ...phones])
      expect(codeOf(await check(message(clock, { phone })))).toBe("obeyed light");
  });

  it("works without a known owner's org and with one that tells none", async () => {
    const { clock, check } = createBoard();
    expect(codeOf(await check(message(clock), { ...owner, orgId: null }))).toBe("obeyed light");
    const claims = { sub: owner.userId };
    expect(codeOf(await check(message(clock, { claims })))).toBe("obeyed light");
  });

  it("takes no claim for the user but sub at an org that is not Salesforce", async () => {
    const { clock, check } = createBoard({ options: { dialect: "rfc8628" } });
    const ada = { ...owner, userId: "ada", orgId: null };
    const bob = { sub: "bob", user_id: "ada" };
    expect(codeOf(await check(message(clock, { claims: bob }), ada))).toBe("COMMAND_NOT_OWNER");
    expect(codeOf(await check(message(clock, { claims: { sub: "ada" } }), ada))).toBe("obeyed light");
  });

  it("takes another issuer with the next command when the board is signed in to another org", async () => {
    let trust: Trust = { issuers: [], jwksUrl: KEYS };
    const { clock, check } = createBoard({ options: { trust: async () => trust } });
    expect(codeOf(await check(message(clock)))).toBe("COMMAND_ISSUER");
    trust = { issuers: [ISSUER], jwksUrl: KEYS };
    expect(codeOf(await check(message(clock)))).toBe("obeyed light");
    trust = { issuers: [ISSUER], jwksUrl: null };
    expect(codeOf(await check(message(clock)))).toBe("obeyed light");
  });

  it("does not wait for ever to learn whose sign-ins count", async () => {
    const { clock, check } = createBoard({ options: { trust: () => new Promise<never>(() => undefined) } });
    const waiting = check(message(clock));
    await clock.advance(5_000);
    expect(codeOf(await waiting)).toBe("COMMAND_ORG_KEY");
    const lost = createBoard({
      options: {
        trust: async () => {
          throw new AgentError("ORG_UNREACHABLE");
        },
      },
    });
    expect(codeOf(await lost.check(message(lost.clock)))).toBe("COMMAND_ORG_KEY");
  });

  it("stops with whoever asked, while it waits and before it begins", async () => {
    const { clock, checker } = createBoard({ options: { trust: () => new Promise<never>(() => undefined) } });
    const left = new AbortController();
    const bytes = new TextEncoder().encode(message(clock));
    const waiting = checker.check(bytes, owner, left.signal);
    const behind = checker.check(bytes, owner, left.signal);
    left.abort(new Error("left"));
    await expect(waiting).rejects.toThrow("left");
    await expect(behind).rejects.toThrow("left");
    await expect(checker.check(new Uint8Array(), owner, forever)).resolves.toMatchObject({ ok: false });
  });

  it("tells a fault of its own as one, and never throws", async () => {
    const { clock, check } = createBoard({
      vault: (vault) => ({
        ...vault,
        async write() {
          throw new Error("odd");
        },
      }),
    });
    expect(await check(message(clock))).toMatchObject({ ok: false, code: "BUG" });
  });

  it("names the command that it refuses as soon as it can be read", async () => {
    const { clock, check } = createBoard();
    expect(await check(message(clock, { content: { id: "x" }, claims: { aud: "other" } }))).toMatchObject({
      ok: false,
      id: "x",
    });
    expect(await check(message(clock, { content: "{}" }))).toMatchObject({ ok: false, id: null });
  });

  it("puts nothing of what was sent into a detail", async () => {
    const { clock, check } = createBoard();
    const verdicts = [
      await check(message(clock, { claims: { iss: "https://secret.example" } })),
      await check(message(clock, { content: { surprise: "secret" } })),
      await check(message(clock, { envelope: () => '{"secret":1}' })),
    ];
    for (const verdict of verdicts) expect(JSON.stringify(verdict)).not.toContain("secret");
  });
});
