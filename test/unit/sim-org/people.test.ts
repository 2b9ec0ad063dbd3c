import { describe, expect, test } from "vitest";
import { signalOf, signalWordsUnseen } from "../../../src/signal.ts";
import { actorToken, openBrowser, openDesk, pkce, text } from "./desk.ts";

const opened = async () => {
  const desk = openDesk();
  const { fields } = await desk.askCode({
    scope: "api openid refresh_token",
    device_name: "Porch <light>",
    device_serial: "SN-7",
  });
  const browser = openBrowser(desk);
  return { desk, browser, userCode: text(fields, "user_code"), deviceCode: text(fields, "device_code") };
};

/** Link, sign-in: up to the page that asks for a yes. */
const reachApproval = async () => {
  const { desk, browser, userCode, deviceCode } = await opened();
  const connect = await browser.open(`/setup/connect?user_code=${userCode}`);
  const login = await browser.submit(connect, "/setup/connect", { user_code: userCode, save: "Connect" });
  const approve = await browser.signIn(login);
  return { desk, browser, userCode, deviceCode, connect, login, approve };
};

describe("a person with a code", () => {
  test("opens the link, signs in, compares, allows; the board gets its tokens", async () => {
    const { desk, browser, deviceCode, connect, approve, userCode } = await reachApproval();
    expect(connect.body).toContain(`value="${userCode}"`);
    expect(approve.body).toContain(`<output>${userCode}</output>`);
    // So that the person can compare the lamp, too.
    expect(approve.body).toContain(signalWordsUnseen(signalOf(userCode)));
    expect(approve.body).toContain("Porch &lt;light&gt; (SN-7)");
    const done = await browser.submit(approve, "/setup/approve", { decision: "allow" });
    expect(done.status).toBe(200);
    const { fields } = await desk.poll(deviceCode);
    expect(desk.org.introspect(text(fields, "access_token"))).toMatchObject({
      active: true,
      username: desk.org.owner.username,
    });
    expect(desk.org.approvals[0]?.device).toBe("Porch <light> (SN-7)");
  });

  test("denies; the board is told", async () => {
    const { desk, browser, deviceCode, approve } = await reachApproval();
    await browser.submit(approve, "/setup/approve", { decision: "deny" });
    expect((await desk.poll(deviceCode)).fields.error).toBe("access_denied");
  });

  test("is not asked to sign in twice in one browser", async () => {
    const { desk, browser, approve } = await reachApproval();
    await browser.submit(approve, "/setup/approve", { decision: "allow" });
    const { fields } = await desk.askCode();
    const userCode = text(fields, "user_code");
    const connect = await browser.open("/setup/connect");
    const next = await browser.submit(connect, "/setup/connect", {
      user_code: ` ${userCode.slice(0, 4).toLowerCase()}-${userCode.slice(4)}`,
    });
    expect(next.body).toContain(`<output>${userCode}</output>`);
  });

  test("another person may sign in instead", async () => {
    const { desk, browser, approve, deviceCode } = await reachApproval();
    const login = await browser.submit(approve, "/logout", {});
    expect(login.body).toContain('action="/login"');
    const ben = desk.org.users[1];
    if (ben === undefined) throw new Error("Ben is missing");
    const again = await browser.signIn(login, ben);
    await browser.submit(again, "/setup/approve", { decision: "allow" });
    await desk.poll(deviceCode);
    expect(desk.org.approvals[0]?.userId).toBe(ben.id);
  });

  test.each(["another code", "an app's request"])(
    "allows what the page shows, and nothing when the browser was asked for %s since",
    async (what) => {
      const { desk, browser, approve, deviceCode } = await reachApproval();
      const { fields } = await desk.askCode();
      const connect = await browser.open("/setup/connect");
      const next =
        what === "another code"
          ? await browser.submit(connect, "/setup/connect", { user_code: text(fields, "user_code") })
          : await browser.open(
              `/services/oauth2/authorize?${new URLSearchParams({
                response_type: "code",
                client_id: desk.org.phoneApp.clientId,
                redirect_uri: desk.org.phoneApp.redirectUris[0] ?? "",
                code_challenge: pkce().challenge,
                code_challenge_method: "S256",
              })}`,
            );
      for (const decision of ["allow", "deny"])
        expect((await browser.submit(approve, "/setup/approve", { decision })).status).toBe(403);
      expect((await desk.poll(deviceCode)).fields.error).toBe("authorization_pending");
      const done = await browser.submit(next, "/setup/approve", { decision: "allow" });
      if (what === "another code")
        expect((await desk.poll(text(fields, "device_code"))).fields.access_token).toBeDefined();
      else expect(done.headers.location).toContain("code=");
    },
  );

  test("hears when no device shows the code", async () => {
    const { browser } = await opened();
    const page = await browser.submit(await browser.open("/setup/connect"), "/setup/connect", {
      user_code: "ZZZZZZZZ",
    });
    expect(page.status).toBe(400);
    expect(page.body).toContain('role="alert"');
  });

  test.each(["before the code is handed in", "while the person thinks"])(
    "hears when the code ends %s",
    async (when) => {
      if (when.startsWith("before")) {
        const { desk, browser, userCode } = await opened();
        await desk.clock.advance(600_000);
        const page = await browser.submit(await browser.open("/setup/connect"), "/setup/connect", {
          user_code: userCode,
        });
        expect([page.status, page.body.includes('action="/setup/connect"')]).toEqual([400, false]);
        return;
      }
      const { desk, browser, approve } = await reachApproval();
      await desk.clock.advance(600_000);
      expect((await browser.submit(approve, "/setup/approve", { decision: "allow" })).status).toBe(400);
      expect((await browser.open("/setup/approve")).status).toBe(400);
    },
  );

  test("cannot sign in with a wrong password or as nobody", async () => {
    const { desk, browser } = await opened();
    const login = await browser.open("/login");
    expect((await browser.signIn(login, desk.org.owner, "guess")).status).toBe(403);
    expect((await browser.submit(login, "/login", { username: "nobody", pw: "porchlight" })).status).toBe(
      403,
    );
  });
});

describe("the pages", () => {
  test("a form from elsewhere does nothing", async () => {
    const { desk, browser, deviceCode, approve } = await reachApproval();
    for (const csrf of ["", "guess"])
      expect((await browser.submit(approve, "/setup/approve", { decision: "allow", csrf })).status).toBe(403);
    expect((await desk.poll(deviceCode)).fields.error).toBe("authorization_pending");
  });

  test("the session's cookie changes at the sign-in and cannot be read by scripts", async () => {
    const { browser, userCode } = await opened();
    const connect = await browser.send("GET", `/setup/connect?user_code=${userCode}`);
    expect(connect.headers["set-cookie"]).toMatch(/; HttpOnly; SameSite=Lax$/);
    const before = browser.cookie();
    const login = await browser.open("/login");
    await browser.signIn(login);
    expect(browser.cookie()).not.toBe(before);
    const { desk } = await opened();
    const stranger = await desk.ask({ method: "GET", url: "/setup/assets", headers: { cookie: before } });
    expect(stranger.headers.location).toBe("/login");
  });

  test("nothing typed by others becomes markup", async () => {
    const { browser } = await opened();
    const page = await browser.open(`/setup/connect?user_code=${encodeURIComponent('"><script>')}`);
    expect(page.body).not.toContain("<script");
  });

  test("need no script and allow none", async () => {
    const { approve } = await reachApproval();
    expect(approve.headers["content-security-policy"]).toContain("default-src 'none'");
    expect(approve.body).not.toContain("<script");
  });

  test.each(["/setup/approve", "/setup/assets", "/"])("%s wants a sign-in first", async (path) => {
    const { browser } = await opened();
    expect((await browser.open(path)).body).toContain('action="/login"');
  });

  test("a decision without a sign-in decides nothing", async () => {
    const { desk, browser, userCode, deviceCode } = await opened();
    const connect = await browser.open("/setup/connect");
    await browser.submit(connect, "/setup/connect", { user_code: userCode });
    const page = await browser.submit(connect, "/setup/approve", { decision: "allow" });
    expect(page.body).toContain('action="/login"');
    expect((await desk.poll(deviceCode)).fields.error).toBe("authorization_pending");
  });
});

describe("the devices page", () => {
  test("shows approvals, assets and events, and revokes one's own", async () => {
    const { desk, browser, deviceCode, approve } = await reachApproval();
    await browser.submit(approve, "/setup/approve", { decision: "allow" });
    const { fields } = await desk.poll(deviceCode);
    const access = text(fields, "access_token");
    await desk.exchange(access, actorToken(desk.claims()));
    await desk.exchange(access, null);
    const page = await browser.open("/setup/assets");
    for (const shown of ["Porch &lt;light&gt; (SN-7)", "SN-1", "porch-1", "Asset token events (2)"])
      expect(page.body).toContain(shown);
    expect(page.body).not.toContain(access);
    const after = await browser.submit(page, "/setup/assets/revoke", {
      approval: browser.hidden(page.body, "approval"),
    });
    expect(after.body).not.toContain("Revoke");
    expect(desk.org.introspect(access).active).toBe(false);
  });

  test("does not revoke somebody else's approval, nor without a sign-in", async () => {
    const { desk, browser } = await opened();
    await desk.signIn();
    const approval = desk.org.approvals[0]?.id ?? "";
    const login = await browser.open("/login");
    expect((await browser.submit(login, "/setup/assets/revoke", { approval })).body).toContain(
      'action="/login"',
    );
    const ben = desk.org.users[1];
    const page = await browser.signIn(login, ben);
    await browser.submit(page, "/setup/assets/revoke", { approval });
    expect(desk.org.approvals).toHaveLength(1);
  });
});
