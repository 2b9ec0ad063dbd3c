import { expect, test } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createPacedRefusals } from "../../../src/agent/paced-refusals.ts";
import type { AgentEvent } from "../../../src/model.ts";

const open = () => {
  const clock = new VirtualClock();
  const over = new AbortController();
  const events: AgentEvent[] = [];
  const tell = createPacedRefusals(clock, { record: (event) => events.push(event) }, over.signal);
  return { clock, over, events, tell };
};

test("the first refusal is told at once, and a flood of them once a minute with its number", async () => {
  const { clock, events, tell } = open();
  for (let n = 0; n < 500; n++) tell(`id-${n}`, "main", "COMMAND_SIGNATURE");
  expect(events).toEqual([{ event: "refused", id: "id-0", code: "COMMAND_SIGNATURE", light: "main" }]);
  await clock.advance(60_000);
  expect(events[1]).toEqual({
    event: "refused",
    id: null,
    code: "COMMAND_SIGNATURE",
    light: "main",
    count: 499,
  });
  tell("late", "porch", "COMMAND_SIGNATURE");
  await clock.advance(60_000);
  expect(events[2]).toMatchObject({ light: "porch", count: 1 });
  // A quiet minute, and the next one is told at once again.
  await clock.advance(60_000);
  tell("later", "main", "COMMAND_SIGNATURE");
  expect(events.slice(3)).toEqual([
    { event: "refused", id: "later", code: "COMMAND_SIGNATURE", light: "main" },
  ]);
});

test("one kind of refusal hides no other, and the end tells what was counted", async () => {
  const { clock, over, events, tell } = open();
  tell("a", "main", "COMMAND_SIGNATURE");
  tell("b", "main", "COMMAND_NOT_OWNER");
  tell("c", "main", "COMMAND_NOT_OWNER");
  expect(events).toHaveLength(2);
  over.abort();
  await clock.advance(0);
  expect(events.slice(2)).toMatchObject([{ code: "COMMAND_NOT_OWNER", count: 1 }]);
});
