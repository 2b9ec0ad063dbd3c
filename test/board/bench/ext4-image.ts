// A file system of a board's, made and looked at on this computer.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { installPrograms, shell } from "./debian-arm64.ts";

const programs = { "mkfs.ext4": "e2fsprogs", e2fsck: "e2fsprogs", debugfs: "e2fsprogs" } as const;

const withTools = (script: string): Promise<string> => shell(`PATH=$PATH:/usr/sbin:/sbin; ${script}`);

/** An empty ext4 with a journal and the block size of a real card's root, as bytes. */
export const makeExt4 = async (folder: string, megabytes: number): Promise<Buffer> => {
  await installPrograms(programs);
  const path = join(folder, "empty.ext4");
  await withTools(
    `truncate -s ${megabytes}M ${path}; mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0 ${path}`,
  );
  const made = await readFile(path);
  rmSync(path);
  return made;
};

export interface Examined {
  /** Where its files were copied to. */
  readonly files: string;
  /** The journal had something to put back. */
  readonly recovered: boolean;
}

/**
 * Does with a copy of the image what a board does with the original when it starts: the journal is played back; and then all of it
 * is checked. Throws with what e2fsck says about an image that is not whole then. Its files are copied out.
 */
export const examine = async (folder: string, image: Buffer): Promise<Examined> => {
  const own = mkdtempSync(join(folder, "image-"));
  const path = join(own, "image");
  const files = join(own, "files");
  mkdirSync(files);
  writeFileSync(path, image);
  // 1: mended, which is what playing the journal back counts as.
  const said = await withTools(
    `code=0; e2fsck -p ${path} || code=$?; [ $code -le 1 ]; e2fsck -fn ${path} 2>&1; debugfs -R 'rdump / ${files}' ${path} 2>/dev/null`,
  );
  rmSync(path);
  return { files, recovered: said.includes("recovering journal") };
};
