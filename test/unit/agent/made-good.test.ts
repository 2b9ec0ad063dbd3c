import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { type Disk, watchDisk } from "../../../src/agent/disk.ts";
import { openEvening } from "../../../src/agent/evening.ts";
import { openNames } from "../../../src/agent/names.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Evening, GuestPass } from "../../../src/model.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import type { Vault } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";
import { type Snapshot, TornDisk } from "../../disk/torn-disk.ts";

const ada = { userId: "005ADA", orgId: null, name: "Ada", username: null };
const settings = { device: { name: "Porch light" }, lights: [{ id: "main", name: "Porch" }] };
const passOf = (id: string): GuestPass => ({
  id,
  name: id,
  to: { kind: "user", userId: "005BOB" },
  lights: null,
  may: ["switch"],
  maxBrightness: null,
  from: null,
  until: epochMs(Date.parse("2030-01-01T00:00:00Z")),
  daily: null,
});
const eveningOf = (off: string): Evening => ({
  on: "18:30",
  off,
  timeZone: "Europe/Berlin",
  lights: null,
  brightness: null,
  away: false,
});

/** What an owner sets by a command: `set` does so, `see` says what counts. */
type Kept = { set(what: string): Promise<unknown>; see(): Promise<unknown> };

let clock: VirtualClock;
let stop: AbortController;

const keepers: Readonly<Record<string, (vault: Vault) => Promise<Kept>>> = {
  "a schedule": async (vault) => {
    const keeper = await openEvening({
      vault,
      lights: new Map(),
      clock,
      journal: { record: () => {} },
      board: "porch-1",
      settled: null,
      home: { where: async () => null },
    });
    return {
      set: (what) => keeper.set(eveningOf(what === "old" ? "22:00" : "23:00"), ada),
      see: async () => keeper.schedule,
    };
  },
  "a name": async (vault) => {
    const names = await openNames(vault, settings, clock);
    return { set: (what) => names.rename("main", what, ada), see: async () => names.light("main") };
  },
  "a guest": async (vault) => {
    const guests = createGuests({ vault, clock, sure: () => true });
    return { set: (what) => guests.admit(passOf(what), ada), see: () => guests.list(ada) };
  },
};

const vaultOn = (disk: TornDisk): Promise<Vault> => openVault("/state", { clock, random: () => 0.5, disk });

const begin = async (open: (vault: Vault) => Promise<Kept>, first: readonly string[]) => {
  const torn = new TornDisk("/state");
  const disk: Disk = watchDisk({ vault: await vaultOn(torn), clock, journal: { record: () => {} } });
  const kept = await open(disk.vault);
  for (const what of first) await kept.set(what);
  const seen = async (snapshot: Snapshot): Promise<unknown> =>
    (await open(await vaultOn(new TornDisk("/state", snapshot)))).see();
  /** What counts after a restart, and after a cut of the power now. */
  const later = async (): Promise<readonly unknown[]> =>
    Promise.all([torn.content, ...torn.aftermath()].map((each) => seen(each)));
  return { torn, disk, kept, seen, later };
};

const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "done",
    (error: unknown) => (error instanceof AgentError ? error.code : String(error)),
  );

beforeEach(() => {
  clock = new VirtualClock({ wall: epochMs(Date.parse("2026-12-01T12:00:00Z")) });
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  clock[Symbol.dispose]();
});

describe.each(Object.entries(keepers))("%s that the disk did not take", (_what, open) => {
  it.each([
    ["the first one", []],
    ["another than before", ["old"]],
  ])(
    "counts neither now nor after a restart, whichever call of the disk has failed (%s)",
    async (_case, first) => {
      const whole = await begin(open, first);
      const before = whole.torn.calls;
      await whole.kept.set("new");
      const calls = whole.torn.calls - before;
      let failures = 0;
      for (let at = 1; at <= calls; at++)
        for (const kind of ["fails", "lies"] as const) {
          const { torn, kept, later, disk } = await begin(open, first);
          const old = await kept.see();
          torn.faults.set(torn.calls + at, { kind, code: "EIO" });
          if ((await codeOf(kept.set("new"))) === "done") continue;
          failures += 1;
          expect([await kept.see(), disk.fault]).toEqual([old, null]);
          for (const seen of await later()) expect(seen).toEqual(old);
          expect(await codeOf(kept.set("new"))).toBe("done");
          const now = await kept.see();
          for (const seen of await later()) expect(seen).toEqual(now);
        }
      expect(failures).toBeGreaterThan(10);
    },
  );

  it("counts no more within a minute from when the disk takes writes again", async () => {
    const { torn, disk, kept, seen, later } = await begin(open, ["old"]);
    const running = disk.run({ persist: async () => true }, stop.signal);
    const old = await kept.see();
    let renamed = false;
    torn.refuses = (call) => {
      renamed ||= call === "rename";
      return renamed && call === "fsync" ? "EIO" : undefined;
    };
    expect(await codeOf(kept.set("new"))).toBe("STATE_UNWRITABLE");
    await clock.advance(5 * 60_000);
    expect([await kept.see(), disk.fault]).toEqual([old, "STATE_UNWRITABLE"]);
    expect(await seen(torn.content)).not.toEqual(old);
    torn.refuses = () => undefined;
    // Another write that works does not end it.
    await disk.vault.write("home", new Uint8Array(1));
    expect(disk.fault).toBe("STATE_UNWRITABLE");
    await clock.advance(60_000);
    expect(disk.fault).toBeNull();
    for (const seen of await later()) expect(seen).toEqual(old);
    stop.abort();
    await running;
  });

  it("counts when it is set once more before that", async () => {
    const { torn, disk, kept, later } = await begin(open, ["old"]);
    torn.refuses = (call) => (call === "fsync" ? "EIO" : undefined);
    expect(await codeOf(kept.set("new"))).toBe("STATE_UNWRITABLE");
    torn.refuses = () => undefined;
    await kept.set("new");
    const now = await kept.see();
    const running = disk.run({ persist: async () => true }, stop.signal);
    await clock.advance(120_000);
    for (const seen of await later()) expect(seen).toEqual(now);
    stop.abort();
    await running;
  });
});

describe("what is to be made good", () => {
  const text = (value: Uint8Array | undefined): string => (value === undefined ? "none" : `${value}`);
  const [old, next, newer] = [1, 2, 3].map((byte) => Uint8Array.of(byte));

  /** A vault whose writes end when they are told to, in the order in which they came. */
  const slow = () => {
    const writes: { what: string; end: PromiseWithResolvers<void> }[] = [];
    const write: Vault["write"] = (key, value) => {
      const end = Promise.withResolvers<void>();
      writes.push({ what: `${key} ${text(value)}`, end });
      return end.promise;
    };
    const vault: Vault = { ...openMemoryVault(createMemoryDisk()), write };
    const disk = watchDisk({ vault, clock, journal: { record: () => {} } });
    const fail = (nth: number): void => writes[nth]?.end.reject(new AgentError("STATE_UNWRITABLE", "EIO"));
    const take = (nth: number): void => writes[nth]?.end.resolve();
    return { disk, fail, take, asked: () => writes.map(({ what }) => what) };
  };

  it("is nothing where something newer is already being written", async () => {
    const { disk, fail, take, asked } = slow();
    const failing = codeOf(disk.vault.write("names", next, { orElse: old }));
    const forgetting = disk.vault.write("names", undefined);
    fail(0);
    take(1);
    expect([await failing, await forgetting]).toEqual(["STATE_UNWRITABLE", undefined]);
    expect(asked()).toEqual(["names 2", "names none"]);
  });

  it("is not what somebody has written anew while another thing was made good", async () => {
    const { disk, fail, take, asked } = slow();
    const [names, guests] = (["names", "guests"] as const).map((key) =>
      codeOf(disk.vault.write(key, next, { orElse: old })),
    );
    // What was before is not taken either.
    for (const nth of [0, 1, 2, 3]) {
      fail(nth);
      await clock.advance(0);
    }
    expect([await names, await guests]).toEqual(["STATE_UNWRITABLE", "STATE_UNWRITABLE"]);
    const running = disk.run({ persist: async () => true }, stop.signal);
    await clock.advance(60_000);
    const renewing = disk.vault.write("guests", newer);
    take(5);
    await renewing;
    take(4);
    await clock.advance(120_000);
    expect(asked().slice(4)).toEqual(["names 1", "guests 3"]);
    expect(disk.fault).toBeNull();
    stop.abort();
    await running;
  });
});
