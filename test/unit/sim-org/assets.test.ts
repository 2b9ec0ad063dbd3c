import { beforeEach, describe, expect, test } from "vitest";
import { type Answer, openDesk, text } from "./desk.ts";

let desk: ReturnType<typeof openDesk>;
let access: string;
beforeEach(async () => {
  desk = openDesk();
  access = text(await desk.signIn({}), "access_token");
});

const get = (path: string): Promise<Answer> => desk.get(`/services/data/v60.0${path}`, access);
const query = (soql: string): Promise<Answer> => get(`/query?q=${encodeURIComponent(soql)}`);
const patch = (id: string, fields: object): Promise<Answer> =>
  desk.ask({
    method: "PATCH",
    url: `/services/data/v60.0/sobjects/Asset/${id}`,
    headers: { authorization: `Bearer ${access}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
const errorOf = ({ status, body }: Answer): unknown => [status, JSON.parse(body)[0].errorCode];

describe("records in pages", () => {
  test("come two thousand at a time unless told otherwise, each once, and a page may be asked for again", async () => {
    for (let n = 0; n < 7; n++) desk.org.addAsset({ Name: `Lamp ${n}` });
    desk.org.pageSize = 3;
    const names: unknown[] = [];
    let page = (await query("SELECT Name FROM Asset")).fields;
    for (;;) {
      expect(page.totalSize).toBe(7);
      names.push(...(page.records as { Name: string }[]).map(({ Name }) => Name));
      if (page.done === true) break;
      const next = text(page, "nextRecordsUrl");
      expect((await desk.get(next, access)).fields.records).toEqual(
        (await desk.get(next, access)).fields.records,
      );
      page = (await desk.get(next, access)).fields;
    }
    expect(page).not.toHaveProperty("nextRecordsUrl");
    expect(names).toEqual(Array.from({ length: 7 }, (_none, n) => `Lamp ${n}`));
  });

  test("are not told to whom they were not promised, nor once they are forgotten", async () => {
    for (let n = 0; n < 4; n++) desk.org.addAsset({});
    desk.org.pageSize = 2;
    const next = text((await query("SELECT Id FROM Asset")).fields, "nextRecordsUrl");
    desk.org.forgetCursors();
    expect(errorOf(await desk.get(next, access))).toEqual([400, "INVALID_QUERY_LOCATOR"]);
  });

  test("bring along names of other records, as far as those may be seen", async () => {
    desk.org.addAsset({ Name: "A", ContactId: desk.org.owner.contactId });
    desk.org.addAsset({ Name: "B" });
    const { fields } = await query("SELECT Name, Contact.Name FROM Asset");
    expect(fields.records).toMatchObject([{ Contact: { Name: "Ada Okafor" } }, { Contact: null }]);
    desk.org.hidden = ["Contact"];
    expect(JSON.parse((await query("SELECT Contact.Name FROM Asset")).body)[0]).toEqual({
      errorCode: "INVALID_FIELD",
      message: "Didn't understand relationship 'Contact' in field path.",
    });
    expect(errorOf(await query("SELECT Account.Phone FROM Asset"))).toEqual([400, "INVALID_FIELD"]);
  });
});

describe("a description", () => {
  const fieldsOf = async (): Promise<Record<string, unknown>[]> =>
    (await get("/sobjects/Asset/describe")).fields.fields as Record<string, unknown>[];

  test("names the fields, what they are and what leads elsewhere", async () => {
    const fields = await fieldsOf();
    const named = (name: string) => fields.find((each) => each.name === name);
    expect(named("Porchlight_Online__c")).toMatchObject({ type: "boolean", updateable: true });
    expect(named("Porchlight_LastSeen__c")).toMatchObject({ type: "datetime" });
    expect(named("ContactId")).toMatchObject({ type: "reference", relationshipName: "Contact" });
    expect(named("Id")).toMatchObject({ type: "id", updateable: false });
  });

  test("leaves out what this person may not see, and says what they may not change", async () => {
    desk.org.hidden = ["Asset.Status"];
    desk.org.readOnly = ["Asset.Name"];
    const fields = await fieldsOf();
    expect(fields.map(({ name }) => name)).not.toContain("Status");
    expect(fields.find(({ name }) => name === "Name")).toMatchObject({ updateable: false });
    expect(errorOf(await get("/sobjects/Nothing/describe"))).toEqual([400, "INVALID_TYPE"]);
  });
});

describe("a change of an Asset", () => {
  test("takes what fits, custom fields with it", async () => {
    const { Id } = desk.org.addAsset({});
    const fields = {
      Porchlight_Online__c: true,
      Porchlight_LastSeen__c: "2026-12-01T17:00:00.000Z",
      porchlight_fault__c: null,
    };
    expect((await patch(Id, fields)).status).toBe(204);
    expect(desk.org.assets[0]).toMatchObject({ Porchlight_Online__c: true, Porchlight_Fault__c: null });
  });

  test.each([
    [{ Nothing__c: 1 }, [], "INVALID_FIELD"],
    [{ Status: "x" }, ["Status"], "INVALID_FIELD_FOR_INSERT_UPDATE"],
    [{ Id: "x" }, ["Id"], "INVALID_FIELD_FOR_INSERT_UPDATE"],
    [{ Name: "" }, ["Name"], "REQUIRED_FIELD_MISSING"],
    [{ Description: 7 }, ["Description"], "JSON_PARSER_ERROR"],
    [{ Description: "x".repeat(256) }, ["Description"], "STRING_TOO_LONG"],
    [{ Porchlight_Online__c: "yes" }, ["Porchlight_Online__c"], "JSON_PARSER_ERROR"],
    [{ Porchlight_LastSeen__c: "soon" }, ["Porchlight_LastSeen__c"], "JSON_PARSER_ERROR"],
  ])("is refused with the field's name: %j", async (change, fields, errorCode) => {
    const { Id } = desk.org.addAsset({});
    desk.org.readOnly = ["Asset.Status"];
    const { status, body } = await patch(Id, change);
    expect([status, JSON.parse(body)]).toMatchObject([400, [{ errorCode, fields }]]);
  });
});

test("the day's requests are counted, told, and refused when they are used up, until the next day", async () => {
  desk.org.apiRequestsPerDay = 2;
  expect((await get("/query?q=SELECT+Id+FROM+Asset")).headers["sforce-limit-info"]).toBe("api-usage=1/2");
  expect((await query("SELECT Id FROM Nothing")).headers["sforce-limit-info"]).toBe("api-usage=2/2");
  expect(errorOf(await query("SELECT Id FROM Asset"))).toEqual([403, "REQUEST_LIMIT_EXCEEDED"]);
  await desk.clock.advance(23 * 3_600_000);
  access = text(await desk.signIn({}), "access_token");
  expect((await query("SELECT Id FROM Asset")).status).toBe(200);
});
