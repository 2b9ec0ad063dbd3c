// The whole agent, a night, and a newer version of the program.

import { afterEach, expect, it } from "vitest";
import { AgentError } from "../../src/errors.ts";
import type { UpdateOutcome } from "../../src/model.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

/** Somebody to take updates from. */
const makeUpdates = () => ({
  fetched: 0,
  requested: 0,
  fault: null as AgentError | null,
  outcome: null as UpdateOutcome | null,
  async fetch() {
    this.fetched += 1;
    if (this.fault !== null) throw this.fault;
    return { version: "1.0.1" };
  },
  async request() {
    this.requested += 1;
  },
  async last() {
    return this.outcome;
  },
});

const about = () => JSON.parse(stage.retained("about") ?? "{}");
/** Ten minutes after the start of every stage's clock, by the time zone of whoever runs the test. */
const window = ((at) => [at, at].map((each) => new Date(each).toTimeString().slice(0, 5)).join("-"))(
  Date.parse("2026-12-01T17:10:00Z"),
);
const settings = { update: { window } };

it("an update never ends the agent while a lamp is on, and what became of it is told everywhere", async () => {
  const updates = makeUpdates();
  stage = await openStage({ updates, settings });
  await stage.signIn();
  expect(about()).toMatchObject({ update: null });
  await stage.light("main", { on: true });
  await stage.clock.advance(1_800_000);
  expect([updates.fetched, updates.requested]).toEqual([1, 0]);
  await stage.light("main", { on: false });
  await stage.clock.untilTrue(() => updates.requested === 1, 600_000);
  updates.outcome = {
    version: "1.0.1",
    outcome: "wentBack",
    code: "UPDATE_WENT_BACK",
    message: "it ended twice",
    at: "2026-12-01T17:10:00.000Z",
  };
  const told = await stage.untilEvent("update", { where: ({ outcome }) => outcome === "wentBack" });
  expect(told.message).toBe("it ended twice");
  await stage.clock.advance(1000);
  expect(about().update).toEqual({
    version: "1.0.1",
    outcome: "wentBack",
    code: "UPDATE_WENT_BACK",
    at: "2026-12-01T17:10:00.000Z",
  });
  expect((await stage.status()).update).toEqual(updates.outcome);
  expect(stage.state()).toBe("online");
});

it("an update that cannot be fetched costs the lamp nothing", async () => {
  const updates = makeUpdates();
  updates.fault = new AgentError("UPDATE_SIGNATURE", "the content is not what was signed");
  stage = await openStage({ updates, settings });
  await stage.signIn();
  const fault = await stage.untilEvent("fault", {
    where: ({ code }) => code === "UPDATE_SIGNATURE",
    withinMs: 3_600_000,
  });
  expect(fault.message).toContain("not what was signed");
  expect(stage.state()).toBe("online");
  expect((await stage.light("main", { on: true })).outcome).toBe("done");
});
