// The few steps on disk that a take-over is made of. Each one is on the disk when it resolves. After a cut of power it has
// happened or not; only on FAT may less be left: of a renamed file its name alone, of a written one its beginning.

import { constants } from "node:fs";
import { chown, type FileHandle, lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { LoadedText } from "../agent/settings-kinds.ts";
import { readCapped, why } from "./settings-file.ts";

/** Who may read a file: root alone, root and the service's group, or whoever may read the partition. */
export type Readers = "root" | "service" | "everybody";

export interface CardFiles {
  readonly exists: (path: string) => Promise<boolean>;
  /** A whole text, capped; without following it into the unknown: no pipe is waited for. */
  readonly read: (path: string) => LoadedText;
  /** Makes the folder where it is missing. */
  readonly makeFolder: (path: string, readers: Readers) => Promise<void>;
  /** Hands a folder or file that is there, and not by a link, to the service's group to read. */
  readonly letServiceRead: (path: string) => Promise<void>;
  /** Writes a new file. */
  readonly write: (path: string, text: string, readers: Readers) => Promise<void>;
  readonly rename: (from: string, to: string) => Promise<void>;
  /**
   * Writes line ends over the whole of a file where it lies, its beginning first, then `text` in their place: whatever is
   * left by a cut, it begins with a line end or with the beginning of `text`.
   */
  readonly overwrite: (path: string, text: string) => Promise<void>;
  readonly remove: (path: string) => Promise<void>;
}

const modes: Readonly<Record<Readers, { readonly file: number; readonly folder: number }>> = {
  root: { file: 0o600, folder: 0o700 },
  // setgid: what root writes there later belongs to the group, too.
  service: { file: 0o640, folder: 0o2750 },
  everybody: { file: 0o644, folder: 0o755 },
};

const BLANK = "\n";
/** What a disk writes as a whole, in bytes. */
const SECTOR = 512;

const syncFolder = async (path: string): Promise<void> => {
  await using folder = await open(path);
  await folder.sync();
};

const fill = async (file: FileHandle, bytes: Buffer): Promise<void> => {
  for (let at = 0; at < bytes.length; )
    at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten;
  await file.sync();
};

/** The number of a group by the text of /etc/group (group(5)), or undefined. */
export const groupNumber = (text: string, name: string): number | undefined => {
  const line = text.split("\n").find((each) => each.startsWith(`${name}:`));
  const id = line?.split(":")[2];
  return id !== undefined && /^\d+$/.test(id) ? Number(id) : undefined;
};

const SERVICE_GROUP = "porchlight";

/** The files of the system whose root folder is `root`; every path is that system's own. */
export const openCardFiles = (root: string): CardFiles => {
  const at = (path: string): string => join(root, path);
  const read: CardFiles["read"] = (path) => {
    try {
      return { ok: true, text: readCapped(at(path)) };
    } catch (error) {
      return { ok: false, problem: `points to ${path}, which ${why(error)}` };
    }
  };
  const groupOf = (readers: Readers): number => {
    const groups = readers === "service" ? read("/etc/group") : undefined;
    return (groups?.ok && groupNumber(groups.text, SERVICE_GROUP)) || 0;
  };
  const own = async (path: string, readers: Readers): Promise<void> => {
    if (readers === "everybody" || process.getuid?.() !== 0) return;
    await chown(path, 0, groupOf(readers));
  };
  return {
    read,
    exists: async (path) =>
      lstat(at(path)).then(
        () => true,
        () => false,
      ),
    async makeFolder(path, readers) {
      const made = await mkdir(at(path)).then(
        () => true,
        (error: unknown) => {
          if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
          throw error;
        },
      );
      if (!made) return;
      await own(at(path), readers);
      await using folder = await open(at(path));
      await folder.chmod(modes[readers].folder);
      await syncFolder(dirname(at(path)));
    },
    async letServiceRead(path) {
      const there = await lstat(at(path)).catch(() => undefined);
      if (!there?.isFile() && !there?.isDirectory()) return;
      await using held = await open(at(path), constants.O_RDONLY | constants.O_NOFOLLOW);
      const found = await held.stat();
      const folder = found.isDirectory();
      await held.chown(folder ? 0 : found.uid, groupOf("service"));
      await held.chmod(folder ? modes.service.folder : (found.mode & 0o7777) | 0o040);
      await held.sync();
    },
    async write(path, text, readers) {
      const mode = modes[readers].file;
      // On FAT nothing is gained by a draft: there a rename is less whole than a write.
      const target = readers === "everybody" ? at(path) : `${at(path)}.porchlight-new`;
      try {
        // A draft is a new file: what lies there may be a link that leads out of the card.
        if (readers !== "everybody") await rm(target, { force: true });
        await using file = await open(target, readers === "everybody" ? "w" : "wx", mode);
        await fill(file, Buffer.from(text));
        if (readers !== "everybody") {
          await own(target, readers);
          await file.chmod(mode);
          await file.sync();
          await rename(target, at(path));
        }
      } catch (error) {
        await rm(target, { force: true });
        throw error;
      }
      await syncFolder(dirname(at(path)));
    },
    async rename(from, to) {
      await using file = await open(at(from), "r+");
      await rename(at(from), at(to));
      // FAT keeps a file's length beside its name: the new name has none before this.
      await file.sync();
      await syncFolder(dirname(at(to)));
    },
    async overwrite(path, text) {
      await using file = await open(at(path), "r+");
      const { size } = await file.stat();
      const bytes = Buffer.from(text);
      const blank = Buffer.alloc(Math.max(size, bytes.length), BLANK);
      await fill(file, blank.subarray(0, SECTOR));
      await fill(file, blank);
      await fill(file, bytes);
      await file.truncate(bytes.length);
      await file.sync();
    },
    async remove(path) {
      await rm(at(path), { force: true });
      await syncFolder(dirname(at(path)));
    },
  };
};
