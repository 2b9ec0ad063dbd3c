import { describe, expect, test } from "vitest";
import { actorToken, BASE, openDesk, text } from "./desk.ts";

const signedIn = async (scope?: string) => {
  const desk = openDesk();
  const grant = await desk.signIn(scope === undefined ? {} : { scope });
  const access = text(grant, "access_token");
  const query = (soql: string) =>
    desk.get(`/services/data/v67.0/query?q=${encodeURIComponent(soql)}`, access);
  return { desk, grant, access, query };
};

describe("who it is", () => {
  test("userinfo tells name, address and time zone", async () => {
    const { desk, access } = await signedIn();
    const { status, fields } = await desk.get("/services/oauth2/userinfo", access);
    expect(status).toBe(200);
    expect(fields).toMatchObject({
      user_id: desk.org.owner.id,
      name: "Ada Okafor",
      zoneinfo: "Europe/London",
      utcOffset: 0,
      address: { locality: "Bristol", country: "United Kingdom" },
    });
    expect(fields).not.toHaveProperty("latitude");
  });

  test("a time zone east of Greenwich has its offset in milliseconds", async () => {
    const desk = openDesk();
    const { fields } = await desk.askCode();
    desk.org.approve(text(fields, "user_code"), desk.org.users[1]);
    const grant = await desk.poll(text(fields, "device_code"));
    const info = await desk.get("/services/oauth2/userinfo", text(grant.fields, "access_token"));
    expect(info.fields.utcOffset).toBe(3_600_000);
  });

  test("the id URL of the grant tells the same person", async () => {
    const { desk, grant, access } = await signedIn();
    expect((await desk.get(text(grant, "id"), access)).fields).toMatchObject({
      user_id: desk.org.owner.id,
      addr_city: "Bristol",
    });
    const [org = "", user = ""] = text(grant, "id").split("/").slice(-2);
    expect((await desk.get(`/id/${org}/005000000000001`, access)).body).toBe("Bad_Id");
    expect((await desk.get(`/id/00D000000000001/${user}`, access)).body).toBe("Wrong_Org");
  });

  test.each(["/services/oauth2/userinfo", "/id/00D000000000001/005000000000001"])(
    "%s answers a dead token with 403 and a bare word",
    async (url) => {
      const { desk, access } = await signedIn();
      desk.org.expireAccessTokens();
      for (const token of [access, undefined]) {
        const answer = await desk.get(url, token);
        expect([answer.status, answer.body]).toEqual([403, "Bad_OAuth_Token"]);
      }
    },
  );

  test("a sign-in for refreshing only does not tell who it is", async () => {
    const { desk, access } = await signedIn("refresh_token");
    expect((await desk.get("/services/oauth2/userinfo", access)).status).toBe(403);
  });
});

describe("ending and looking at tokens", () => {
  test("revoking a refresh token ends everything, revoking an access token only that one", async () => {
    const { desk, grant, access } = await signedIn();
    const second = text((await desk.refresh(text(grant, "refresh_token"))).fields, "refresh_token");
    expect((await desk.post("/services/oauth2/revoke", { token: access })).status).toBe(200);
    expect(desk.org.introspect(access).active).toBe(false);
    expect(desk.org.introspect(second).active).toBe(true);
    expect((await desk.get(`/services/oauth2/revoke?token=${second}`)).status).toBe(200);
    expect(desk.org.approvals).toHaveLength(0);
  });

  test.each([
    ["nothing", {}, "invalid_request"],
    ["an unknown token", { token: "x" }, "invalid_token"],
  ])("revoking %s is a form-encoded error", async (_name, form, error) => {
    const answer = await openDesk().post("/services/oauth2/revoke", form);
    expect(answer.status).toBe(400);
    expect(answer.headers["content-type"]).toContain("x-www-form-urlencoded");
    expect(new URLSearchParams(answer.body).get("error")).toBe(error);
  });

  test("introspection wants a client, in the body or as Basic", async () => {
    const { desk, access } = await signedIn();
    const { clientId, clientSecret } = desk.org.boardApp;
    const basic = (credentials: string) => ({
      authorization: `Basic ${Buffer.from(credentials).toString("base64")}`,
    });
    const url = "/services/oauth2/introspect";
    const byBody = await desk.post(url, { token: access, client_id: clientId });
    expect(byBody.fields).toMatchObject({
      active: true,
      token_type: "access_token",
      exp: expect.any(Number),
    });
    const byBasic = await desk.post(url, { token: access }, basic(`${clientId}:${clientSecret}`));
    expect(byBasic.fields.active).toBe(true);
    expect((await desk.post(url, { token: access }, basic(`${clientId}:guess`))).status).toBe(401);
    expect((await desk.post(url, { token: access })).status).toBe(401);
    expect((await desk.post(url, { client_id: clientId })).fields).toEqual({ active: false });
  });
});

describe("discovery and keys", () => {
  test("discovery names the endpoints and, as at the real thing, no device flow", async () => {
    const { fields } = await openDesk().get("/.well-known/openid-configuration");
    expect(fields).toMatchObject({ issuer: BASE, jwks_uri: `${BASE}/id/keys` });
    expect(fields).not.toHaveProperty("device_authorization_endpoint");
  });

  test("/id/keys lists public halves only", async () => {
    const desk = openDesk();
    const { fields } = await desk.get("/id/keys");
    expect(fields).toEqual(desk.org.jwks());
    for (const key of desk.org.jwks().keys)
      expect(Object.keys(key).toSorted()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });
});

describe("REST", () => {
  test("lists its versions to anybody, the newest last", async () => {
    const versions: unknown = JSON.parse((await openDesk().get("/services/data/")).body);
    expect(versions).toContainEqual({ label: "Summer '26", url: "/services/data/v67.0", version: "67.0" });
  });

  test.each([undefined, "00D!dead"])("answers 401 to token %s", async (token) => {
    const answer = await openDesk().get("/services/data/v67.0/query?q=SELECT+Id+FROM+User", token);
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.body)).toEqual([
      { message: expect.any(String), errorCode: "INVALID_SESSION_ID" },
    ]);
  });

  test("wants the scope api", async () => {
    const { query } = await signedIn("openid");
    expect((await query("SELECT Id FROM User")).status).toBe(403);
  });

  test("finds home", async () => {
    const { desk, query } = await signedIn();
    const { fields } = await query(
      `SELECT latitude, Longitude FROM user WHERE Id = '${desk.org.owner.id.slice(0, 15)}'`,
    );
    expect(fields).toEqual({
      totalSize: 1,
      done: true,
      records: [
        {
          attributes: { type: "User", url: `/services/data/v67.0/sobjects/User/${desk.org.owner.id}` },
          Latitude: 51.4495,
          Longitude: -2.5998,
        },
      ],
    });
  });

  test.each([
    ["SELECT Name FROM Contact WHERE MailingCity = 'bristol'", 1],
    ["SELECT Name FROM Contact WHERE MailingLatitude = null", 1],
    ["SELECT Name FROM Contact WHERE MailingLatitude != null AND FirstName <> 'Ada'", 0],
    ["SELECT Name FROM User WHERE IsActive = TRUE LIMIT 1", 1],
    ["SELECT Name FROM User WHERE Longitude = -2.5998", 1],
    ["SELECT Name FROM User WHERE LastName = 'O\\'Brien'", 0],
    ["SELECT Name FROM User WHERE LastName = 'a\\nb'", 0],
    ["SELECT Id, Name FROM User LIMIT 0", 0],
    ["SELECT Id FROM Asset", 0],
    ["SELECT AppName FROM OauthToken", 1],
    ["SELECT AppName FROM OauthToken WHERE UseCount = 1 AND Id = null AND AccessToken = null", 1],
    ["SELECT AppName FROM OauthToken WHERE UserId = '005000000000001'", 0],
  ])("%s finds %i", async (soql, count) => {
    const { query } = await signedIn();
    expect((await query(soql)).fields.totalSize).toBe(count);
  });

  test.each([
    ["", "MALFORMED_QUERY"],
    ["UPDATE User", "MALFORMED_QUERY"],
    ["SELECT , FROM User", "MALFORMED_QUERY"],
    ["SELECT Id FROM User WHERE Id", "MALFORMED_QUERY"],
    ["SELECT Id FROM User WHERE Id LIKE 'x'", "MALFORMED_QUERY"],
    ["SELECT Id FROM User WHERE Id = x", "MALFORMED_QUERY"],
    ["SELECT Id FROM User WHERE Id = 'x", "MALFORMED_QUERY"],
    ["SELECT Id FROM User LIMIT 'a'", "MALFORMED_QUERY"],
    ["SELECT Id FROM User ORDER", "MALFORMED_QUERY"],
    ["SELECT Shoe FROM User", "INVALID_FIELD"],
    ["SELECT AppName FROM OauthToken WHERE ClientId = 'x'", "INVALID_FIELD"],
    ["SELECT Id FROM User WHERE Shoe = 1", "INVALID_FIELD"],
    ["SELECT Id FROM Lead", "INVALID_TYPE"],
  ])("%j is %s", async (soql, errorCode) => {
    const { query } = await signedIn();
    const answer = await query(soql);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual([{ message: expect.any(String), errorCode }]);
  });

  test.each([
    ["SELECT Latitude FROM User", "INVALID_FIELD"],
    ["SELECT MailingCity FROM Contact", "INVALID_TYPE"],
  ])("%j is %s where people may not see it", async (soql, errorCode) => {
    const { desk, query } = await signedIn();
    expect((await query(soql)).status).toBe(200);
    desk.org.hidden = ["User.Latitude", "Contact"];
    const answer = await query(soql);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject([{ errorCode }]);
    expect((await query("SELECT City FROM User")).status).toBe(200);
  });

  test("shows a person their own approvals, with times and uses, and no token", async () => {
    const { desk, grant, query } = await signedIn();
    const { fields } = await desk.askCode();
    desk.org.approve(text(fields, "user_code"), desk.org.users[1]);
    await desk.poll(text(fields, "device_code"));
    await desk.clock.advance(60_000);
    await desk.refresh(text(grant, "refresh_token"));
    const answer = await query(
      "SELECT AppName, AppMenuItemId, CreatedDate, LastUsedDate, UseCount, UserId, AccessToken FROM OauthToken",
    );
    expect(answer.fields.records).toEqual([
      {
        attributes: expect.objectContaining({ type: "OauthToken" }),
        AppName: "Porchlight",
        AppMenuItemId: expect.stringMatching(/^0DS/),
        CreatedDate: "2026-12-01T17:00:00.000+0000",
        LastUsedDate: "2026-12-01T17:01:00.000+0000",
        UseCount: 2,
        UserId: desk.org.owner.id,
        AccessToken: null,
      },
    ]);
  });

  test("reads and changes an Asset", async () => {
    const { desk, access } = await signedIn();
    await desk.exchange(access, actorToken(desk.claims()));
    const id = desk.org.assets[0]?.Id ?? "";
    const url = `/services/data/v67.0/sobjects/Asset/${id}`;
    const patch = (body: string, at = url) =>
      desk.ask({
        method: "PATCH",
        url: at,
        headers: { authorization: `Bearer ${access}`, "content-type": "application/json" },
        body,
      });
    await desk.clock.advance(1000);
    const changed = await patch('{"name":"Back door","Description":null}');
    expect([changed.status, changed.body]).toEqual([204, ""]);
    expect((await desk.get(`${url}?fields=Name,LastModifiedDate`, access)).fields).toMatchObject({
      Name: "Back door",
      LastModifiedDate: "2026-12-01T17:00:01.000+0000",
    });
    expect((await desk.get(url, access)).fields).toMatchObject({ SerialNumber: "SN-1" });
    for (const bad of [
      "{",
      "[]",
      '{"Name":null}',
      '{"Name":""}',
      '{"Status":1}',
      '{"Id":"x"}',
      '{"Shoe":"x"}',
    ])
      expect((await patch(bad)).status).toBe(400);
    expect((await patch("{}", url.replace(id, "02i000000000001"))).status).toBe(404);
    expect((await patch("{}", url.replace("Asset", "User"))).status).toBe(405);
    expect(desk.org.assets[0]).toMatchObject({ Name: "Back door", Status: "Registered" });
  });

  test.each([
    "/services/data/v1.0/query?q=SELECT+Id+FROM+User",
    "/services/data/v67.0/limits",
    "/services/data/v67.0/sobjects/Asset/short",
    "/services/data/v67.0/sobjects/OauthToken/0CQ000000000001",
    "/services/data/v67.0/sobjects/Asset/02i000000000001",
  ])("%s does not exist", async (url) => {
    const { desk, access } = await signedIn();
    expect((await desk.get(url, access)).status).toBe(404);
  });
});
