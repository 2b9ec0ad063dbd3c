import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { openDesk, text } from "./desk.ts";

describe("asking for a code", () => {
  test("gives exactly the four fields, with a user code of eight capitals and digits", async () => {
    const desk = openDesk();
    const { status, fields } = await desk.askCode();
    expect(status).toBe(200);
    expect(fields).toEqual({
      device_code: expect.any(String),
      user_code: expect.stringMatching(/^[A-Z0-9]{8}$/),
      verification_uri: "https://northwind.example/setup/connect",
      interval: 5,
    });
  });

  test("the user code can be read out of the device code, so neither may be logged", async () => {
    const { fields } = await openDesk().askCode();
    const inside = Buffer.from(text(fields, "device_code"), "base64").toString("utf8");
    expect(inside).toContain(text(fields, "user_code"));
  });

  test("a multipart form is understood", async () => {
    const desk = openDesk();
    const part = (name: string, value: string) =>
      `--XyZ\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const { status } = await desk.ask({
      method: "POST",
      url: "/services/oauth2/token",
      headers: { "Content-Type": "multipart/form-data; boundary=XyZ" },
      body: `${part("response_type", "device_code")}${part("client_id", desk.clientId)}--XyZ--\r\n`,
    });
    expect(status).toBe(200);
  });

  test.each([
    ["urlencoded", "application/x-www-form-urlencoded", /user_code=[A-Z0-9]{8}/],
    ["xml", "application/xml", /<user_code>[A-Z0-9]{8}<\/user_code>/],
    ["nonsense", "application/json", /"user_code":"[A-Z0-9]{8}"/],
  ])("format %s answers as %s", async (format, type, body) => {
    const answer = await openDesk().askCode({ format });
    expect(answer.headers["content-type"]).toContain(type);
    expect(answer.body).toMatch(body);
  });

  test.each([
    ["an unknown client", { client_id: "nobody" }, "invalid_client_id"],
    ["a wrong secret", { client_secret: "guess" }, "invalid_client"],
    ["a scope the app may not have", { scope: "api full" }, "invalid_scope"],
    ["another response type", { response_type: "token" }, "unsupported_response_type"],
    ["another grant type", { grant_type: "password" }, "unsupported_grant_type"],
    [
      "a grant type named like a part of every object",
      { grant_type: "constructor" },
      "unsupported_grant_type",
    ],
  ])("%s is refused", async (_name, form, error) => {
    const answer = await openDesk().askCode(form);
    expect([answer.status, answer.fields.error]).toEqual([400, error]);
  });

  test("the phone's app has no device flow", async () => {
    const desk = openDesk();
    const { fields } = await desk.askCode({ client_id: desk.org.phoneApp.clientId });
    expect(fields).toEqual({
      error: "invalid_grant",
      error_description: "device flow is not enabled for the app",
    });
  });

  test("an empty request is refused", async () => {
    expect((await openDesk().token({})).fields.error).toBe("invalid_request");
  });

  test("a switched-off device flow is told in the words of the real thing", async () => {
    const desk = openDesk();
    desk.org.deviceFlowEnabled = false;
    expect((await desk.askCode()).fields.error_description).toBe("device flow is not enabled for the app");
  });

  test("too many codes end in server_error", async () => {
    const desk = openDesk();
    desk.org.refuseCodes = 1;
    expect((await desk.askCode()).fields.error).toBe("server_error");
    expect((await desk.askCode()).status).toBe(200);
  });

  test("an app whose secret is required refuses without it and takes it with it", async () => {
    const desk = openDesk();
    desk.org.boardApp.secretRequired = true;
    expect((await desk.askCode()).fields.error).toBe("invalid_client");
    expect((await desk.askCode({ client_secret: desk.org.boardApp.clientSecret })).status).toBe(200);
  });
});

describe("polling", () => {
  const opened = async () => {
    const desk = openDesk();
    const { fields } = await desk.askCode();
    return { ...desk, userCode: text(fields, "user_code"), deviceCode: text(fields, "device_code") };
  };

  test("waits with status 400 until the person has answered", async () => {
    const { poll, deviceCode, clock, org, userCode } = await opened();
    const waiting = await poll(deviceCode);
    expect([waiting.status, waiting.fields.error]).toEqual([400, "authorization_pending"]);
    await clock.advance(5000);
    org.approve(userCode);
    expect((await poll(deviceCode)).status).toBe(200);
  });

  test("the tokens come in the org's own shape, without expires_in", async () => {
    const { poll, deviceCode, org, userCode, clock } = await opened();
    org.approve(userCode.toLowerCase());
    const { fields } = await poll(deviceCode);
    const id = `https://northwind.example/id/${text(fields, "id").split("/")[4]}/${org.owner.id}`;
    expect(fields).toEqual({
      access_token: expect.stringMatching(/^00D\w{12}!AQ/),
      refresh_token: expect.stringMatching(/^5Aep861/),
      signature: createHmac("sha256", org.boardApp.clientSecret)
        .update(`${id}${clock.wall()}`)
        .digest("base64"),
      scope: expect.stringContaining("refresh_token"),
      id_token: expect.any(String),
      instance_url: "https://northwind.example",
      id,
      token_type: "Bearer",
      issued_at: String(clock.wall()),
    });
  });

  test.each([
    ["api", false, false],
    ["api refresh_token", true, false],
    ["openid offline_access", true, true],
  ])("scope %s decides about refresh and ID token", async (scope, refreshes, identifies) => {
    const fields = await openDesk().signIn({ scope });
    expect([fields.scope, "refresh_token" in fields, "id_token" in fields]).toEqual([
      scope,
      refreshes,
      identifies,
    ]);
  });

  test("too early is slow_down, and the pause grows by five seconds for good", async () => {
    const { poll, deviceCode, clock } = await opened();
    const answers: unknown[] = [];
    for (const pause of [0, 3000, 5000, 9000, 15_000]) {
      await clock.advance(pause);
      answers.push((await poll(deviceCode)).fields.error);
    }
    expect(answers).toEqual(["authorization_pending", "slow_down", "slow_down", "slow_down", "slow_down"]);
    await clock.advance(25_000);
    expect((await poll(deviceCode)).fields.error).toBe("authorization_pending");
  });

  test("slowDowns and pendingPolls take their turns, then the tokens come", async () => {
    const { poll, deviceCode, clock, org, userCode } = await opened();
    org.approve(userCode);
    org.slowDowns = 1;
    org.pendingPolls = 1;
    const answers: unknown[] = [];
    for (let turn = 0; turn < 3; turn++) {
      answers.push((await poll(deviceCode)).fields.error ?? "tokens");
      await clock.advance(10_000);
    }
    expect(answers).toEqual(["slow_down", "authorization_pending", "tokens"]);
  });

  test("a refused code says access_denied", async () => {
    const { poll, deviceCode, org, userCode } = await opened();
    org.deny(userCode);
    expect((await poll(deviceCode)).fields.error).toBe("access_denied");
  });

  test("denyNext refuses the next code only", async () => {
    const desk = openDesk();
    desk.org.denyNext = 1;
    const first = await desk.askCode();
    const second = await desk.askCode();
    expect((await desk.poll(text(first.fields, "device_code"))).fields.error).toBe("access_denied");
    expect((await desk.poll(text(second.fields, "device_code"))).fields.error).toBe("authorization_pending");
  });

  test.each(["invalid_grant", "expired_token"] as const)(
    "an expired code says %s when set so",
    async (error) => {
      const { poll, deviceCode, clock, org, userCode } = await opened();
      org.expiredCodeError = error;
      await clock.advance(600_000);
      expect((await poll(deviceCode)).fields.error).toBe(error);
      expect(() => org.approve(userCode)).toThrow();
    },
  );

  test("a redeemed code that is polled again ends the grant", async () => {
    const { poll, deviceCode, org, userCode, clock } = await opened();
    org.approve(userCode);
    const { fields } = await poll(deviceCode);
    await clock.advance(5000);
    expect((await poll(deviceCode)).fields.error).toBe("invalid_grant");
    expect(org.introspect(text(fields, "access_token"))).toEqual({ active: false });
    expect(org.introspect(text(fields, "refresh_token"))).toEqual({ active: false });
  });

  test("nobody redeems another client's code, or one that never was", async () => {
    const { token, deviceCode, org } = await opened();
    const stolen = { grant_type: "device", client_id: org.phoneApp.clientId, code: deviceCode };
    expect((await token(stolen)).fields.error).toBe("invalid_grant");
    expect((await token({ ...stolen, client_id: org.boardApp.clientId, code: "x" })).fields.error).toBe(
      "invalid_grant",
    );
  });

  test("an answer lost after the grant leaves a code that was used", async () => {
    const { poll, deviceCode, org, userCode } = await opened();
    org.approve(userCode);
    org.loseAnswerAfterGrant = 1;
    await expect(poll(deviceCode)).rejects.toMatchObject({ kind: "lost" });
    expect(org.approvals).toHaveLength(1);
    expect((await poll(deviceCode)).fields.error).toBe("invalid_grant");
    expect(org.approvals).toHaveLength(0);
  });

  test("the sixth approval of a user and app pushes out the oldest", async () => {
    const desk = openDesk();
    const grants = [];
    for (let board = 0; board < 6; board++) grants.push(await desk.signIn());
    const alive = grants.map((grant) => desk.org.introspect(text(grant, "access_token")).active);
    expect(alive).toEqual([false, true, true, true, true, true]);
  });

  test("a subscriber hears of each step of a code until it stops listening", async () => {
    const desk = openDesk();
    const heard: string[] = [];
    const stop = desk.org.subscribe((change) =>
      heard.push(`${change.kind} ${"status" in change ? change.status : ""}`),
    );
    await desk.signIn();
    stop();
    await desk.signIn();
    expect(heard).toEqual(["code pending", "code approved", "approval given", "code redeemed"]);
  });
});
