import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { tryFileLock } from "../../../src/adapters/file-lock.ts";
import { type Disk, disk } from "../../../src/adapters/files.ts";
import { openVault, type VaultPorts } from "../../../src/adapters/vault.ts";
import type { VaultKey } from "../../../src/ports.ts";
import { epochMs } from "../../../src/units.ts";

let dir: string;
const children: ChildProcess[] = [];
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "porchlight-vault-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  await rm(dir, { recursive: true, force: true });
});

const open = (folder = dir, more: Partial<VaultPorts> = {}) =>
  openVault(folder, { clock: systemClock, random: () => 0, ...more });
const never = new AbortController().signal;
const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A process that holds the lock "agent" of the folder. */
const holder = async (): Promise<ChildProcess> => {
  const child = spawn(process.execPath, [join(import.meta.dirname, "lock-holder.ts"), dir], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  children.push(child);
  await once(child.stdout ?? child, "data");
  return child;
};

describe("the state folder", () => {
  it("is made with all that is above it, and is nobody else's to read", async () => {
    const folder = join(dir, "a", "b");
    const vault = await open(folder);
    await vault.write("grant", bytes("secret"));
    expect(await modeOf(folder)).toBe(0o700);
    expect(await modeOf(join(folder, "grant.1"))).toBe(0o600);
  });

  it("is closed to others when it was open", async () => {
    await chmod(dir, 0o755);
    await open();
    expect(await modeOf(dir)).toBe(0o700);
  });

  it("keeps a file private that was not", async () => {
    await writeFile(join(dir, "grant"), "old", { mode: 0o644 });
    await (await open()).write("grant", bytes("new"));
    for (const name of ["grant.1", "grant.2"]) expect(await modeOf(join(dir, name))).toBe(0o600);
  });

  it("loses what a power cut left half written, and keeps what others are writing", async () => {
    const dead = 2 ** 22 + 1;
    const names = {
      dead: `.grant.${dead}.0123456789ab.tmp`,
      lastBoot: `.light-main.${process.pid}.0123456789ab.tmp`,
      home: `.home.${process.pid}.0123456789ab.tmp`,
      second: `.grant.2.${process.pid}.0123456789ab.tmp`,
      alive: `.grant.${process.ppid}.0123456789ab.tmp`,
      foreign: "notes.tmp",
    };
    for (const name of Object.values(names)) await writeFile(join(dir, name), "half");
    await writeFile(join(dir, "grant"), "whole");
    const vault = await open();
    expect((await readdir(dir)).sort()).toEqual([names.alive, "grant", names.foreign].sort());
    expect(await vault.read("grant")).toEqual(bytes("whole"));
  });

  it("is not written to when nothing would change", async () => {
    const vault = await open();
    await vault.write("grant", bytes("same"));
    const path = join(dir, "grant.1");
    await utimes(path, 1, 1);
    const { ino } = await stat(path);
    await vault.write("grant", bytes("same"));
    await (await open()).write("grant", bytes("same"));
    expect(await stat(path)).toMatchObject({ ino, mtimeMs: 1000 });
    expect(await readdir(dir)).toEqual(["grant.1"]);
    await vault.write("grant", bytes("else"));
    expect(await readFile(join(dir, "grant.2"), "utf8")).toMatch(
      /^porchlight-state 1 grant 2 plain 4 [0-9a-f]{8}\nelse$/,
    );
  });

  it("holds nothing but its files afterwards", async () => {
    const vault = await open();
    await vault.write("grant", bytes("a"));
    await vault.write("grant", bytes("b"));
    await vault.write("light-main", bytes("c"));
    await vault.write("light-main", undefined);
    expect((await readdir(dir)).sort()).toEqual(["grant.1", "grant.2"]);
  });

  it.each(["../grant", "light-../x", "light-", "other", "light-A", ".grant"])(
    "gives no way out by a key such as %s",
    async (key) => {
      const vault = await open();
      await expect(vault.read(key as VaultKey)).rejects.toMatchObject({ code: "BUG" });
      await expect(vault.write(key as VaultKey, bytes(""))).rejects.toMatchObject({ code: "BUG" });
    },
  );

  it("says that it is damaged where a file is too large, a folder, a link or a pipe's place", async () => {
    await writeFile(join(dir, "grant"), new Uint8Array(1024 * 1024 + 1));
    await mkdir(join(dir, "device-key"));
    await symlink("/etc/passwd", join(dir, "light-link"));
    const vault = await open();
    for (const key of ["grant", "device-key", "light-link"] as const)
      await expect(vault.read(key)).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });

  it("puts a damaged file aside when it is written, and keeps three", async () => {
    for (let nth = 0; nth < 5; nth++) {
      await symlink(`/nowhere/${nth}`, join(dir, "grant"));
      const vault = await open();
      await vault.write("grant", bytes(`new ${nth}`));
      expect(await vault.read("grant")).toEqual(bytes(`new ${nth}`));
    }
    const aside = (await readdir(dir)).filter((name) => name.includes("damaged")).sort();
    expect(aside).toEqual(["grant.damaged-1", "grant.damaged-2", "grant.damaged-3"]);
    expect(await readlink(join(dir, "grant.damaged-1"))).toBe("/nowhere/0");
    await (await open()).write("grant", undefined);
    expect(await readdir(dir)).toEqual([]);
  });

  it("says that it cannot be written, with its path", async () => {
    await writeFile(join(dir, "file"), "");
    await expect(open(join(dir, "file"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await expect(open(join(dir, "file", "below"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await expect(open("/proc/porchlight/state")).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    const vault = await open(join(dir, "gone"));
    await rm(join(dir, "gone"), { recursive: true });
    await expect(vault.write("grant", bytes("x"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    await expect(vault.locked("grant", async () => 1, never)).rejects.toMatchObject({
      code: "STATE_UNWRITABLE",
    });
  });

  it("writes the same again after a failure, whatever the disk's cache shows", async () => {
    let fails = false;
    let writes = 0;
    const vault = await open(dir, {
      disk: {
        ...disk,
        writeFile: async (fd, data) => {
          writes += 1;
          await disk.writeFile(fd, data);
        },
        fsync: (async (fd: number) => {
          if (fails && (await disk.fstat(fd)).isDirectory())
            throw Object.assign(new Error(), { code: "EIO" });
          await disk.fsync(fd);
        }) as Disk["fsync"],
      },
    });
    fails = true;
    await expect(vault.write("grant", bytes("x"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
    fails = false;
    await vault.write("grant", bytes("x"));
    await vault.write("grant", bytes("x"));
    expect(writes).toBe(2);
  });

  it.each(["writeFile", "fsync", "rename"] as const)(
    "leaves no temporary file when %s fails, and goes on with the next",
    async (call) => {
      let broken = true;
      const failing = async (): Promise<never> => {
        throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
      };
      const flaky = new Proxy(disk, {
        get: (real, name, self) => (broken && name === call ? failing : Reflect.get(real, name, self)),
      });
      const vault = await open(dir, { disk: flaky });
      await expect(vault.write("grant", bytes("x"))).rejects.toMatchObject({
        code: "STATE_UNWRITABLE",
        detail: `${join(dir, "grant")} (ENOSPC)`,
      });
      expect(await readdir(dir)).toEqual([]);
      broken = false;
      await vault.write("grant", bytes("x"));
      expect(await vault.read("grant")).toEqual(bytes("x"));
    },
  );
});

describe("files of older versions of the program", () => {
  const textOf = (value: Uint8Array | undefined) => value && Buffer.from(value).toString();

  it("are read, and stay as the generation before until there are two newer ones", async () => {
    await writeFile(join(dir, "grant"), "old");
    const vault = await open();
    expect(textOf(await vault.read("grant"))).toBe("old");
    await vault.write("grant", bytes("new"));
    expect((await readdir(dir)).sort()).toEqual(["grant.1", "grant.2"]);
    expect(textOf(await vault.read("grant"))).toBe("new");
    await writeFile(join(dir, "grant.2"), "damaged");
    expect(textOf(await vault.read("grant"))).toBe("old");
  });

  it("take today's form, twice, when all is settled", async () => {
    for (const [name, text] of [
      ["grant", "token"],
      ["device-key", "key"],
      ["light-main", "on"],
      ["notes", "mine"],
    ] as const)
      await writeFile(join(dir, name), text);
    const vault = await open();
    await vault.settle(true);
    const names = [
      "device-key.1",
      "device-key.2",
      "grant.1",
      "grant.2",
      "grant.lock",
      "light-main.1",
      "light-main.2",
      "notes",
    ];
    expect((await readdir(dir)).sort()).toEqual(names);
    for (const [key, text] of [
      ["grant", "token"],
      ["device-key", "key"],
      ["light-main", "on"],
    ] as const)
      expect(textOf(await vault.read(key))).toBe(text);
  });

  it("stay as they are, for such a version, while this one is on trial", async () => {
    for (const name of ["grant", "device-key"]) await writeFile(join(dir, name), name);
    await (await open()).settle(false);
    expect((await readdir(dir)).sort()).toEqual(["device-key", "grant", "grant.lock"]);
  });

  it("count, when such a version ran again in between", async () => {
    const before = await open();
    await before.write("grant", bytes("a"));
    await before.write("grant", bytes("b"));
    await writeFile(join(dir, "grant"), "by the older version");
    const vault = await open();
    expect(textOf(await vault.read("grant"))).toBe("by the older version");
    await vault.write("grant", bytes("c"));
    await writeFile(join(dir, "grant.1"), "damaged");
    await writeFile(join(dir, "grant.2"), "damaged");
    await expect(vault.read("grant")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });
});

describe("files of a newer version of the program", () => {
  it("are neither read nor overwritten", async () => {
    const line = "porchlight-state 2 something else";
    const text = `${line} ${crc32(line).toString(16).padStart(8, "0")}\n`;
    await writeFile(join(dir, "grant.2"), text);
    const vault = await open();
    await expect(vault.read("grant")).rejects.toMatchObject({
      code: "STATE_NEWER",
      detail: `${join(dir, "grant.2")} is of a newer version`,
    });
    await expect(vault.write("grant", bytes("x"))).rejects.toMatchObject({ code: "STATE_NEWER" });
    await vault.settle(true);
    expect((await readdir(dir)).sort()).toEqual(["grant.2", "grant.lock"]);
    expect(await readFile(join(dir, "grant.2"), "utf8")).toBe(text);
  });
});

describe("a damaged generation", () => {
  const spoil = async (name: string): Promise<void> => {
    const content = await readFile(join(dir, name));
    await writeFile(join(dir, name), content.subarray(0, content.length - 2));
  };

  it("is told once, and the one before it serves", async () => {
    const first = await open();
    await first.write("grant", bytes("before"));
    await first.write("grant", bytes("after"));
    await spoil("grant.2");
    const told: string[] = [];
    const vault = await open(dir, { damaged: ({ message }) => told.push(message) });
    for (let time = 0; time < 2; time++)
      expect(await vault.read("grant")).toEqual(new Uint8Array(bytes("before")));
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(`${join(dir, "grant.2")} is cut short; what was kept before it serves on`);
    await expect(vault.read("grant", "newest")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
    expect((await readdir(dir)).sort()).toEqual(["grant.1", "grant.2"]);
  });

  it("is kept aside by the next write, after which all is well", async () => {
    const vault = await open();
    await vault.write("grant", bytes("before"));
    await vault.write("grant", bytes("after"));
    await spoil("grant.2");
    await vault.write("grant", bytes("new"));
    expect((await readdir(dir)).sort()).toEqual(["grant.1", "grant.2.damaged-1"]);
    expect(await vault.read("grant", "newest")).toEqual(new Uint8Array(bytes("new")));
  });

  it("of the device key is mended from the other one, which is the same", async () => {
    const vault = await open();
    await vault.write("device-key", bytes("key"), "both");
    await spoil("device-key.1");
    await vault.settle(true);
    expect((await readdir(dir)).sort()).toEqual([
      "device-key.1",
      "device-key.1.damaged-1",
      "device-key.2",
      "grant.lock",
    ]);
    expect(await vault.read("device-key", "newest")).toEqual(new Uint8Array(bytes("key")));
  });

  it("of anything else stays as it is until there is something new", async () => {
    const vault = await open();
    await vault.write("replay", bytes("before"));
    await vault.write("replay", bytes("after"));
    await spoil("replay.2");
    await vault.settle(true);
    await expect(vault.read("replay", "newest")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });

  it("is moved out of the way with all of its key when asked for", async () => {
    const vault = await open();
    await vault.write("grant", bytes("before"));
    await vault.write("grant", bytes("after"));
    for (const name of ["grant.1", "grant.2"]) await spoil(name);
    await vault.setAside("grant");
    expect(await vault.read("grant")).toBeUndefined();
    expect((await readdir(dir)).sort()).toEqual(["grant.1.damaged-1", "grant.2.damaged-1"]);
  });

  it("is no excuse where a file may not be read at all", async () => {
    const denied = async (): Promise<never> => {
      throw Object.assign(new Error(), { code: "EACCES" });
    };
    const vault = await open(dir, { disk: { ...disk, open: denied as unknown as Disk["open"] } });
    await expect(vault.read("grant")).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  });

  it("is followed by one that can be read, whatever fractions of a millisecond the clock has", async () => {
    const clock = { ...systemClock, wall: () => epochMs(1_796_000_000_000.25) };
    for (const name of ["grant.1", "grant.2"]) await writeFile(join(dir, name), "damaged");
    await (await open(dir, { clock })).write("grant", bytes("new"));
    expect(await (await open()).read("grant")).toEqual(bytes("new"));
  });

  it("is moved also on a disk that knows no second name for a file", async () => {
    const denied = async (): Promise<never> => {
      throw Object.assign(new Error(), { code: "EPERM" });
    };
    const vault = await open(dir, { disk: { ...disk, link: denied as unknown as Disk["link"] } });
    for (const name of ["grant.1", "grant.2"]) await writeFile(join(dir, name), "damaged");
    await vault.write("grant", bytes("new"));
    expect((await readdir(dir)).sort()).toEqual(["grant.1", "grant.1.damaged-1", "grant.2.damaged-1"]);
  });
});

describe("a disk that can only be read", () => {
  const readOnly = async (): Promise<never> => {
    throw Object.assign(new Error(), { code: "EROFS" });
  };

  it("opens, though others may look into its folder and things lie about in it", async () => {
    await (await open()).write("grant", bytes("token"));
    await chmod(dir, 0o755);
    await writeFile(join(dir, ".grant.4194305.0123456789ab.tmp"), "half");
    const names = { chmod: readOnly, unlink: readOnly, rename: readOnly, writeFile: readOnly };
    const vault = await open(dir, { disk: { ...disk, ...names } as unknown as Disk });
    expect(await vault.read("grant")).toEqual(new Uint8Array(bytes("token")));
    await expect(vault.write("grant", bytes("x"))).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  });

  it("does not open where the folder cannot be closed to others for another reason", async () => {
    await chmod(dir, 0o755);
    const denied = async (): Promise<never> => {
      throw Object.assign(new Error(), { code: "EPERM" });
    };
    await expect(
      open(dir, { disk: { ...disk, chmod: denied as unknown as Disk["chmod"] } }),
    ).rejects.toMatchObject({ code: "STATE_UNWRITABLE" });
  });

  it("still locks what it has: it need not be written for that", async () => {
    // As a folder, which nobody can open for writing either.
    await mkdir(join(dir, "agent.lock"));
    await using lock = await tryFileLock(join(dir, "agent.lock"));
    expect(lock).toBeDefined();
    expect(await tryFileLock(join(dir, "agent.lock"))).toBeUndefined();
  });
});

describe("the lock of the state folder", () => {
  it("is held against another process until that lets go", async () => {
    const child = await holder();
    const closed = once(child, "close");
    expect(await tryFileLock(join(dir, "agent.lock"))).toBeUndefined();
    const vault = await open();
    const events: string[] = [];
    const waiting = vault.locked("agent", async () => events.push("mine"), never);
    child.stdout?.once("data", () => events.push("theirs ended"));
    child.stdin?.write("\n");
    await waiting;
    expect(events).toContain("mine");
    await closed;
    expect(child.exitCode).toBe(0);
  });

  it("is free at once when its process is killed", async () => {
    const child = await holder();
    const waiting = (await open()).locked("agent", async () => "mine", never);
    child.kill("SIGKILL");
    expect(await waiting).toBe("mine");
  });

  it("is waited for no longer than the signal allows", async () => {
    await holder();
    const reason = new Error("enough");
    const impatient = new AbortController();
    const waiting = (await open()).locked("agent", async () => "mine", impatient.signal);
    impatient.abort(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  it("does not warn that its way to the kernel is experimental, and lets other warnings through", async () => {
    const code = `
      import { tryFileLock } from ${JSON.stringify(join(import.meta.dirname, "../../../src/adapters/file-lock.ts"))};
      await using lock = await tryFileLock(process.argv[1]);
      process.emitWarning("something else");
    `;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code, join(dir, "x.lock")]);
    let told = "";
    child.stderr.on("data", (chunk: Buffer) => {
      told += chunk.toString();
    });
    await once(child, "close");
    expect(child.exitCode).toBe(0);
    expect(told).toContain("something else");
    expect(told).not.toContain("ExperimentalWarning");
  });
});
