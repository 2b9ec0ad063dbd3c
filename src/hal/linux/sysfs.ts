// Attributes of the kernel's sysfs: small text files that stand for one value each (Documentation/filesystems/sysfs.rst).

import { constants } from "node:fs";
import { access, readFile, writeFile } from "node:fs/promises";
import { AgentError } from "../../errors.ts";

/** The errno name of a failed file operation. */
export const codeOf = (error: unknown): unknown =>
  error instanceof Error && "code" in error ? error.code : undefined;

/** A failed access to `path` as LIGHT_FAULT; one that this account may not make names the group and the udev rule. */
export const faultOf = (path: string, error: unknown, subsystem: string): AgentError => {
  const may = codeOf(error) === "EACCES" || codeOf(error) === "EPERM";
  const rule = `SUBSYSTEM=="${subsystem}", ACTION=="add|change", RUN+="/bin/chgrp -R gpio /sys%p", RUN+="/bin/chmod -R g+w /sys%p"`;
  return new AgentError(
    "LIGHT_FAULT",
    may
      ? `${path} may not be written by this account; join the group gpio and add the udev rule ${rule}`
      : `${path} does not answer (${String(codeOf(error) ?? error)})`,
    { cause: error },
  );
};

/** Reads and writes attributes of one subsystem, such as `leds` or `pwm`. All throw LIGHT_FAULT. */
export interface Sysfs {
  /** Text of an attribute, without white space around it. */
  read(path: string): Promise<string>;
  /** The same for an attribute that only some devices have; undefined where it is missing. */
  readIfThere(path: string): Promise<string | undefined>;
  /** Throws unless the attribute is there and this account may write it. */
  writable(path: string): Promise<void>;
  /** Writes an attribute that is there; never makes a file. */
  write(path: string, text: string): Promise<void>;
}

export const sysfsOf = (subsystem: string): Sysfs => {
  const readIfThere = async (path: string): Promise<string | undefined> => {
    try {
      return (await readFile(path, "utf8")).trim();
    } catch (error) {
      if (codeOf(error) === "ENOENT") return undefined;
      throw faultOf(path, error, subsystem);
    }
  };
  return {
    readIfThere,
    async read(path) {
      const text = await readIfThere(path);
      if (text !== undefined) return text;
      throw new AgentError("LIGHT_FAULT", `${path} is not there`);
    },
    async writable(path) {
      try {
        await access(path, constants.W_OK);
      } catch (error) {
        throw faultOf(path, error, subsystem);
      }
    },
    async write(path, text) {
      try {
        await writeFile(path, text, { flag: constants.O_WRONLY | constants.O_TRUNC });
      } catch (error) {
        throw faultOf(path, error, subsystem);
      }
    },
  };
};
