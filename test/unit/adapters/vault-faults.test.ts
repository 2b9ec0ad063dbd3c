import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";
import { encodeFrame } from "../../../src/adapters/vault-frame.ts";
import { AgentError } from "../../../src/errors.ts";
import type { Vault, VaultKey } from "../../../src/ports.ts";
import { type Fault, type Snapshot, TornDisk } from "../../disk/torn-disk.ts";

const dir = "/state";
const bytes = (text: string): Uint8Array => Buffer.from(text);

/** What is asked of the vault. */
type Ask =
  | { readonly do: "write"; readonly key: VaultKey; readonly value: string; readonly both: boolean }
  | { readonly do: "remove"; readonly key: VaultKey };

/** A value, "none", or "damaged" where nothing can be read. */
type Seen = string;

/** What a reader may see of each key: what was last known to be on the disk, and what was asked for since. */
type Allowed = Map<VaultKey, readonly Seen[]>;

const open = (disk: TornDisk, told: string[] = []): Promise<Vault> =>
  openVault(dir, {
    clock: systemClock,
    random: Math.random,
    disk,
    damaged: ({ message }) => told.push(message),
  });

const see = async (vault: Vault, key: VaultKey): Promise<Seen> => {
  try {
    const value = await vault.read(key);
    return value === undefined ? "none" : Buffer.from(value).toString();
  } catch (error) {
    if (error instanceof AgentError && error.code === "STATE_DAMAGED") return "damaged";
    throw error;
  }
};

const carryOut = (vault: Vault, ask: Ask): Promise<void> =>
  ask.do === "remove"
    ? vault.write(ask.key, undefined)
    : vault.write(ask.key, bytes(ask.value), ...(ask.both ? (["both"] as const) : []));

/** Asks one after the other, until the power goes; `allowed` says afterwards what may be seen. */
const live = async (disk: TornDisk, asks: readonly Ask[], allowed: Allowed): Promise<"cut" | "lived"> => {
  const life = async (): Promise<"lived"> => {
    const vault = await open(disk).catch((error: unknown) => {
      // The folder cannot be opened: nothing happens.
      if (error instanceof AgentError) return undefined;
      throw error;
    });
    for (const ask of vault === undefined ? [] : asks) {
      const value = ask.do === "remove" ? "none" : ask.value;
      allowed.set(ask.key, [...(allowed.get(ask.key) ?? []), value]);
      try {
        await carryOut(vault as Vault, ask);
        allowed.set(ask.key, [value]);
      } catch (error) {
        if (!(error instanceof AgentError && error.code === "STATE_UNWRITABLE")) throw error;
      }
    }
    return "lived";
  };
  return Promise.race([life(), disk.cut.promise]);
};

const describeSnapshot = (snapshot: Snapshot): string =>
  [...snapshot]
    .filter(([name]) => !name.endsWith(".tmp"))
    .map(([name, data]) => `${name}=${Buffer.from(data).toString("latin1")}`)
    .sort()
    .join("|");

/** Holds that a board that starts from `snapshot` sees what it may, and can keep something new. */
const startsWell = async (snapshot: Snapshot, allowed: Allowed, what: string): Promise<void> => {
  const disk = new TornDisk(dir, snapshot);
  const vault = await open(disk);
  for (const [key, values] of allowed) {
    expect(values, `${what}: ${key} in ${describeSnapshot(snapshot)}`).toContain(await see(vault, key));
    await vault.write(key, bytes("afterwards"));
  }
  const again = await open(new TornDisk(dir, disk.content));
  for (const key of allowed.keys()) expect(await see(again, key)).toBe("afterwards");
};

const frame = (generation: number, value: string): Uint8Array =>
  encodeFrame({ key: "grant", generation, form: "plain", body: bytes(value) });

const starts: readonly (readonly [what: string, files: Readonly<Record<string, Uint8Array>>, Seen])[] = [
  ["nothing", {}, "none"],
  ["a file of an older version", { grant: bytes("old") }, "old"],
  [
    "a file of an older version, and what a newer one had left",
    { grant: bytes("old"), "grant.1": frame(7, "stale"), "grant.2": frame(8, "stale") },
    "old",
  ],
  ["two generations", { "grant.1": frame(4, "old"), "grant.2": frame(3, "older") }, "old"],
  ["one damaged generation of two", { "grant.1": frame(3, "old"), "grant.2": bytes("\0\0\0") }, "old"],
  ["two damaged generations", { "grant.1": bytes(""), "grant.2": bytes("\0\0\0") }, "damaged"],
];

const asks: readonly Ask[] = [
  { do: "write", key: "grant", value: "a", both: false },
  { do: "write", key: "grant", value: "b", both: false },
  { do: "remove", key: "grant" },
  { do: "write", key: "grant", value: "c", both: true },
  { do: "write", key: "grant", value: "d", both: false },
];

describe.each(starts)("a vault that starts with %s", (_what, files, seen) => {
  const begin = (): readonly [TornDisk, Allowed] => [
    new TornDisk(dir, new Map(Object.entries(files))),
    new Map([["grant", [seen]]]),
  ];
  const countCalls = async (): Promise<number> => {
    const [disk, allowed] = begin();
    expect(await live(disk, asks, allowed)).toBe("lived");
    expect(allowed.get("grant")).toEqual(["d"]);
    return disk.calls;
  };

  it("has the old value or the new one after a cut before and after any call", async () => {
    const calls = await countCalls();
    const looked = new Set<string>();
    for (let at = 1; at <= calls; at++)
      for (const when of ["before", "after"] as const) {
        const [disk, allowed] = begin();
        disk.faults.set(at, { kind: "cut", when });
        expect(await live(disk, asks, allowed)).toBe("cut");
        for (const snapshot of disk.aftermath()) {
          const key = `${describeSnapshot(snapshot)} ${JSON.stringify([...allowed])}`;
          if (looked.has(key)) continue;
          looked.add(key);
          await startsWell(snapshot, allowed, `cut ${when} call ${at}`);
        }
      }
    expect(looked.size).toBeGreaterThan(asks.length);
  });

  it.each(["ENOSPC", "EIO"])(
    "never says that it has kept what it has not, whichever call fails with %s",
    async (code) => {
      const calls = await countCalls();
      for (let at = 1; at <= calls; at++)
        for (const kind of ["fails", "lies"] as const) {
          const [disk, allowed] = begin();
          disk.faults.set(at, { kind, code });
          expect(await live(disk, asks, allowed)).toBe("lived");
          const checked = new Set<string>();
          for (const snapshot of disk.aftermath()) {
            if (checked.has(describeSnapshot(snapshot))) continue;
            checked.add(describeSnapshot(snapshot));
            await startsWell(snapshot, allowed, `call ${at} ${kind}`);
          }
        }
    },
  );
});

const twoGenerations = new Map([
  ["grant.1", frame(3, "older")],
  ["grant.2", frame(4, "old")],
]);

describe.each<readonly [what: string, asks: readonly Ask[]]>([
  ["a write", [{ do: "write", key: "grant", value: "a", both: false }]],
  ["a write that replaces everything", [{ do: "write", key: "grant", value: "a", both: true }]],
  ["a removal", [{ do: "remove", key: "grant" }]],
])("a disk that fails once during %s, before the power goes", (_what, asked) => {
  it("does not bring back what was there before the last value", async () => {
    const looked = new Set<string>();
    for (let first = 1; first <= 45; first++)
      for (let cutAt = first + 1; cutAt <= 60; cutAt++) {
        const disk = new TornDisk(dir, twoGenerations);
        const allowed: Allowed = new Map([["grant", ["old"]]]);
        disk.faults.set(first, { kind: "fails", code: "EIO" });
        disk.faults.set(cutAt, { kind: "cut", when: "before" });
        // A second try, as whoever was told of the failure makes it.
        await live(disk, [...asked, ...asked], allowed);
        for (const snapshot of disk.aftermath()) {
          const key = `${describeSnapshot(snapshot)} ${JSON.stringify([...allowed])}`;
          if (looked.has(key)) continue;
          looked.add(key);
          await startsWell(snapshot, allowed, `call ${first} fails, cut at ${cutAt}`);
        }
      }
  });
});

it("a vault on FAT has the old value or the new one after a cut before and after any call", async () => {
  const writes = asks.filter((ask) => ask.do === "write");
  const looked = new Set<string>();
  for (let at = 1, outcome = "cut"; outcome === "cut"; at++)
    for (const when of ["before", "after"] as const) {
      const disk = new TornDisk(dir, twoGenerations, { isFat: true });
      const allowed: Allowed = new Map([["grant", ["old"]]]);
      disk.faults.set(at, { kind: "cut", when });
      outcome = await live(disk, writes, allowed);
      for (const snapshot of disk.aftermath()) {
        const key = `${describeSnapshot(snapshot)} ${JSON.stringify([...allowed])}`;
        if (looked.has(key)) continue;
        looked.add(key);
        await startsWell(snapshot, allowed, `cut ${when} call ${at}`);
      }
    }
  expect(looked.size).toBeGreaterThan(writes.length);
});

const keys = ["grant", "replay", "light-main"] as const;
const anyFault: fc.Arbitrary<Fault> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("fails" as const, "lies" as const),
    code: fc.constantFrom("ENOSPC", "EDQUOT", "EROFS", "EIO"),
  }),
  fc.record({
    kind: fc.constant("cut" as const),
    when: fc.constantFrom("before" as const, "after" as const),
  }),
);
const anyAsk: fc.Arbitrary<Ask> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("write" as const),
      key: fc.constantFrom(...keys),
      value: fc.string({ maxLength: 12 }).map((text) => `=${text}`),
      both: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("remove" as const), key: fc.constantFrom(...keys) }) },
);
const lives = fc.array(
  fc.record({
    asks: fc.array(anyAsk, { minLength: 1, maxLength: 6 }),
    faults: fc.array(fc.tuple(fc.integer({ min: 1, max: 120 }), anyFault), { maxLength: 4 }),
    /** Which of the disks that may be left. */
    left: fc.nat(1000),
  }),
  { minLength: 1, maxLength: 5 },
);

describe("a vault with a bad life behind it", () => {
  it("has what it promised, whatever failed, and however often the power went", async () => {
    let cuts = 0;
    await fc.assert(
      fc.asyncProperty(lives, async (story) => {
        const allowed: Allowed = new Map(keys.map((key) => [key, ["none"]]));
        let snapshot: Snapshot = new Map();
        for (const { asks: asked, faults, left } of story) {
          const disk = new TornDisk(dir, snapshot);
          for (const [at, fault] of faults) disk.faults.set(at, fault);
          if ((await live(disk, asked, allowed)) === "cut") cuts += 1;
          const possible = [...disk.aftermath()];
          snapshot = possible[left % possible.length] ?? snapshot;
          await startsWell(snapshot, allowed, "afterwards");
        }
      }),
      { numRuns: 300 },
    );
    expect(cuts).toBeGreaterThan(100);
  });
});

it("a folder that cannot be looked at once is written to the next time", async () => {
  const disk = new TornDisk(dir);
  const vault = await open(disk);
  let bad = 1;
  disk.refuses = (call) => (call === "readdir" && bad-- > 0 ? "EMFILE" : undefined);
  await expect(vault.ready()).resolves.toBeUndefined();
  bad = 1;
  await expect(vault.write("grant", bytes("first"))).rejects.toThrow(
    expect.objectContaining({ code: "STATE_UNWRITABLE" }),
  );
  await vault.write("grant", bytes("second"));
  expect(await see(vault, "grant")).toBe("second");
});
