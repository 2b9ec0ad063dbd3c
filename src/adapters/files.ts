// Files by promises, as node:fs/promises has them: that one brings readline and file watching along, and a start has
// better things to load.

import * as fs from "node:fs";
import { promisify } from "node:util";

export const chmod = promisify(fs.chmod);
export const close = promisify(fs.close);
export const fstat = promisify(fs.fstat);
export const fsync = promisify(fs.fsync);
export const link = promisify(fs.link);
export const mkdir = promisify(fs.mkdir);
export const open = promisify(fs.open);
export const read = promisify(fs.read);
export const readdir = promisify(fs.readdir);
export const readFile = promisify(fs.readFile);
export const rename = promisify(fs.rename);
export const stat = promisify(fs.stat);
export const unlink = promisify(fs.unlink);
export const writeFile = promisify(fs.writeFile);

/** The calls that the state folder's files are kept with: tests put a disk in their place that fails, tears and forgets. */
export const disk = {
  chmod,
  close,
  fstat,
  fsync,
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
  writeFile,
};
export type Disk = {
  readonly [Call in Exclude<
    keyof typeof disk,
    "fstat" | "stat" | "readdir" | "readFile" | "writeFile"
  >]: (typeof disk)[Call];
} & {
  fstat(fd: number): Promise<{ readonly size: number; isFile(): boolean }>;
  stat(path: string): Promise<{ readonly mode: number }>;
  readdir(path: string): Promise<string[]>;
  readFile(fd: number): Promise<Uint8Array>;
  writeFile(fd: number, data: Uint8Array): Promise<void>;
};

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";

/** Removes a file; nothing happens when it is not there. */
export const removeFile = (path: string): Promise<void> =>
  unlink(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
