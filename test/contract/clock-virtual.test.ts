import { generateKeyPair, generateKeyPairSync, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../firmware-sim/clock.ts";
import { clockContract } from "./clock.ts";

clockContract("virtual", async (test) => {
  using clock = new VirtualClock();
  await test({ clock, advance: (ms) => clock.advance(ms), waiting: () => clock.waiting });
});

describe("virtual time", () => {
  const rsa = { modulusLength: 2048 } as const;

  it("stands still while Node works on another thread", async () => {
    using clock = new VirtualClock();
    const made = promisify(generateKeyPair)("rsa", rsa).then(() => clock.mono());
    const subtle = crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
    const done = subtle.then(() => clock.mono());
    await clock.advance(1000);
    expect([await made, await done]).toEqual([0, 0]);
  });

  it("moves by the shortest sleep, however late it is", async () => {
    using clock = new VirtualClock();
    await clock.advance(63_000_000);
    const before = clock.mono();
    await clock.until(clock.sleep(7e-9, new AbortController().signal));
    expect(clock.mono()).toBeGreaterThan(before);
  });

  it("does not wait for the objects of work that is done already", async () => {
    using clock = new VirtualClock();
    // Kept, so that no collection of garbage could end them.
    const kept = [randomUUID(), generateKeyPairSync("rsa", rsa)];
    await clock.advance(1000);
    expect([clock.mono(), kept.length]).toEqual([1000, 2]);
  });
});
