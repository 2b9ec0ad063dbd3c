import { describe, expect, test } from "vitest";
import {
  add,
  type Boards,
  disconnected,
  hear,
  hide,
  listed,
  restore,
  toSave,
} from "../../../companion/core/boards.ts";
import { joined } from "../../../companion/core/tabs.ts";
import { about, createMemory, never, openStage } from "./stage.ts";

const ME = "005ada";
const heard = (boards: Boards, id: string, rest: string, payload: string): Boards =>
  hear(boards, { topic: `porchlight/${id}/${rest}`, payload, retained: false }, ME, 1);
const owned = (boards: Boards, id: string): Boards => heard(boards, id, "about", JSON.stringify(about(id)));
const gone = (boards: Boards, id: string): Boards =>
  heard(boards, id, "about", JSON.stringify(about(id, "005ben")));
const report = (boards: Boards, id: string): Boards =>
  heard(boards, id, "light/state", '{"state":"ON","brightness":7}');

const both = owned(owned({}, "one"), "two");
const allowance = {
  lights: null,
  may: ["switch"],
  maxBrightness: null,
  from: null,
  until: 9,
  daily: null,
} as const;

describe("a list that two tabs keep", () => {
  test.each<[string, Boards, Boards, Boards, readonly string[]]>([
    ["what neither has changed", both, both, both, ["one", "two"]],
    ["what the other has added", report(both, "one"), both, add(both, "bens", "key"), ["bens", "one", "two"]],
    ["what this one has added", add(both, "bens", "key"), both, report(both, "one"), ["bens", "one", "two"]],
    ["what each has added", add(both, "a", "key"), both, add(both, "b", "key"), ["a", "b", "one", "two"]],
    ["what the other took off", report(both, "one"), both, hide(both, "one"), ["two"]],
    ["what this one took off", hide(both, "one"), both, report(both, "one"), ["two"]],
    ["what the other has put back", hide(both, "one"), hide(both, "one"), both, ["one", "two"]],
    ["what was given away there", report(both, "one"), both, gone(both, "one"), ["two"]],
    ["what was given away here", gone(both, "one"), both, report(both, "one"), ["two"]],
    ["nothing of what was signed out there", report(both, "one"), both, {}, []],
    ["what came here after a sign-out there", owned(both, "three"), both, {}, ["three"]],
    [
      "what was put back here and given away there",
      add(hide(both, "one"), "one", "key"),
      hide(both, "one"),
      {},
      ["one"],
    ],
  ])("has %s", (_what, mine, before, saved, ids) => {
    const list = joined(mine, toSave(before), toSave(saved));
    expect(
      listed(list)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(ids);
    // Once taken, there is nothing more to take.
    expect(joined(list, toSave(list), toSave(list))).toBe(list);
  });

  test("is the very same where nothing is to be taken", () => {
    const mine = report(both, "one");
    expect(joined(mine, toSave(both), toSave(both))).toBe(mine);
  });

  test("has a pass that was changed there, and keeps what this connection knows", () => {
    const guest = add(both, "one", "key");
    const online = heard(guest, "one", "availability", "online");
    const list = joined(online, toSave(guest), toSave(add(guest, "one", "key", allowance)));
    expect(list.one).toMatchObject({ allowance, online: true });
    expect(list.one?.info).toEqual(guest.one?.info);
  });

  test("has nothing more of a board that was taken off there", () => {
    const online = heard(report(both, "one"), "one", "availability", "online");
    const list = joined(online, toSave(both), toSave(hide(both, "one")));
    expect(list.one).toEqual(restore(toSave(hide(both, "one"))).one);
    expect(disconnected(list).two).toEqual(both.two);
  });
});

const ABOUT = "porchlight/porch-1/about";
const STATE = "porchlight/porch-1/light/state";

/** Two tabs with one memory, signed in and connected, with one board that both have written down. */
const openTabs = async () => {
  await using opening = new AsyncDisposableStack();
  const memory = createMemory();
  const first = opening.use(openStage({ memory }));
  await first.signIn();
  const second = opening.use(openStage({ memory }));
  const tabs = [first, second] as const;
  for (const tab of tabs) {
    tab.start();
    await tab.clock.untilTrue(() => tab.companion.state.connection === "up");
    tab.link.say(ABOUT, about(), true);
    await tab.clock.advance(2000);
  }
  const owned = opening.move();
  return { memory, first, second, [Symbol.asyncDispose]: () => owned.disposeAsync() };
};
const idsOf = ({ companion }: ReturnType<typeof openStage>): readonly string[] =>
  listed(companion.state.boards)
    .map(({ id }) => id)
    .sort();

describe("of two tabs", () => {
  test("each has the lamp that was added in the other, and listens to it", async () => {
    await using tabs = await openTabs();
    const { first, second, memory } = tabs;
    second.companion.addBoard("bens", "person");
    await second.clock.advance(2000);
    first.companion.addBoard("carols", "person");
    await first.clock.advance(2000);
    expect(idsOf(first)).toEqual(["bens", "carols", "porch-1"]);
    expect(first.link.subscribed).toContain("porchlight/bens/light/state");
    expect(listed(restore(memory.kept.boards ?? [])).map(({ id }) => id)).toEqual([
      "bens",
      "carols",
      "porch-1",
    ]);
    second.link.say(STATE, { state: "ON" });
    await second.clock.advance(2000);
    expect(idsOf(second)).toEqual(["bens", "carols", "porch-1"]);
  });

  test("none puts back what was taken off the list in the other", async () => {
    await using tabs = await openTabs();
    const { first, second, memory } = tabs;
    second.companion.hideBoard("porch-1");
    await second.clock.advance(2000);
    first.link.say(STATE, { state: "ON" });
    await first.clock.advance(2000);
    expect(idsOf(first)).toEqual([]);
    expect(listed(restore(memory.kept.boards ?? []))).toEqual([]);
    // What comes back is heard from the beginning.
    const before = first.link.subscribed.filter((topic) => topic === STATE).length;
    first.link.say(ABOUT, about());
    await first.clock.settle();
    expect(first.link.subscribed.filter((topic) => topic === STATE)).toHaveLength(before + 1);
  });

  test("none brings lamps back after a sign-out in the other, which it notices", async () => {
    await using tabs = await openTabs();
    const { first, second, memory } = tabs;
    expect(await second.clock.until(second.companion.signOut(never))).toBe(true);
    first.link.say("porchlight/porch-2/about", about("porch-2"));
    await first.clock.advance(2000);
    expect(first.companion.state).toMatchObject({ person: null, boards: {}, connection: "off" });
    for (const { clock } of [first, second]) await clock.advance(5000);
    expect(memory.kept).toEqual({});
  });

  test("each keeps the lamps where the other's sign-in came to its end", async () => {
    await using tabs = await openTabs();
    const { first, memory } = tabs;
    await memory.write("session", undefined);
    first.link.say(STATE, { state: "ON" });
    await first.clock.advance(2000);
    expect(first.companion.state).toMatchObject({ person: null, connection: "off" });
    expect(idsOf(first)).toEqual(["porch-1"]);
    expect(memory.kept.boards).toHaveLength(1);
  });

  test("a lamp is written down while a refresh takes its time", async () => {
    await using tabs = await openTabs();
    const { first, second, memory } = tabs;
    first.world.replies.push(async () => {
      await first.clock.sleep(20_000, never);
      return { status: 503, body: "" };
    });
    const renewed = first.sessions.renew("access-1", never).catch(() => "not");
    await first.clock.settle();
    second.companion.addBoard("bens", "key");
    await second.clock.advance(2000);
    expect(memory.kept.boards?.map(({ id }) => id)).toEqual(["porch-1", "bens"]);
    expect(await first.clock.until(renewed)).toBe("not");
  });
});
