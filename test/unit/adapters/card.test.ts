import { describe, expect, it } from "vitest";
import { elfMachine } from "../../../src/adapters/elf-machine.ts";
import {
  bootFolderIn,
  chooseBoot,
  chooseRoot,
  hindranceOf,
  readDeviceUse,
  readPartitions,
  readSystem,
} from "../../../src/adapters/partitions.ts";

describe("the partitions of a card", () => {
  it("are where partx says, and what blkid says", () => {
    expect(readPartitions("  8192 536870912\n1056768  2147483648\n\n")).toEqual([
      { start: 8192 * 512, size: 536_870_912 },
      { start: 1_056_768 * 512, size: 2_147_483_648 },
    ]);
    expect(readPartitions("")).toEqual([]);
    expect(readSystem("DEVNAME=card.img\nSEC_TYPE=msdos\nTYPE=vfat\nUSAGE=filesystem\n")).toBe("vfat");
    expect(readSystem("")).toBeNull();
  });

  it("are chosen by their file systems", () => {
    const all = ["vfat", null, "ext4", "ext4", "vfat"].map((system, start) => ({ start, size: 1, system }));
    expect(chooseBoot(all)?.start).toBe(0);
    expect(chooseRoot(all).map(({ start }) => start)).toEqual([2, 3]);
    expect(chooseBoot([])).toBeUndefined();
  });

  it("that are mounted are found below the card, however deep", () => {
    const disk = {
      path: "/dev/sdx",
      type: "disk",
      mountpoints: [null],
      children: [
        { path: "/dev/sdx1", type: "part", mountpoints: ["/media/bootfs"] },
        { path: "/dev/sdx2", type: "part", mountpoints: [null], children: [{ mountpoints: ["/srv"] }, 7] },
      ],
    };
    expect(readDeviceUse(JSON.stringify({ blockdevices: [disk] }))).toEqual({
      partition: false,
      mounted: ["/media/bootfs", "/srv"],
    });
    expect(readDeviceUse('{"blockdevices":[{"type":"part"}]}')).toEqual({ partition: true, mounted: [] });
    expect(readDeviceUse("{}")).toEqual({ partition: false, mounted: [] });
    expect(readDeviceUse("null")).toEqual({ partition: false, mounted: [] });
    const deep = `${'{"children":['.repeat(5_000)}{"mountpoints":["/"]}${"]}".repeat(5_000)}`;
    expect(readDeviceUse(`{"blockdevices":[${deep}]}`)).toEqual({ partition: false, mounted: [] });
  });

  it("are not guessed where lsblk says something else than JSON", () => {
    const refused = expect.objectContaining({ code: "INSTALL_FAILED" });
    expect(() => readDeviceUse("lsblk: /dev/sdx: not a block device")).toThrow(refused);
  });
});

it.each([
  [{ partition: false, mounted: ["/boot", "/"] }, "holds the system that is running"],
  [{ partition: true, mounted: ["/media/a", "/srv"] }, "is mounted at /media/a, /srv; unmount it first"],
  [{ partition: true, mounted: [] }, "is a partition; name the whole card"],
  [{ partition: false, mounted: [] }, undefined],
])("a device with %j %s", (use, hindrance) => {
  expect(hindranceOf(use)).toBe(hindrance);
});

it.each([
  ["PARTUUID=4a4c-01 /boot/firmware vfat defaults 0 2\n", "/boot/firmware"],
  ["# /dev/sda1 /boot/firmware vfat\n/dev/mmcblk0p1\t/boot/\tvfat\tdefaults\t0 2\n", "/boot"],
  ["/dev/sda1 /boot/efi vfat umask=0077 0 1\n", undefined],
  ["", undefined],
])("by the fstab %j the boot partition is at %s", (fstab, folder) => {
  expect(bootFolderIn(fstab, ["/boot/firmware", "/boot"])).toBe(folder);
});

/** The beginning of an ELF file: class (1: 32 bits, 2: 64), byte order (1: little), machine. */
const header = (bits: number, order: number, machine: number): Buffer => {
  const bytes = Buffer.alloc(20);
  bytes.write("\x7fELF", "latin1");
  bytes[4] = bits;
  bytes[5] = order;
  if (order === 2) bytes.writeUInt16BE(machine, 18);
  else bytes.writeUInt16LE(machine, 18);
  return bytes;
};

it.each([
  [header(2, 1, 183), "arm64"],
  [header(2, 1, 62), "x86-64"],
  [header(1, 1, 40), "32-bit ARM"],
  [header(1, 1, 3), "32-bit x86"],
  [header(2, 1, 243), "RISC-V"],
  [header(2, 2, 21), "machine 21"],
  [header(2, 1, 62).subarray(0, 19), undefined],
  [Buffer.from("#!/bin/sh\necho it is no program\n"), undefined],
])("a file that begins with %j is for %s", (bytes, machine) => {
  expect(elfMachine(bytes)).toBe(machine);
});
