import { expect, test } from "vitest";
import { type Boards, disconnected, hear } from "../../../companion/core/boards.ts";
import { knownBefore, newcomer } from "../../../companion/core/newcomer.ts";
import { about } from "./stage.ts";

const ME = "005ada";
const say = (boards: Boards, id: string, rest: string, payload: unknown): Boards =>
  hear(
    boards,
    {
      topic: `porchlight/${id}/${rest}`,
      payload: typeof payload === "string" ? payload : JSON.stringify(payload),
      retained: true,
    },
    ME,
    1,
  );
const comes = (boards: Boards, id: string, owner = ME): Boards =>
  say(say(boards, id, "about", about(id, owner)), id, "availability", "online");

const home = comes({}, "porch-1");
const offline = disconnected(home);

const away = say(home, "porch-1", "availability", "offline");

test.each<[string, Boards, boolean, Boards, string]>([
  ["a new board", home, true, comes(home, "porch-2"), "porch-2"],
  ["a new board after a time without a connection", offline, false, comes(home, "porch-2"), "porch-2"],
  ["an old board that was away, and is this person's again,", away, true, home, "porch-1"],
])("%s is the one that was waited for", (_, before, connected, now, id) => {
  expect(newcomer(now, ME, knownBefore(before, ME, connected))?.id).toBe(id);
});

test.each<[string, Boards, boolean, Boards]>([
  ["an old board that was there all the time", home, true, home],
  ["an old board, once there is a connection,", offline, false, home],
  ["an old board after a moment without a connection", home, true, comes(offline, "porch-1")],
  ["somebody else's board", home, true, comes(home, "porch-3", "005ben")],
  ["a board that is not there yet", home, true, say(home, "porch-2", "about", about("porch-2"))],
])("%s is not the one that is waited for", (_, before, connected, now) => {
  expect(newcomer(now, ME, knownBefore(before, ME, connected))).toBeUndefined();
});
