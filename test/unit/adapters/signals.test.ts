import { describe, expect, it, vi } from "vitest";
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

  it("leaves what is to be left before the next one ends the process", () => {
    const before = listeners();
    const killed: unknown[] = [];
    const kill = vi.spyOn(process, "kill").mockImplementation((_pid, name) => {
      killed.push(name);
      return true;
    });
    try {
      using told = untilToldToStop(() => killed.push("left"));
      process.emit("SIGINT", "SIGINT");
      expect([told.signal.aborted, killed]).toEqual([true, []]);
      process.emit("SIGTERM", "SIGTERM");
      expect(killed).toEqual(["left", "SIGTERM"]);
      expect(listeners()).toBe(before);
    } finally {
      kill.mockRestore();
    }
  });

  it("leaves no listener on dispose", () => {
    const before = listeners();
    untilToldToStop()[Symbol.dispose]();
    expect(listeners()).toBe(before);
  });
});
