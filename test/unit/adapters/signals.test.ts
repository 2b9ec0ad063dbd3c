import { describe, expect, it } from "vitest";
import { untilToldToStop } from "../../../src/adapters/signals.ts";

const listeners = (): number => process.listenerCount("SIGINT") + process.listenerCount("SIGTERM");

describe("being told to stop", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("%s aborts, and the next one is the system's again", (name) => {
    const before = listeners();
    using told = untilToldToStop();
    expect(listeners()).toBe(before + 2);
    expect(told.signal.aborted).toBe(false);
    process.emit(name, name);
    expect(told.signal.aborted).toBe(true);
    expect(listeners()).toBe(before);
  });

  it("leaves no listener on dispose", () => {
    const before = listeners();
    untilToldToStop()[Symbol.dispose]();
    expect(listeners()).toBe(before);
  });
});
