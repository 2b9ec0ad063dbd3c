import { afterEach, describe, expect, it } from "vitest";
import { createSession } from "../../src/device-flow/session.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const HOUR = 3_600_000;

describe("tokens", () => {
  it("the asset token is renewed before it ends, without a flap of availability or a lost command", async () => {
    stage = await openStage();
    stage.world.org.accessTokenLifetimeMs = 24 * HOUR;
    await stage.signIn();
    const phone = await stage.ownerPhone();
    const seen = stage.watch("availability");
    const before = stage.events.length;
    for (let round = 0; round < 24; round += 1) {
      await stage.clock.advance(HOUR / 12);
      expect(await stage.clock.until(phone.send({ on: round % 2 === 0 }))).toMatchObject({ outcome: "done" });
    }
    expect(stage.since(before, "assetToken").length).toBeGreaterThan(1);
    expect(seen).not.toContain("offline");
    expect(stage.since(before, "fault")).toEqual([]);
  });

  it("an access token that ran out is refreshed, and the rotated refresh token survives a restart", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.clock.advance(9 * HOUR);
    expect(stage.state()).toBe("online");
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect(stage.since(0, "code")).toHaveLength(1);
  });

  it("an answer that got lost after a rotation costs one new code, and never a loop", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.org.loseAnswerAfterRotation = 1;
    await stage.untilEvent("code", { withinMs: 24 * HOUR });
    await stage.approve(stage.lastCode());
    await stage.untilState("online");
    expect(stage.since(before, "code")).toHaveLength(1);
  });

  it("'token request is already being processed' is waited out", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.org.alreadyProcessing = 2;
    await stage.clock.advance(9 * HOUR);
    expect(stage.state()).toBe("online");
    expect(stage.since(before, "code")).toEqual([]);
  });

  it("a sign-in revoked at the org is forgotten on disk before a new code is asked for", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.org.revokeAll();
    const code = await stage.untilEvent("code", { withinMs: 24 * HOUR });
    expect(await stage.vault.read("grant")).toBeUndefined();
    expect(await stage.vault.read("device-key")).toBeDefined();
    await stage.approve(code);
    await stage.untilState("online");
  });

  it.each([
    "wrongAudience",
    "wrongIssuer",
    "wrongKey",
    "unsigned",
    "omitCnf",
    "wrongCnf",
    "wrongDevice",
  ] as const)("an asset token with %s is never shown to the broker", async (fault) => {
    stage = await openStage();
    stage.world.org[fault] = true;
    stage.start();
    await stage.approve(await stage.untilEvent("code"));
    await stage.untilEvent("fault", { where: ({ code }) => code === "ASSET_TOKEN_INVALID" });
    expect(stage.since(0, "online")).toEqual([]);
  });

  it("with a pinned certificate the org need not publish the signing key", async () => {
    stage = await openStage({ pinned: true });
    stage.world.org.publishAssetKey = false;
    await stage.signIn();
  });

  it("a bad new token does not end the connection of the good old one", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.org.wrongKey = true;
    await stage.untilEvent("fault", {
      where: ({ code }) => code === "ASSET_TOKEN_INVALID",
      withinMs: 2 * HOUR,
    });
    expect(stage.state()).toBe("online");
    stage.world.org.wrongKey = false;
    await stage.untilEvent("assetToken", { withinMs: HOUR });
    await stage.clock.advance(1_000);
    expect(stage.state()).toBe("online");
  });
});

describe("the network", () => {
  it("an hour without network: the lamp goes on by its button, and everything comes back by itself", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.network.cut = true;
    await stage.clock.advance(60_000);
    stage.world.board.press();
    await stage.clock.advance(1_000);
    expect(stage.since(before, "light").at(-1)).toMatchObject({
      state: { on: true },
      cause: { kind: "button" },
    });
    await stage.clock.advance(HOUR);
    expect(stage.since(before, "fault").length).toBeLessThan(40);
    stage.world.network.cut = false;
    await stage.untilState("online", 10 * 60_000);
    await stage.clock.advance(1_000);
    expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "ON" });
    expect(stage.since(before, "code")).toEqual([]);
  });

  it("a broker restart is survived with the same token, and the org hears nothing of it", async () => {
    stage = await openStage();
    await stage.signIn();
    const asked = stage.world.org.received.length;
    stage.world.broker.restart({ keepSessions: true });
    await stage.untilState("online", 60_000);
    expect(stage.world.org.received.length).toBe(asked);
  });

  it("a command sent while the board is away waits at the broker", async () => {
    stage = await openStage();
    await stage.signIn();
    const phone = await stage.ownerPhone();
    stage.world.network.cut = true;
    await stage.clock.advance(1);
    expect(stage.state()).toBe("pausing");
    const sent = phone.send({ on: true });
    stage.world.network.cut = false;
    expect(await stage.clock.until(sent)).toMatchObject({ outcome: "done" });
  });

  it("a broker that accepts and closes in a loop is not hammered", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.broker.closeAfterConnack = 1_000;
    stage.world.broker.restart({ keepSessions: true });
    await stage.clock.advance(HOUR);
    expect(1_000 - stage.world.broker.closeAfterConnack).toBeLessThan(60);
    stage.world.broker.closeAfterConnack = 0;
    await stage.untilState("online", 10 * 60_000);
    expect(stage.since(before, "code")).toEqual([]);
  });

  it("a broker that stops acknowledging is left, and joined anew with a fresh token", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.broker.stopAcking = true;
    stage.world.board.press();
    await stage.untilEvent("fault", { where: ({ code }) => code === "BROKER_SILENT", withinMs: 120_000 });
    stage.world.broker.stopAcking = false;
    await stage.untilState("online", 120_000);
    expect(stage.since(before, "assetToken").length).toBeGreaterThan(0);
  });

  it("a broker of before MQTT 5 is spoken to in 3.1.1", async () => {
    stage = await openStage();
    stage.world.broker.refuseProtocol5 = true;
    await stage.signIn();
    expect(stage.since(0, "online")).toMatchObject([{ protocol: "3.1.1" }]);
    const seen = stage.watch("availability");
    await stage.clock.advance(2 * HOUR);
    expect(stage.since(0, "assetToken").length).toBeGreaterThan(1);
    expect(seen).not.toContain("offline");
  });
});

describe("people", () => {
  it("signing out revokes at the org, forgets the sign-in, and shows a new code", async () => {
    stage = await openStage();
    await stage.signIn();
    const result = await stage.signOut();
    expect(result).toEqual({ signedIn: true, revoked: true });
    const again = await stage.signOut();
    expect(again).toEqual({ signedIn: false, revoked: false });
    expect(await stage.vault.read("grant")).toBeUndefined();
    expect(stage.retained("availability")).toBe("offline");
    await stage.untilState("waitingForApproval");
  });

  it("signing out are obeyed after a restart, too, when the power went before anything was forgotten", async () => {
    stage = await openStage();
    await stage.signIn();
    await stage.run?.stop();
    const { clock, vault } = stage;
    const org = { refresh: () => expect.fail("nothing is refreshed") };
    await createSession({ org, vault, clock }).leave();
    stage.start();
    expect(await stage.untilEvent("signedOut")).toMatchObject({ revoked: true });
    expect(stage.since(0, "online")).toHaveLength(1);
    await stage.untilState("waitingForApproval");
  });

  it("signing out without a network forgets all the same, and says that the org does not know", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.network.cut = true;
    expect(await stage.signOut()).toEqual({ signedIn: true, revoked: false });
    expect(await stage.vault.read("grant")).toBeUndefined();
    // It is said once, however often the board then asks in vain to be let in.
    await stage.clock.advance(HOUR);
    expect(stage.since(0, "signedOut")).toHaveLength(1);
  });

  it("status tells who owns the board and how it is connected", async () => {
    stage = await openStage();
    await stage.signIn();
    const status = await stage.status();
    expect(status).toMatchObject({ view: { online: true }, broker: { protocol: "5" } });
    expect(status.identity?.name).toBe(stage.world.board.view?.owner);
    expect(status.lights).toHaveLength(1);
  });

  it("the board's own command line moves the lamp", async () => {
    stage = await openStage();
    await stage.signIn();
    expect(await stage.light("main", { on: true })).toMatchObject({ outcome: "done" });
    expect(await stage.light("attic", { on: true })).toMatchObject({
      outcome: "refused",
      code: "LIGHT_UNKNOWN",
    });
  });

  it("a lamp whose cable is out is reported, and comes back by itself", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.board.unplugged = true;
    stage.world.board.press();
    await stage.clock.advance(5_000);
    expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ available: false });
    stage.world.board.unplugged = false;
    await stage.clock.advance(90_000);
    expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ available: true, state: "ON" });
    expect(stage.state()).toBe("online");
  });

  it("another user of the same org cannot move the lamp", async () => {
    stage = await openStage();
    await stage.signIn();
    const stranger = await stage.strangersPhone();
    await stage.clock.until(stranger.send({ on: true }).catch(() => undefined));
    await stage.clock.advance(5_000);
    expect(stage.since(0, "command")).toEqual([]);
    expect(JSON.parse(stage.retained("light/state") ?? "{}")).toMatchObject({ state: "OFF" });
  });
});

describe("stopping", () => {
  it("at every quarter second of its first quarter minute leaves nothing open", async () => {
    stage = await openStage();
    for (let atMs = 0; atMs <= 15_000; atMs += 250) {
      stage.forgetEverything();
      const idle = stage.clock.waiting;
      const run = stage.start();
      const approval = stage.approveWhenShown();
      await stage.clock.advance(atMs);
      expect(await run.stop(), `stopped at ${atMs} ms`).toBe(0);
      approval.cancel();
      expect(stage.world.broker.connected, `links left at ${atMs} ms`).toEqual([]);
      // What the broker remembers of a board that left is the broker's own.
      stage.world.broker.restart({ keepSessions: false });
      expect(stage.clock.waiting, `timers left at ${atMs} ms`).toBe(idle);
    }
  });

  it("by a bug is exit code 70, told once, with what it was", async () => {
    stage = await openStage();
    const { vault } = stage;
    const bug = new TypeError("x is not a function");
    stage.vault = { ...vault, read: (key) => (key === "grant" ? Promise.reject(bug) : vault.read(key)) };
    expect(await stage.clock.until(stage.start().exit)).toBe(70);
    expect(stage.since(0, "fault").filter(({ code }) => code === "BUG")).toHaveLength(1);
    expect(stage.bugs.map(({ cause }) => cause)).toEqual([bug]);
  });

  it("two agents on one state folder: the second one says so and leaves", async () => {
    stage = await openStage();
    await stage.signIn();
    const second = stage.start();
    expect(await stage.clock.until(second.exit)).toBe(75);
    expect(stage.state()).toBe("online");
  });
});
