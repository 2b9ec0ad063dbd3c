import { describe, expect, test } from "vitest";
import { selfSigned } from "../../../firmware-sim/org/certificate.ts";
import { after, epochMs } from "../../../src/units.ts";
import { actorToken, BASE, deviceKey, type Fields, openDesk, otherKey, TOKEN, text } from "./desk.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const certificate = selfSigned({
  commonName: "board",
  organization: "Northwind",
  privateKey: deviceKey.privateKey,
  publicKey: deviceKey.publicKey,
  notBefore: epochMs(Date.parse("2026-11-01T00:00:00Z")),
  notAfter: after(epochMs(Date.parse("2026-11-01T00:00:00Z")), 365 * 86_400_000),
  serial: Buffer.from("0102", "hex"),
});

const openWithCertificate = () => {
  const desk = openDesk();
  desk.org.admit(certificate);
  const now = () => Math.floor(desk.clock.wall() / 1000);
  const claims = (more: Fields = {}): Fields => ({
    iss: desk.clientId,
    sub: desk.org.owner.username,
    aud: "https://login.salesforce.com",
    exp: now() + 120,
    ...more,
  });
  const bear = (assertion: string) => desk.token({ grant_type: JWT_BEARER, assertion });
  return { ...desk, now, bearClaims: claims, bear };
};

describe("an assertion", () => {
  test("by the key of the app's certificate gives an access token of the user in it, and no refresh token", async () => {
    const desk = openWithCertificate();
    const { status, fields } = await desk.bear(actorToken(desk.bearClaims()));
    expect(status).toBe(200);
    expect(fields).not.toHaveProperty("refresh_token");
    expect(text(fields, "scope").split(" ")).not.toContain("refresh_token");
    expect(desk.org.introspect(text(fields, "access_token"))).toMatchObject({
      active: true,
      username: desk.org.owner.username,
    });
    await desk.bear(actorToken(desk.bearClaims()));
    expect(desk.org.approvals).toHaveLength(1);
  });

  test("for the org's own address counts, too, and prn wins over sub", async () => {
    const desk = openWithCertificate();
    const claims = desk.bearClaims({ aud: BASE, sub: "nobody", prn: desk.org.owner.username });
    expect((await desk.bear(actorToken(claims))).status).toBe(200);
  });

  const refusals: [string, (desk: ReturnType<typeof openWithCertificate>) => string, string, string][] = [
    ["is missing", () => "", "invalid_request", "missing required parameter assertion"],
    ["is no JWT", () => "abc", "invalid_grant", "invalid assertion"],
    [
      "is by another key",
      (desk) => actorToken(desk.bearClaims(), { key: otherKey.privateKey }),
      "invalid_grant",
      "invalid assertion",
    ],
    [
      "names another algorithm",
      (desk) => actorToken(desk.bearClaims(), { header: { alg: "RS512" } }),
      "invalid_grant",
      "invalid assertion",
    ],
    [
      "is of an unknown app",
      (desk) => actorToken(desk.bearClaims({ iss: "nobody" })),
      "invalid_client_id",
      "client identifier invalid",
    ],
    [
      "is of an app without a certificate",
      (desk) => actorToken(desk.bearClaims({ iss: desk.org.phoneApp.clientId })),
      "invalid_grant",
      "invalid assertion",
    ],
    [
      "is for another audience",
      (desk) => actorToken(desk.bearClaims({ aud: "https://test.salesforce.com" })),
      "invalid_grant",
      "audience is invalid",
    ],
    [
      "has ended",
      (desk) => actorToken(desk.bearClaims({ exp: desk.now() })),
      "invalid_grant",
      "expired authorization code",
    ],
    [
      "has no end",
      (desk) => actorToken(desk.bearClaims({ exp: "soon" })),
      "invalid_grant",
      "expired authorization code",
    ],
    [
      "ends more than three minutes ahead",
      (desk) => actorToken(desk.bearClaims({ exp: desk.now() + 181 })),
      "invalid_grant",
      "invalid assertion",
    ],
    [
      "does not count yet",
      (desk) => actorToken(desk.bearClaims({ nbf: desk.now() + 5 })),
      "invalid_grant",
      "invalid assertion",
    ],
    [
      "names nobody of this org",
      (desk) => actorToken(desk.bearClaims({ sub: "nobody" })),
      "invalid_grant",
      "user hasn't approved this consumer",
    ],
    [
      "names a user whom no administrator has admitted",
      (desk) => actorToken(desk.bearClaims({ sub: desk.org.users[1]?.username })),
      "invalid_app_access",
      "user is not admin approved to access this app",
    ],
  ];
  test.each(refusals)("that %s is refused", async (_name, make, error, description) => {
    const desk = openWithCertificate();
    const { status, fields } = await desk.bear(make(desk));
    expect([status, fields]).toEqual([400, { error, error_description: description }]);
    expect(desk.org.approvals).toEqual([]);
  });

  test("a certificate larger than 4 KB is not taken", () => {
    expect(() => openDesk().org.admit(`${certificate}${" ".repeat(4096)}`)).toThrow("4 KB");
  });
});

describe("client credentials", () => {
  const form = (desk: ReturnType<typeof openDesk>) => ({
    grant_type: "client_credentials",
    client_id: desk.clientId,
    client_secret: desk.org.boardApp.clientSecret,
  });

  test("give an access token of the user that the app runs as, and no refresh token", async () => {
    const desk = openDesk();
    desk.org.boardApp.runAs = desk.org.owner.id;
    const { status, fields } = await desk.token(form(desk));
    expect([status, "refresh_token" in fields]).toEqual([200, false]);
    expect(desk.org.introspect(text(fields, "access_token"))).toMatchObject({ user_id: desk.org.owner.id });
  });

  test("are refused at a login host, without the secret, with a wrong one, and where no user is chosen", async () => {
    const desk = openDesk();
    expect((await desk.token(form(desk))).fields.error_description).toBe(
      "no client credentials user enabled",
    );
    desk.org.boardApp.runAs = desk.org.owner.id;
    const { client_secret: _secret, ...bare } = form(desk);
    expect((await desk.token(bare)).fields.error).toBe("invalid_client");
    expect((await desk.token({ ...bare, client_secret: "wrong" })).fields.error).toBe("invalid_client");
    const elsewhere = await desk.post(`https://login.salesforce.com${TOKEN}`, form(desk));
    expect(elsewhere.fields.error_description).toBe("request not supported on this domain");
    const byHeader = await desk.post(TOKEN, form(desk), { host: "login.salesforce.com" });
    expect(byHeader.fields.error_description).toBe("request not supported on this domain");
  });
});
