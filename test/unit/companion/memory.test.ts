import { expect, test } from "vitest";
import { add, toSave } from "../../../companion/core/boards.ts";
import { type Kept, takenOver } from "../../../companion/core/memory.ts";
import type { OrgConfig } from "../../../companion/core/org.ts";
import { nameAt } from "../../../companion/core/place.ts";
import { createMemory, openStage } from "./stage.ts";

const org: OrgConfig = {
  url: "https://org.example",
  dialect: "salesforce",
  clientId: "app",
  scope: "openid",
  signIn: "web-server",
  codePage: null,
};
const boards = toSave(add(add({}, "bens", "key"), "carols", "person"));

const kept = async () => {
  const memory = createMemory();
  await using stage = openStage({ memory });
  await stage.signIn();
  await stage.clock.until(stage.sessions.begin("https://app.example/"));
  const { key, session, begun } = memory.kept;
  if (key === undefined || session === undefined || begun === undefined)
    throw new Error("nobody signed in, or in again");
  return { key, session, begun, boards };
};
const all = await kept();
const { key, session, begun } = all;
const asGuest = { key, boards: boards.filter(({ id }) => id === "bens") };
const elsewhere = { ...org, url: "https://other.example" };
const asAnother = { ...org, clientId: "another" };

test.each<[string, Partial<Kept>, OrgConfig, Partial<Kept>, boolean]>([
  ["all of its own", all, org, all, true],
  ["all where nobody is signed in", { key, begun, boards }, org, { key, begun, boards }, true],
  ["nothing where there is nothing", {}, org, {}, true],
  ["a guest's part where a sign-in is at another org", all, elsewhere, asGuest, false],
  ["a guest's part where a sign-in is for another app", all, asAnother, asGuest, false],
  ["no key where there is none", { session }, asAnother, { boards: [] }, false],
])("an app takes over %s", (_what, shared, own, taken, isAll) => {
  expect(takenOver(shared, own)).toEqual({ taken, isAll });
});

test("no app takes what is another's by its name", () => {
  const paths = ["/", "/lamps/", "/lamps/test/", "/lamps%20test/"];
  for (const path of paths)
    for (const other of paths) {
      const isOwn = path === other;
      expect(`${nameAt(other)} 1`.startsWith(`${nameAt(path)} `), `${path} and ${other}`).toBe(isOwn);
    }
});
