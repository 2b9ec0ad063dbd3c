// Node's recursive mkdir never returns where the kernel answers ENOENT for a folder whose parent exists, as it does
// below /proc. One plain mkdir per level has no loop to get caught in.

import { dirname } from "node:path";
import { type Disk, disk } from "./files.ts";

const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/**
 * Makes the folder `path` and those above it that are missing, with `mode` less the umask. Nothing happens when it is
 * there. Throws the error of mkdir(2) for the first level that cannot be made.
 */
export const makeFolders = async (
  path: string,
  mode: number,
  { mkdir }: Pick<Disk, "mkdir"> = disk,
): Promise<void> => {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) === "EEXIST") return;
    const parent = dirname(path);
    if (codeOf(error) !== "ENOENT" || parent === path) throw error;
    await makeFolders(parent, mode, { mkdir });
    await mkdir(path, { mode }).catch((second: unknown) => {
      // Somebody else may have made it meanwhile.
      if (codeOf(second) !== "EEXIST") throw second;
    });
  }
};

/**
 * From here on everybody may read and run what this process makes, as far as its mode says so: the service's account has
 * to, whatever umask root's shell has. umask(2)
 */
export const letOthersRead = (): void => void process.umask(0o022);
