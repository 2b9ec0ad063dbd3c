import { describe, expect, it } from "vitest";
import { VirtualClock } from "../../../firmware-sim/clock.ts";
import { createMemoryDisk, openMemoryVault } from "../../../src/adapters/memory-vault.ts";
import { signedLimits } from "../../../src/broker/signed-limits.ts";
import { AgentError, type ErrorCode } from "../../../src/errors.ts";
import type { GuestPass } from "../../../src/model.ts";
import { createGuests } from "../../../src/owner/guests.ts";
import type { Vault } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";
import { owner } from "./support.ts";

const world = (vaultOf: (vault: Vault) => Vault = (vault) => vault) => {
  const clock = new VirtualClock();
  const disk = createMemoryDisk();
  const open = (sure = false) =>
    createGuests({ vault: vaultOf(openMemoryVault(disk)), clock, sure: () => sure });
  const pass = (id: string, hours = 1): GuestPass => ({
    id,
    name: "Bob",
    to: { kind: "user", userId: "005xx000000000CAAA" },
    lights: ["main"],
    may: ["switch"],
    maxBrightness: 128 / 255,
    from: null,
    until: epochMs(clock.wall() + hours * 3_600_000),
    daily: { from: "18:00", to: "02:00", timeZone: "Europe/Berlin" },
  });
  const ids = async (guests = open(), who = owner): Promise<string> =>
    (await guests.list(who)).map(({ id }) => id).join(" ");
  return { clock, disk, open, pass, ids };
};

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return "done";
  } catch (error) {
    return error instanceof AgentError ? error.code : String(error);
  }
};

describe("guest passes", () => {
  it("are kept over restarts, word for word", async () => {
    const { open, pass } = world();
    await open().admit(pass("p1"), owner);
    expect(await open().list(owner)).toEqual([pass("p1")]);
  });

  it("are kept over restarts also where each is as long as it may be", async () => {
    const { open, pass } = world();
    const guests = open();
    const longest = {
      name: "💡".repeat(64),
      to: { kind: "user", userId: "u".repeat(255) },
      lights: Array.from({ length: signedLimits.lamps }, () => "l".repeat(64)),
      may: ["switch", "brightness", "colour", "effect"],
      daily: { from: "18:00", to: "02:00", timeZone: "America/Argentina/ComodRivadavia" },
    } as const;
    for (let each = 0; each < signedLimits.passes; each++)
      await guests.admit({ ...pass(`${each}`.padStart(64, "p")), ...longest }, owner);
    expect(await open().list(owner)).toHaveLength(signedLimits.passes);
  });

  it("with the id of another take its place", async () => {
    const { open, pass, ids } = world();
    const guests = open();
    await guests.admit(pass("p1"), owner);
    await guests.admit({ ...pass("p1"), name: "Eve" }, owner);
    expect((await guests.list(owner)).map(({ name }) => name)).toEqual(["Eve"]);
    expect(await ids()).toBe("p1");
  });

  it("end by themselves, and make room", async () => {
    const { open, pass, ids, clock } = world();
    const guests = open();
    for (let each = 0; each < signedLimits.passes; each++) await guests.admit(pass(`p${each}`, 1), owner);
    expect(await codeOf(guests.admit(pass("more"), owner))).toBe("GUESTS_FULL");
    expect(await codeOf(guests.admit(pass("p3", 3), owner))).toBe("done");
    await clock.advance(3_600_000);
    expect(await ids(guests)).toBe("p3");
    expect(await codeOf(guests.admit(pass("more"), owner))).toBe("done");
    expect(await ids()).toBe("p3 more");
  });

  it("that only a wrong clock has ended count again when it is right, whatever was written meanwhile", async () => {
    const { open, pass, ids, clock } = world();
    const guests = open();
    for (const id of ["a", "b", "c"]) await guests.admit(pass(id), owner);
    const right = clock.wall();
    clock.setWall(epochMs(right + 9 * 365 * 86_400_000), true);
    expect(await ids(guests)).toBe("");
    await guests.admit(pass("d"), owner);
    expect(await guests.revoke("b", owner)).toBe(true);
    expect(await ids(guests)).toBe("d");
    clock.setWall(right, true);
    expect([await ids(guests), await ids()]).toEqual(["a c d", "a c d"]);
  });

  it("that have ended by a clock that is surely right leave the disk with the next change", async () => {
    const { open, pass, disk, clock } = world();
    for (const id of ["gone", "other"]) await open().admit(pass(id), owner);
    await clock.advance(3_600_000);
    await open(true).admit(pass("new"), owner);
    expect(await open().list(owner)).toHaveLength(1);
    const text = new TextDecoder().decode(await openMemoryVault(disk).read("guests"));
    expect(text).toContain("new");
    expect(text).not.toMatch(/gone|other/);
    await clock.advance(3_600_000);
    expect(await open(true).revoke("new", owner)).toBe(true);
  });

  it("do not end while the board does not know the time", async () => {
    const { open, pass, ids, clock } = world();
    await open().admit(pass("p1"), owner);
    clock.setWall(epochMs(clock.wall() + 7_200_000), false);
    expect(await ids()).toBe("p1");
  });

  it("are revoked once", async () => {
    const { open, pass, ids } = world();
    const guests = open();
    await guests.admit(pass("p1"), owner);
    expect(await guests.revoke("p2", owner)).toBe(false);
    expect(await guests.revoke("p1", owner)).toBe(true);
    expect(await guests.revoke("p1", owner)).toBe(false);
    expect(await ids()).toBe("");
  });

  it("are forgotten with their owner, for good", async () => {
    const { open, pass, ids, disk } = world();
    const guests = open();
    await guests.admit(pass("p1"), owner);
    expect(await ids(guests, { ...owner, userId: "005xx000000000ZAAA" })).toBe("");
    expect(disk.files.has("guests")).toBe(false);
    expect(await ids(guests)).toBe("");
    expect(await ids()).toBe("");
  });

  it("are those of one org: its copy has none", async () => {
    const { open, pass, ids } = world();
    await open().admit(pass("p1"), owner);
    expect(await ids(open(), { ...owner, orgId: null })).toBe("p1");
    expect(await ids(open(), { ...owner, userId: owner.userId.slice(0, 15) })).toBe("p1");
    expect(await ids(open(), { ...owner, orgId: "00Dxx0000000002EAA" })).toBe("");
  });

  it("of an owner whose org nobody knows are kept too", async () => {
    const { open, pass, ids } = world();
    await open().admit(pass("p1"), { ...owner, orgId: null });
    expect(await ids(open(), { ...owner, orgId: null })).toBe("p1");
  });

  it.each([
    "",
    "[]",
    '{"version":2,"userId":"005xx000000000AAAA","orgId":null,"passes":[]}',
    '{"version":1,"userId":7,"orgId":null,"passes":[]}',
    '{"version":1,"userId":"005xx000000000AAAA","orgId":null,"passes":{}}',
    '{"version":1,"userId":"005xx000000000AAAA","orgId":null,"passes":[{"id":"p1"}]}',
    `{"version":1,"more":"${"x".repeat(70_000)}"}`,
  ])("of a damaged file are none (case %#), and new ones take its place", async (text) => {
    const { open, pass, ids, disk } = world();
    disk.files.set("guests", new TextEncoder().encode(text));
    const guests = open();
    expect(await ids(guests)).toBe("");
    await guests.admit(pass("p1"), owner);
    expect(await ids()).toBe("p1");
  });

  it("that make no sense take none of the others with them", async () => {
    const { open, pass, ids, disk } = world();
    await open().admit(pass("p1"), owner);
    const { daily } = pass("p2");
    await open().admit({ ...pass("p2"), daily: daily && { ...daily, timeZone: "Asia/Tokyo" } }, owner);
    const text = new TextDecoder().decode(disk.files.get("guests"));
    disk.files.set("guests", new TextEncoder().encode(text.replace("Asia/Tokyo", "JST")));
    expect(await ids()).toBe("p1");
  });

  it("are not those of an older file, in which one may be a guest whose pass was taken back", async () => {
    const { clock, open, pass, ids } = world((vault) => ({
      ...vault,
      async read(key, least) {
        if (least === "newest") throw new AgentError("STATE_DAMAGED");
        return vault.read(key);
      },
    }));
    await clock.until(open().admit(pass("p1"), owner));
    expect(await clock.until(ids())).toBe("");
  });

  it.each<[string, ErrorCode, string, string]>([
    ["damaged for good, are none", "STATE_DAMAGED", "", "done"],
    ["not to be had", "STATE_UNWRITABLE", "STATE_UNWRITABLE", "STATE_UNWRITABLE"],
  ])("that are %s", async (_what, code, listed, revoked) => {
    const { clock, open, pass, ids } = world((vault) => ({
      ...vault,
      read: async (key) => {
        if (isBad) throw new AgentError(code);
        return vault.read(key);
      },
    }));
    let isBad = false;
    await open().admit(pass("p1"), owner);
    await open().admit(pass("p2"), owner);
    isBad = true;
    const guests = open();
    expect(await clock.until(ids(guests).catch((error: AgentError) => error.code))).toBe(listed);
    expect(await clock.until(codeOf(guests.revoke("p1", owner)))).toBe(revoked);
    isBad = false;
    // Taken back is taken back, whatever becomes readable again; and nothing is lost that nobody wrote over.
    expect(await ids()).toBe(revoked === "done" ? "" : "p1 p2");
    expect(await guests.revoke("p1", owner)).toBe(revoked !== "done");
  });

  it("are those of the second look at a disk that reads badly for a moment", async () => {
    const { clock, open, pass, ids } = world((vault) => ({
      ...vault,
      async read(key, least) {
        if (bad-- > 0) throw new AgentError("STATE_DAMAGED");
        return vault.read(key, least);
      },
    }));
    let bad = 0;
    await open().admit(pass("p1"), owner);
    bad = 1;
    const guests = open();
    expect(await clock.until(ids(guests))).toBe("p1");
    await guests.admit(pass("p2"), owner);
    expect(await ids()).toBe("p1 p2");
  });

  it("that cannot be written are not there", async () => {
    let full = true;
    const { open, pass, ids } = world((vault) => ({
      ...vault,
      async write(key, value) {
        if (full) throw new AgentError("STATE_UNWRITABLE");
        await vault.write(key, value);
      },
    }));
    const guests = open();
    expect(await codeOf(guests.admit(pass("p1"), owner))).toBe("STATE_UNWRITABLE");
    expect(await ids(guests)).toBe("");
    full = false;
    await guests.admit(pass("p1"), owner);
    full = true;
    expect(await codeOf(guests.revoke("p1", owner))).toBe("STATE_UNWRITABLE");
    expect(await ids(guests)).toBe("p1");
    expect(await ids(guests, { ...owner, userId: "005xx000000000ZAAA" })).toBe("");
  });

  it("come and go one after the other", async () => {
    const { open, pass, ids } = world();
    const guests = open();
    await Promise.all(["a", "b", "c"].map((id) => guests.admit(pass(id), owner)));
    await Promise.all([guests.revoke("b", owner), guests.admit(pass("d"), owner)]);
    expect(await ids(guests)).toBe("a c d");
  });
});
