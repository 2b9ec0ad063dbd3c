// The real disk, and how many bytes went to each file: what a flash card is worn by.

import { basename } from "node:path";
import { type Disk, disk } from "../../src/adapters/files.ts";

/** What was written to the files of a name. */
export interface Written {
  /** Of content. */
  readonly bytes: number;
  /** As a file system writes it: whole blocks of 4 KiB. */
  readonly blocks: number;
  readonly writes: number;
}

export interface CountingDisk {
  readonly disk: Disk;
  /** Since the last call, by file: temporary files count as what they become, generations as one. */
  take(): ReadonlyMap<string, Written>;
}

const BLOCK = 4096;
const nothing: Written = { bytes: 0, blocks: 0, writes: 0 };

/** `.grant.2.4711.0123456789ab.tmp` and `grant.1` are `grant`. */
const nameOf = (path: string): string =>
  basename(path)
    .replace(/^\.(.+)\.\d+\.[0-9a-f]{12}\.tmp$/, "$1")
    .replace(/\.(?:[12]|new)$/, "");

export const countingDisk = (): CountingDisk => {
  const names = new Map<number, string>();
  let written = new Map<string, Written>();
  return {
    disk: {
      ...disk,
      open: async (...args: Parameters<Disk["open"]>) => {
        const fd = await disk.open(...args);
        names.set(fd, nameOf(String(args[0])));
        return fd;
      },
      close: async (fd) => {
        names.delete(fd);
        await disk.close(fd);
      },
      writeFile: async (fd, data) => {
        const name = names.get(fd) ?? "?";
        const { bytes, blocks, writes } = written.get(name) ?? nothing;
        written.set(name, {
          bytes: bytes + data.length,
          blocks: blocks + Math.ceil(data.length / BLOCK) * BLOCK,
          writes: writes + 1,
        });
        await disk.writeFile(fd, data);
      },
    } as Disk,
    take() {
      const taken = written;
      written = new Map();
      return taken;
    },
  };
};
