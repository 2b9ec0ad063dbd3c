import { describe, expect, it } from "vitest";
import { askHome, readRecord } from "../../../src/device-flow/home.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { answer } from "./support.ts";

const USER = "005Nw0000000001IAA";
const CONTACT = "003Nw0000000001IAA";
const ACCOUNT = "001Nw0000000001IAA";
const SERIAL = "100000003d1d1c36";
const grantOf = (userId: string | null): Grant => ({
  accessToken: new Secret("access"),
  refreshToken: null,
  instanceUrl: "https://org.example",
  scope: "api",
  issuedAt: epochMs(0),
  expiresAt: null,
  identity: userId === null ? null : { userId, name: "Ada", username: null, orgId: null },
  idUrl: null,
  idToken: null,
  signedInAs: null,
});
const records = (...found: object[]) => answer(200, { totalSize: found.length, done: true, records: found });
const refused = (status: number, errorCode: string) => answer(status, [{ message: "no", errorCode }]);
const never = new AbortController().signal;

interface Asking {
  readonly userId?: string | null;
  readonly serial?: string;
  readonly byItself?: boolean;
}

/** What is made of these answers, by the question they belong to; no other one has an answer. */
const asking = async (
  answers: Readonly<Record<string, HttpResponse>>,
  { userId = USER, serial = SERIAL, byItself = false }: Asking = {},
) => {
  const asked: string[] = [];
  const home = await askHome(
    grantOf(userId),
    { serial, byItself },
    async (request) => {
      const url = new URL(request.url);
      expect(url.origin).toBe("https://org.example");
      expect(request.headers).toMatchObject({ authorization: "Bearer access" });
      const query = url.searchParams.get("q") ?? url.pathname.replace("/services/oauth2/", "");
      if (url.searchParams.has("q")) expect(url.pathname).toBe("/services/data/v60.0/query");
      asked.push(query);
      const found = Object.entries(answers).find(([each]) => query.startsWith(each));
      return found?.[1] ?? (query === "userinfo" ? zone(null) : refused(400, "INVALID_FIELD"));
    },
    never,
  );
  return { home, asked };
};

const user = (fields: string): string => `SELECT ${fields} FROM User WHERE Id = '${USER}' LIMIT 1`;
const PLACE = "Latitude, Longitude, TimeZoneSidKey";
const zone = (text: string | null) => answer(200, { sub: "x", zoneinfo: text });
const located = { Latitude: 52.52, Longitude: 13.405 };
const berlin = { latitude: 52.5, longitude: 13.4 };
const unknownPlace = [
  user(PLACE),
  user("Latitude, Longitude"),
  user("ContactId"),
  user("AccountId"),
  `SELECT Latitude, Longitude FROM Asset WHERE SerialNumber = '${SERIAL}' LIMIT 1`,
  user("TimeZoneSidKey"),
  "userinfo",
];

describe("home", () => {
  it("is where the user's record says, to a tenth of a degree, with its time zone", async () => {
    const { home, asked } = await asking({
      [user(PLACE)]: records({ Latitude: 51.4495, Longitude: -2.5998, TimeZoneSidKey: "Europe/London" }),
    });
    expect(home).toEqual({ place: { latitude: 51.4, longitude: -2.6 }, timeZone: "Europe/London" });
    expect(asked).toEqual([user(PLACE)]);
  });

  it("is where the user's record says, when its time zone may not be seen", async () => {
    const { home, asked } = await asking({ [user("Latitude, Longitude")]: records(located) });
    expect(home).toEqual({ place: berlin, timeZone: null });
    expect(asked).toEqual(unknownPlace.slice(0, 2));
    expect((await asking({})).asked).toEqual(unknownPlace);
  });

  it.each<[string, HttpResponse]>([
    ["has no coordinates", records({ Latitude: null, Longitude: null })],
    ["has half of them", records({ Latitude: 51.4, Longitude: null })],
    ["has impossible ones", records({ Latitude: 514, Longitude: 3 })],
    ["has fields that nobody may see", refused(400, "INVALID_FIELD")],
    ["is not there", records()],
    ["is no record", answer(200, { records: [7] })],
  ])("is where the contact's says, when the user's %s", async (_name, first) => {
    const { home, asked } = await asking({
      [user(PLACE)]: first,
      [user("Latitude, Longitude")]: first,
      [user("ContactId")]: records({ ContactId: CONTACT }),
      "SELECT MailingLatitude": records({ MailingLatitude: 52.52, MailingLongitude: 13.405 }),
    });
    expect(home.place).toEqual(berlin);
    expect(asked.at(-1)).toBe(
      `SELECT MailingLatitude, MailingLongitude FROM Contact WHERE Id = '${CONTACT}' LIMIT 1`,
    );
  });

  it("is where the person's account says, when nobody may see contacts", async () => {
    const { home, asked } = await asking({
      [user("ContactId")]: records({ ContactId: CONTACT }),
      "SELECT MailingLatitude": refused(400, "INVALID_TYPE"),
      [user("AccountId")]: records({ AccountId: ACCOUNT }),
      "SELECT PersonMailing": records({ PersonMailingLatitude: 52.52, PersonMailingLongitude: 13.405 }),
    });
    expect(home.place).toEqual(berlin);
    expect(asked.at(-1)).toBe(
      `SELECT PersonMailingLatitude, PersonMailingLongitude FROM Account WHERE Id = '${ACCOUNT}' LIMIT 1`,
    );
  });

  it("is where the asset with the board's serial number stands, when no person's record tells", async () => {
    const { home, asked } = await asking({ "SELECT Latitude, Longitude FROM Asset": records(located) });
    expect(home.place).toEqual(berlin);
    expect(asked).toEqual(unknownPlace.slice(0, 5));
  });

  it("is where the asset stands in the first place, when the board signs in by itself", async () => {
    const answers = {
      "SELECT Latitude, Longitude FROM Asset": records(located),
      [user(PLACE)]: records({ Latitude: 1, Longitude: 2 }),
    };
    expect(await asking(answers, { byItself: true })).toEqual({
      home: { place: berlin, timeZone: null },
      asked: [unknownPlace[4]],
    });
  });

  it.each(["", "1' OR Name != '", "x".repeat(65)])(
    "asks for no asset by the serial number %j",
    async (serial) => {
      const { asked } = await asking({}, { serial });
      expect(asked.filter((each) => each.includes("Asset"))).toEqual([]);
    },
  );

  it.each<[string, Readonly<Record<string, HttpResponse>>]>([
    ["users have no contacts", {}],
    ["this user has none", { [user("ContactId")]: records({ ContactId: null }) }],
    ["it is none", { [user("ContactId")]: records({ ContactId: "003' OR Id != '" }) }],
    ["there are no contacts", { [user("ContactId")]: records({ ContactId: CONTACT }) }],
    [
      "its address was never found",
      {
        [user("ContactId")]: records({ ContactId: CONTACT }),
        "SELECT MailingLatitude": records({ MailingLatitude: null, MailingLongitude: null }),
      },
    ],
    ["the account is none", { [user("AccountId")]: records({ AccountId: "001' OR Id != '" }) }],
    ["the account is a company's", { [user("AccountId")]: records({ AccountId: ACCOUNT }) }],
  ])("is unknown when %s either", async (_name, answers) => {
    expect((await asking(answers)).home).toEqual({ place: null, timeZone: null });
  });

  it.each<[string, Readonly<Record<string, HttpResponse>>]>([
    [
      "user",
      { [user(PLACE)]: records({ Latitude: null, Longitude: null, TimeZoneSidKey: "Europe/Berlin" }) },
    ],
    [
      "user, asked for by itself,",
      { [user("TimeZoneSidKey")]: records({ TimeZoneSidKey: "Europe/Berlin" }) },
    ],
    ["sign-in", { userinfo: zone("Europe/Berlin") }],
  ])("is no more than the time zone of the %s where that is all", async (_name, answers) => {
    expect((await asking(answers)).home).toEqual({ place: null, timeZone: "Europe/Berlin" });
  });

  it.each([null, "", "Europe/Berlin'; x", "x".repeat(65)])("is not in the time zone %j", async (text) => {
    expect((await asking({ userinfo: zone(text) })).home.timeZone).toBeNull();
  });

  it.each([null, "", "unknown", "005Nw0000000001' OR Id != '", "003Nw0000000001IAA"])(
    "is not asked of %j, which is no user",
    async (userId) => {
      expect(await asking({}, { userId })).toEqual({ home: { place: null, timeZone: null }, asked: [] });
    },
  );
});

describe("an answer that tells nothing", () => {
  it.each<[string, HttpResponse, string]>([
    ["to a dead token", refused(401, "INVALID_SESSION_ID"), "ACCESS_TOKEN_REJECTED"],
    ["of a busy org", answer(503, {}), "ORG_BUSY"],
    ["of an org that was asked too much", refused(403, "REQUEST_LIMIT_EXCEEDED"), "ORG_BUSY"],
    ["that is a page", answer(200, "<html>"), "ORG_ANSWER_INVALID"],
    ["without records", answer(200, {}), "ORG_ANSWER_INVALID"],
    ["with a failure", refused(500, "UNKNOWN_EXCEPTION"), "ORG_BUSY"],
  ])("%s is no home and no lack of one", (_name, response, code) => {
    const read = (): unknown => {
      try {
        return readRecord(response);
      } catch (error) {
        return error instanceof AgentError ? error.code : error;
      }
    };
    expect(read()).toBe(code);
  });

  it("for want of a right is a lack of one", () => {
    expect(readRecord(refused(403, "INVALID_SESSION_ID"))).toBeNull();
  });
});
