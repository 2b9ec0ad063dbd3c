import { describe, expect, it } from "vitest";
import { askHome, readRecord } from "../../../src/device-flow/home.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Grant } from "../../../src/model.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { answer } from "./support.ts";

const USER = "005Nw0000000001IAA";
const CONTACT = "003Nw0000000001IAA";
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

/** What is made of these answers, one after the other, and what was asked. */
const asking = async (answers: HttpResponse[], userId: string | null = USER) => {
  const asked: string[] = [];
  const place = await askHome(
    grantOf(userId),
    async (request) => {
      const url = new URL(request.url);
      expect([url.origin, url.pathname]).toEqual(["https://org.example", "/services/data/v60.0/query"]);
      expect(request.headers).toMatchObject({ authorization: "Bearer access" });
      asked.push(url.searchParams.get("q") ?? "");
      return answers[asked.length - 1] ?? answer(500, {});
    },
    never,
  );
  return { place, asked };
};

describe("home", () => {
  it("is where the user's record says, to a tenth of a degree", async () => {
    const { place, asked } = await asking([records({ Latitude: 51.4495, Longitude: -2.5998 })]);
    expect(place).toEqual({ latitude: 51.4, longitude: -2.6 });
    expect(asked).toEqual([`SELECT Latitude, Longitude FROM User WHERE Id = '${USER}' LIMIT 1`]);
  });

  it.each<[string, HttpResponse]>([
    ["has no coordinates", records({ Latitude: null, Longitude: null })],
    ["has half of them", records({ Latitude: 51.4, Longitude: null })],
    ["has impossible ones", records({ Latitude: 514, Longitude: 3 })],
    ["has fields that nobody may see", refused(400, "INVALID_FIELD")],
    ["is not there", records()],
    ["is no record", answer(200, { records: [7] })],
  ])("is where the contact's says, when the user's %s", async (_name, first) => {
    const { place, asked } = await asking([
      first,
      records({ ContactId: CONTACT }),
      records({ MailingLatitude: 52.52, MailingLongitude: 13.405 }),
    ]);
    expect(place).toEqual({ latitude: 52.5, longitude: 13.4 });
    expect(asked.slice(1)).toEqual([
      `SELECT ContactId FROM User WHERE Id = '${USER}' LIMIT 1`,
      `SELECT MailingLatitude, MailingLongitude FROM Contact WHERE Id = '${CONTACT}' LIMIT 1`,
    ]);
  });

  it.each<[string, HttpResponse[]]>([
    ["users have no contacts", [refused(400, "INVALID_FIELD")]],
    ["this user has none", [records({ ContactId: null })]],
    ["it is none", [records({ ContactId: "003' OR Id != '" })]],
    ["there are no contacts", [records({ ContactId: CONTACT }), refused(400, "INVALID_TYPE")]],
    ["its address was never found", [records({ ContactId: CONTACT }), records({ MailingLatitude: null })]],
  ])("is unknown when %s either", async (_name, answers) => {
    expect((await asking([records({}), ...answers])).place).toBeNull();
  });

  it.each([null, "", "unknown", "005Nw0000000001' OR Id != '", "003Nw0000000001IAA"])(
    "is not asked of %j, which is no user",
    async (userId) => {
      expect(await asking([], userId)).toEqual({ place: null, asked: [] });
    },
  );
});

describe("an answer that tells nothing", () => {
  it.each<[string, HttpResponse, string]>([
    ["to a dead token", refused(401, "INVALID_SESSION_ID"), "ACCESS_TOKEN_REJECTED"],
    ["to a session without the API", refused(403, "INVALID_SESSION_ID"), "ACCESS_TOKEN_REJECTED"],
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
});
