import { afterEach, describe, expect, it } from "vitest";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

describe("the board's button", () => {
  it("switches the lamp of a signed-in board", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.board.press();
    await stage.clock.advance(1000);
    expect(stage.since(before, "light").at(-1)).toMatchObject({ cause: { kind: "button" } });
  });

  it("held long shows a new code, and a press takes that back: the lamp stays its owner's", async () => {
    stage = await openStage();
    await stage.signIn();
    const before = stage.events.length;
    stage.world.board.press("longPress");
    await stage.untilState("waitingForApproval");
    expect(await stage.vault.read("grant")).toBeDefined();
    stage.world.board.press();
    await stage.untilState("online");
    expect(stage.since(before, "code")).toHaveLength(1);
    expect(stage.since(before, "signedOut")).toEqual([]);
  });

  it("held long by mistake costs nothing: the code runs out, and the board is back", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.board.press("longPress");
    await stage.untilState("waitingForApproval");
    await stage.untilState("online");
    const phone = await stage.ownerPhone();
    expect(await stage.clock.until(phone.send({ on: true }))).toMatchObject({ outcome: "done" });
  });

  it("held long lets somebody take the board over, and the sign-in before ends at the org", async () => {
    stage = await openStage();
    await stage.signIn();
    const old = await stage.vault.read("grant");
    const before = stage.events.length;
    stage.world.board.press("longPress");
    await stage.approve(await stage.untilEvent("code"));
    await stage.untilState("online");
    expect(stage.since(before, "signedIn")).toHaveLength(1);
    expect(await stage.vault.read("grant")).not.toEqual(old);
  });

  it("held very long signs out, and the org confirms it", async () => {
    stage = await openStage();
    await stage.signIn();
    stage.world.board.press("veryLongPress");
    await stage.untilState("waitingForApproval");
    expect(stage.since(0, "signedOut")).toMatchObject([{ revoked: true }]);
    expect(await stage.vault.read("grant")).toBeUndefined();
  });
});
