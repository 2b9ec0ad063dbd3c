import { describe, expect, test } from "vitest";
import { base64url } from "../../../companion/core/base64url.ts";
import { Trouble } from "../../../companion/core/trouble.ts";
import { configText, createMemory, never, openStage } from "./stage.ts";

const troubleOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "none";
  } catch (error) {
    return error instanceof Trouble ? error.code : String(error);
  }
};

test("two who need a new token at once refresh once, one after the other", async () => {
  const memory = createMemory();
  await using stage = openStage({ memory });
  await stage.signIn();
  const both = Promise.all([
    stage.sessions.renew("access-1", never),
    stage.sessions.renew("access-1", never),
  ]);
  const [one, two] = await stage.clock.until(both);
  expect(one.accessToken).toBe("access-2");
  expect(two.accessToken).toBe("access-2");
  expect(stage.asked.filter(({ body }) => body?.includes("refresh-1"))).toHaveLength(1);
  expect(memory.most()).toBe(1);
});

test("a rotated refresh token is kept even when the rest of the answer is no good", async () => {
  await using stage = openStage();
  await stage.signIn();
  stage.world.sub = "https://org.example/id/00D/005ben";
  expect(await troubleOf(stage.clock.until(stage.sessions.renew("access-1", never)))).toBe("ID_TOKEN");
  expect(stage.memory.kept.session).toMatchObject({
    refreshToken: "refresh-2",
    person: { userId: "005ada" },
  });
});

test("a refresh that met another one is tried again with the same token", async () => {
  await using stage = openStage();
  await stage.signIn();
  const busy = {
    status: 400,
    body: '{"error":"invalid_grant","error_description":"token request is already being processed"}',
  };
  stage.world.replies.push(busy, busy);
  expect((await stage.clock.until(stage.sessions.renew("access-1", never))).accessToken).toBe("access-2");
  stage.world.replies.push(busy, busy, busy, busy);
  expect(await troubleOf(stage.clock.until(stage.sessions.renew("access-2", never)))).toBe("SIGN_IN_ENDED");
});

test("a refresh without a new refresh token or ID token keeps the ones there are", async () => {
  await using stage = openStage();
  await stage.signIn();
  stage.world.replies.push({ status: 200, body: '{"access_token":"access-9"}' });
  expect(await stage.clock.until(stage.sessions.renew("access-1", never))).toMatchObject({
    accessToken: "access-9",
    refreshToken: "refresh-1",
    freshIdToken: null,
  });
  stage.world.replies.push({ status: 200, body: "{}" });
  expect(await troubleOf(stage.clock.until(stage.sessions.renew("access-9", never)))).toBe("ORG_ANSWER");
});

test("a refresh whose answer a frozen page takes late leaves what was known of the clocks", async () => {
  await using stage = openStage();
  await stage.signIn();
  const { session } = stage.memory.kept;
  if (session === undefined) throw new Error("nobody signed in");
  await stage.memory.write("session", { ...session, clockAheadMs: 40_000 });
  const askedAt = stage.clock.wall();
  const iat = Math.floor(askedAt / 1000) + 40;
  const claims = { iss: "https://org.example", aud: "app", sub: session.person.sub, iat, exp: iat + 120 };
  const body = JSON.stringify({ access_token: "late", id_token: `x.${base64url(JSON.stringify(claims))}.x` });
  stage.world.replies.push(async () => {
    await stage.clock.sleep(7 * 60_000, never);
    return { status: 200, body };
  });
  expect(await stage.clock.until(stage.sessions.renew("access-1", never))).toMatchObject({
    accessToken: "late",
    takenAt: askedAt,
    clockAheadMs: 40_000,
  });
});

describe("a sign-in", () => {
  const elsewhere = { ...configText.org, url: "https://other.example" };
  const asAnother = { ...configText.org, clientId: "another" };
  const slashed = { ...configText.org, dialect: "rfc8628" };

  test.each([
    ["at another org", elsewhere],
    ["for another app", asAnother],
  ])("%s is forgotten, and nobody is told of it", async (_where, org) => {
    const memory = createMemory();
    await using before = openStage({ memory });
    await before.signIn();
    const { session } = memory.kept;
    const key = await before.sessions.key();
    await using stage = openStage({ memory, config: { ...configText, org } });
    const { clock, sessions, asked } = stage;
    const ways: readonly (() => Promise<unknown>)[] = [
      () => sessions.current(),
      () => troubleOf(sessions.renew("access-1", never)),
      () => troubleOf(sessions.renew("other", never)),
      () => sessions.signOut(never),
    ];
    const told = [];
    for (const way of ways) {
      await memory.write("session", session);
      expect((await sessions.key()).cic).toBe(key.cic);
      told.push(await clock.until(way()));
      expect(memory.kept).not.toHaveProperty("session");
    }
    expect(told).toEqual([null, "SIGN_IN_ENDED", "SIGN_IN_ENDED", true]);
    expect(asked).toEqual([]);
    expect(memory.most()).toBe(1);
  });

  test("at an issuer with a slash at its end, and for several, is one of this app", async () => {
    const memory = createMemory();
    await using stage = openStage({ memory, config: { ...configText, org: slashed } });
    await stage.signIn();
    const { session } = memory.kept;
    if (session === undefined) throw new Error("nobody signed in");
    const payload = base64url('{"iss":"https://org.example/","aud":["other","app"]}');
    const taken = { ...session, pkToken: { ...session.pkToken, payload } };
    await memory.write("session", taken);
    expect(await stage.sessions.current()).toBe(taken);
  });
});

test("an answer that somebody else has brought does not end a sign-in that was begun", async () => {
  await using stage = openStage();
  const address = new URL(await stage.clock.until(stage.sessions.begin("https://app.example/")));
  const answer = (state: string | null) => new URL(`https://app.example/?code=c&state=${state}`);
  const finish = (state: string | null) => stage.clock.until(stage.sessions.finish(answer(state), never));
  expect(await troubleOf(finish("somebody-else's"))).toBe("SIGN_IN_STRANGE");
  stage.world.nonce = address.searchParams.get("nonce") ?? "";
  const state = address.searchParams.get("state");
  expect((await finish(state)).accessToken).toBe("access-1");
  expect(await troubleOf(finish(state))).toBe("SIGN_IN_STRANGE");
});

test("without a refresh token, or without a sign-in, there is nothing to renew", async () => {
  await using stage = openStage();
  expect(await troubleOf(stage.clock.until(stage.sessions.renew("x", never)))).toBe("SIGN_IN_ENDED");
  stage.world.noRefreshToken = true;
  await stage.signIn();
  expect(await troubleOf(stage.clock.until(stage.sessions.renew("access-1", never)))).toBe("SIGN_IN_ENDED");
});

test("the key is at hand while a refresh is under way", async () => {
  await using stage = openStage();
  await stage.signIn();
  const key = await stage.sessions.key();
  let renewed = false;
  stage.world.replies.push(async () => {
    await stage.clock.sleep(20_000, never);
    return { status: 200, body: '{"access_token":"access-2"}' };
  });
  const done = stage.sessions.renew("access-1", never).then(() => {
    renewed = true;
  });
  await stage.clock.settle();
  expect((await stage.clock.until(stage.sessions.key(), 1000)).cic).toBe(key.cic);
  expect(renewed).toBe(false);
  await stage.clock.until(done);
});

test("a sign-out during a refresh gives back what the refresh brought, and nothing is kept", async () => {
  await using stage = openStage();
  await stage.signIn();
  const renewed = stage.sessions.renew("access-1", never);
  const told = stage.sessions.signOut(never);
  await stage.clock.until(renewed);
  expect(await stage.clock.until(told)).toBe(true);
  expect(stage.memory.kept).not.toHaveProperty("session");
  expect(stage.asked.at(-1)?.body).toBe("token=refresh-2");
});

test.each([
  [false, { token: "refresh-1", token_type_hint: "refresh_token", client_id: "app" }],
  [true, { token: "access-1", token_type_hint: "access_token", client_id: "app" }],
])(
  "an OpenID provider is told whose sign-in is given back (without a refresh token: %j)",
  async (noRefreshToken, fields) => {
    const org = { url: "https://org.example", dialect: "rfc8628", clientId: "app" };
    await using stage = openStage({ config: { ...configText, org } });
    stage.world.noRefreshToken = noRefreshToken;
    stage.world.sub = "005ada";
    await stage.signIn();
    expect(await stage.clock.until(stage.sessions.signOut(never))).toBe(true);
    const { url, body } = stage.asked.at(-1) ?? {};
    expect(url).toBe("https://org.example/revoke");
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual(fields);
  },
);

test("an org that cannot be told of a sign-out is said not to know", async () => {
  await using stage = openStage();
  expect(await stage.clock.until(stage.sessions.signOut(never))).toBe(true);
  await stage.signIn();
  stage.world.replies.push({ status: 503, body: "" });
  expect(await stage.clock.until(stage.sessions.signOut(never))).toBe(false);
  expect(stage.memory.kept).not.toHaveProperty("session");
});

test("the key stays the same from sign-in to sign-in", async () => {
  await using stage = openStage();
  const key = await stage.sessions.key();
  await stage.signIn();
  await stage.signIn();
  expect((await stage.sessions.key()).cic).toBe(key.cic);
});
