// File systems of a board's, made and looked at on this computer.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { installPrograms, shell } from "./debian-arm64.ts";

const programs = {
  "mkfs.ext4": "e2fsprogs",
  e2fsck: "e2fsprogs",
  debugfs: "e2fsprogs",
  "mkfs.vfat": "dosfstools",
  mcopy: "mtools",
} as const;

const withTools = (script: string): Promise<string> => shell(`PATH=$PATH:/usr/sbin:/sbin; ${script}`);

/** An empty file system that `make` makes in a file of that size, as bytes. */
const makeImage = async (folder: string, megabytes: number, make: string): Promise<Buffer> => {
  await installPrograms(programs);
  const path = join(folder, "empty");
  await withTools(`truncate -s ${megabytes}M ${path}; ${make} ${path} >/dev/null`);
  const made = await readFile(path);
  rmSync(path);
  return made;
};

/** With a journal, and the block size of a real card's root. */
export const makeExt4 = (folder: string, megabytes: number): Promise<Buffer> =>
  makeImage(folder, megabytes, "mkfs.ext4 -q -b 4096 -E lazy_itable_init=0,lazy_journal_init=0");

export const makeFat = (folder: string, megabytes: number): Promise<Buffer> =>
  makeImage(folder, megabytes, "mkfs.vfat");

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

/** Copies the files out of a FAT image; where they are then. */
export const filesOnFat = async (folder: string, image: Buffer): Promise<string> => {
  const own = mkdtempSync(join(folder, "fat-"));
  const [path, files] = [join(own, "image"), join(own, "files")];
  mkdirSync(files);
  writeFileSync(path, image);
  // What a cut has torn cannot be copied, and need not be.
  await withTools(`mcopy -n -i ${path} '::*' ${files} 2>/dev/null || true`);
  return files;
};
