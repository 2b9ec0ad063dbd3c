import { afterEach, describe, expect, it } from "vitest";
import type { AgentEvent } from "../../src/model.ts";
import { openStage, type Stage } from "./stage.ts";

// Loaded before time moves, as in stage.ts.
await Promise.all([import("../../src/owner/checker.ts"), import("../../src/owner/guests.ts")]);

const MINUTE = 60_000;

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

/** A stage whose board is signed in with a browser, as far as the first link. */
const openWeb = async (
  org: Readonly<Record<string, unknown>> = {},
): Promise<Extract<AgentEvent, { event: "link" }>> => {
  const settings: Record<string, unknown> = {};
  stage = await openStage({ settings });
  settings.org = { ...(stage.world.settingsFor("state").org as object), signIn: "web", ...org };
  stage.start();
  return stage.untilEvent("link");
};

const codesSpent = () =>
  stage.world.org.received.filter(({ form }) => form.grant_type === "authorization_code");

/** The address that a browser which does not reach the board ends on. */
const endOf = (url: string): Promise<URL> => {
  const { callback } = stage.lastLink();
  return stage.clock.until(stage.world.person.signInTo(url, callback, new AbortController().signal));
};

const faultsSince = (from: number) => stage.since(from, "fault").map(({ code }) => code);

describe("a board that is signed in with a browser", () => {
  it("comes online after a person has followed its link, and its owner's phone moves the lamp", async () => {
    const link = await openWeb();
    expect(stage.state()).toBe("waitingForApproval");
    expect(stage.world.board.view?.code).toMatchObject({ kind: "link", url: link.url, start: link.start });
    const answered = await stage.follow(link.start);
    expect(answered).toMatchObject({ kind: "done", page: { text: "The lamp is yours The lamp is yours" } });
    await stage.untilState("online");
    expect(stage.since(0, "code")).toEqual([]);
    expect(codesSpent()).toHaveLength(1);
    const phone = await stage.ownerPhone();
    expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
  });

  it("lives on as with a code: refreshed for days, signed in over a restart, signed out at the org", async () => {
    const link = await openWeb();
    await stage.follow(link.url);
    await stage.untilState("online");
    await stage.clock.advance(9 * 60 * MINUTE);
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect(stage.since(0, "link")).toHaveLength(1);
    expect(await stage.signOut()).toEqual({ signedIn: true, revoked: true });
    const next = await stage.untilEvent("link");
    expect(next.url).not.toBe(link.url);
    expect(
      stage.world.org.approvals.filter(({ clientId }) => clientId === stage.world.org.boardApp.clientId),
    ).toEqual([]);
  });

  it("blinks no signal: who follows the link is at the board, or has a shell on it", async () => {
    await openWeb();
    await stage.clock.advance(5_000);
    expect(stage.world.board.light.seen).toBe(0);
  });

  it("takes the answer that somebody carries to it from a browser elsewhere", async () => {
    const link = await openWeb();
    expect(await stage.bring((await endOf(link.url)).href)).toBeNull();
    await stage.untilState("online");
  });

  it("a No ends the link, and another one comes after a while", async () => {
    const link = await openWeb();
    const answered = await stage.follow(link.start, "deny");
    expect(answered).toMatchObject({ kind: "refused", reason: expect.stringContaining("CODE_DENIED") });
    expect(stage.world.board.view?.problem?.code).toBe("CODE_DENIED");
    const next = await stage.untilEvent("link");
    await stage.follow(next.start);
    await stage.untilState("online");
  });

  it("a link lasts ten minutes; some more come after growing pauses, then only when somebody asks", async () => {
    await openWeb();
    await stage.clock.advance(9.9 * MINUTE);
    expect(stage.state()).toBe("waitingForApproval");
    await stage.clock.advance(24 * 60 * MINUTE);
    const shown = stage.since(0, "link").length;
    expect(shown).toBeGreaterThan(2);
    expect(shown).toBeLessThan(10);
    expect(stage.world.board.view?.problem).toMatchObject({ code: "CODE_EXPIRED", retryAt: null });
    expect(await stage.newCode()).toBe(true);
    await stage.untilState("waitingForApproval");
    expect(await stage.newCode()).toBe(false);
  });

  it("a clock that jumps moves no link's end", async () => {
    await openWeb();
    stage.tellTime();
    await stage.clock.advance(9 * MINUTE);
    expect(stage.state()).toBe("waitingForApproval");
    await stage.clock.advance(1.5 * MINUTE);
    expect(faultsSince(0)).toEqual(["CODE_EXPIRED"]);
  });
});

describe("what is no answer to the link", () => {
  it("a flood of wrong answers ends nothing, and is told as what it is", async () => {
    const link = await openWeb();
    for (let each = 0; each < 100; each++)
      expect(await stage.bring(`${link.callback}?code=stolen&state=guess-${each}`)).toMatchObject({
        code: "CALLBACK_STRANGE",
      });
    expect(stage.state()).toBe("waitingForApproval");
    expect(codesSpent()).toEqual([]);
    await stage.follow(link.start);
    await stage.untilState("online");
  });

  it("the answer to a link before a restart, or to one that has expired, is not taken", async () => {
    const old = await endOf((await openWeb()).url);
    await stage.run?.stop();
    stage.start();
    await stage.untilEvent("link");
    expect(await stage.bring(old.href)).toMatchObject({ code: "CALLBACK_STRANGE" });
    const late = await endOf(stage.lastLink().url);
    await stage.untilEvent("fault", { where: ({ code }) => code === "CODE_EXPIRED" });
    expect(await stage.bring(late.href)).toMatchObject({ code: "CALLBACK_STRANGE" });
    expect(codesSpent()).toEqual([]);
  });

  it("while nobody waits, an answer is told that", async () => {
    const link = await openWeb();
    await stage.follow(link.start);
    await stage.untilState("online");
    expect(await stage.bring(`${link.callback}?code=x&state=y`)).toMatchObject({ code: "CALLBACK_STRANGE" });
    expect(await stage.newCode()).toBe(false);
  });
});

describe("when something is in the way", () => {
  it("the org is away when the code comes: the board keeps trying, and both windows are told that it went well", async () => {
    const link = await openWeb();
    const end = (await endOf(link.url)).href;
    stage.world.org.offline = true;
    const brought = Promise.all([stage.bring(end), stage.bring(end)]);
    expect(await stage.bring(`${link.callback}?code=c&state=other`)).toMatchObject({
      code: "CALLBACK_STRANGE",
    });
    stage.clock.sleep(20_000, new AbortController().signal).then(() => {
      stage.world.org.offline = false;
    });
    expect(await brought).toEqual([null, null]);
    await stage.untilState("online");
  });

  it("an answer with the tokens that got lost costs a new link, and leaves no approval that nobody uses", async () => {
    const link = await openWeb();
    stage.world.org.loseAnswerAfterGrant = 1;
    expect(await stage.follow(link.start)).toMatchObject({ kind: "refused" });
    expect(faultsSince(0)).toEqual(["CODE_INVALID"]);
    expect(stage.world.org.approvals).toEqual([]);
    await stage.follow((await stage.untilEvent("link")).start);
    await stage.untilState("online");
  });

  it("a port that another program has is told before any link is shown, and the board listens when it is free", async () => {
    const settings: Record<string, unknown> = {};
    stage = await openStage({ settings });
    settings.org = { ...(stage.world.settingsFor("state").org as object), signIn: "web" };
    stage.world.doorstep.taken = true;
    stage.start();
    await stage.untilEvent("fault", { where: ({ code }) => code === "CALLBACK_CLOSED" });
    expect(stage.since(0, "link")).toEqual([]);
    stage.world.doorstep.taken = false;
    expect(await stage.newCode()).toBe(true);
    await stage.untilEvent("link");
  });

  it("a sign-out while a link waits gives another one", async () => {
    const link = await openWeb();
    await stage.signOut();
    const next = await stage.untilEvent("link");
    expect(next.url).not.toBe(link.url);
    await stage.follow(next.start);
    await stage.untilState("online");
  });

  it("a stop while a code is exchanged tells whoever brought it, and ends the trying", async () => {
    const link = await openWeb();
    const end = (await endOf(link.url)).href;
    stage.world.org.offline = true;
    const brought = stage.bring(end);
    stage.clock.sleep(3_000, new AbortController().signal).then(() => {
      stage.run?.stop();
    });
    expect(await brought).toMatchObject({ code: "CALLBACK_STRANGE" });
    expect(stage.world.org.approvals).toEqual([]);
  });

  it("an org that stays away until the link's time is over ends it, and says so", async () => {
    const link = await openWeb();
    const end = (await endOf(link.url)).href;
    await stage.clock.advance(9 * MINUTE);
    stage.world.org.offline = true;
    expect(await stage.bring(end)).toMatchObject({ code: "CODE_EXPIRED" });
  });

  it("a held button on a signed-in board: the owner stays until somebody has followed the new link", async () => {
    const link = await openWeb();
    await stage.follow(link.start);
    await stage.untilState("online");
    stage.world.board.press("longPress");
    await stage.untilEvent("link");
    stage.world.board.press();
    await stage.untilState("online");
    stage.world.board.press("longPress");
    const next = await stage.untilEvent("link");
    expect(stage.world.org.approvals).toHaveLength(1);
    const [before] = stage.world.org.approvals;
    await stage.follow(next.start);
    await stage.untilState("online");
    expect(stage.world.org.approvals).toHaveLength(1);
    expect(stage.world.org.approvals[0]?.id).not.toBe(before?.id);
  });

  it("a held button, where a server may end all that a person has given: their first sign-in is not ended with the second", async () => {
    const link = await openWeb({ dialect: "rfc8628" });
    await stage.follow(link.start);
    await stage.untilState("online");
    stage.world.board.press("longPress");
    const next = await stage.untilEvent("link");
    await stage.follow(next.start);
    await stage.untilState("online");
    expect(stage.world.org.received.filter(({ path }) => path.endsWith("/revoke"))).toEqual([]);
  });
});
