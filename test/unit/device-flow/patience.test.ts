import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createPatience, PATIENCE_MS } from "../../../src/device-flow/patience.ts";

describe("the patience with a token request", () => {
  it("is over some seconds after a stop, be it told before or later", async () => {
    for (const toldAt of [0, 3_600_000]) {
      using clock = new VirtualClock();
      const stop = new AbortController();
      if (toldAt === 0) stop.abort();
      using patience = createPatience(clock, stop.signal);
      await clock.advance(toldAt);
      stop.abort();
      await clock.advance(PATIENCE_MS - 1);
      expect(patience.signal.aborted).toBe(false);
      await clock.advance(1);
      expect(patience.signal.aborted).toBe(true);
    }
  });

  it("leaves no timer behind when everything has ended before", async () => {
    using clock = new VirtualClock();
    const stop = new AbortController();
    const patience = createPatience(clock, stop.signal);
    stop.abort();
    patience[Symbol.dispose]();
    await clock.settle();
    expect([clock.waiting, patience.signal.aborted]).toEqual([0, false]);
  });
});
