// Whether the service can start in the system of a root folder: what its systemd is, by its own program, and for which
// processor.

import { closeSync, existsSync, lstatSync, openSync, readdirSync, readSync } from "node:fs";
import { stat, statfs } from "node:fs/promises";
import { join } from "node:path";
import { ELF_BYTES, elfMachine } from "../adapters/elf-machine.ts";
import { AgentError } from "../errors.ts";
import { oldestSystemd, systemdVersion } from "../service/systemd.ts";

/** More than systemd's own program has; in bytes. */
const MOST = 16 * 1024 * 1024;
/** What is wanted besides the program itself: its other files, and some air for the system. In bytes. */
const MARGIN = 8 * 1024 * 1024;

const refused = (why: string): AgentError => new AgentError("INSTALL_FAILED", why);

/** The first bytes of a file, at most as many. Throws INSTALL_FAILED. */
const headOf = (path: string, bytes: number): Buffer => {
  try {
    const fd = openSync(path, "r");
    try {
      const head = Buffer.alloc(bytes);
      return head.subarray(0, readSync(fd, head));
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw new AgentError("INSTALL_FAILED", `${path} cannot be read`, { cause: error });
  }
};

/** systemd's own program; /lib may be a folder of its own. Throws where there is none. */
export const systemdIn = (root: string): string => {
  const places = ["usr/lib/systemd/systemd", "lib/systemd/systemd"].map((path) => join(root, path));
  const found = places.find((path) => existsSync(path));
  if (found === undefined) throw refused(`there is no systemd in ${root}`);
  return found;
};

/** Throws where systemd is too old to start the service. One that does not say which it is gets a try. */
export const checkSystemd = (root: string): void => {
  const version = systemdVersion(headOf(systemdIn(root), MOST));
  if (version !== undefined && version < oldestSystemd)
    throw refused(
      `systemd ${version} is too old: the service needs ${oldestSystemd} or newer, as in Debian 12, Raspberry Pi OS since October 2023 and Ubuntu 24.04. Upgrade that system or take a newer one`,
    );
};

const machineOf = (path: string): string | undefined => elfMachine(headOf(path, ELF_BYTES));

const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1e6)} MB`;

/** Debian has a folder for each processor; others have their libraries in one. */
const hasAtomic = (root: string): boolean => {
  const debians = readdirSync(join(root, "usr/lib")).filter((name) => name.includes("-linux-gnu"));
  return ["lib64", "lib", ...debians.map((name) => `lib/${name}`)].some(
    (folder) =>
      lstatSync(join(root, "usr", folder, "libatomic.so.1"), { throwIfNoEntry: false }) !== undefined,
  );
};

/** Throws when the program could not be stored or would not start there. */
export const checkFit = async (root: string, program: string): Promise<void> => {
  const [card, mine] = [machineOf(systemdIn(root)), machineOf(program)];
  if (mine === undefined) throw refused(`${program} is no program`);
  const whose = root === "/" ? "this system" : "the card's system";
  if (card !== mine)
    throw refused(
      `${whose} is for ${card ?? "an unknown processor"}, and ${program} for ${mine}; name the right one with --program`,
    );
  if (!hasAtomic(root)) throw refused(`${whose} has no libatomic1, without which the program does not start`);
  const { bavail, bsize } = await statfs(root);
  const needed = (await stat(program)).size + MARGIN;
  if (bavail * bsize < needed)
    throw refused(
      `there is not enough room: ${megabytes(needed)} are needed, ${megabytes(bavail * bsize)} are free`,
    );
};
