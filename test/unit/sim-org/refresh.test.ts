import { describe, expect, test } from "vitest";
import { openDesk, text } from "./desk.ts";

const DEAD = { error: "invalid_grant", error_description: "expired access/refresh token" };

describe("refreshing", () => {
  test("rotates: a new access token and a new refresh token, and both old and new access tokens live", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    const { status, fields } = await desk.refresh(text(first, "refresh_token"));
    expect(status).toBe(200);
    expect(fields.refresh_token).not.toBe(first.refresh_token);
    expect(desk.org.introspect(text(first, "access_token")).active).toBe(true);
    expect(desk.org.introspect(text(fields, "access_token")).active).toBe(true);
    expect(desk.org.accessTokenOf()).toBe(fields.access_token);
  });

  test("without rotation the answer has no refresh token and the old one goes on working", async () => {
    const desk = openDesk();
    desk.org.rotateRefreshTokens = false;
    const first = await desk.signIn();
    for (let turn = 0; turn < 3; turn++) {
      const { status, fields } = await desk.refresh(text(first, "refresh_token"));
      expect([status, "refresh_token" in fields]).toEqual([200, false]);
    }
  });

  test("a refresh token used twice ends the grant and all its access tokens", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    const second = await desk.refresh(text(first, "refresh_token"));
    const again = await desk.refresh(text(first, "refresh_token"));
    expect([again.status, again.fields]).toEqual([400, DEAD]);
    expect((await desk.refresh(text(second.fields, "refresh_token"))).fields).toEqual(DEAD);
    for (const fields of [first, second.fields])
      expect(desk.org.introspect(text(fields, "access_token")).active).toBe(false);
  });

  test("a lost answer has rotated all the same, so trying again ends the grant", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.loseAnswerAfterRotation = 1;
    await expect(desk.refresh(text(first, "refresh_token"))).rejects.toMatchObject({
      code: "ORG_UNREACHABLE",
    });
    expect((await desk.refresh(text(first, "refresh_token"))).fields).toEqual(DEAD);
  });

  test("two refreshes at once: the second is told to wait, and nothing ends", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.answerDelayMs = 1000;
    const both = Promise.all([1, 2, 3].map(() => desk.refresh(text(first, "refresh_token"))));
    const answers = await desk.clock.until(both);
    expect(answers.map((answer) => answer.status)).toEqual([200, 400, 400]);
    expect(answers[2]?.fields).toEqual({
      error: "invalid_grant",
      error_description: "token request is already being processed",
    });
    expect(desk.org.approvals).toHaveLength(1);
  });

  test("alreadyProcessing is transient: the same token works afterwards", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.alreadyProcessing = 1;
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(400);
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(200);
  });

  test("a refresh token left alone for thirty days is dead", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    await desk.clock.advance(31 * 86_400_000);
    expect((await desk.refresh(text(first, "refresh_token"))).fields).toEqual(DEAD);
    expect(desk.org.approvals).toHaveLength(0);
  });

  test.each([
    ["none at all", {}, "invalid_request"],
    ["one that never was", { refresh_token: "5Aep861nonsense" }, "invalid_grant"],
  ])("a refresh with %s is refused", async (_name, form, error) => {
    const desk = openDesk();
    const answer = await desk.token({ grant_type: "refresh_token", client_id: desk.clientId, ...form });
    expect(answer.fields.error).toBe(error);
  });

  test("another client cannot use the token, and does no harm by trying", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    const theft = await desk.token({
      grant_type: "refresh_token",
      client_id: desk.org.phoneApp.clientId,
      refresh_token: text(first, "refresh_token"),
    });
    expect(theft.fields.error).toBe("invalid_grant");
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(200);
  });

  test("an access token ends with its time; a new one is there after a refresh", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    await desk.clock.advance(desk.org.accessTokenLifetimeMs);
    expect(desk.org.introspect(text(first, "access_token")).active).toBe(false);
    expect(desk.org.accessTokenOf()).toBeUndefined();
    const { fields } = await desk.refresh(text(first, "refresh_token"));
    expect(desk.org.introspect(text(fields, "access_token")).active).toBe(true);
  });

  test("revokeAll and expireAccessTokens do what they say", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.expireAccessTokens();
    expect(desk.org.introspect(text(first, "access_token")).active).toBe(false);
    const second = await desk.refresh(text(first, "refresh_token"));
    expect(second.status).toBe(200);
    desk.org.revokeAll();
    expect((await desk.refresh(text(second.fields, "refresh_token"))).fields).toEqual(DEAD);
  });
});
