// `porchlight image` on real images, devices and folders: loop devices, ext4, FAT, and this computer's systemd tools.

import { execFile, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { units } from "../../src/service/files.ts";
import { installPrograms } from "../board/bench/debian-arm64.ts";
import {
  asDevice,
  inRoot,
  loopsOf,
  makeImage,
  namesOnBoot,
  textOnBoot,
  whileMounted,
} from "./bench/card-image.ts";
import { Debian } from "./bench/debian.ts";

const run = promisify(execFile);
const dist = join(import.meta.dirname, "../../dist");
const program = join(dist, `porchlight-linux-${process.arch}`);
const others = join(dist, `porchlight-linux-${process.arch === "x64" ? "arm64" : "x64"}`);

let folder: string;
beforeAll(async () => {
  await installPrograms({
    sfdisk: "fdisk",
    "mkfs.vfat": "dosfstools",
    "mkfs.ext4": "e2fsprogs",
    mcopy: "mtools",
  });
  folder = mkdtempSync(join(tmpdir(), "porchlight-image-"));
  mkdirSync(join(folder, "tmp"));
  writeFileSync(join(folder, "porch.json"), settings);
  writeFileSync(join(folder, "ca.pem"), "a certificate");
});
afterAll(() => rmSync(folder, { recursive: true }));

const settings = `{ // The porch.
  "org": { "clientId": "3MVG9", "clientSecret": "open sesame" },
  "broker": { "url": "mqtts://broker.example", "ca": "ca.pem" },
  "lights": [{ "driver": "memory:" }],
}
`;

/** A place for temporary files that no other suite writes to meanwhile. */
const ownPlace = (): NodeJS.ProcessEnv => ({ ...process.env, TMPDIR: join(folder, "tmp") });

const image = async (target: string, ...words: string[]): Promise<string> => {
  const args = ["image", target, "--settings", join(folder, "porch.json"), ...words];
  const { stderr } = await run(program, args, { env: ownPlace() }).catch(
    (error: Error & { stderr?: string }) => {
      throw new Error(error.stderr ?? error.message);
    },
  );
  return stderr;
};

/** Folders that `porchlight image` mounts at. */
const leftBehind = (): readonly string[] =>
  readdirSync(join(folder, "tmp")).filter((name) => name.startsWith("porchlight-card-"));

const prepared = (path: string): void => {
  expect(namesOnBoot(path).toSorted()).toEqual(["::/ca.pem", "::/porchlight.json"]);
  expect(textOnBoot(path, "porchlight.json")).toBe(settings);
  inRoot(path, (root) => {
    expect(readFileSync(join(root, "usr/lib/porchlight/porchlight")).equals(readFileSync(program))).toBe(
      true,
    );
    const wanted = join(root, "etc/systemd/system/multi-user.target.wants");
    expect(readdirSync(wanted).sort()).toEqual([...units].sort());
    for (const unit of readdirSync(wanted))
      expect(existsSync(join(root, readlinkSync(join(wanted, unit)))), unit).toBe(true);
    const group = /^porchlight:x:(\d+):/m.exec(readFileSync(join(root, "etc/group"), "utf8"))?.[1];
    const { uid, gid, mode } = statSync(join(root, "etc/porchlight"));
    expect([uid, gid, mode & 0o7777]).toEqual([0, Number(group), 0o2750]);
  });
  expect([loopsOf(path), leftBehind()]).toEqual(["", []]);
};

describe("porchlight image", () => {
  it.each(["dos", "gpt"] as const)(
    "prepares an image with a partition table of the kind %s",
    async (table) => {
      const path = join(folder, `${table}.img`);
      makeImage(path, { table });
      const told = await image(path);
      expect(told).toMatch(/program[\s\S]*account[\s\S]*service[\s\S]*settings/);
      prepared(path);
      // Once more over itself, as with a newer version.
      await image(path);
      prepared(path);
    },
  );

  it("prepares a card that is a block device", async () => {
    const path = join(folder, "device.img");
    makeImage(path, { table: "dos" });
    await asDevice(path, (device) => image(device));
    prepared(path);
  });

  it("prepares a card that is mounted, which then starts with no hands and shows its code", async () => {
    await using debian = await Debian.unpack();
    await image(debian.path(""), "--settings", join(folder, "porch.json"));
    await debian.boot();
    await debian.until("the service with the settings of the card", async () => {
      const status = await debian.shell("porchlight status --json");
      return JSON.parse(status).running === true ? true : undefined;
    });
    expect(await debian.shell("cat /etc/porchlight/secrets/org.clientSecret")).toBe("open sesame");
  });

  it.each<[what: string, why: RegExp, make: (path: string) => void, words: readonly string[]]>([
    [
      "a program for another processor",
      /the card's system is for .*, and .*; name the right one/,
      (path) => makeImage(path, { table: "dos" }),
      ["--program", others],
    ],
    [
      "too little room",
      /not enough room: 1\d\d MB are needed, \d+ MB are free/,
      (path) => makeImage(path, { table: "dos", rootMib: 64 }),
      [],
    ],
    ["no root", /has no root partition/, (path) => makeImage(path, { table: "gpt", rootSystem: "none" }), []],
    [
      "settings with mistakes",
      /mistaken\.json\): .*[\s\S]*SETTINGS_INVALID/,
      (path) => {
        makeImage(path, { table: "dos" });
        writeFileSync(join(folder, "mistaken.json"), "{}");
      },
      ["--settings", "mistaken.json"],
    ],
  ])("with %s says so, and the card is as it was", async (what, why, make, words) => {
    const withoutRoot = join(folder, "no root.img");
    const path = join(folder, `${what}.img`);
    make(path);
    const content = () => [
      ...namesOnBoot(path),
      ...(path === withoutRoot ? [] : inRoot(path, (root) => readdirSync(root, { recursive: true }))),
    ];
    const before = content();
    const named = words.map((word) => (word === "mistaken.json" ? join(folder, word) : word));
    await expect(image(path, ...named)).rejects.toThrow(why);
    expect(content()).toEqual(before);
    expect([loopsOf(path), leftBehind()]).toEqual(["", []]);
  });

  it("keeps its hands off a card that somebody uses", async () => {
    const path = join(folder, "used.img");
    makeImage(path, { table: "dos" });
    await whileMounted(path, async () => {
      await expect(image(path)).rejects.toThrow(/used\.img is in use by \/dev\/loop\d+/);
      await expect(image(loopsOf(path))).rejects.toThrow(/loop\d+ is mounted at .*; unmount it first/);
    });
    await asDevice(path, async (device) => {
      await whileMounted(device, async () => {
        await expect(image(device)).rejects.toThrow(/loop\d+ is in use by \/dev\/loop\d+/);
      });
    });
  });

  it("leaves nothing mounted when it is interrupted", async () => {
    const path = join(folder, "interrupted.img");
    makeImage(path, { table: "dos" });
    const child = spawn(program, ["image", path, "--settings", join(folder, "porch.json")], {
      env: ownPlace(),
    });
    child.stderr.once("data", () => child.kill("SIGINT"));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect(code).toBe(130);
    expect(namesOnBoot(path)).toEqual([]);
    expect([loopsOf(path), leftBehind()]).toEqual(["", []]);
  });
});
