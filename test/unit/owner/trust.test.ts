import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import type { Trust } from "../../../src/owner/sign-in.ts";
import { createTrust } from "../../../src/owner/trust.ts";
import { epochMs, Secret } from "../../../src/units.ts";

const grant: Grant = {
  accessToken: new Secret("a"),
  refreshToken: null,
  instanceUrl: "https://org.example",
  idUrl: null,
  scope: null,
  idToken: null,
  signedInAs: null,
  issuedAt: epochMs(0),
  expiresAt: null,
  identity: null,
};
const told: Trust = {
  jwksUrl: "https://org.example/keys",
  issuers: ["https://org.example"],
};
const before = { issuers: ["https://org.example"], jwksUrl: null };
const never = new AbortController().signal;

describe("an org that tells its own addresses", () => {
  let clock: VirtualClock;
  let asked: number;
  let silent: boolean;
  const org = {
    async endpoints(_grant: Grant, signal: AbortSignal): Promise<Trust> {
      asked++;
      if (!silent) return told;
      return new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    },
  };

  beforeEach(() => {
    clock = new VirtualClock();
    [asked, silent] = [0, false];
  });
  afterEach(() => clock[Symbol.dispose]());

  it("is believed", async () => {
    expect(await createTrust(org, before, clock)(grant, never)).toBe(told);
  });

  it("and is away holds up one command, not each of them", async () => {
    const trust = createTrust(org, before, clock);
    silent = true;
    const first = trust(grant, never);
    await clock.advance(2_000);
    expect(await first).toBe(before);
    for (let each = 0; each < 20; each++) expect(await trust(grant, never)).toBe(before);
    expect(asked).toBe(1);
    silent = false;
    await clock.advance(15_000);
    expect(await trust(grant, never)).toBe(told);
  });

  it("and is away without anything known before is a fault, each time", async () => {
    const trust = createTrust(org, null, clock);
    silent = true;
    for (let each = 0; each < 2; each++) {
      const waiting = trust(grant, never).catch((error: unknown) => error);
      await clock.advance(2_000);
      expect(await waiting).toMatchObject({ code: "ORG_TIMEOUT" });
    }
    expect(asked).toBe(2);
  });

  it("is not taken to be away because the board stops", async () => {
    const trust = createTrust(org, before, clock);
    silent = true;
    const stop = new AbortController();
    const waiting = trust(grant, stop.signal).catch((error: unknown) => error);
    stop.abort(new AgentError("INTERRUPTED"));
    expect(await waiting).toMatchObject({ code: "INTERRUPTED" });
    silent = false;
    expect(await trust(grant, never)).toBe(told);
  });
});
