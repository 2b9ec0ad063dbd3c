import { randomBytes } from "node:crypto";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/clock.ts";
import { readStateKey, STATE_KEY } from "../../../src/adapters/state-key.ts";
import { openVault, type VaultPorts } from "../../../src/adapters/vault.ts";
import { createSeal } from "../../../src/adapters/vault-seal.ts";

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "porchlight-vault-"));
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const bytes = (text: string): Uint8Array => Buffer.from(text);
const secret = randomBytes(32);
const open = (how: Partial<VaultPorts> = {}) =>
  openVault(dir, { clock: systemClock, random: Math.random, ...how });
const withKey = (key: Uint8Array = secret) => open({ seal: createSeal(key) });
/** Whether any file of the folder holds the text. */
const onDisk = async (text: string): Promise<boolean> => {
  const names = await readdir(dir);
  const all = await Promise.all(names.map((name) => readFile(join(dir, name), "latin1")));
  return all.some((content) => content.includes(text));
};

describe("a state folder with a key", () => {
  it("holds nothing that can be read without it", async () => {
    const vault = await withKey();
    await vault.write("grant", bytes("refresh token"), "both");
    await vault.write("home", bytes("52.5 13.4"));
    expect(await onDisk("refresh")).toBe(false);
    expect(await onDisk("13.4")).toBe(false);
    expect(await readFile(join(dir, "grant.2"), "latin1")).toMatch(
      /^porchlight-state 1 grant 2 aes-256-gcm 41 /,
    );
    expect(await (await withKey()).read("grant")).toEqual(new Uint8Array(bytes("refresh token")));
  });

  it("never looks the same twice", async () => {
    const vault = await withKey();
    await vault.write("grant", bytes("same"), "both");
    const [first, second] = await Promise.all(
      ["grant.1", "grant.2"].map((name) => readFile(join(dir, name))),
    );
    expect(first?.subarray(-20)).not.toEqual(second?.subarray(-20));
  });

  it.each<readonly [what: string, key: () => Partial<VaultPorts>]>([
    ["without it", () => ({})],
    ["with another one", () => ({ seal: createSeal(randomBytes(32)) })],
  ])("is neither read nor overwritten %s, and says so", async (_what, how) => {
    await (await withKey()).write("grant", bytes("refresh token"));
    const before = await readFile(join(dir, "grant.1"));
    const vault = await open(how());
    await expect(vault.read("grant")).rejects.toMatchObject({
      code: "STATE_LOCKED",
      detail: `${join(dir, "grant.1")} is encrypted`,
    });
    await expect(vault.write("grant", bytes("other"))).rejects.toMatchObject({ code: "STATE_LOCKED" });
    await vault.settle(false);
    expect(await readdir(dir)).toEqual(["grant.1", "grant.lock"]);
    expect(await readFile(join(dir, "grant.1"))).toEqual(before);
    expect(await (await withKey()).read("grant")).toBeDefined();
  });

  it.each<readonly [what: string, key: () => Partial<VaultPorts>]>([
    ["without it", () => ({})],
    ["with another one", () => ({ seal: createSeal(randomBytes(32)) })],
    ["with another one that only decrypts", () => ({ unseal: createSeal(randomBytes(32)) })],
  ])("gets nothing new %s that the right one could not open later", async (_what, how) => {
    await (await withKey()).write("grant", bytes("refresh token"));
    await expect((await open(how())).write("home", bytes("52.5 13.4"))).rejects.toMatchObject({
      code: "STATE_LOCKED",
    });
    expect(await readdir(dir)).toEqual(["grant.1"]);
  });

  it("can be emptied without it, for whoever signs out", async () => {
    await (await withKey()).write("grant", bytes("refresh token"));
    await (await open()).write("grant", undefined);
    expect(await readdir(dir)).toEqual([]);
  });

  it("does not take one file for another, nor an earlier generation for a later one", async () => {
    const vault = await withKey();
    await vault.write("home", bytes("mine"));
    const stolen = await readFile(join(dir, "home.1"), "latin1");
    await vault.write("names", bytes("x"));
    await copyFile(join(dir, "home.1"), join(dir, "names.1"));
    await expect(vault.read("names")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
    // With a sum that fits, as whoever can write there can make one.
    const { crc32 } = await import("node:zlib");
    const body = stolen.slice(stolen.indexOf("\n") + 1);
    for (const [key, generation] of [
      ["names", 1],
      ["home", 2],
    ] as const) {
      const line = `porchlight-state 1 ${key} ${generation} aes-256-gcm ${body.length}`;
      const sum = crc32(Buffer.from(line + body, "latin1"))
        .toString(16)
        .padStart(8, "0");
      await writeFile(join(dir, `${key}.2`), `${line} ${sum}\n${body}`, "latin1");
      await rm(join(dir, `${key}.1`));
      await expect(vault.read(key)).rejects.toMatchObject({ code: "STATE_LOCKED" });
    }
  });

  it("tells a damaged file from one for which it has no key", async () => {
    await (await withKey()).write("grant", bytes("refresh token"));
    const path = join(dir, "grant.1");
    const content = await readFile(path);
    content[content.length - 1] = (content.at(-1) ?? 0) ^ 1;
    await writeFile(path, content);
    await expect((await withKey()).read("grant")).rejects.toMatchObject({ code: "STATE_DAMAGED" });
  });
});

describe("switching encryption on and off", () => {
  it("encrypts what is there, in both files, and what older versions left", async () => {
    await writeFile(join(dir, "device-key"), "private key");
    const plain = await open();
    await plain.write("grant", bytes("first token"));
    await plain.write("grant", bytes("second token"));
    const vault = await withKey();
    expect(await vault.read("grant")).toEqual(new Uint8Array(bytes("second token")));
    await vault.settle(false);
    for (const text of ["token", "private"]) expect(await onDisk(text)).toBe(false);
    const again = await withKey();
    expect(await again.read("grant")).toEqual(new Uint8Array(bytes("second token")));
    expect(await again.read("device-key")).toEqual(new Uint8Array(bytes("private key")));
  });

  it("decrypts what is there when it is switched off and the key is still there", async () => {
    await (await withKey()).write("grant", bytes("token"));
    const off = await open({ unseal: createSeal(secret) });
    expect(await off.read("grant")).toEqual(new Uint8Array(bytes("token")));
    await off.settle(false);
    expect(await (await open()).read("grant")).toEqual(new Uint8Array(bytes("token")));
    await (await open()).write("home", bytes("x"));
  });

  it("writes nothing where all is as it should be", async () => {
    const vault = await withKey();
    await vault.write("device-key", bytes("key"), "both");
    await vault.write("grant", bytes("token"));
    const before = await readdir(dir);
    await vault.settle(false);
    expect(await readdir(dir)).toEqual([...before, "grant.lock"]);
    expect(await readFile(join(dir, "grant.1"), "latin1")).toMatch(/^porchlight-state 1 grant 1 /);
  });
});

describe("the key of the state folder", () => {
  const credential = (content: string | Uint8Array) => writeFile(join(dir, STATE_KEY), content);

  it("is a credential of the service", async () => {
    await credential(secret);
    const { seal, unseal } = await readStateKey({ CREDENTIALS_DIRECTORY: dir }, true);
    const sealed = await seal?.close("a", bytes("x"));
    expect(await createSeal(secret).open("a", sealed ?? bytes(""))).toEqual(new Uint8Array(bytes("x")));
    expect(unseal).toBe(seal);
    const off = await readStateKey({ CREDENTIALS_DIRECTORY: dir }, false);
    expect({ ...off, unseal: off.unseal !== null }).toEqual({ seal: null, unseal: true });
  });

  it("is none where there is no such credential", async () => {
    for (const env of [{}, { CREDENTIALS_DIRECTORY: "" }, { CREDENTIALS_DIRECTORY: dir }])
      expect(await readStateKey(env, true)).toEqual({ seal: null, unseal: null });
  });

  it("is refused when it could be guessed, or cannot be read", async () => {
    await credential("my cat's name");
    await expect(readStateKey({ CREDENTIALS_DIRECTORY: dir }, true)).rejects.toMatchObject({
      code: "STATE_LOCKED",
      detail: expect.stringContaining("less than 32 bytes"),
    });
    await expect(readStateKey({ CREDENTIALS_DIRECTORY: join(dir, STATE_KEY) }, true)).rejects.toMatchObject({
      code: "STATE_LOCKED",
      detail: expect.stringContaining("cannot be read"),
    });
  });

  it("opens nothing that is too short to be encrypted", async () => {
    expect(await createSeal(secret).open("a", bytes("short"))).toBeNull();
  });
});
