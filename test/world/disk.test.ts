import { afterEach, describe, expect, it } from "vitest";
import { openVault } from "../../src/adapters/vault.ts";
import { createSeal } from "../../src/adapters/vault-seal.ts";
import { AgentError, type ErrorCode } from "../../src/errors.ts";

import type { Vault } from "../../src/ports.ts";
import { TornDisk } from "../disk/torn-disk.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
afterEach(() => stage[Symbol.asyncDispose]());

const HOUR = 3_600_000;
const lock = { [Symbol.asyncDispose]: async () => undefined };

/** What the disk of this stage does not take, and how many writes of a sign-in get there though it says that they did not. */
const disk: { full: boolean | "grant"; landing: number } = { full: false, landing: 0 };

const openOnDisk = async (): Promise<void> => {
  stage = await openStage();
  disk.full = false;
  disk.landing = 0;
  const plain = stage.vault;
  const write: Vault["write"] = async (key, value, generations) => {
    const refused = disk.full === true || disk.full === key;
    if (!refused || (key === "grant" && disk.landing-- > 0)) await plain.write(key, value, generations);
    if (refused) throw new AgentError("STATE_UNWRITABLE", `/state/${key} (ENOSPC)`);
  };
  stage.vault = { ...plain, write };
};

const onDisk = async (): Promise<string> => Buffer.from((await stage.vault.read("grant")) ?? []).toString();

describe("a board whose disk takes nothing any more", () => {
  it("stays online from memory, says so, and has lost nothing once the disk is back", async () => {
    await openOnDisk();
    await stage.signIn();
    const before = { events: stage.events.length, grant: await onDisk() };
    disk.full = true;
    await stage.clock.advance(9 * HOUR);
    expect(stage.state()).toBe("online");
    expect(await onDisk()).toBe(before.grant);
    const faults = stage.since(before.events, "fault");
    expect(faults.map(({ code }) => code)).toEqual(["STATE_UNWRITABLE"]);
    expect((await stage.status()).warnings).toContain("STATE_UNWRITABLE");
    expect(stage.world.board.view?.detail).toBe("The state folder cannot be written.");

    disk.full = false;
    await stage.clock.advance(2 * 60_000);
    expect(await onDisk()).not.toBe(before.grant);
    expect((await stage.status()).warnings).not.toContain("STATE_UNWRITABLE");
    expect(stage.world.board.view?.detail).not.toContain("state folder");
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
    expect(stage.since(0, "code")).toHaveLength(1);
  });

  /** The disk takes what waits for it, and another run finds it there. */
  const restartedOnWellDisk = async (): Promise<void> => {
    disk.full = false;
    await stage.clock.advance(2 * 60_000);
    await stage.run?.stop();
    stage.start();
    await stage.untilState("online");
  };

  it("takes a new approval into memory when the org has ended the sign-in that is on the disk", async () => {
    await openOnDisk();
    await stage.signIn();
    disk.full = true;
    stage.world.org.revokeAll();
    await stage.approve(await stage.untilEvent("code", { withinMs: 24 * HOUR }));
    await stage.untilState("online");
    await restartedOnWellDisk();
    expect(stage.since(0, "code")).toHaveLength(2);
  });

  it.each([
    ["is on the disk", 0],
    ["was on the disk, which has the new one's sign-in half way", 1],
  ])(
    "takes no new owner while the one before %s, and leaves no approval of theirs at the org",
    async (_what, landing) => {
      await openOnDisk();
      await stage.signIn();
      const { org } = stage.world;
      const before = org.approvals.map(({ id }) => id);
      Object.assign(disk, { full: true, landing });
      stage.world.board.press("longPress");
      await stage.approve(await stage.untilEvent("code"));
      await stage.untilState("online");
      expect(org.approvals.map(({ id }) => id)).toEqual(before);
      expect(stage.since(0, "fault").map(({ code }) => code)).toContain("STATE_UNWRITABLE");
      await restartedOnWellDisk();
      expect(stage.since(0, "code")).toHaveLength(2);
      expect(org.approvals.map(({ id }) => id)).toEqual(before);
    },
  );

  const signOutOn = async (ill: Partial<typeof disk>): Promise<void> => {
    await openOnDisk();
    await stage.signIn();
    Object.assign(disk, ill);
    await expect(stage.signOut()).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await stage.clock.advance(60_000);
    expect(stage.state()).toBe("pausing");
    expect(stage.since(0, "signedOut")).toEqual([]);
    disk.full = false;
    expect(await stage.untilEvent("signedOut", { withinMs: HOUR })).toMatchObject({ revoked: true });
    expect(await stage.vault.read("grant")).toBeUndefined();
  };

  it("is not signed out before the disk has forgotten the sign-in", () => signOutOn({ full: true }));

  it("ends the sign-in at the org, too, when the disk had forgotten it and said that it had not", () =>
    signOutOn({ full: "grant", landing: 1 }));

  it("is signed out in the end, though somebody asks for a new code while the disk does not forget", async () => {
    await openOnDisk();
    await stage.signIn();
    const { org } = stage.world;
    disk.full = true;
    const told = stage.askToSignOut().catch((error: unknown) => error);
    stage.world.board.press("longPress");
    await stage.clock.advance(60_000);
    stage.world.board.press("longPress");
    await stage.clock.advance(60_000);
    expect(stage.since(0, "code")).toHaveLength(1);
    disk.full = false;
    expect(await stage.untilEvent("signedOut", { withinMs: HOUR })).toMatchObject({ revoked: true });
    expect(await told).toMatchObject({ code: "STATE_UNWRITABLE" });
    expect(org.approvals.filter(({ clientId }) => clientId === org.boardApp.clientId)).toEqual([]);
    await stage.untilState("waitingForApproval");
  });
});

describe("a board that nobody uses", () => {
  it("writes less than a megabyte to its disk in a day", async () => {
    await openOnDisk();
    await stage.signIn();
    await stage.clock.advance(HOUR);
    const { vault } = stage;
    await stage.run?.stop();
    let written = 0;
    stage.vault = {
      ...vault,
      async write(key, value, generations) {
        const same =
          Buffer.compare((await vault.read(key)) ?? Buffer.alloc(0), value ?? Buffer.alloc(0)) === 0;
        // Whole blocks of the file, its name, and what a file system notes of both.
        const blocks = Math.ceil(((value?.byteLength ?? 0) + 256) / 4096) + 6;
        if (!same) written += blocks * 4096 * (generations === "both" ? 2 : 1);
        await vault.write(key, value, generations);
      },
    };
    stage.start();
    await stage.untilState("online");
    written = 0;
    await stage.clock.advance(24 * HOUR);
    expect(written).toBeGreaterThan(0);
    expect(written).toBeLessThan(1_000_000);
  });
});

describe("a sign-in on disk that cannot be read", () => {
  it("is told and moved aside, and the board shows a code", async () => {
    await openOnDisk();
    await stage.signIn();
    await stage.run?.stop();
    await stage.vault.write("grant", Buffer.from("not a sign-in"));
    const before = stage.events.length;
    stage.start();
    await stage.approve(await stage.untilEvent("code"));
    await stage.untilState("online");
    expect(stage.since(before, "fault")).toMatchObject([{ code: "STATE_DAMAGED" }]);
  });

  it("is not given up for a bad moment of the disk, be it at the start or later", async () => {
    await openOnDisk();
    await stage.signIn();
    await stage.run?.stop();
    const { vault } = stage;
    let bad = 1;
    stage.vault = {
      ...vault,
      async read(key, least) {
        if (key === "grant" && bad-- > 0) throw new AgentError("STATE_DAMAGED", "/state/grant.1 (EIO)");
        return vault.read(key, least);
      },
    };
    stage.start();
    await stage.untilState("online");
    const before = stage.events.length;
    bad = 2;
    await stage.clock.advance(9 * HOUR);
    expect(bad).toBeLessThan(1);
    expect(stage.state()).toBe("online");
    expect(stage.since(before, "code")).toEqual([]);
    expect(stage.since(0, "code")).toHaveLength(1);
  });

  it.each<ErrorCode>(["STATE_LOCKED", "STATE_NEWER"])(
    "because of %s is waited for, with a lamp that works",
    async (code) => {
      await openOnDisk();
      await stage.signIn();
      await stage.run?.stop();
      const { vault } = stage;
      stage.vault = {
        ...vault,
        async read(key, least) {
          if (key === "grant") throw new AgentError(code);
          return vault.read(key, least);
        },
      };
      const before = stage.events.length;
      stage.start();
      await stage.untilState("pausing");
      expect(await stage.light("main", { on: true })).toMatchObject({ outcome: "done" });
      expect(stage.world.board.view?.problem?.code).toBe(code);
      expect(stage.since(before, "code")).toEqual([]);
      await stage.run?.stop();
      stage.vault = vault;
      stage.start();
      await stage.untilState("online");
    },
  );

  it("because its key is lost keeps nobody from signing out, and shows no code until the files are removed", async () => {
    stage = await openStage();
    const { clock } = stage;
    const files = new TornDisk("/state");
    const open = (seal: ReturnType<typeof createSeal> | null) =>
      openVault("/state", { clock, random: () => 0.5, disk: files, seal, tryLock: async () => lock });
    stage.vault = await open(createSeal(new Uint8Array(32).fill(7)));
    await stage.signIn();
    await stage.run?.stop();
    stage.vault = await open(null);
    const before = stage.events.length;
    stage.start();
    await stage.untilState("pausing");
    expect(await stage.signOut()).toEqual({ signedIn: true, revoked: false });
    await stage.clock.advance(HOUR);
    expect(stage.since(before, "code")).toEqual([]);
    expect(stage.world.board.view?.problem?.code).toBe("STATE_LOCKED");
    expect([...files.content.keys()].filter((name) => name.startsWith("grant"))).toEqual([]);
    for (const name of files.content.keys()) await files.unlink(`/state/${name}`);
    await stage.approve(await stage.untilEvent("code", { withinMs: 2 * HOUR }));
    await stage.untilState("online");
  });
});
