import { describe, expect, test } from "vitest";
import { type Answer, BASE, jwtParts, openBrowser, openDesk } from "./desk.ts";

const CALLBACK = "http://127.0.0.1:8765/callback";

const openPhone = () => {
  const desk = openDesk();
  const browser = openBrowser(desk);
  const { clientId } = desk.org.phoneApp;
  const authorize = (more: Readonly<Record<string, string>> = {}) =>
    browser.open(
      `/services/oauth2/authorize?${new URLSearchParams({
        response_type: "token id_token",
        client_id: clientId,
        redirect_uri: CALLBACK,
        scope: "api openid refresh_token",
        state: "st&te",
        nonce: "n-1",
        ...more,
      })}`,
    );
  const decide = async (login: Answer, decision: "allow" | "deny"): Promise<URL> => {
    const answer = await browser.submit(await browser.signIn(login), "/setup/approve", { decision });
    return new URL(answer.headers.location ?? "");
  };
  return { desk, authorize, decide, clientId };
};

const fragmentOf = ({ hash }: URL): Readonly<Record<string, string>> =>
  Object.fromEntries(new URLSearchParams(hash.slice(1)));

describe("the user-agent flow", () => {
  test("brings the phone's callback tokens behind the #, and no refresh token to a web page", async () => {
    const { desk, authorize, decide, clientId } = openPhone();
    const back = await decide(await authorize(), "allow");
    expect([`${back.origin}${back.pathname}`, back.search]).toEqual([CALLBACK, ""]);
    const fields = fragmentOf(back);
    expect(Object.keys(fields).sort()).toEqual([
      "access_token",
      "id",
      "id_token",
      "instance_url",
      "issued_at",
      "scope",
      "signature",
      "state",
      "token_type",
    ]);
    expect(fields).toMatchObject({ state: "st&te", scope: "api openid", instance_url: BASE });
    expect(jwtParts(fields.id_token ?? "").payload).toMatchObject({
      iss: BASE,
      aud: clientId,
      nonce: "n-1",
      sub: fields.id,
    });
    expect(desk.org.introspect(fields.access_token ?? "").active).toBe(true);
    // What is drawn of it for people to watch holds no token.
    expect(JSON.stringify(desk.wire.messages)).not.toContain(fields.access_token);
    // Known by now, the person is not asked again; without id_token there is none.
    const again = fragmentOf(
      new URL((await authorize({ response_type: "token", scope: "api openid" })).headers.location ?? ""),
    );
    expect(again.access_token).not.toBe(fields.access_token);
    expect(again.id_token).toBeUndefined();
  });

  test("gives an app with an address of its own kind a refresh token", async () => {
    const { desk, authorize, decide } = openPhone();
    desk.org.phoneApp.redirectUris.push("porchlight://signed-in");
    const fields = fragmentOf(
      await decide(await authorize({ redirect_uri: "porchlight://signed-in" }), "allow"),
    );
    expect(desk.org.introspect(fields.refresh_token ?? "")).toMatchObject({ token_type: "refresh_token" });
  });

  test("a person who says No sends the callback an error behind the #", async () => {
    const { authorize, decide } = openPhone();
    const back = await decide(await authorize(), "deny");
    expect(back.search).toBe("");
    expect(fragmentOf(back)).toMatchObject({ error: "access_denied", state: "st&te" });
  });

  test.each([
    ["no nonce", { nonce: "" }, "invalid_request"],
    ["an ID token without openid", { scope: "api" }, "invalid_scope"],
    ["a scope too many", { scope: "full" }, "invalid_scope"],
    ["a code as well", { response_type: "code token" }, "unsupported_response_type"],
    ["a kind that nobody knows", { response_type: "token id_token x" }, "unsupported_response_type"],
  ])("%s is told to the callback, behind the #", async (_name, more, error) => {
    const back = new URL((await openPhone().authorize(more)).headers.location ?? "");
    expect([back.search, fragmentOf(back).error, fragmentOf(back).state]).toEqual(["", error, "st&te"]);
  });

  test("another callback than the app's is told to the person alone", async () => {
    const answer = await openPhone().authorize({ redirect_uri: "https://evil.example/callback" });
    expect([answer.status, answer.headers.location]).toEqual([400, undefined]);
  });

  test("is refused where the org has blocked it, and everywhere from 20 February 2027", async () => {
    const blocked = openPhone();
    blocked.desk.org.userAgentFlowEnabled = false;
    const retired = openPhone();
    const until = retired.desk.org.userAgentFlowEndsAt - retired.desk.clock.wall();
    expect(new Date(retired.desk.org.userAgentFlowEndsAt).toISOString()).toBe("2027-02-20T00:00:00.000Z");
    await retired.desk.clock.advance(until - 1);
    expect((await retired.authorize()).body).toContain('action="/login"');
    await retired.desk.clock.advance(1);
    for (const { authorize } of [blocked, retired]) {
      const back = new URL((await authorize()).headers.location ?? "");
      expect(fragmentOf(back).error).toBe("unsupported_response_type");
    }
  });
});
