import { exportJWK, generateKeyPair, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { Access } from "../../../firmware-sim/broker/access.ts";
import { tokenAuthority } from "../../../firmware-sim/broker/authority.ts";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { epochMs } from "../../../src/units.ts";

type Keys = Awaited<ReturnType<typeof generateKeyPair>>;

describe("who may use the broker", () => {
  const clock = new VirtualClock();
  const now = Math.floor(clock.wall() / 1000);
  const claims = {
    did: "porch-1",
    sub: "005anna",
    aud: ["lamps"],
    iss: "https://org.test",
    iat: now,
    exp: now + 60,
  };
  let org: Keys;
  let stranger: Keys;

  beforeAll(async () => {
    org = await generateKeyPair("RS256");
    stranger = await generateKeyPair("RS256");
  });

  const signed = (payload: object, keys = org): Promise<string> =>
    new SignJWT({ ...payload }).setProtectedHeader({ alg: "RS256", kid: "k" }).sign(keys.privateKey);

  const authority = (owners = new Map<string, string>()) =>
    tokenAuthority({
      jwks: async () => ({ keys: [{ ...(await exportJWK(org.publicKey)), kid: "k", alg: "RS256" }] }),
      audience: "lamps",
      issuer: "https://org.test",
      clock,
      introspect: async (token) =>
        token === "annas" ? { userId: "005anna", name: "Anna", expiresAt: epochMs(5) } : null,
      owners,
      guest: { username: "guest", password: "known" },
    });

  const admit = async (
    password: string | null,
    ids: { clientId?: string; username?: string | null } = {},
    owners = new Map<string, string>(),
  ): Promise<Access | null> => {
    const answer = await authority(owners)({
      clientId: "porch-1",
      username: "porch-1",
      protocol: "5",
      password,
      ...ids,
    });
    return answer.ok ? answer : null;
  };

  it("a board with its asset token, below its own name and nowhere else", async () => {
    const owners = new Map<string, string>();
    const access = await admit(
      await signed({ ...claims, sub: "https://org.test/id/00D/005anna" }),
      {},
      owners,
    );
    expect(access?.who).toEqual({ kind: "device", name: "porch-1" });
    expect(access?.expiresAt).toBe((now + 60) * 1000);
    expect(access?.may("publish", "porchlight/porch-1/availability")).toBe(true);
    expect(access?.may("subscribe", "porchlight/porch-1/lights/+/set")).toBe(true);
    expect(access?.may("publish", "porchlight/porch-2/light/set")).toBe(false);
    expect(access?.may("subscribe", "porchlight/+/light/set")).toBe(false);
    expect(access?.may("subscribe", "#")).toBe(false);
    expect(access?.may("publish", "homeassistant/device/porch-1/config")).toBe(true);
    expect(access?.may("publish", "homeassistant/device/porch-2/config")).toBe(false);
    expect(access?.may("subscribe", "homeassistant/status")).toBe(true);
    expect(access?.may("publish", "homeassistant/status")).toBe(false);
    expect(owners).toEqual(new Map([["porch-1", "005anna"]]));
  });

  it.each([
    ["another device", {}, { clientId: "porch-2" }],
    ["another user name", {}, { username: "anna" }],
    ["no user name", {}, { username: null }],
    ["another audience", { aud: "others" }, {}],
    ["another issuer", { iss: "https://evil.test" }, {}],
    ["the past", { exp: now - 1 }, {}],
    ["the future", { nbf: now + 600 }, {}],
    ["no end", { exp: undefined }, {}],
    ["no owner", { sub: undefined }, {}],
    ["a device id that is a wildcard", { did: "+" }, { clientId: "+", username: "+" }],
    ["a device id that is no text", { did: 5 }, {}],
  ])("not a board whose token is for %s", async (_what, change, ids) => {
    expect(await admit(await signed({ ...claims, ...change }), ids)).toBeNull();
  });

  it("not a board whose token somebody else has signed, or that has none", async () => {
    expect(await admit(await signed(claims, stranger))).toBeNull();
    expect(await admit(null)).toBeNull();
    expect(await admit("")).toBeNull();
    expect(await admit("x.!!!.y")).toBeNull();
  });

  it("a phone with its access token: its user's boards in full, others as far as signed commands need it", async () => {
    const owners = new Map([
      ["porch-1", "005anna"],
      ["porch-2", "005bert"],
    ]);
    const access = await admit("annas", { clientId: "phone-7", username: null }, owners);
    expect(access?.who).toEqual({ kind: "phone", name: "Anna" });
    expect(access?.expiresAt).toBe(5);
    const may = (action: "publish" | "subscribe", topic: string) => access?.may(action, topic);
    const own = "porchlight/porch-1";
    const other = "porchlight/porch-2";
    expect(may("publish", `${own}/light/set`)).toBe(true);
    expect(may("publish", `${own}/lights/hall/set`)).toBe(true);
    expect(may("subscribe", `${own}/#`)).toBe(true);
    for (const board of [own, other]) {
      expect(may("publish", `${board}/command`)).toBe(true);
      for (const topic of ["light/state", "availability", "about", "result", "result/phone-7"])
        expect(may("publish", `${board}/${topic}`)).toBe(false);
      for (const topic of ["light/state", "lights/hall/state", "availability", "about", "result/phone-7"])
        expect(may("subscribe", `${board}/${topic}`)).toBe(true);
    }
    for (const topic of ["#", "command", "light/set", "result", "result/+", "result/phone-8", "lights/#"])
      expect(may("subscribe", `${other}/${topic}`)).toBe(false);
    expect(may("publish", `${other}/light/set`)).toBe(false);
    expect(may("publish", `${other}/lights/hall/set`)).toBe(false);
    expect(may("subscribe", "porchlight/+/about")).toBe(true);
    expect(may("subscribe", "porchlight/+/result/phone-7")).toBe(true);
    expect(may("subscribe", "porchlight/+/#")).toBe(false);
    expect(may("subscribe", "porchlight/#")).toBe(false);
    expect(may("subscribe", "other/porch-1/about")).toBe(false);
    owners.set("porch-1", "005bert");
    expect(may("subscribe", `${own}/#`)).toBe(false);
  });

  it("not a phone that calls itself a board, or a wildcard", async () => {
    for (const clientId of ["porch-1", "+", "phone-+", "phone-"])
      for (const [token, username] of [
        ["annas", null],
        ["known", "guest"],
      ] as const)
        expect(await admit(token, { clientId, username })).toBeNull();
  });

  it("a guest without an account, for boards that they know by name", async () => {
    const access = await admit("known", { clientId: "phone-9", username: "guest" });
    expect(access).toMatchObject({ who: { kind: "phone", name: "a guest" }, expiresAt: null });
    expect(access?.may("publish", "porchlight/porch-1/command")).toBe(true);
    for (const topic of ["about", "availability", "light/state", "lights/+/state", "result/phone-9"])
      expect(access?.may("subscribe", `porchlight/porch-1/${topic}`)).toBe(true);
    for (const topic of ["porchlight/+/about", "porchlight/+/light/state", "porchlight/porch-1/#", "#"])
      expect(access?.may("subscribe", topic)).toBe(false);
    expect(access?.may("publish", "porchlight/porch-1/light/set")).toBe(false);
    expect(await admit("known", { clientId: "phone-9", username: "other" })).toBeNull();
  });

  it("not a phone whose token the org does not know", async () => {
    expect(await admit("stolen", { clientId: "phone-7" })).toBeNull();
    expect(await admit(await signed({ sub: "005anna", exp: now + 60 }), { clientId: "phone-7" })).toBeNull();
  });
});
