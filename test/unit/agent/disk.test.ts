import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { watchDisk } from "../../../src/agent/disk.ts";
import { createSession } from "../../../src/device-flow/session.ts";
import { AgentError } from "../../../src/errors.ts";
import type { VaultKey } from "../../../src/ports.ts";
import { aGrant, codeOf, memoryVault } from "../device-flow/support.ts";

const MINUTE = 60_000;

/** A board's disk that refuses the keys of `refused`, and remembers what was written. */
const world = () => {
  const clock = new VirtualClock();
  const inner = memoryVault();
  const refused = new Set<VaultKey>();
  const written: VaultKey[] = [];
  const write = inner.write.bind(inner);
  inner.write = async (key, value) => {
    if (refused.has(key)) throw new AgentError("STATE_UNWRITABLE", key);
    await write(key, value);
    written.push(key);
  };
  let said = 0;
  const disk = watchDisk({ vault: inner, clock, journal: { record: () => void said++ } });
  const org = {
    refresh: async () => {
      throw new AgentError("BUG", "nothing is refreshed here");
    },
  };
  const session = createSession({ org, vault: disk.vault, clock });
  const stopping = new AbortController();
  const running = disk.run(session, stopping.signal);
  return {
    clock,
    disk,
    session,
    refused,
    written,
    inner,
    said: () => said,
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await running;
    },
  };
};

describe("a disk that refuses the sign-in alone", () => {
  it("is told until the sign-in is on it, which is tried each minute", async () => {
    await using w = world();
    w.refused.add("grant");
    await w.session.adopt(aGrant());
    for (let minute = 1; minute <= 3; minute++) {
      await w.clock.advance(MINUTE);
      expect(w.disk.fault).toBe("STATE_UNWRITABLE");
    }
    expect([w.said(), w.written]).toEqual([1, []]);
    w.refused.clear();
    await w.clock.advance(MINUTE);
    expect(w.disk.fault).toBeNull();
    expect(w.written).toEqual(["grant"]);
  });

  it("is told, though it takes other things meanwhile", async () => {
    await using w = world();
    w.refused.add("grant");
    await w.session.adopt(aGrant());
    await w.disk.vault.write("light-main", new Uint8Array(3));
    expect(w.disk.fault).toBe("STATE_UNWRITABLE");
    w.refused.clear();
    await w.clock.advance(MINUTE);
    expect(w.disk.fault).toBeNull();
    expect(w.inner.files.has("grant")).toBe(true);
  });

  it("is tried with something else once nothing is only in memory any more", async () => {
    await using w = world();
    w.refused.add("grant");
    // Nothing was there to be forgotten.
    await expect(w.session.forget()).rejects.toThrow(expect.objectContaining({ code: "STATE_UNWRITABLE" }));
    await w.clock.advance(MINUTE);
    expect(w.disk.fault).toBeNull();
    expect(w.written).toEqual(["probe", "probe"]);
  });

  it("is told while what is on it cannot be read", async () => {
    await using w = world();
    w.refused.add("grant");
    await w.session.adopt(aGrant());
    w.inner.files.set("grant", new Uint8Array(10));
    await w.clock.advance(MINUTE);
    expect(w.disk.fault).toBe("STATE_UNWRITABLE");
    w.inner.files.delete("grant");
    w.refused.clear();
    await w.clock.advance(MINUTE);
    expect(w.disk.fault).toBeNull();
  });
});

it("a disk that takes writes again, for less than a minute, gets what is only in memory with an orderly stop", async () => {
  const w = world();
  w.refused.add("grant").add("names");
  await w.session.adopt(aGrant());
  const orElse = Uint8Array.of(1);
  await codeOf(() => w.disk.vault.write("names", Uint8Array.of(2), { orElse }));
  w.refused.clear();
  await w.clock.advance(MINUTE / 3);
  await w[Symbol.asyncDispose]();
  expect(w.written).toEqual(["grant", "names"]);
  expect(await w.inner.read("names")).toEqual(orElse);
});

it("a disk that refuses something that nobody writes again is tried with a file of no use", async () => {
  await using w = world();
  w.refused.add("light-main").add("probe");
  const code = { code: "STATE_UNWRITABLE" };
  await expect(w.disk.vault.write("light-main", new Uint8Array(3))).rejects.toThrow(
    expect.objectContaining(code),
  );
  await w.clock.advance(MINUTE);
  expect(w.disk.fault).toBe("STATE_UNWRITABLE");
  w.refused.delete("probe");
  await w.clock.advance(MINUTE);
  expect(w.disk.fault).toBeNull();
  expect(w.inner.files.size).toBe(0);
});
