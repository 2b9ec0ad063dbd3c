import { describe, expect, it } from "vitest";
import { approvalsRequest, readApprovals } from "../../../src/device-flow/approvals.ts";
import type { Grant } from "../../../src/model.ts";
import { epochMs, Secret } from "../../../src/units.ts";
import { answer } from "./support.ts";

const grant: Grant = {
  accessToken: new Secret("access"),
  refreshToken: null,
  instanceUrl: "https://org.example",
  scope: "api",
  issuedAt: epochMs(Date.parse("2026-12-01T12:00:00.400Z")),
  expiresAt: null,
  identity: { userId: "005Nw0000000001IAA", name: "Ada", username: null, orgId: null },
  idUrl: null,
  idToken: null,
  signedInAs: null,
};
const withUser = (userId: string): Grant => ({
  ...grant,
  identity: { userId, name: "Ada", username: null, orgId: null },
});

describe("the question for a user's approvals", () => {
  it("is one query for the user's own records, with the token in a header and no secret in the address", () => {
    const request = approvalsRequest(grant);
    const url = new URL(request?.url ?? "");
    expect(url.pathname).toBe("/services/data/v60.0/query");
    expect(url.searchParams.get("q")).toBe(
      "SELECT AppName, AppMenuItemId, CreatedDate, LastUsedDate FROM OauthToken WHERE UserId = '005Nw0000000001IAA' LIMIT 200",
    );
    expect(request?.headers).toMatchObject({ authorization: "Bearer access" });
    expect(url.href).not.toContain("access");
  });

  it.each(["unknown", "", "00DNw0000000001AAA", "005Nw0000000001' OR UserId != '", "005Nw0000000001I"])(
    "is not asked for %j, which is no user's record id",
    (userId) => {
      expect(approvalsRequest(withUser(userId))).toBeNull();
    },
  );

  it("is not asked for nobody", () => {
    expect(approvalsRequest({ ...grant, identity: null })).toBeNull();
    expect(approvalsRequest(withUser("005Nw0000000001"))).not.toBeNull();
  });
});

const record = (app: string | null, created: string, used: string | null = null) => ({
  AppName: app,
  AppMenuItemId: app === null ? null : `0DS${app}`,
  CreatedDate: created,
  LastUsedDate: used,
});
const now = "2026-12-01T12:00:00.000+0000";
const before = "2026-11-01T08:00:00.000+0000";
const counted = (records: unknown, status = 200): number | null =>
  readApprovals(answer(status, { totalSize: 1, done: true, records }), grant);

describe("the answer", () => {
  it("counts the approvals of the app that was signed in just now", () => {
    const records = [
      record("Phone", before),
      record("Board", before),
      record("Board", now),
      record("Phone", before),
    ];
    expect(counted(records)).toBe(2);
  });

  it("counts those of the app whose tokens were given out just now", () => {
    expect(
      counted([record("Phone", before, before), record("Board", before, now), record("Board", before)]),
    ).toBe(2);
  });

  it("counts those of the only app there is, whenever that was", () => {
    expect(counted([record("Board", before), record("Board", before, before)])).toBe(2);
  });

  it("goes by the name where the record has no more", () => {
    const bare = { AppName: "Board", CreatedDate: now };
    expect(counted([bare, { ...bare, CreatedDate: before }, record("Phone", before)])).toBe(2);
  });

  it.each([
    ["two apps at the same moment", [record("Phone", now), record("Board", now)]],
    [
      "none of several at that moment",
      [record("Phone", before), record("Board", "2026-11-02T08:00:00.000+0000")],
    ],
    ["no records", []],
    ["records without an app", [record(null, now), null, 7, { CreatedDate: now }]],
    ["no dates at all, and several apps", [record("Phone", "soon"), record("Board", "x".repeat(50))]],
    ["no list", "none"],
  ])("tells nothing with %s", (_name, records) => {
    expect(counted(records)).toBeNull();
  });

  it.each([
    [400, [{ errorCode: "INVALID_TYPE", message: "sObject type 'OauthToken' is not supported." }]],
    [401, [{ errorCode: "INVALID_SESSION_ID", message: "Session expired or invalid" }]],
    [403, [{ errorCode: "INSUFFICIENT_ACCESS", message: "no" }]],
    [200, "<html>maintenance</html>"],
    [503, ""],
  ])("of an org that does not tell (%i) is no fault", (status, body) => {
    expect(readApprovals(answer(status, body), grant)).toBeNull();
  });

  it("is refused when it is larger than any such answer", () => {
    expect(() => readApprovals(answer(200, "x".repeat(300_000)), grant)).toThrow(
      expect.objectContaining({ code: "ORG_ANSWER_TOO_LARGE" }),
    );
  });
});
