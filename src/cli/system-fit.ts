// Whether the service can start in the system of a root folder: what its systemd is, by its own program.

import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { AgentError } from "../errors.ts";
import { oldestSystemd, systemdVersion } from "../service/systemd.ts";

/** More than systemd's own program has; in bytes. */
const MOST = 16 * 1024 * 1024;

/** The first bytes of a file, at most as many. Throws INSTALL_FAILED. */
export const headOf = (path: string, bytes: number): Buffer => {
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
  if (found === undefined) throw new AgentError("INSTALL_FAILED", `there is no systemd in ${root}`);
  return found;
};

/** Throws where systemd is too old to start the service. One that does not say which it is gets a try. */
export const checkSystemd = (root: string): void => {
  const version = systemdVersion(headOf(systemdIn(root), MOST));
  if (version !== undefined && version < oldestSystemd)
    throw new AgentError(
      "INSTALL_FAILED",
      `systemd ${version} is too old: the service needs ${oldestSystemd} or newer, as in Debian 12, Raspberry Pi OS since October 2023 and Ubuntu 24.04. Upgrade that system or take a newer one`,
    );
};
