// The built command signs in at an authorization server that is not ours.

import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { makeHome } from "./peers/home.ts";
import { signInTo, visit } from "./peers/person.ts";
import { freePorts } from "./peers/scratch.ts";

describe.concurrent("the built command at a real OpenID provider", () => {
  test("signs in by the device flow, joins the broker over TLS, and obeys a command", async () => {
    await using home = await makeHome();
    const agent = home.start();
    const code = await home.answerCode(agent, "approves");
    expect(new URL(code.verificationUriComplete).searchParams.get("user_code")).toBe(code.userCode);
    expect(await agent.next("signedIn")).toMatchObject({ user: "robin" });
    expect(await agent.next("online")).toMatchObject({ protocol: "5" });

    const phone = await home.phone();
    await phone.until("online", ({ topic, payload }) => topic === "availability" && payload === "online");
    const answer = await phone.ask({ state: "ON", brightness: 153, id: "first" });
    expect(answer.payload).toMatchObject({ id: "first", outcome: "done", code: null });
    const light = await agent.next("light", ({ state }) => state.on);
    expect(light).toMatchObject({ light: "main", cause: { kind: "command", id: "first" } });
    expect(light.state.brightness).toBeCloseTo(0.6, 2);
    const report = await phone.until(
      "the new state",
      ({ topic, payload }) => topic === "light/state" && JSON.stringify(payload).includes('"ON"'),
    );
    expect(report.payload).toMatchObject({ state: "ON", brightness: 153 });

    const later = await home.phone();
    const kept = await later.until("the retained state", ({ topic }) => topic === "light/state");
    expect(kept).toMatchObject({ retained: true, payload: { state: "ON", brightness: 153 } });
  });

  test("signs in over https with the org's own certificate authority and a client secret", async () => {
    await using home = await makeHome({ https: true, confidential: true });
    await home.signIn(home.start());
  });

  test("does not talk to an org whose certificate it cannot check", async () => {
    await using home = await makeHome({ https: true });
    const agent = home.start({ org: { ca: null } });
    expect(await agent.next("fault")).toMatchObject({ code: "ORG_TLS" });
    expect(home.provider.requests).toEqual([]);
  });

  test("names a client that the org does not know", async () => {
    await using home = await makeHome();
    const agent = home.start({ org: { clientId: "somebody-else" } });
    expect(await agent.next("fault")).toMatchObject({ code: "CLIENT_UNKNOWN" });
  });

  test("binds user and device in a token of its own where the org has no asset tokens", async () => {
    await using home = await makeHome();
    const agent = home.start({ assetToken: { mode: "self", audience: "https://broker.example" } });
    await home.answerCode(agent, "approves");
    const { at, expiresAt } = await agent.next("assetToken");
    expect(Date.parse(expiresAt)).toBeGreaterThan(Date.parse(at));
    await agent.next("online");
  });
});

describe.concurrent("the sign-in afterwards", () => {
  test("a restart needs no new code, and the lamp is as it was", async () => {
    await using home = await makeHome();
    const before = home.start();
    await home.signIn(before);
    const phone = await home.phone();
    await phone.ask({ state: "ON", brightness: 77 });
    before.kill("SIGTERM");
    expect(await before.end()).toEqual({ code: 0, signal: null });

    const again = home.start();
    await again.next("online");
    expect(again.events.filter(({ event }) => event === "code")).toEqual([]);
    const later = await home.phone();
    const kept = await later.until("the state", ({ topic }) => topic === "light/state");
    expect(kept.payload).toMatchObject({ state: "ON", brightness: 77 });
  });

  test("every start with an ended access token uses the newest refresh token once", async () => {
    await using home = await makeHome({ accessTokenS: 5 });
    const access = { broker: { url: home.broker.open, auth: "access-token", password: null } };
    const first = home.start(access);
    await home.signIn(first);
    first.kill("SIGTERM");
    await first.end();
    for (let start = 0; start < 3; start++) {
      await sleep(5_000);
      const newest = home.provider.refreshTokens.at(-1);
      const agent = home.start(access);
      await agent.next("online");
      agent.kill("SIGTERM");
      expect((await agent.end()).code).toBe(0);
      const used = home.provider.requests.filter(({ grantType }) => grantType === "refresh_token");
      expect(used.every(({ status }) => status === 200)).toBe(true);
      expect(used.filter(({ refreshToken }) => refreshToken === newest)).toHaveLength(1);
    }
    expect(await home.provider.isAlive(home.provider.refreshTokens.at(-1) ?? "")).toBe(true);
  });

  test("a long connection renews its access token before the end, and the lamp obeys all the while", async () => {
    await using home = await makeHome({ accessTokenS: 6 });
    const agent = home.start({ broker: { url: home.broker.open, auth: "access-token", password: null } });
    await home.signIn(agent);
    const phone = await home.phone(home.broker.open);
    const refreshed = () => home.provider.requests.filter(({ grantType }) => grantType === "refresh_token");
    for (let brightness = 1; refreshed().length < 3; brightness++) {
      expect(brightness).toBeLessThan(200);
      const answer = await phone.ask({ state: "ON", brightness });
      expect(answer.payload).toMatchObject({ outcome: "done" });
      await sleep(100);
    }
    expect(refreshed().every(({ status }) => status === 200)).toBe(true);
    expect(phone.received.filter(({ payload }) => payload === "offline")).toEqual([]);
    expect(agent.events.filter(({ event }) => event === "fault")).toEqual([]);
  });

  test("a sign-in that the org has ended leads to a new code", async () => {
    await using home = await makeHome({ accessTokenS: 5 });
    const access = { broker: { url: home.broker.open, auth: "access-token", password: null } };
    const agent = home.start(access);
    await home.signIn(agent);
    await home.provider.revokeEverything();
    await agent.next("state", ({ why }) => why === "GRANT_GONE");
    await home.answerCode(agent, "approves");
    await agent.next("online");
  });

  test("signing out through the running agent ends the sign-in at the org and shows a new code", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    const token = home.provider.refreshTokens.at(-1) ?? "";
    expect(await home.provider.isAlive(token)).toBe(true);
    expect((await home.command("sign-out").end()).code).toBe(0);
    expect(await agent.next("signedOut")).toMatchObject({ revoked: true });
    await agent.next("code");
    expect(await home.provider.isAlive(token)).toBe(false);
  });

  test("signing out while no agent runs ends the sign-in at the org too", async () => {
    await using home = await makeHome();
    const agent = home.start();
    await home.signIn(agent);
    agent.kill("SIGTERM");
    await agent.end();
    expect((await home.command("sign-out").end()).code).toBe(0);
    expect(await home.provider.isAlive(home.provider.refreshTokens.at(-1) ?? "")).toBe(false);
    await home.start().next("code");
  });

  test("status tells who is signed in and that the board is online", async () => {
    await using home = await makeHome();
    await home.signIn(home.start());
    const status = home.command("status", "--json");
    expect((await status.end()).code).toBe(0);
    expect(JSON.stringify(JSON.parse(status.stdout()))).toContain("Robin Porch");
  });

  test("somebody answers No: the board says so, and shows another code a minute later", async () => {
    await using home = await makeHome();
    const agent = home.start();
    const first = await home.answerCode(agent, "denies");
    const denied = await agent.next("state", ({ why }) => why === "CODE_DENIED");
    expect(denied.state).toBe("pausing");
    const second = await agent.next("code", undefined, 80_000);
    expect(second.userCode).not.toBe(first.userCode);
  }, 120_000);
});

describe.concurrent("a board that is signed in with a browser at a real OpenID provider", () => {
  const ownCallback = async (): Promise<string> => `http://localhost:${(await freePorts(1))[0]}/callback`;
  const web = (callback: string) => ({ signIn: "web", callback });

  test("comes online after a walk through the provider's pages, and renews its sign-in", async () => {
    const callback = await ownCallback();
    await using home = await makeHome({ callback, accessTokenS: 5 });
    const access = {
      org: web(callback),
      broker: { url: home.broker.open, auth: "access-token", password: null },
    };
    const agent = home.start(access);
    const link = await agent.next("link");
    expect(link).toMatchObject({ callback, start: new URL("/", callback).href });
    const seen = await visit(link.start, "approves", { userCode: "none is shown" });
    expect(seen.lastPage).toContain("The lamp is yours");
    expect(await agent.next("signedIn")).toMatchObject({ user: "robin" });
    await agent.next("online");
    const asked = () => home.provider.requests.map(({ grantType, status }) => `${grantType} ${status}`);
    await expect.poll(asked, { timeout: 20_000 }).toContain("refresh_token 200");
    expect(asked()[0]).toBe("authorization_code 200");
    agent.kill("SIGTERM");
    await agent.end();
    const again = home.start(access);
    await again.next("online");
    expect(again.events.filter(({ event }) => event === "link")).toEqual([]);
  });

  test("takes by hand, with its secret, what a browser elsewhere ended on", async () => {
    const callback = await ownCallback();
    await using home = await makeHome({ callback, confidential: true });
    const agent = home.start({ org: web(callback) });
    const { url } = await agent.next("link");
    const end = await signInTo(url, callback, "robin");
    const bring = home.command("sign-in", "--answer", end.href);
    expect(await bring.end()).toMatchObject({ code: 0 });
    expect(bring.stdout()).toContain("The lamp is yours");
    await agent.next("online");
    const twice = home.command("sign-in", "--answer", end.href);
    expect((await twice.end()).code).toBe(1);
    expect(twice.output()).toContain("CALLBACK_STRANGE");
  });
});
