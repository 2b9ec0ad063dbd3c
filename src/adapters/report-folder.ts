// Where reports go: a folder for each, and `latest`, which leads to the newest. A reader never sees half a report.

import { open, readdir, readlink, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import { makeFolders } from "./make-folders.ts";

/** 2026-11-26T02-30-00.123Z: names in order of time, and allowed on every file system. */
const NAME = /^\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}Z$/;
const TEMPORARY = /^\.(?:report|latest)-(\d+)$/;
const LATEST = "latest";
/** Written at once, in characters. */
const PIECE = 256 * 1024;

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error ? String(error.code) : "unknown";

/** True while a process of that id lives; EPERM means that it does, but is somebody else's. */
const lives = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
};

const sync = async (path: string): Promise<void> => {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
};

const writeFile = async (path: string, parts: Iterable<string>): Promise<void> => {
  const file = await open(path, "wx", 0o600);
  try {
    let piece = "";
    for (const part of parts) {
      piece += part;
      if (piece.length < PIECE) continue;
      await file.writeFile(piece);
      piece = "";
    }
    await file.writeFile(piece);
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Takes away what a run that was cut off left behind, and the oldest reports. */
const tidy = async (folder: string, keep: number): Promise<void> => {
  const names = await readdir(folder);
  const left = names.filter((name) => {
    const pid = TEMPORARY.exec(name)?.[1];
    return pid !== undefined && !lives(Number(pid));
  });
  const newest = await readlink(join(folder, LATEST));
  const old = names
    .filter((name) => NAME.test(name) && name !== newest)
    .sort()
    .reverse()
    .slice(keep - 1);
  // What cannot be taken away now (somebody else's, say) does no harm to the report, and is tried again the next time.
  for (const name of [...left, ...old])
    await rm(join(folder, name), { recursive: true, force: true }).catch(() => undefined);
};

/** Throws where something has the name that is none of ours. */
const lookAtLatest = async (folder: string): Promise<void> => {
  const path = join(folder, LATEST);
  const target = await readlink(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return null;
    // A file or a folder.
    if (codeOf(error) === "EINVAL") return "";
    throw error;
  });
  if (target !== null && !NAME.test(target))
    throw new AgentError("REPORT_CANNOT_WRITE", `${path} is something else than a link to a report`);
};

/**
 * Writes a report's files into a folder of its own below `folder`, readable by their owner only, and makes `latest` lead to it
 * in one step. `name` is the moment as in `NAME`; `keep` reports stay. Resolves with the new folder. Throws REPORT_CANNOT_WRITE;
 * then everything is as it was.
 */
export const writeReport = async (
  folder: string,
  name: string,
  files: ReadonlyMap<string, Iterable<string>>,
  keep: number,
): Promise<string> => {
  const temporary = join(folder, `.report-${process.pid}`);
  const link = join(folder, `.latest-${process.pid}`);
  const place = join(folder, name);
  const made = [temporary, link];
  try {
    await makeFolders(folder, 0o700);
    await lookAtLatest(folder);
    await rm(temporary, { recursive: true, force: true });
    await rm(link, { force: true });
    await makeFolders(temporary, 0o700);
    for (const [file, parts] of files) await writeFile(join(temporary, file), parts);
    await sync(temporary);
    await rename(temporary, place);
    made.push(place);
    await symlink(name, link);
    await rename(link, join(folder, LATEST));
    made.pop();
    await sync(folder);
    await tidy(folder, keep);
    return place;
  } catch (error) {
    for (const path of made) await rm(path, { recursive: true, force: true }).catch(() => undefined);
    if (error instanceof AgentError) throw error;
    throw new AgentError("REPORT_CANNOT_WRITE", `${folder} (${codeOf(error)})`, { cause: error });
  }
};
