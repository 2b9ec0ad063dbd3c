// What updates do on a disk: every step is on the disk before the next one begins, and a refusal is told in one way.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { open, readlink, rename, rm, statfs, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AgentError } from "../errors.ts";

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EROFS: "the disk is read-only",
  EACCES: "it may not be written",
  EPERM: "it may not be written",
};

/** A failure of the disk as UPDATE_CANNOT_WRITE; an AgentError and an aborted signal's reason stay what they are. */
export const diskFault = (path: string, error: unknown): unknown =>
  error instanceof Error && "syscall" in error
    ? new AgentError("UPDATE_CANNOT_WRITE", `${path}: ${reasons[codeOf(error)] ?? codeOf(error)}`, {
        cause: error,
      })
    : error;

/** The folder's own entries are on the disk. */
export const syncFolder = async (folder: string): Promise<void> => {
  await using handle = await open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  await handle.sync();
};

/** Throws UPDATE_CANNOT_WRITE while the disk of `folder` has no room for `bytes`. */
export const checkRoom = async (folder: string, bytes: number): Promise<void> => {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  const megabytes = (size: number): string => `${Math.ceil(size / 1e6)} MB`;
  if (free < bytes)
    throw new AgentError(
      "UPDATE_CANNOT_WRITE",
      `${folder} has room for ${megabytes(free)}, and the update takes ${megabytes(bytes)}`,
    );
};

/** Writes a file whole: a cut of power leaves the old one or the new one. */
export const writeWhole = async (path: string, content: string | Uint8Array, mode: number): Promise<void> => {
  const draft = `${path}.new`;
  await rm(draft, { force: true });
  {
    await using file = await open(draft, "wx", mode);
    await file.writeFile(content);
    await file.sync();
  }
  await rename(draft, path);
  await syncFolder(dirname(path));
};

/** Makes the link `name` in `folder` lead to `target`, in one step. */
export const setLink = async (folder: string, name: string, target: string): Promise<void> => {
  const draft = join(folder, `${name}.new`);
  await rm(draft, { force: true });
  await symlink(target, draft);
  await rename(draft, join(folder, name));
  await syncFolder(folder);
};

/** Where the link `name` in `folder` leads; null when there is none. */
export const linkIn = async (folder: string, name: string): Promise<string | null> =>
  readlink(join(folder, name)).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "EINVAL") return null;
    throw error;
  });

/** SHA-256 of the first `bytes` of a file, to be carried on with what follows them. */
export const hashOfFile = async (
  path: string,
): Promise<{ hash: ReturnType<typeof createHash>; bytes: number }> => {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  for await (const chunk of file.createReadStream({ autoClose: false })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { hash, bytes };
};
