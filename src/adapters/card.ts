// A card to be prepared: an image file, a block device, or a folder in which somebody has mounted it. Its root is mounted
// by its place on the card, which needs no device file per partition; its FAT partition is written by mtools, which needs
// no FAT in the kernel. What is mounted here is unmounted here.

import { execFile } from "node:child_process";
import { closeSync, constants, existsSync, openSync, type Stats } from "node:fs";
import { mkdtemp, open, rename, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { AgentError } from "../errors.ts";
import { makeFolders } from "./make-folders.ts";
import {
  chooseBoot,
  chooseRoot,
  type Formatted,
  hindranceOf,
  type Partition,
  readDeviceUse,
  readPartitions,
  readSystem,
} from "./partitions.ts";

const run = promisify(execFile);

/** The card's boot partition. */
export interface BootPartition {
  /** For people. */
  readonly name: string;
  /** Writes a file; `path` is relative, its folders are made. */
  readonly put: (path: string, content: Buffer) => Promise<void>;
}

export interface Card extends AsyncDisposable {
  /** Folder in which its root file system is. */
  readonly root: string;
  readonly boot: BootPartition | null;
  /** Lets go of it; everything is on it when this resolves. Throws INSTALL_FAILED. */
  readonly close: () => Promise<void>;
}

const refused = (why: string, cause?: unknown): AgentError =>
  new AgentError("INSTALL_FAILED", why, cause === undefined ? {} : { cause });

/** What a command that failed has to say. */
const saidBy = (error: unknown): string => {
  const { stderr, code } = { stderr: "", code: "", ...(error as object) };
  return String(stderr).trim() || String(code);
};

/** Runs a program of this machine; what it writes. Throws INSTALL_FAILED, with the Debian package where it is missing. */
const tool = async (
  name: string,
  from: string,
  args: readonly string[],
  input: Buffer = Buffer.alloc(0),
): Promise<string> => {
  const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, MTOOLS_SKIP_CHECK: "1" };
  const running = run(name, args, { env, timeout: 60_000 });
  // What a program that has ended does not read any more is no news beside its end.
  running.child.stdin?.on("error", () => undefined).end(input);
  const { stdout } = await running.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw refused(`this needs ${name}: apt-get install ${from}`, error);
    throw refused(`${[name, ...args].join(" ")}: ${saidBy(error)}`, error);
  });
  return stdout;
};

const partitionsOf = async (path: string): Promise<readonly Formatted[]> => {
  const probe = ["--raw", "--noheadings", "--bytes", "--output", "START,SIZE", path];
  const found = readPartitions(await tool("partx", "util-linux", probe).catch(() => ""));
  if (found.length === 0) {
    const packed = /\.(?:xz|gz|zip|zst)$/.test(path) ? "; unpack it first" : "";
    throw refused(`${path} has no partitions, so it is no card with a system on it${packed}`);
  }
  return Promise.all(
    found.map(async (each) => {
      const place = ["--offset", String(each.start), "--size", String(each.size)];
      const told = await tool("blkid", "util-linux", ["--probe", ...place, "--output", "export", path]).catch(
        () => "",
      );
      return { ...each, system: readSystem(told) };
    }),
  );
};

/** Mounts a partition for as long as the stack lives; its folder. */
const mount = async (
  path: string,
  { start, size }: Partition,
  stack: AsyncDisposableStack,
): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "porchlight-card-"));
  stack.defer(() => rmdir(folder));
  const options = `loop,offset=${start},sizelimit=${size},nosuid,nodev,noexec`;
  await tool("mount", "mount", ["-t", "ext4", "-o", options, path, folder]);
  stack.defer(async () => void (await tool("umount", "mount", [folder])));
  return folder;
};

/** The FAT partition of a card, through mtools(1). */
const fatPartition = (path: string, { start }: Partition): BootPartition => {
  const image = `${path}@@${start}`;
  return {
    name: `the boot partition of ${path}`,
    async put(name, content) {
      const folders = name.split("/").slice(0, -1);
      for (const depth of folders.keys()) {
        const folder = `::/${folders.slice(0, depth + 1).join("/")}`;
        // It fails for a folder that is there; where it is not, mcopy has more to say.
        await tool("mmd", "mtools", ["-D", "s", "-i", image, folder]).catch(() => undefined);
      }
      await tool("mcopy", "mtools", ["-o", "-D", "o", "-i", image, "-", `::/${name}`], content);
    },
  };
};

/** A boot partition that is mounted as a folder. */
const mountedPartition = (folder: string): BootPartition => ({
  name: folder,
  async put(name, content) {
    const path = join(folder, name);
    const draft = `${path}.porchlight-new`;
    try {
      await makeFolders(dirname(path), 0o755);
      await using file = await open(draft, "w");
      await file.writeFile(content);
      await file.sync();
      await rename(draft, path);
      // FAT keeps a file's length beside its name.
      await file.sync();
    } catch (error) {
      throw refused(`${path}: ${error instanceof Error ? error.message : String(error)}`, error);
    }
  },
});

/** Where a mounted card's boot partition is, inside its root. */
const usualBoot = ["boot/firmware", "boot"];

const openFolder = (root: string, boot: string | undefined): Card => {
  const folder = boot ?? usualBoot.map((each) => join(root, each)).find((each) => existsSync(each));
  return {
    root,
    boot: folder === undefined ? null : mountedPartition(folder),
    close: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  };
};

/** Throws for a device or file that somebody uses. */
const unused = async (path: string, found: Stats): Promise<void> => {
  const loops = await tool("losetup", "mount", ["--associated", path, "--noheadings", "--output", "NAME"]);
  if (loops.trim() !== "") throw refused(`${path} is in use by ${loops.trim().split(/\s+/).join(", ")}`);
  if (!found.isBlockDevice()) return;
  const listing = ["--json", "--output", "PATH,TYPE,MOUNTPOINTS", path];
  const hindrance = hindranceOf(readDeviceUse(await tool("lsblk", "util-linux", listing)));
  if (hindrance !== undefined) throw refused(`${path} ${hindrance}`);
  try {
    // The kernel knows of users that have no mount point: swap, volumes, somebody's name space.
    closeSync(openSync(path, constants.O_RDWR | constants.O_EXCL));
  } catch (error) {
    throw refused(`${path} is in use`, error);
  }
};

const openImage = async (path: string): Promise<Card> => {
  const all = await partitionsOf(path);
  const roots = chooseRoot(all);
  const [only, another] = roots;
  if (only === undefined) throw refused(`${path} has no root partition: none of its partitions is ext4`);
  if (another !== undefined)
    throw refused(`${path} has ${roots.length} ext4 partitions; mount its root and name that folder`);
  const fat = chooseBoot(all);
  await using stack = new AsyncDisposableStack();
  const root = await mount(path, only, stack);
  const mounted = stack.move();
  return {
    root,
    boot: fat === undefined ? null : fatPartition(path, fat),
    close: () => mounted.disposeAsync(),
    [Symbol.asyncDispose]: () => mounted.disposeAsync(),
  };
};

/**
 * Opens the card that `path` names; `boot` is the folder of its boot partition, for a card that is mounted. Throws
 * INSTALL_FAILED.
 */
export const openCard = async (path: string, boot: string | undefined): Promise<Card> => {
  const found = await stat(path).catch((error: unknown) => {
    throw refused(`there is no ${path}`, error);
  });
  if (found.isDirectory()) return openFolder(path, boot);
  if (!found.isFile() && !found.isBlockDevice()) throw refused(`${path} is neither an image nor a card`);
  if (boot !== undefined) throw refused(`${path} is no folder; --boot goes with a card that is mounted`);
  await unused(path, found);
  return openImage(path);
};
