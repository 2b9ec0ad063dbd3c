import { beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createGuestBlinks, type GuestBlinks } from "../../../src/agent/guest-blinks.ts";
import { AgentError } from "../../../src/errors.ts";
import type { LightChange, LightState } from "../../../src/model.ts";
import type { Light } from "../../../src/ports.ts";
import { after as later } from "../../../src/units.ts";

let clock: VirtualClock;
let over: AbortController;
let blinks: GuestBlinks;
let target: LightState;
let broken: boolean;
let light: Light;

beforeEach(() => {
  clock = new VirtualClock();
  over = new AbortController();
  blinks = createGuestBlinks(clock, over.signal);
  broken = false;
  target = { on: true, brightness: 1, colour: { mode: "none" }, effect: null };
  light = {
    id: "main",
    name: "main",
    traits: { dims: true, temperature: null, rgb: false, effects: ["blink", "identify"] },
    get target() {
      return target;
    },
    get shown() {
      return target;
    },
    fault: null,
    signal: () => undefined,
    signalled: null,
    async apply(change) {
      target = { ...target, effect: change.effect === undefined ? target.effect : change.effect };
      if (broken) throw new AgentError("LIGHT_FAULT");
      return target;
    },
    subscribe: () => () => undefined,
    async [Symbol.asyncDispose]() {},
  };
});

/** A change by the guest with the pass `p1`, which ends in a minute, or by the owner. */
const change = async (of: LightChange, by: "guest" | "owner"): Promise<void> => {
  await light.apply(of, { fadeMs: 0, cause: { kind: "agent" } }, over.signal);
  blinks.changed(light, of, by === "owner" ? null : { pass: "p1", until: later(clock.wall(), 60_000) });
};

describe("a guest's blink", () => {
  it("ends with the pass", async () => {
    await change({ effect: "blink" }, "guest");
    await clock.advance(59_999);
    expect(target.effect).toBe("blink");
    await clock.advance(1);
    expect(target).toMatchObject({ on: true, effect: null });
  });

  it("that began while the clock was years behind ends soon after the clock is right", async () => {
    const now = clock.wall();
    clock.setWall(later(now, -20 * 365 * 24 * 3_600_000));
    await light.apply({ effect: "blink" }, { fadeMs: 0, cause: { kind: "agent" } }, over.signal);
    blinks.changed(light, { effect: "blink" }, { pass: "p1", until: now });
    await clock.advance(3_600_000);
    expect(target.effect).toBe("blink");
    clock.setWall(later(now, 1));
    await clock.advance(60_000);
    expect(target.effect).toBeNull();
  });

  it("goes on through a change that leaves it, and ends all the same", async () => {
    await change({ effect: "blink" }, "guest");
    await change({ brightness: 0.5 }, "owner");
    expect(target.effect).toBe("blink");
    await clock.advance(60_000);
    expect(target.effect).toBeNull();
  });

  it("is the owner's once the owner has asked for it, too", async () => {
    await change({ effect: "blink" }, "guest");
    await change({ effect: "blink" }, "owner");
    await clock.advance(120_000);
    blinks.revoked("p1");
    expect(target.effect).toBe("blink");
  });

  it("that was ended before leaves a later one of the owner's alone", async () => {
    await change({ effect: "blink" }, "guest");
    await change({ effect: null }, "guest");
    await change({ effect: "blink" }, "owner");
    await clock.advance(120_000);
    expect(target.effect).toBe("blink");
  });

  it("ends when the owner takes the pass back, and no other does", async () => {
    await change({ effect: "blink" }, "guest");
    blinks.revoked("p2");
    expect(target.effect).toBe("blink");
    blinks.revoked("p1");
    expect(target.effect).toBeNull();
  });

  it("ends on a lamp that does not answer: it comes back without", async () => {
    await change({ effect: "blink" }, "guest");
    broken = true;
    await clock.advance(60_000);
    expect(target.effect).toBeNull();
  });

  it("is left to the lamp when the agent stops", async () => {
    await change({ effect: "blink" }, "guest");
    over.abort();
    await clock.advance(120_000);
    expect(target.effect).toBe("blink");
  });
});
