import { expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createUpkeep } from "../../../src/agent/upkeep.ts";
import { AgentError } from "../../../src/errors.ts";
import { epochMs } from "../../../src/units.ts";

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;

it("a sign-in is not looked at while nobody knows the time, and within a minute once somebody does", async () => {
  using clock = new VirtualClock({ wall: epochMs(0), wallKnown: false });
  let looks = 0;
  const keepAlive = async () => {
    looks += 1;
  };
  const identify = () => expect.fail("nobody asks");
  const upkeep = createUpkeep({ clock, random: () => 0, credentials: { keepAlive, identify } });
  await upkeep.keep(signal);
  expect([looks, upkeep.keepAt - clock.mono()]).toEqual([0, 60_000]);
  clock.setWall(epochMs(Date.parse("2026-12-01T17:00:00Z")));
  await upkeep.keep(signal);
  expect([looks, upkeep.keepAt - clock.mono()]).toEqual([1, 24 * HOUR_MS]);
});

it("an org that asks for quiet is left alone for so long, by look and question", async () => {
  using clock = new VirtualClock();
  const busy = async (): Promise<never> => {
    throw new AgentError("ORG_BUSY", "", { retryAfterMs: 3 * HOUR_MS });
  };
  const upkeep = createUpkeep({ clock, random: () => 0, credentials: { keepAlive: busy, identify: busy } });
  await expect(upkeep.keep(signal)).rejects.toMatchObject({ code: "ORG_BUSY" });
  expect(upkeep.keepAt - clock.mono()).toBe(3 * HOUR_MS);
  expect(await upkeep.ask(signal)).toBeNull();
  expect(upkeep.askAt - clock.mono()).toBe(3 * HOUR_MS);
});

it("a look or question that is broken off counts, too", async () => {
  using clock = new VirtualClock();
  const stop = new AbortController();
  const broken = async (): Promise<never> => {
    stop.abort(new Error("over"));
    throw new AgentError("ORG_UNREACHABLE");
  };
  const upkeep = createUpkeep({
    clock,
    random: () => 0,
    credentials: { keepAlive: broken, identify: broken },
  });
  await expect(upkeep.keep(stop.signal)).rejects.toThrow("over");
  await expect(upkeep.ask(stop.signal)).rejects.toThrow("over");
  expect([upkeep.keepAt - clock.mono(), upkeep.askAt - clock.mono()]).toEqual([HOUR_MS, 300_000]);
});

it("who approved another sign-in is asked at once, though the last one's org was closed to the question", async () => {
  using clock = new VirtualClock();
  const closed = async (): Promise<never> => {
    throw new AgentError("ACCESS_TOKEN_REJECTED");
  };
  const upkeep = createUpkeep({
    clock,
    random: () => 0,
    credentials: { keepAlive: closed, identify: closed },
  });
  expect(await upkeep.ask(signal)).toBeNull();
  expect(upkeep.askAt - clock.mono()).toBe(24 * HOUR_MS);
  upkeep.reset();
  expect(upkeep.askAt - clock.mono()).toBe(0);
});
