// Which partitions of a card are its boot partition and its root, out of what partx(8), blkid(8) and lsblk(8) write. Pure.

import { AgentError } from "../errors.ts";

export interface Partition {
  /** In bytes from the beginning of the card. */
  readonly start: number;
  readonly size: number;
}

export interface Formatted extends Partition {
  /** As blkid calls it, or null. */
  readonly system: string | null;
}

const SECTOR = 512;

/** Out of `partx --raw --noheadings --bytes --output START,SIZE`: the start is in sectors all the same. */
export const readPartitions = (text: string): readonly Partition[] =>
  text.split("\n").flatMap((line) => {
    const [start, size] = line.trim().split(/\s+/).map(Number);
    return start && size ? [{ start: start * SECTOR, size }] : [];
  });

/** The file system's type out of `blkid --probe --output export`. */
export const readSystem = (text: string): string | null => /^TYPE=(.+)$/m.exec(text)?.[1] ?? null;

/** A card has one of each; more than one root is a card that somebody else has to understand. */
export const chooseRoot = (all: readonly Formatted[]): readonly Formatted[] =>
  all.filter(({ system }) => system === "ext4");
export const chooseBoot = (all: readonly Formatted[]): Formatted | undefined =>
  all.find(({ system }) => system === "vfat");

/** What `lsblk --json --output PATH,TYPE,MOUNTPOINTS` tells of a device: is it a partition only, and where is it mounted? */
export interface DeviceUse {
  readonly partition: boolean;
  readonly mounted: readonly string[];
}

interface Listed {
  readonly type?: unknown;
  readonly mountpoints?: unknown;
  readonly children?: unknown;
}

const listed = (value: unknown): readonly Listed[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "object" && each !== null) : [];

/** Disk, partition, RAID, encryption, volume: more levels there are not. */
const MAX_DEPTH = 16;

const mountsOf = ({ mountpoints, children }: Listed, depth = 0): readonly string[] => [
  ...(Array.isArray(mountpoints) ? mountpoints.filter((each) => typeof each === "string") : []),
  ...(depth > MAX_DEPTH ? [] : listed(children).flatMap((each) => mountsOf(each, depth + 1))),
];

/** Throws INSTALL_FAILED for what lsblk does not write: nobody knows then whether the device is in use. */
export const readDeviceUse = (text: string): DeviceUse => {
  let parsed: { readonly blockdevices?: unknown } | null;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new AgentError("INSTALL_FAILED", "lsblk does not tell what the device is used for", { cause });
  }
  const devices = listed(parsed?.blockdevices);
  return {
    partition: devices.some(({ type }) => type === "part"),
    mounted: devices.flatMap((each) => mountsOf(each)),
  };
};

/** Why such a device cannot be a card to be prepared, as the end of a sentence; undefined when it can. */
export const hindranceOf = ({ partition, mounted }: DeviceUse): string | undefined => {
  if (mounted.includes("/")) return "holds the system that is running";
  if (mounted.length > 0) return `is mounted at ${mounted.join(", ")}; unmount it first`;
  return partition ? "is a partition; name the whole card" : undefined;
};

/** Where a card's system mounts its boot partition, by its /etc/fstab (fstab(5)): the first of `folders` that it names. */
export const bootFolderIn = (fstab: string, folders: readonly string[]): string | undefined => {
  const mounted = fstab
    .split("\n")
    .filter((line) => !/^\s*#/.test(line))
    .map((line) =>
      line
        .trim()
        .split(/\s+/)[1]
        ?.replace(/(?<=.)\/$/, ""),
    );
  return folders.find((folder) => mounted.includes(folder));
};
