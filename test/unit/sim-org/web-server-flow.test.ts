import { describe, expect, test } from "vitest";
import { type Answer, BASE, jwtParts, openBrowser, openDesk, pkce, text } from "./desk.ts";

const CALLBACK = "http://127.0.0.1:8765/callback";

const openPhone = () => {
  const desk = openDesk();
  const browser = openBrowser(desk);
  const { verifier, challenge } = pkce();
  const { clientId } = desk.org.phoneApp;
  const authorize = (more: Readonly<Record<string, string>> = {}) =>
    browser.open(
      `/services/oauth2/authorize?${new URLSearchParams({
        response_type: "code",
        client_id: clientId,
        redirect_uri: CALLBACK,
        code_challenge: challenge,
        scope: "api openid refresh_token",
        state: "st&te",
        nonce: "n-1",
        ...more,
      })}`,
    );
  const allow = async (login: Answer): Promise<URL> => {
    const approve = await browser.signIn(login);
    const answer = await browser.submit(approve, "/setup/approve", { decision: "allow" });
    return new URL(answer.headers.location ?? "");
  };
  const redeem = (code: string, more: Readonly<Record<string, string>> = {}) =>
    desk.token({
      grant_type: "authorization_code",
      client_id: clientId,
      redirect_uri: CALLBACK,
      code,
      code_verifier: verifier,
      ...more,
    });
  const code = async () => (await allow(await authorize())).searchParams.get("code") ?? "";
  return { desk, browser, authorize, allow, redeem, code, clientId };
};

describe("the web server flow with PKCE", () => {
  test("brings the phone's callback a code and the state, and the code brings tokens", async () => {
    const phone = openPhone();
    const back = await phone.allow(await phone.authorize());
    expect(`${back.origin}${back.pathname}`).toBe(CALLBACK);
    expect(back.searchParams.get("state")).toBe("st&te");
    const { status, fields } = await phone.redeem(back.searchParams.get("code") ?? "");
    expect(status).toBe(200);
    const { payload } = jwtParts(text(fields, "id_token"));
    expect(payload).toMatchObject({
      iss: BASE,
      aud: phone.clientId,
      nonce: "n-1",
      sub: fields.id,
      user_id: phone.desk.org.owner.id,
    });
  });

  test("a person who says No sends the callback an error", async () => {
    const phone = openPhone();
    const approve = await phone.browser.signIn(await phone.authorize());
    const answer = await phone.browser.submit(approve, "/setup/approve", { decision: "deny" });
    const back = new URL(answer.headers.location ?? "");
    expect([back.searchParams.get("error"), back.searchParams.get("state")]).toEqual([
      "access_denied",
      "st&te",
    ]);
  });

  test("a second sign-in of the same app needs no second yes, unless asked for", async () => {
    const phone = openPhone();
    await phone.redeem(await phone.code());
    expect((await phone.authorize()).headers.location).toMatch(
      /^http:\/\/127\.0\.0\.1:8765\/callback\?code=/,
    );
    expect((await phone.authorize({ prompt: "consent" })).body).toContain('action="/setup/approve"');
    expect((await phone.authorize({ prompt: "login" })).body).toContain('action="/login"');
    expect((await phone.authorize({ scope: "api email" })).body).toContain('action="/setup/approve"');
  });

  test.each([
    ["an unknown client", { client_id: "nobody" }, "invalid_client_id"],
    ["a foreign callback", { redirect_uri: "https://evil.example/callback" }, "redirect_uri_mismatch"],
    ["a callback with another path", { redirect_uri: "http://127.0.0.1:8765/else" }, "redirect_uri_mismatch"],
    ["a callback that is no URL", { redirect_uri: "callback" }, "redirect_uri_mismatch"],
  ])("%s is told to the person, not to the callback", async (_name, more, error) => {
    const answer = await openPhone().authorize(more);
    expect([answer.status, answer.headers.location]).toEqual([400, undefined]);
    expect(answer.body).toContain(error);
  });

  test("a board's callback is taken letter by letter, the port included", async () => {
    const { desk, authorize } = openPhone();
    const { clientId } = desk.org.boardApp;
    const at = async (redirect_uri: string) =>
      (await authorize({ client_id: clientId, redirect_uri })).body.includes("redirect_uri_mismatch");
    expect(await at("http://localhost:7878/callback")).toBe(false);
    for (const other of ["localhost:7879", "127.0.0.1:7878", "localhost", "LOCALHOST:7878"])
      expect(await at(`http://${other}/callback`)).toBe(true);
  });

  test.each([
    ["another response type", { response_type: "id_token" }, "unsupported_response_type"],
    ["no challenge", { code_challenge: "" }, "invalid_request"],
    ["a plain challenge", { code_challenge_method: "plain" }, "invalid_request"],
    ["a scope too many", { scope: "full" }, "invalid_scope"],
  ])("%s is told to the callback", async (_name, more, error) => {
    const { headers } = await openPhone().authorize(more);
    expect(new URL(headers.location ?? "").searchParams.get("error")).toBe(error);
  });

  test.each([
    ["without the verifier", { code_verifier: "" }, "invalid_grant"],
    ["with another verifier", { code_verifier: "x".repeat(43) }, "invalid_grant"],
    ["with another callback", { redirect_uri: "http://127.0.0.1:1/callback" }, "redirect_uri_mismatch"],
    ["of another client", { client_id: openDesk().org.boardApp.clientId }, "invalid_grant"],
    ["that never was", { code: "aPrx" }, "invalid_grant"],
  ])("a code %s brings nothing", async (_name, more, error) => {
    const phone = openPhone();
    expect((await phone.redeem(await phone.code(), more)).fields.error).toBe(error);
    expect(phone.desk.org.approvals).toHaveLength(0);
  });

  test("a code used twice ends what it brought", async () => {
    const phone = openPhone();
    const code = await phone.code();
    const { fields } = await phone.redeem(code);
    expect((await phone.redeem(code)).fields.error).toBe("invalid_grant");
    expect(phone.desk.org.introspect(text(fields, "access_token")).active).toBe(false);
  });

  test("a code lives for ten minutes", async () => {
    const phone = openPhone();
    const code = await phone.code();
    await phone.desk.clock.advance(600_000);
    expect((await phone.redeem(code)).fields.error).toBe("invalid_grant");
  });

  test("more callbacks can be registered", async () => {
    const phone = openPhone();
    phone.desk.org.phoneApp.redirectUris.push("https://phone.example/back");
    expect((await phone.authorize({ redirect_uri: "https://phone.example/back" })).status).toBe(200);
  });
});
