import { describe, expect, it } from "vitest";
import { findAsset, writeAsset } from "../../../src/device-flow/asset-record.ts";
import { soqlText } from "../../../src/device-flow/rest.ts";
import { AgentError } from "../../../src/errors.ts";
import type { HttpResponse } from "../../../src/ports.ts";
import { aGrant, answer, codeOf, forever, scriptedHttp } from "./support.ts";

const ID = "02iNw0000000001IAA";
const found = (...records: unknown[]) => answer(200, { totalSize: records.length, done: true, records });
const refused = (status: number, errorCode: string, more: object = {}) =>
  answer(status, [{ message: "no", errorCode, ...more }]);

const find = async (response: HttpResponse, serial = "S1") => {
  const { http, asked } = scriptedHttp(response);
  const id = await findAsset(aGrant(), serial, http, forever);
  return { id, soql: new URL(asked[0]?.url ?? "").searchParams.get("q") };
};

describe("the Asset record of a board", () => {
  it("is found by its serial number", async () => {
    expect(await find(found({ Id: ID }))).toEqual({
      id: ID,
      soql: "SELECT Id FROM Asset WHERE SerialNumber = 'S1' LIMIT 2",
    });
  });

  it.each([
    ["O'Brien", String.raw`'O\'Brien'`],
    [String.raw`\' OR Id != '`, String.raw`'\\\' OR Id != \''`],
  ])("is asked for by %s as the text that it is", (text, literal) => {
    expect(soqlText(text)).toBe(literal);
  });

  it.each([
    ["there is none", found(), "ASSET_RECORD_UNKNOWN"],
    ["two have the number", found({ Id: ID }, { Id: ID }), "ASSET_RECORD_UNKNOWN"],
    ["it is no record", found({ Id: "../x" }), "ASSET_RECORD_UNKNOWN"],
    ["it is nothing at all", found(7), "ASSET_RECORD_UNKNOWN"],
    ["the org has no such thing", refused(400, "INVALID_TYPE"), "ASSET_RECORD_CLOSED"],
    ["the token has ended", refused(401, "INVALID_SESSION_ID"), "ACCESS_TOKEN_REJECTED"],
  ])("is none where %s", async (_name, response, code) => {
    expect(await codeOf(() => find(response))).toBe(code);
  });

  it("is written to by one PATCH, with the token in a header", async () => {
    const { http, asked } = scriptedHttp({ status: 204, headers: {}, body: "" });
    await writeAsset(aGrant(), ID, { A__c: true, B__c: null }, http, forever);
    expect(asked).toMatchObject([
      {
        method: "PATCH",
        url: `https://home.my.example/services/data/v60.0/sobjects/Asset/${ID}`,
        headers: { authorization: "Bearer access-1", "content-type": "application/json" },
        body: '{"A__c":true,"B__c":null}',
      },
    ]);
  });

  it.each([
    [
      "a field may not be edited",
      refused(400, "INVALID_FIELD_FOR_INSERT_UPDATE", { fields: ["A__c"] }),
      "ASSET_RECORD_CLOSED",
    ],
    ["a field is missing", refused(400, "INVALID_FIELD"), "ASSET_RECORD_CLOSED"],
    ["the person may not", refused(403, "INSUFFICIENT_ACCESS_OR_READONLY"), "ASSET_RECORD_CLOSED"],
    ["it is gone", refused(404, "NOT_FOUND"), "ASSET_RECORD_UNKNOWN"],
    ["it was deleted", refused(404, "ENTITY_IS_DELETED"), "ASSET_RECORD_UNKNOWN"],
    ["the token has ended", refused(401, "INVALID_SESSION_ID"), "ACCESS_TOKEN_REJECTED"],
    ["the token has ended, without a word", answer(401, ""), "ACCESS_TOKEN_REJECTED"],
    ["the day's requests are used", refused(403, "REQUEST_LIMIT_EXCEEDED"), "ORG_BUSY"],
    ["somebody else has the row", refused(400, "UNABLE_TO_LOCK_ROW"), "ORG_BUSY"],
    ["the org asks to wait", answer(429, ""), "ORG_BUSY"],
    ["the org is down", refused(503, "SERVER_UNAVAILABLE"), "ORG_BUSY"],
    ["there is a page instead", answer(200, "<html>"), "ORG_ANSWER_INVALID"],
    ["the org says no in a way of its own", refused(418, "TEAPOT"), "ORG_ANSWER_INVALID"],
  ])("is not written when %s", async (_name, response, code) => {
    const { http } = scriptedHttp(response);
    expect(await codeOf(() => writeAsset(aGrant(), ID, {}, http, forever))).toBe(code);
  });

  it("is left alone as long as the org says", async () => {
    const { http } = scriptedHttp(answer(503, "", { "retry-after": "3600" }));
    const fault = await writeAsset(aGrant(), ID, {}, http, forever).catch((error: unknown) => error);
    expect(fault instanceof AgentError && fault.retryAfterMs).toBe(3_600_000);
  });
});
