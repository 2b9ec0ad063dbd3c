// Which partitions of a card are its boot partition and its root, out of what partx(8), blkid(8) and lsblk(8) write. Pure.

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

const mountsOf = ({ mountpoints, children }: Listed): readonly string[] => [
  ...(Array.isArray(mountpoints) ? mountpoints.filter((each) => typeof each === "string") : []),
  ...listed(children).flatMap(mountsOf),
];

export const readDeviceUse = (text: string): DeviceUse => {
  const parsed: { blockdevices?: unknown } = JSON.parse(text);
  const devices = listed(parsed.blockdevices);
  return {
    partition: devices.some(({ type }) => type === "part"),
    mounted: devices.flatMap(mountsOf),
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
