import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createMemoryDisk, type MemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { AgentError } from "../../../src/errors.ts";
import { createReplay, type Obeyed, SKEW_MS } from "../../../src/owner/replay.ts";
import type { Vault } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";
import { codeOf, createBoard, message, owner, signIn } from "./support.ts";

/** What the next writes do: `cutBefore` and `cutAfter` are the board's end, with the write undone or done. */
type Write = "good" | "fails" | "cutBefore" | "cutAfter";

const shaky = (disk: MemoryDisk, writes: Write[]): Vault => {
  const plain = openMemoryVault(disk);
  return {
    ...plain,
    async write(key, value) {
      const how = writes.shift() ?? "good";
      if (how === "fails") throw new AgentError("STATE_UNWRITABLE");
      if (how !== "cutBefore") await plain.write(key, value);
      if (how !== "good") await new Promise<never>(() => undefined);
    },
  };
};

/** Whether `work` ends while nothing else is to happen. */
const ends = async <T>(work: Promise<T>): Promise<T | "cut"> => {
  const quiet = new Promise<"cut">((resolve) => setImmediate(() => setImmediate(() => resolve("cut"))));
  return Promise.race([work, quiet]);
};

type Step =
  | { readonly kind: "new"; readonly phone: number; readonly ahead: number; readonly life: number }
  | { readonly kind: "again"; readonly which: number }
  | { readonly kind: "pass"; readonly ms: number }
  | { readonly kind: "setBack"; readonly ms: number }
  /** The clock jumps; whether two agree on where to. */
  | { readonly kind: "jump"; readonly ms: number; readonly agreed: boolean }
  | { readonly kind: "stop" }
  | { readonly kind: "cut" }
  | { readonly kind: "disk"; readonly how: Write };

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("new" as const),
        phone: fc.nat(2),
        ahead: fc.integer({ min: -30_000, max: 30_000 }),
        life: fc.integer({ min: 1, max: 300_000 }),
      }),
    },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("again" as const), which: fc.nat(20) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(60_000) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("setBack" as const), ms: fc.nat(90_000) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("jump" as const),
        ms: fc.constantFrom(...[1, 8_766].flatMap((hours) => [hours * 3_600_000, -hours * 3_600_000])),
        agreed: fc.boolean(),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("stop" as const) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("cut" as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("disk" as const),
        how: fc.constantFrom<Write>("fails", "cutBefore", "cutAfter"),
      }),
    },
  ),
  { minLength: 5, maxLength: 60 },
);

const at = (ms: number) => epochMs(1_796_144_400_000 + ms);
const command = (id: string, ms: number, lifeMs = 30_000): Obeyed => ({
  key: "k",
  id,
  issuedAt: at(ms),
  guest: false,
  expiresAt: at(ms + lifeMs),
});

describe("the memory of commands", () => {
  it("lets none count twice, whatever becomes of power, disk and clock", async () => {
    let obeyedInAll = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (story) => {
        const disk = createMemoryDisk();
        const writes: Write[] = [];
        let now = 1_796_144_400_000;
        let agreed = true;
        /** Where they have agreed last: before that nobody lets two agree (docs/decisions/0036-time.md). */
        let bound = now;
        let board = createReplay({ vault: shaky(disk, writes) });
        const restart = () => {
          writes.length = 0;
          board = createReplay({ vault: shaky(disk, writes) });
        };
        const sent: Obeyed[] = [];
        const obeyed = new Map<Obeyed, number>();
        /** As the checker does: times and clock first. */
        const send = async (command: Obeyed): Promise<void> => {
          const sure = agreed && now >= bound - 180_000;
          if (sure) bound = Math.max(bound, now);
          if (await board.isBehind(epochMs(now), sure)) return;
          if (now >= command.expiresAt + SKEW_MS || command.issuedAt > now + SKEW_MS) return;
          const answer = await ends(board.remember(command, epochMs(now))).catch(() => "failed" as const);
          if (answer === "new") obeyed.set(command, (obeyed.get(command) ?? 0) + 1);
          if (answer === "cut") restart();
        };
        for (const step of story)
          switch (step.kind) {
            case "new": {
              const issuedAt = epochMs(now + step.ahead);
              const id = `c${sent.length}`;
              const command = {
                key: `phone ${step.phone}`,
                id,
                issuedAt,
                expiresAt: epochMs(issuedAt + step.life),
                guest: false,
              };
              sent.push(command);
              await send(command);
              break;
            }
            case "again": {
              const command = sent[step.which % Math.max(1, sent.length)];
              if (command !== undefined) await send(command);
              break;
            }
            case "pass":
              now += step.ms;
              break;
            case "setBack":
              now -= step.ms;
              break;
            case "jump":
              now += step.ms;
              agreed = step.agreed;
              break;
            case "stop":
              await ends(board[Symbol.asyncDispose]());
              restart();
              break;
            case "cut":
              restart();
              break;
            case "disk":
              writes.push(step.how);
              break;
          }
        for (const times of obeyed.values()) expect(times).toBe(1);
        obeyedInAll += obeyed.size;
      }),
      { numRuns: 3000 },
    );
    // Not by refusing everything.
    expect(obeyedInAll).toBeGreaterThan(3000);
  });

  it("writes once in ten seconds while somebody drags a slider, and once more at an orderly end", async () => {
    const vault = openMemoryVault();
    const writes: number[] = [];
    const counted: Vault = {
      ...vault,
      async write(key, value) {
        writes.push(value?.length ?? 0);
        await vault.write(key, value);
      },
    };
    const memory = createReplay({ vault: counted });
    for (let ms = 0; ms <= 60_000; ms += 50)
      expect(await memory.remember(command(`c${ms}`, ms), at(ms))).toBe("new");
    expect(writes.length).toBe(6);
    expect(Math.max(...writes)).toBeLessThan(200);
    await memory[Symbol.asyncDispose]();
    await memory[Symbol.asyncDispose]();
    expect(writes.length).toBe(7);
  });

  it("refuses after a cut what may have been obeyed, and no more than that", async () => {
    const disk = createMemoryDisk();
    await createReplay({ vault: openMemoryVault(disk) }).remember(command("a", 0), at(0));
    const after = createReplay({ vault: openMemoryVault(disk) });
    expect(await after.remember(command("a", 0), at(5_000))).toBe("repeated");
    expect(await after.remember(command("b", 10_000), at(10_000))).toBe("repeated");
    expect(await after.remember(command("c", 10_001), at(10_001))).toBe("new");
  });

  it("refuses after an orderly end only what was obeyed", async () => {
    const disk = createMemoryDisk();
    const before = createReplay({ vault: openMemoryVault(disk) });
    await before.remember(command("a", 0), at(0));
    await before[Symbol.asyncDispose]();
    const after = createReplay({ vault: openMemoryVault(disk) });
    expect(await after.remember(command("a", 0), at(1))).toBe("repeated");
    expect(await after.remember(command("b", 0), at(1))).toBe("new");
  });

  it("does not trust its own horizon after an orderly end, should it be asked again", async () => {
    const disk = createMemoryDisk();
    const memory = createReplay({ vault: openMemoryVault(disk) });
    await memory.remember(command("a", 0), at(0));
    await memory[Symbol.asyncDispose]();
    expect(await memory.remember(command("b", 1), at(1))).toBe("new");
    const after = createReplay({ vault: openMemoryVault(disk) });
    expect(await after.remember(command("b", 1), at(2))).toBe("repeated");
  });

  it("holds a bounded number of commands, and takes new ones when the time of old ones is over", async () => {
    const memory = createReplay({ vault: openMemoryVault() });
    for (let each = 0; each < 4096; each++) await memory.remember(command(`c${each}`, 0), at(0));
    expect(await memory.remember(command("more", 0), at(0))).toBe("crowded");
    expect(await memory.remember(command("later", 90_000), at(90_001))).toBe("new");
  });

  describe("by a clock that was a year ahead", () => {
    const year = 365 * 24 * 3_600_000;
    const soon = 600_000;

    /** Obeys by a right clock, by the wrong one, and ends in some way. */
    const obeyedAhead = async (end: "stop" | "cut" | "none") => {
      const disk = createMemoryDisk();
      const memory = createReplay({ vault: openMemoryVault(disk) });
      await memory.isBehind(at(0), true);
      expect(await memory.remember(command("before", 0), at(0))).toBe("new");
      expect(await memory.isBehind(at(year), false)).toBe(false);
      for (const [id, ms] of [
        ["ahead", year],
        ["further", year + soon],
      ] as const)
        expect(await memory.remember(command(id, ms), at(ms))).toBe("new");
      if (end === "stop") await memory[Symbol.asyncDispose]();
      return end === "none" ? memory : createReplay({ vault: openMemoryVault(disk) });
    };

    it.each(["stop", "cut", "none"] as const)(
      "keeps nobody from obeying once the time is sure, and lets none count twice (%s)",
      async (end) => {
        const memory = await obeyedAhead(end);
        const now = 30_000;
        expect(await memory.isBehind(at(now), false)).toBe(true);
        expect(await memory.isBehind(at(now), true)).toBe(false);
        expect(await memory.remember(command("before", 0), at(now))).toBe("repeated");
        expect(await memory.remember(command("after", now), at(now))).toBe("new");
        expect(await memory.remember(command("after", now), at(now))).toBe("repeated");
        // In a year.
        for (const [id, ms] of [
          ["ahead", year],
          ["further", year + soon],
        ] as const) {
          expect(await memory.isBehind(at(ms), true)).toBe(false);
          expect(await memory.remember(command(id, ms), at(ms))).toBe("repeated");
        }
        const later = year + 24 * 3_600_000;
        expect(await memory.remember(command("later", later), at(later))).toBe("new");
      },
    );

    it("waits for a clock that is less than an hour behind", async () => {
      const memory = await obeyedAhead("none");
      expect(await memory.isBehind(at(year + soon - 3_000_000), true)).toBe(true);
    });

    it("reads what the version before has kept, and takes all of it for obeyed", async () => {
      const disk = createMemoryDisk();
      const v1 = { version: 1, floor: at(year), newest: at(year), horizon: null, ids: [] };
      disk.files.set("replay", new TextEncoder().encode(JSON.stringify(v1)));
      const memory = createReplay({ vault: openMemoryVault(disk) });
      expect(await memory.isBehind(at(0), true)).toBe(false);
      expect(await memory.remember(command("a", 0), at(0))).toBe("repeated");
      expect(await memory.remember(command("b", year + 1), at(year + 1))).toBe("new");
    });
  });

  it("leaves room for the owner, whatever guests send", async () => {
    const memory = createReplay({ vault: openMemoryVault() });
    const guests = (id: string): Obeyed => ({ ...command(id, 0), guest: true });
    for (let each = 0; each < 3072; each++)
      expect(await memory.remember(guests(`c${each}`), at(0))).toBe("new");
    expect(await memory.remember(guests("more"), at(0))).toBe("crowded");
    expect(await memory.remember(command("own", 0), at(0))).toBe("new");
  });

  it("says no to everything signed so far when its file is damaged", async () => {
    for (const bytes of ["", "{", "[]", "null", '{"version":2}', '{"version":1,"floor":"x"}']) {
      const disk = createMemoryDisk();
      disk.files.set("replay", new TextEncoder().encode(bytes));
      const memory = createReplay({ vault: openMemoryVault(disk) });
      expect(await memory.isBehind(at(-3_600_000_000), true)).toBe(false);
      expect(await memory.remember(command("a", 30_000), at(0))).toBe("repeated");
      expect(await memory.remember(command("b", 30_001), at(1))).toBe("new");
    }
  });

  const stored = { version: 1, floor: 1, newest: null, horizon: null, ids: [] };
  it.each<[string, object]>([
    ["no newest", { newest: "x" }],
    ["no horizon", { horizon: "x" }],
    ["no list", { ids: {} }],
    ["an entry without its end", { ids: [["a"]] }],
    ["an entry with a long name", { ids: [["a".repeat(65), 1]] }],
    ["an entry that ends never", { ids: [["a", null]] }],
    ["too many entries", { ids: Array.from({ length: 8193 }, () => ["a", 1]) }],
    ["no spans", { version: 2 }],
    ["a span that is none", { version: 2, eras: [[1]], banned: [] }],
    ["a span without an end", { version: 2, eras: [], banned: [[1, null]] }],
    ["too many spans", { version: 2, eras: [], banned: Array.from({ length: 33 }, () => [1, 2]) }],
    ["too many bytes", { more: "x".repeat(1024 * 1024) }],
  ])("takes a file with %s for damaged", async (_what, change) => {
    const disk = createMemoryDisk();
    disk.files.set("replay", new TextEncoder().encode(JSON.stringify({ ...stored, ...change })));
    const memory = createReplay({ vault: openMemoryVault(disk) });
    expect(await memory.remember(command("a", 30_000), at(0))).toBe("repeated");
  });

  it("that cannot be read is as damaged", async () => {
    const vault: Vault = {
      ...openMemoryVault(),
      read: async () => {
        throw new AgentError("STATE_DAMAGED");
      },
    };
    expect(await createReplay({ vault }).remember(command("a", 0), at(0))).toBe("repeated");
  });
});

describe("the memory of commands whose newest file is damaged", () => {
  /** The one before it says that all was well up to `until`. */
  const damagedAfter = async (until: number): Promise<Vault> => {
    const disk = createMemoryDisk();
    const vault = openMemoryVault(disk);
    const first = createReplay({ vault });
    await first.remember(command("a", until), at(until));
    await first[Symbol.asyncDispose]();
    return {
      ...vault,
      async read(key, least) {
        if (least === "newest") throw new AgentError("STATE_DAMAGED");
        return vault.read(key);
      },
    };
  };

  it("says no to everything signed so far, though the one before it knows nothing of it", async () => {
    const memory = createReplay({ vault: await damagedAfter(0) });
    expect(await memory.remember(command("b", 60_000), at(60_000))).toBe("repeated");
    expect(await memory.remember(command("c", 90_001), at(60_000))).toBe("new");
  });

  it("knows from the one before it what time it certainly was, for a clock that is set back", async () => {
    const memory = createReplay({ vault: await damagedAfter(3_600_000) });
    expect(await memory.isBehind(at(3_600_000 - SKEW_MS), true)).toBe(false);
    expect(await memory.isBehind(at(-3_600_000), true)).toBe(true);
    expect(await memory.remember(command("b", 3_600_000), at(0))).toBe("repeated");
  });
});

describe("a board", () => {
  it("refuses the same command over an orderly end and a new start", async () => {
    const before = createBoard();
    const sent = message(before.clock);
    expect(codeOf(await before.check(sent))).toBe("obeyed light");
    await before.checker[Symbol.asyncDispose]();
    const after = createBoard({ clock: before.clock, disk: before.disk });
    expect(codeOf(await after.check(sent))).toBe("COMMAND_REPEATED");
    expect(codeOf(await after.check(message(before.clock)))).toBe("obeyed light");
  });

  it("refuses it over a cut, and obeys new ones ten seconds later", async () => {
    const before = createBoard();
    const sent = message(before.clock);
    expect(codeOf(await before.check(sent))).toBe("obeyed light");
    const after = createBoard({ clock: before.clock, disk: before.disk });
    expect(codeOf(await after.check(sent))).toBe("COMMAND_REPEATED");
    await before.clock.advance(11_000);
    expect(codeOf(await after.check(message(before.clock)))).toBe("obeyed light");
    expect(codeOf(await after.check(sent))).toBe("COMMAND_REPEATED");
  });

  it("obeys nobody while its disk cannot be written, and does again once it can", async () => {
    let full = true;
    const board = createBoard({
      vault: (vault) => ({
        ...vault,
        async write(key, value) {
          if (full && key === "replay") throw new AgentError("STATE_UNWRITABLE", "/state/replay (ENOSPC)");
          await vault.write(key, value);
        },
      }),
    });
    const sent = message(board.clock);
    expect(await board.check(sent)).toMatchObject({ ok: false, code: "STATE_UNWRITABLE" });
    full = false;
    expect(codeOf(await board.check(sent))).toBe("obeyed light");
  });

  it("whose clock was set back refuses every command until the clock is right again", async () => {
    const { clock, check } = createBoard();
    const signedIn = signIn(clock, { claims: { iat: clock.wall() / 1000 - 3600 } });
    const first = message(clock, {}, signedIn);
    expect(codeOf(await check(first))).toBe("obeyed light");
    clock.setWall(epochMs(clock.wall() - 31_000), true);
    expect(codeOf(await check(first))).toBe("COMMAND_CLOCK");
    expect(codeOf(await check(message(clock, {}, signedIn)))).toBe("COMMAND_CLOCK");
    clock.setWall(epochMs(clock.wall() + 2_000), true);
    expect(codeOf(await check(first))).toBe("COMMAND_REPEATED");
    expect(codeOf(await check(message(clock, { content: { iat: clock.wall() / 1000 } }, signedIn)))).toBe(
      "obeyed light",
    );
  });

  it("obeys again once two agree that the clock by which it obeyed was wrong", async () => {
    let sure = false;
    const { clock, check } = createBoard({ sure: () => sure });
    const now = clock.wall();
    clock.setWall(epochMs(now + 365 * 24 * 3_600_000), true);
    expect(codeOf(await check(message(clock)))).toBe("obeyed light");
    clock.setWall(now, true);
    expect(codeOf(await check(message(clock)))).toBe("COMMAND_CLOCK");
    sure = true;
    expect(codeOf(await check(message(clock)))).toBe("obeyed light");
  });

  it("refuses more commands than it can remember", async () => {
    const disk = createMemoryDisk();
    const before = createReplay({ vault: openMemoryVault(disk) });
    const board = createBoard({ disk });
    const now = board.clock.wall();
    const expiresAt = epochMs(now + 60_000);
    for (let each = 0; each < 4096; each++)
      await before.remember({ key: "k", id: `c${each}`, issuedAt: now, expiresAt, guest: false }, now);
    await before[Symbol.asyncDispose]();
    expect(codeOf(await board.check(message(board.clock)))).toBe("COMMAND_CROWDED");
  });

  it("remembers nothing of a command that it refuses: it may come again in a better time", async () => {
    const { clock, check } = createBoard();
    const now = clock.wall() / 1000;
    const early = message(clock, { content: { id: "x", iat: now + 40, exp: now + 70 } });
    expect(codeOf(await check(early))).toBe("COMMAND_EARLY");
    await clock.advance(20_000);
    expect(codeOf(await check(early, owner))).toBe("obeyed light");
  });
});
