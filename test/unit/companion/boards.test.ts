import { describe, expect, test } from "vitest";
import {
  add,
  ask,
  type Boards,
  changed,
  disconnected,
  hear,
  hide,
  listed,
  nameOf,
  restore,
  roleOf,
  settle,
  shownLamps,
  toSave,
} from "../../../companion/core/boards.ts";
import type { LightChange, LightState } from "../../../src/model.ts";
import { about } from "./stage.ts";

const ME = "005ada";
const tell = (
  boards: Boards,
  rest: string,
  payload: unknown,
  options: { retained?: boolean; at?: number } = {},
) =>
  hear(
    boards,
    {
      topic: `porchlight/porch-1/${rest}`,
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
      retained: options.retained ?? false,
    },
    ME,
    options.at ?? 1,
  );

const mine = tell({}, "about", about());
const board = (boards: Boards, id = "porch-1") => {
  const found = boards[id];
  if (found === undefined) throw new Error(`there is no board ${id}`);
  return found;
};

describe("the list", () => {
  test("has a board that is given away no more, and one that comes to this person", () => {
    expect(Object.keys(tell(mine, "about", about("porch-1", "005ben")))).toEqual([]);
    expect(Object.keys(tell({}, "about", about("porch-1", "005ben")))).toEqual([]);
    expect(Object.keys(tell({}, "about", about("porch-1", null)))).toEqual([]);
    expect(
      Object.keys(hear({}, { topic: "porchlight/porch-1/about", payload: "{}", retained: false }, null, 1)),
    ).toEqual([]);
  });

  test("keeps a board that was added, whoever owns it", () => {
    const added = tell(add({}, "porch-1", "person"), "about", about("porch-1", "005ben"));
    expect(listed(added).map(nameOf)).toEqual(["Porch light"]);
    expect(roleOf(board(added), ME)).toBe("guest");
    expect(roleOf(board(mine), ME)).toBe("owner");
    expect(roleOf(board(mine), null)).toBe("guest");
    // A link from anybody makes no guest of its owner.
    expect(roleOf(board(add(mine, "porch-1", "key")), ME)).toBe("owner");
  });

  test.each(["constructor", "__proto__", "toString"])(
    "has no stranger's board because it is called %s",
    (id) => {
      const heard = {
        topic: `porchlight/${id}/about`,
        payload: JSON.stringify(about(id, "005eve")),
        retained: true,
      };
      expect(listed(hear({}, heard, ME, 1))).toEqual([]);
      const own = { ...heard, payload: JSON.stringify(about(id, ME)) };
      expect(listed(hear({}, own, ME, 1)).flatMap(shownLamps)).toHaveLength(1);
      expect(listed(add({}, id, "key"))).toMatchObject([{ id, pending: [], added: "key" }]);
    },
  );

  test("is by name, then by id, and an unheard one is called by its id", () => {
    const boards = add(add(mine, "attic", "person"), "cellar", "person");
    expect(listed(boards).map(nameOf)).toEqual(["attic", "cellar", "Porch light"]);
  });

  test("hides a board until it tells something new, or is there anew", () => {
    const hidden = hide(mine, "porch-1");
    expect(listed(hidden)).toEqual([]);
    expect(listed(tell(hidden, "about", about(), { retained: true }))).toEqual([]);
    expect(listed(tell(hidden, "light/state", { state: "ON" }))).toEqual([]);
    const ill = about("porch-1", ME, { health: { status: "fail", problems: [{ code: "LIGHT_FAULT" }] } });
    expect(listed(tell(hidden, "about", ill, { retained: true }))).toEqual([]);
    expect(
      listed(tell(hide(add({}, "porch-1", "key"), "porch-1"), "about", about(), { retained: true })),
    ).toHaveLength(1);
    expect(
      listed(tell(hidden, "about", about("porch-1", ME, { version: "2" }), { retained: true })),
    ).toHaveLength(1);
    expect(listed(tell(hidden, "about", about()))).toHaveLength(1);
    expect(listed(add(hidden, "porch-1", "person"))).toHaveLength(1);
    expect(hide({}, "porch-1")).toEqual({});
  });

  test("has a board that its owner took off only once it has started anew, or was heard, over restarts of the app", () => {
    const started = (at: string) => about("porch-1", ME, { started: { at, after: "power", code: null } });
    const dead = tell(tell({}, "about", started("2026-12-02T04:05:00.000Z")), "availability", "offline");
    const hidden = restore(JSON.parse(JSON.stringify(toSave(hide(dead, "porch-1")))));
    const repeated = tell(hidden, "about", started("2026-12-02T04:05:00.000Z"), { retained: true });
    expect(listed(tell(repeated, "availability", "offline", { retained: true }))).toEqual([]);
    expect(
      listed(tell(hidden, "about", started("2027-01-09T17:00:00.000Z"), { retained: true })),
    ).toHaveLength(1);
  });

  test("outlives the app, but for what only a connection knows", () => {
    const asked = ask(tell(mine, "availability", "online"), "porch-1", {
      id: "1",
      lamp: "main",
      change: { on: true },
    });
    const back = restore(JSON.parse(JSON.stringify(toSave(asked))));
    expect(board(back)).toEqual({ ...board(asked), online: false, pending: [] });
  });
});

describe("when a board was last heard", () => {
  test("is when it spoke, not when the broker repeated it", () => {
    const known = tell({}, "about", about(), { retained: true, at: 5 });
    expect(board(known).heardAt).toBeNull();
    expect(board(tell(known, "light/state", { state: "ON" }, { retained: true, at: 6 })).heardAt).toBeNull();
    expect(board(tell(known, "light/state", { state: "ON" }, { at: 7 })).heardAt).toBe(7);
    const online = tell(known, "availability", "online", { retained: true, at: 8 });
    expect(board(online)).toMatchObject({ online: true, heardAt: 8 });
    const gone = tell(online, "availability", "offline", { at: 9 });
    expect(board(gone)).toMatchObject({ online: false, heardAt: 9 });
    expect(board(tell(gone, "availability", "offline", { retained: true, at: 10 })).heardAt).toBe(9);
    expect(board(disconnected(online)).online).toBe(false);
  });

  test.each(["result/me", "light/set", "light/state", "availability"])(
    "on %s with something unreadable nothing changes",
    (rest) => {
      const online = tell(mine, "availability", "online");
      expect(tell(online, rest, "{{{")).toBe(online);
    },
  );
});

describe("who has a pass", () => {
  const answer = { id: "1", outcome: "done", code: null, message: null, state: null, guests: [] } as const;
  const listed = settle(mine, "porch-1", "1", answer);

  test("is known once the board has said so, and after answers that say nothing of it", () => {
    expect(board(mine).guests).toBeNull();
    expect(board(listed).guests).toEqual([]);
    const refused = { ...answer, outcome: "refused", code: "GUESTS_FULL", guests: null } as const;
    expect(board(settle(listed, "porch-1", "2", refused)).guests).toEqual([]);
    expect(board(settle(listed, "porch-1", "2", null)).guests).toEqual([]);
  });

  test("is not known any more when a pass was gone already, or the connection is", () => {
    const unknown = { ...answer, outcome: "refused", code: "GUEST_UNKNOWN", guests: null } as const;
    expect(board(settle(listed, "porch-1", "2", unknown)).guests).toBeNull();
    expect(board(disconnected(listed)).guests).toBeNull();
  });
});

describe("a lamp", () => {
  const on: LightState = {
    on: true,
    brightness: 0.5,
    colour: { mode: "temperature", kelvin: 2700 },
    effect: null,
  };
  const red = { mode: "rgb", rgb: [1, 0, 0] } as const;
  test.each<[LightState | null, LightChange, Partial<LightState>]>([
    [on, { on: false }, { on: false, brightness: 0.5 }],
    [on, { brightness: 0 }, { on: false, brightness: 0.5 }],
    [{ ...on, on: false }, { brightness: 0.2 }, { on: true, brightness: 0.2 }],
    [{ ...on, on: false }, { colour: red }, { on: true, colour: red }],
    [on, { effect: "blink" }, { effect: "blink", on: true }],
    [on, { effect: "identify" }, { effect: null }],
    [null, { on: true }, { on: true, brightness: 1, colour: { mode: "none" } }],
    [null, { effect: "blink" }, { on: false, effect: "blink" }],
  ])("%j that is asked for %j is shown as %j", (before, change, after) => {
    expect(changed(before, change)).toMatchObject(after);
  });

  test("is shown with all that is asked for, and settles one by one", () => {
    const reported = tell(mine, "light/state", { state: "OFF", brightness: 255 });
    const one = ask(reported, "porch-1", { id: "1", lamp: "main", change: { on: true } });
    const two = ask(one, "porch-1", { id: "2", lamp: "main", change: { brightness: 0.5 } });
    expect(shownLamps(board(two))).toMatchObject([{ state: { on: true, brightness: 0.5 }, waiting: true }]);
    const state = { on: true, brightness: 1, colour: { mode: "none" }, effect: null } as const;
    const done = { id: "1", outcome: "done", code: null, message: null, state, guests: null } as const;
    const settled = settle(two, "porch-1", "1", done);
    expect(shownLamps(board(settled))).toMatchObject([{ state: { brightness: 0.5 }, waiting: true }]);
    expect(shownLamps(board(settle(settled, "porch-1", "2", null)))).toMatchObject([
      { state: { on: true, brightness: 1 }, waiting: false, available: true },
    ]);
  });

  test("without a report, or without hardware, is shown as that", () => {
    expect(shownLamps(board(mine))).toMatchObject([{ state: null, waiting: false, available: true }]);
    const dead = tell(mine, "light/state", { state: "OFF", available: false, fault: "LIGHT_FAULT" });
    expect(shownLamps(board(dead))).toMatchObject([{ available: false }]);
    expect(shownLamps(board(add({}, "x", "key"), "x"))).toEqual([]);
  });

  test("of a board that is not there is left alone", () => {
    expect(ask({}, "x", { id: "1", lamp: "main", change: {} })).toEqual({});
    expect(settle({}, "x", "1", null)).toEqual({});
  });
});
