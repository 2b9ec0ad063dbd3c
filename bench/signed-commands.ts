import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { createPhoneKey, nonceOf, type PhoneKey } from "../companion/core/phone-key.ts";
import { createPkToken, type PkToken } from "../companion/core/pk-token.ts";
import { signCommand } from "../companion/core/signed-message.ts";
import { systemClock } from "../src/adapters/clock.ts";
import { openMemoryVault } from "../src/adapters/memory-vault.ts";
import type { Identity } from "../src/model.ts";
import { createPublishedKeys } from "../src/org-keys/published-keys.ts";
import { createSignedCommands } from "../src/owner/checker.ts";
import { createGuests } from "../src/owner/guests.ts";
import { median } from "./measure.ts";

/** What proving one signed command costs a core, in milliseconds: medians over rounds, in turns. */
export interface SignedFigures {
  readonly rounds: number;
  /** Node's own ES256 verification of the message's signature, its key ready: the least that it can cost. */
  readonly bareMs: number;
  /** The first command of a sign-in: the org's RS256, and the phone's ES256 under the sign-in and under the command. */
  readonly firstMs: number;
  /** Each further command of that sign-in. */
  readonly nextMs: number;
}

const ISSUER = "https://org.example";
const owner: Identity = { userId: "ada", name: "Ada", username: null, orgId: null };
const forever = new AbortController().signal;

/** As many in each round; below what the board remembers within its commands' time. */
const COMMANDS = 500;
const SIGN_INS = 50;

const b64 = (of: object): string => Buffer.from(JSON.stringify(of)).toString("base64url");

const idTokenFor = (phone: PhoneKey, orgKey: KeyObject): string => {
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: ISSUER, sub: owner.userId, aud: "app", iat, exp: iat + 3600, nonce: nonceOf(phone) };
  const input = `${b64({ alg: "RS256", kid: "k1", typ: "JWT" })}.${b64(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), orgKey).toString("base64url")}`;
};

interface SignIn {
  readonly key: PhoneKey;
  readonly pkToken: PkToken;
}

const command = async (signIn: SignIn, id: string): Promise<Uint8Array> => {
  const signer = { kind: "person", ...signIn, freshIdToken: null } as const;
  const ask = { do: "light", light: "main", set: { state: "ON", brightness: 153 } };
  return new TextEncoder().encode(await signCommand(signer, { device: "porch-1", id, ask }, Date.now()));
};

/** Milliseconds for each of `count` calls of `work`. */
const perCall = async (count: number, work: (index: number) => unknown): Promise<number> => {
  const startedAt = performance.now();
  for (let index = 0; index < count; index++) await work(index);
  return (performance.now() - startedAt) / count;
};

/** Signs with what a phone runs, and proves with what a board runs, disk aside. */
export const measureSignedCommands = async (rounds: number): Promise<SignedFigures> => {
  const org = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwks = JSON.stringify({
    keys: [{ ...org.publicKey.export({ format: "jwk" }), kid: "k1", use: "sig" }],
  });
  const clock = systemClock;
  const found = { bare: [] as number[], first: [] as number[], next: [] as number[] };
  const signInAnew = async (): Promise<SignIn> => {
    const key = await createPhoneKey();
    return { key, pkToken: await createPkToken(idTokenFor(key, org.privateKey), key) };
  };

  for (let round = 0; round < rounds; round++) {
    const vault = openMemoryVault();
    const http = async () => ({ status: 200, headers: {}, body: jwks });
    await using keys = createPublishedKeys({ http, clock, vault });
    await using checker = createSignedCommands(
      {
        clientId: "app",
        deviceId: "porch-1",
        lights: ["main"],
        signInHours: 24,
        dialect: "salesforce",
        trust: async () => ({ issuers: [ISSUER], jwksUrl: `${ISSUER}/keys` }),
      },
      { keys, guests: createGuests({ vault, clock, sure: () => true }), vault, clock, sure: () => true },
    );
    const prove = async (payload: Uint8Array | undefined): Promise<void> => {
      const verdict = await checker.check(payload ?? new Uint8Array(), owner, forever);
      if (!verdict.ok) throw new Error(`a good command was refused: ${verdict.code}`);
    };
    // The org's keys are there before anything is measured.
    await prove(await command(await signInAnew(), "warm"));

    const phones: Uint8Array[] = [];
    for (let each = 0; each < SIGN_INS; each++) phones.push(await command(await signInAnew(), "first"));
    found.first.push(await perCall(SIGN_INS, (index) => prove(phones[index])));

    const signIn = await signInAnew();
    const sent: Uint8Array[] = [];
    for (let each = 0; each <= COMMANDS; each++) sent.push(await command(signIn, `c${each}`));
    await prove(sent.pop());
    found.next.push(await perCall(COMMANDS, (index) => prove(sent[index])));

    const { osm } = JSON.parse(new TextDecoder().decode(sent[0]));
    const at = String(osm).lastIndexOf(".");
    const [input, signature] = [Buffer.from(osm.slice(0, at)), Buffer.from(osm.slice(at + 1), "base64url")];
    const { alg: _, ...jwk } = signIn.key.publicJwk;
    const key = { key: createPublicKey({ key: jwk, format: "jwk" }), dsaEncoding: "ieee-p1363" } as const;
    found.bare.push(await perCall(COMMANDS, () => verify("sha256", input, key, signature)));
  }
  return {
    rounds,
    bareMs: median(found.bare),
    firstMs: median(found.first),
    nextMs: median(found.next),
  };
};
