// Images of cards for this computer's own processor: a boot partition with FAT, and a root with little more than a system's
// outline. `sfdisk`, `mkfs.vfat` and `mkfs.ext4` make them; looking inside mounts them by their place. Needs root.

import { execFileSync } from "node:child_process";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  rmdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const MIB = 1 << 20;
const BOOT_START = MIB;
const BOOT_SIZE = 32 * MIB;
const ROOT_START = BOOT_START + BOOT_SIZE;

const run = (program: string, args: readonly string[], input?: string): string =>
  execFileSync(program, args, {
    input,
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, MTOOLS_SKIP_CHECK: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  }).toString();

export interface ImageKind {
  readonly table: "dos" | "gpt";
  readonly rootMib?: number;
  readonly rootSystem?: "ext4" | "none";
}

/** Makes an image at `path`. */
export const makeImage = (path: string, { table, rootMib = 400, rootSystem = "ext4" }: ImageKind): void => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-outline-"));
  const put = (name: string, content: string): void => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  };
  try {
    put("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    put("etc/group", "root:x:0:\nvideo:x:44:\n");
    put("etc/fstab", "PARTUUID=1-02 / ext4 defaults 0 1\nPARTUUID=1-01 /boot/firmware vfat defaults 0 2\n");
    put("usr/lib/any-linux-gnu/libatomic.so.1", "");
    put("usr/lib/systemd/systemd", "");
    mkdirSync(join(folder, "boot/firmware"), { recursive: true });
    copyFileSync(process.execPath, join(folder, "usr/lib/systemd/systemd"));
    truncateSync(join(folder, "usr/lib/systemd/systemd"), 4096);
    // A table in two copies has the second at the end.
    writeFileSync(path, "");
    truncateSync(path, ROOT_START + rootMib * MIB + MIB);
    const [fat, linux] = table === "gpt" ? ["uefi", "linux"] : ["c", "83"];
    const sectors = (bytes: number): number => bytes / 512;
    run(
      "sfdisk",
      ["--quiet", path],
      `label: ${table}\nstart=${sectors(BOOT_START)}, size=${sectors(BOOT_SIZE)}, type=${fat}\nstart=${sectors(ROOT_START)}, size=${sectors(rootMib * MIB)}, type=${linux}\n`,
    );
    const part = `${path}.part`;
    const placed = (start: number): void => {
      run("dd", [`if=${part}`, `of=${path}`, "bs=1M", `seek=${start / MIB}`, "conv=notrunc,sparse"]);
      rmSync(part);
    };
    run("mkfs.vfat", ["-F", "16", "-C", part, String(BOOT_SIZE / 1024)]);
    placed(BOOT_START);
    if (rootSystem === "none") return;
    run("mkfs.ext4", ["-q", "-d", folder, part, `${rootMib}M`]);
    placed(ROOT_START);
  } finally {
    rmSync(folder, { recursive: true });
  }
};

/** The names on an image's boot partition, and the text of one of its files. */
export const namesOnBoot = (path: string): readonly string[] => {
  try {
    return run("mdir", ["-/", "-b", "-i", `${path}@@${BOOT_START}`, "::"])
      .trim()
      .split("\n");
  } catch (error) {
    // So mdir speaks of an empty folder.
    if (String(error).includes('File "::" not found')) return [];
    throw error;
  }
};
export const textOnBoot = (path: string, name: string): string =>
  run("mtype", ["-i", `${path}@@${BOOT_START}`, `::/${name}`]);

/** Lets `look` into an image's root, which must be without fault. */
export const inRoot = <T>(path: string, look: (root: string) => T): T => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-look-"));
  const device = run("losetup", [
    "--find",
    "--show",
    "--read-only",
    "--offset",
    String(ROOT_START),
    path,
  ]).trim();
  try {
    run("e2fsck", ["-fn", device]);
    run("mount", ["-o", "ro,noload", device, folder]);
    try {
      return look(folder);
    } finally {
      run("umount", [folder]);
    }
  } finally {
    run("losetup", ["--detach", device]);
    rmdirSync(folder);
  }
};

/** Makes a block device of an image for as long as `use` takes. */
export const asDevice = async <T>(path: string, use: (device: string) => Promise<T>): Promise<T> => {
  const device = run("losetup", ["--find", "--show", path]).trim();
  try {
    return await use(device);
  } finally {
    run("losetup", ["--detach", device]);
  }
};

/** Mounts an image's root for as long as `use` takes. */
export const whileMounted = async <T>(path: string, use: (folder: string) => Promise<T>): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), "porchlight-mounted-"));
  run("mount", ["-o", `loop,offset=${ROOT_START}`, path, folder]);
  try {
    return await use(folder);
  } finally {
    run("umount", [folder]);
    rmdirSync(folder);
  }
};

/** The loop devices of this computer that are on an image, one a line. */
export const loopsOf = (path: string): string =>
  run("losetup", ["--associated", path, "--noheadings", "--output", "NAME"]).trim();
