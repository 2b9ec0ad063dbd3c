import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { type BrokerAuth, type CredentialSource, createCredentials } from "../../../src/agent/credentials.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { AssetToken, Grant, Identity } from "../../../src/model.ts";
import type { AssetTokens, Session } from "../../../src/ports.ts";
import { epochMs, monoMs, Secret } from "../../../src/units.ts";

const signal = new AbortController().signal;
const ada: Identity = { userId: "005", name: "Ada", username: "ada@example.org", orgId: "00D" };
const clock = new VirtualClock();

let stored: Grant | undefined;
/** Access tokens the org takes; `fresh` hands out the next one. */
let refreshes: number;
let identifies: (ErrorCode | Identity)[];
let issues: (ErrorCode | "token")[];

const grantOf = (token: string, over: Partial<Grant> = {}): Grant => ({
  accessToken: new Secret(token),
  refreshToken: new Secret("refresh"),
  instanceUrl: "https://org.example",
  scope: null,
  issuedAt: clock.wall(),
  expiresAt: null,
  identity: null,
  idUrl: null,
  idToken: null,
  signedInAs: null,
  ...over,
});

const session: Session = {
  load: async () => stored,
  adopt: async (grant) => {
    stored = grant;
  },
  async fresh(rejected) {
    if (stored === undefined) throw new AgentError("GRANT_GONE");
    if (rejected?.equals(stored.accessToken) === true) {
      refreshes += 1;
      stored = { ...stored, accessToken: new Secret(`access-${refreshes}`), issuedAt: clock.wall() };
    }
    return stored;
  },
  async annotate(identity) {
    if (stored !== undefined) stored = { ...stored, identity };
  },
  forget: async () => {
    stored = undefined;
  },
  ready: async () => undefined,
  setAside: async () => undefined,
  leave: async () => undefined,
  persist: async () => true,
};

const answer = <T>(list: (ErrorCode | T)[]): T => {
  const first = list.length > 1 ? list.shift() : list[0];
  if (typeof first === "string" && first !== "token") throw new AgentError(first as ErrorCode);
  return first as T;
};

const token: AssetToken = {
  jwt: new Secret("jwt"),
  audience: ["broker"],
  expiresAt: epochMs(clock.wall() + 600_000),
  expiresAtMono: monoMs(600_000),
  renewAt: monoMs(450_000),
};
const assetTokens: AssetTokens = {
  async issue() {
    answer(issues);
    return token;
  },
};

const make = (auth: BrokerAuth, tokens: AssetTokens | null = assetTokens): CredentialSource =>
  createCredentials({
    session,
    org: { identify: async () => answer<Identity>(identifies) },
    assetTokens: tokens,
    auth,
    clock,
  });

beforeEach(() => {
  stored = grantOf("access-0");
  refreshes = 0;
  identifies = [ada];
  issues = ["token"];
});

describe("what the broker is shown", () => {
  it("the asset token, with its end and when to renew it", async () => {
    const got = await make("asset-token").obtain(false, signal);
    expect(got).toMatchObject({
      identity: ada,
      renewAt: token.renewAt,
      pass: { kind: "token", token: token.jwt },
    });
  });

  it("the access token, renewed at three quarters of its life when the org says how long it lives", async () => {
    stored = grantOf("access-0", { expiresAt: epochMs(clock.wall() + 100_000) });
    const got = await make("access-token", null).obtain(false, signal);
    expect(got.renewAt).toBe(clock.mono() + 75_000);
    expect(got.assetToken).toBeNull();
  });

  it("an access token without a known end is not renewed by the clock", async () => {
    expect((await make("access-token", null).obtain(false, signal)).renewAt).toBeNull();
  });

  it.each<[BrokerAuth]>([["password"], ["certificate"], ["none"]])(
    "nothing of the org's with %s",
    async (auth) => {
      expect((await make(auth).obtain(false, signal)).pass).toEqual({ kind: "static" });
    },
  );

  it("wants the time where something is signed or ends, and nowhere else", () => {
    const wants = (auth: BrokerAuth, tokens: AssetTokens | null) => make(auth, tokens).needsTime;
    expect(wants("asset-token", assetTokens)).toBe(true);
    expect(wants("password", assetTokens)).toBe(true);
    expect(wants("access-token", null)).toBe(true);
    for (const auth of ["password", "certificate", "none"] as const) expect(wants(auth, null)).toBe(false);
  });

  it("replacing an access token refreshes it", async () => {
    const source = make("access-token", null);
    await source.obtain(false, signal);
    await source.obtain(true, signal);
    expect(refreshes).toBe(1);
  });

  it("replacing an asset token does not refresh the access token", async () => {
    const source = make("asset-token");
    await source.obtain(false, signal);
    await source.obtain(true, signal);
    expect(refreshes).toBe(0);
  });

  it("asset-token without asset tokens is a bug, not a silent sign-in", async () => {
    await expect(make("asset-token", null).obtain(false, signal)).rejects.toMatchObject({ code: "BUG" });
  });
});

describe("an access token that the org no longer takes", () => {
  it("is refreshed once while asking who approved", async () => {
    identifies = ["ACCESS_TOKEN_REJECTED", ada];
    expect((await make("asset-token").obtain(false, signal)).identity).toEqual(ada);
    expect(refreshes).toBe(1);
  });

  it("is refreshed once for the exchange", async () => {
    issues = ["ACCESS_TOKEN_REJECTED", "token"];
    await make("asset-token").obtain(false, signal);
    expect(refreshes).toBe(1);
  });

  it("twice rejected is reported, not refreshed for ever", async () => {
    issues = ["ACCESS_TOKEN_REJECTED"];
    await expect(make("asset-token").obtain(false, signal)).rejects.toMatchObject({
      code: "ACCESS_TOKEN_REJECTED",
    });
    expect(refreshes).toBe(1);
  });
});

describe("who approved", () => {
  it("is asked once and remembered", async () => {
    await make("none").obtain(false, signal);
    expect(stored?.identity).toEqual(ada);
    identifies = ["BUG"];
    expect((await make("none").obtain(false, signal)).identity).toEqual(ada);
  });

  it("not being told keeps nobody from using the lamp", async () => {
    identifies = ["ORG_ANSWER_INVALID"];
    expect((await make("asset-token").obtain(false, signal)).identity).toBeNull();
  });

  it("is asked once more where that failed, and then kept", async () => {
    identifies = ["ORG_BUSY", ada];
    const source = make("password", null);
    expect((await source.obtain(false, signal)).identity).toBeNull();
    expect(await source.identify(signal)).toEqual(ada);
    expect(stored?.identity).toEqual(ada);
    identifies = ["BUG"];
    expect(await source.identify(signal)).toEqual(ada);
    stored = grantOf("access-0");
    await expect(source.identify(signal)).rejects.toMatchObject({ code: "BUG" });
  });

  it("a sign-in that the org ended is not hidden by it", async () => {
    identifies = ["GRANT_GONE"];
    await expect(make("asset-token").obtain(false, signal)).rejects.toMatchObject({ code: "GRANT_GONE" });
  });
});

describe("an idle sign-in", () => {
  const week = 7 * 24 * 3_600_000;
  it.each<[string, Partial<Grant> | null, number]>([
    [
      "a week old is refreshed, so that the org does not drop it",
      { issuedAt: epochMs(clock.wall() - week) },
      1,
    ],
    ["used lately is left alone", { issuedAt: epochMs(clock.wall() - week + 1) }, 0],
    ["from a future that never came is refreshed", { issuedAt: epochMs(clock.wall() + 10 * week) }, 1],
    ["without refresh token is left alone", { issuedAt: epochMs(0), refreshToken: null }, 0],
    ["that is not there is left alone", null, 0],
  ])("%s", async (_name, over, expected) => {
    stored = over === null ? undefined : grantOf("access-0", over);
    await make("none").keepAlive(signal);
    expect(refreshes).toBe(expected);
  });

  it("of a board's own is made anew after a week, so that an end at the org is noticed", async () => {
    const org = {
      identify: async () => ada,
      signIn: async () => {
        throw new Error("the session's business");
      },
    };
    const credentials = createCredentials({ session, org, assetTokens: null, auth: "none", clock });
    stored = grantOf("access-0", { refreshToken: null });
    await credentials.keepAlive(signal);
    expect(refreshes).toBe(0);
    stored = grantOf("access-0", { refreshToken: null, issuedAt: epochMs(clock.wall() - week) });
    await credentials.keepAlive(signal);
    expect(refreshes).toBe(1);
  });
});
