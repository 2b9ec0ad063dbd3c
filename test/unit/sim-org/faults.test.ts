import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import type { NoAnswer } from "../../../firmware-sim/org/messages.ts";
import { SimulatedOrg } from "../../../firmware-sim/org/org.ts";
import type { Listening } from "../../../firmware-sim/org/server.ts";
import { BASE, openBrowser, openDesk, text } from "./desk.ts";

describe("faults of the way", () => {
  test("offline answers nobody, timeouts only so many, and neither does the work", async () => {
    const desk = openDesk();
    desk.org.offline = true;
    await expect(desk.askCode()).rejects.toMatchObject({ kind: "unreachable", code: "ORG_UNREACHABLE" });
    await expect(desk.get("/setup/connect")).rejects.toMatchObject({ kind: "unreachable" });
    desk.org.offline = false;
    desk.org.timeouts = 1;
    await expect(desk.askCode()).rejects.toMatchObject({ kind: "timeout", code: "ORG_TIMEOUT" });
    expect((await desk.askCode()).status).toBe(200);
    expect(desk.org.received).toHaveLength(4);
  });

  test.each([
    ["htmlPages", 200, /maintenance/],
    ["emptyBodies", 200, /^$/],
    ["hugeBodies", 200, /x{1000}/],
    ["serverErrors", 500, /^error=server_error/],
  ] as const)("%s strike once and the request is not obeyed", async (fault, status, body) => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org[fault] = 1;
    const struck = await desk.refresh(text(first, "refresh_token"));
    expect(struck.status).toBe(status);
    expect(struck.body).toMatch(body);
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(200);
  });

  test("echoes refuse with what was sent, each in another form, and obey nothing", async () => {
    const desk = openDesk();
    const token = text(await desk.signIn(), "refresh_token");
    desk.org.echoes = 4;
    const bodies: string[] = [];
    for (let each = 0; each < 4; each++) {
      const { status, body } = await desk.refresh(token);
      expect(status).toBe(400);
      expect(decodeURIComponent(body)).toContain(token);
      bodies.push(body.slice(0, 6));
    }
    expect(bodies).toEqual(["<!doct", '[{"mes', "error=", '{"erro']);
    expect((await desk.refresh(token)).status).toBe(200);
  });

  test("a truncated answer was obeyed", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.truncatedBodies = 1;
    const cut = await desk.refresh(text(first, "refresh_token"));
    expect(() => JSON.parse(cut.body)).toThrow();
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(400);
  });

  test("a dripping answer never comes to its end, and was obeyed", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.drippingBodies = 1;
    await expect(desk.refresh(text(first, "refresh_token"))).rejects.toMatchObject({ kind: "timeout" });
    expect((await desk.refresh(text(first, "refresh_token"))).status).toBe(400);
  });

  test("the token endpoint refuses in the words that it was given, once each, and does not obey", async () => {
    const desk = openDesk();
    const first = await desk.signIn();
    desk.org.refusals = [
      { error: "inactive_org", description: "organization is inactive" },
      { error: "temporarily_unavailable", description: "later", status: 503 },
    ];
    const answers = [];
    for (let asked = 0; asked < 3; asked++) {
      const { status, fields } = await desk.refresh(text(first, "refresh_token"));
      answers.push([status, fields.error]);
    }
    expect(answers).toEqual([
      [400, "inactive_org"],
      [503, "temporarily_unavailable"],
      [200, undefined],
    ]);
  });

  test("busy lasts as long as Retry-After says, from the first request on", async () => {
    const desk = openDesk();
    desk.org.busyWithRetryAfter = 30;
    await desk.clock.advance(60_000);
    const answers: unknown[] = [];
    for (const pause of [0, 10_000, 20_000]) {
      await desk.clock.advance(pause);
      const { status, headers } = await desk.askCode();
      answers.push([status, headers["retry-after"]]);
    }
    expect(answers).toEqual([
      [503, "30"],
      [503, "20"],
      [200, undefined],
    ]);
    desk.org.busyWithRetryAfter = 5;
    expect((await desk.askCode()).headers["retry-after"]).toBe("5");
  });

  test("formEncodedErrors changes errors only", async () => {
    const desk = openDesk();
    desk.org.formEncodedErrors = true;
    const refused = await desk.poll("x");
    expect(new URLSearchParams(refused.body).get("error")).toBe("invalid_grant");
    expect((await desk.askCode()).fields).toHaveProperty("user_code");
  });

  test("pages for people are spared by the faults of programs", async () => {
    const desk = openDesk();
    desk.org.htmlPages = 1;
    desk.org.truncatedBodies = 1;
    await openBrowser(desk).open("/setup/connect");
    expect([desk.org.htmlPages, desk.org.truncatedBodies]).toEqual([1, 1]);
  });

  test.each([
    ["GET", "/nowhere", 404],
    ["GET", "/services/oauth2/token", 405],
    ["DELETE", "/id/keys", 405],
  ])("%s %s is %i", async (method, url, status) => {
    expect((await openDesk().ask({ method, url })).status).toBe(status);
  });

  test("received keeps what was asked, parsed", async () => {
    const desk = openDesk();
    await desk.askCode({ scope: "api" });
    expect(desk.org.received).toEqual([
      {
        at: desk.clock.wall(),
        method: "POST",
        path: "/services/oauth2/token",
        query: {},
        form: { response_type: "device_code", client_id: desk.clientId, scope: "api" },
        headers: { "content-type": "application/x-www-form-urlencoded" },
      },
    ]);
  });
});

describe("the Http port", () => {
  const request = { method: "GET", url: `${BASE}/services/data` } as const;

  test("answers like the network would", async () => {
    const desk = openDesk();
    const answer = await desk.org.http()(request, new AbortController().signal);
    expect([answer.status, answer.headers["content-type"]]).toEqual([200, "application/json;charset=UTF-8"]);
  });

  test("a request that is never answered takes its time, then fails in the caller's own words", async () => {
    const desk = openDesk();
    desk.org.timeouts = 1;
    const http = desk.org.http((silence: NoAnswer) => new RangeError(silence.code), 20_000);
    const failed = http(request, new AbortController().signal).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(await desk.clock.until(failed)).toEqual(new RangeError("ORG_TIMEOUT"));
    expect(desk.clock.mono()).toBe(20_000);
  });

  test("an unreachable org fails at once", async () => {
    const desk = openDesk();
    desk.org.offline = true;
    await expect(desk.org.http()(request, new AbortController().signal)).rejects.toMatchObject({
      code: "ORG_UNREACHABLE",
    });
    expect(desk.clock.mono()).toBe(0);
  });

  test("an abort ends the waiting, before, during and after a slow answer", async () => {
    const desk = openDesk();
    const reason = new Error("enough");
    await expect(desk.org.http()(request, AbortSignal.abort(reason))).rejects.toBe(reason);
    desk.org.answerDelayMs = 60_000;
    const controller = new AbortController();
    const pending = desk.org
      .http()(request, controller.signal)
      .catch((error: unknown) => error);
    await desk.clock.advance(1000);
    controller.abort(reason);
    expect(await pending).toBe(reason);
    await desk.clock.advance(60_000);
    expect(desk.clock.waiting).toBe(0);
  });
});

describe("the sequence diagram", () => {
  test("tells the sign-in as arrows with meanings, and no secret in full", async () => {
    const desk = openDesk();
    const grant = await desk.signIn();
    await desk.refresh(text(grant, "refresh_token"));
    await desk.get("/services/oauth2/userinfo", text(grant, "access_token"));
    const { messages } = desk.wire;
    expect(messages.map(({ from, to, title, ok }) => [from, to, title, ok])).toEqual([
      ["board", "org", "POST /services/oauth2/token", true],
      ["org", "board", "200 codes", true],
      ["board", "org", "POST /services/oauth2/token", true],
      ["org", "board", "200 tokens", true],
      ["board", "org", "POST /services/oauth2/token", true],
      ["org", "board", "200 tokens", true],
      ["board", "org", "GET /services/oauth2/userinfo", true],
      ["org", "board", "200 who it is", true],
    ]);
    const everything = JSON.stringify(messages);
    for (const name of ["access_token", "refresh_token", "id_token", "signature"])
      expect(everything).not.toContain(text(grant, name));
    for (const { meaning } of messages) expect(meaning).toMatch(/[.?!]$/);
  });

  test("waiting is no fault, a refusal is, and so is silence", async () => {
    const desk = openDesk();
    const { fields } = await desk.askCode();
    await desk.poll(text(fields, "device_code"));
    await desk.poll("nonsense");
    await desk.token({ grant_type: "nonsense" });
    desk.org.timeouts = 1;
    await expect(desk.askCode()).rejects.toThrow();
    desk.org.approve(text(fields, "user_code"));
    desk.org.loseAnswerAfterGrant = 1;
    await desk.clock.advance(5000);
    await expect(desk.poll(text(fields, "device_code"))).rejects.toThrow();
    const answers = desk.wire.messages.filter((message) => message.from === "org");
    expect(answers.map((message) => message.ok)).toEqual([true, true, false, false, false, false]);
  });

  test("knows phone, person and board apart", async () => {
    const desk = openDesk();
    await openBrowser(desk).open("/login");
    await desk.token({
      grant_type: "refresh_token",
      client_id: desk.org.phoneApp.clientId,
      refresh_token: "x",
    });
    await desk.post("/services/oauth2/revoke", { token: "x" }, { "X-Porchlight-Sim-Party": "phone" });
    await desk.get("/services/data", text(await desk.signIn(), "access_token"));
    const asking = desk.wire.messages
      .filter((message) => message.to === "org")
      .map((message) => message.from);
    expect(asking).toEqual(["person", "phone", "phone", "board", "board", "board"]);
  });

  test("passwords and long values are not shown", async () => {
    const desk = openDesk();
    const browser = openBrowser(desk);
    await browser.signIn(await browser.open("/login"));
    await desk.askCode({ scope: "x".repeat(500) });
    expect(JSON.stringify(desk.wire.messages)).not.toMatch(/"porchlight"|x{300}/);
  });
});

describe("over HTTP on 127.0.0.1", () => {
  let listening: Listening | undefined;
  afterEach(() => listening?.close());
  const serve = async () => {
    const clock = new VirtualClock();
    const org = new SimulatedOrg({ clock });
    listening = await org.listen({ port: 0 });
    return { org, url: listening.url, port: listening.port };
  };

  test("takes its address from where it listens and gives a code", async () => {
    const { org, url } = await serve();
    expect(org.baseUrl).toBe(url);
    const answer = await fetch(`${url}/services/oauth2/token`, {
      method: "POST",
      body: new URLSearchParams({ response_type: "device_code", client_id: org.boardApp.clientId }),
    });
    expect(await answer.json()).toMatchObject({ verification_uri: `${url}/setup/connect` });
  });

  test("drops the connection when offline, and keeps it open without a word on a timeout", async () => {
    const { org, url } = await serve();
    org.offline = true;
    await expect(fetch(`${url}/services/data`)).rejects.toThrow();
    org.offline = false;
    org.timeouts = 1;
    const controller = new AbortController();
    const pending = fetch(`${url}/services/data`, { signal: controller.signal }).catch(
      (error: unknown) => error,
    );
    while (org.timeouts > 0) await new Promise((resolve) => setImmediate(resolve));
    const reason = new Error("enough");
    controller.abort(reason);
    expect(await pending).toBe(reason);
  });

  test("refuses bodies that are too large and addresses that are none", async () => {
    const { url } = await serve();
    const large = await fetch(`${url}/services/oauth2/token`, {
      method: "POST",
      body: "x".repeat(300_000),
    }).then(
      (answer) => answer.status,
      () => 413, // the connection may close before the body is through
    );
    expect(large).toBe(413);
    expect((await fetch(`${url}//`)).status).toBe(400);
  });

  test("lets pages on this machine call its endpoints, and nobody else's, and never its pages", async () => {
    const { url } = await serve();
    const allowed = async (path: string, origin: string, method = "GET") =>
      (await fetch(`${url}${path}`, { method, headers: { origin } })).headers.get(
        "access-control-allow-origin",
      );
    expect(await allowed("/id/keys", "http://127.0.0.1:4000")).toBe("http://127.0.0.1:4000");
    expect(await allowed("/services/oauth2/token", "http://localhost:4000", "OPTIONS")).toBe(
      "http://localhost:4000",
    );
    expect(await allowed("/id/keys", "https://evil.example")).toBeNull();
    expect(await allowed("/setup/connect", "http://127.0.0.1:4000")).toBeNull();
  });

  test("a taken port is an error", async () => {
    const { org, port } = await serve();
    await expect(org.listen({ port })).rejects.toMatchObject({ code: "EADDRINUSE" });
  });
});
