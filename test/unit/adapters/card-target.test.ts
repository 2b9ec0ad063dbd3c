import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openCard } from "../../../src/adapters/card.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";
import { ownTools } from "../cli/tools.ts";

it.each([
  [["boot/firmware"], "boot/firmware"],
  [["boot"], "boot"],
  [[], undefined],
])("a mounted card with %j has its boot partition in %s", async (folders, expected) => {
  using scratch = scratchFolder();
  for (const folder of folders) mkdirSync(join(scratch.path, folder), { recursive: true });
  await using card = await openCard(scratch.path, undefined);
  expect(card.root).toBe(scratch.path);
  expect(card.boot?.name).toBe(expected && join(scratch.path, expected));
  await card.boot?.put("pem/ca.pem", Buffer.from("a certificate"));
  if (expected !== undefined)
    expect(readFileSync(join(scratch.path, expected, "pem/ca.pem"), "utf8")).toBe("a certificate");
  await card.close();
});

it("a mounted card whose boot partition is named has it there, and says which file cannot be written", async () => {
  using scratch = scratchFolder();
  const boot = join(scratch.path, "bootfs");
  mkdirSync(boot);
  writeFileSync(join(boot, "pem"), "no folder");
  await using card = await openCard(scratch.path, boot);
  await expect(card.boot?.put("pem/ca.pem", Buffer.from(""))).rejects.toThrow(
    /bootfs\/pem\/ca\.pem.*INSTALL_FAILED/,
  );
});

/** The first sector of a card with one partition (a master boot record: type at 450, first sector and length at 454). */
const partitioned = (): Buffer => {
  const sector = Buffer.alloc(64 * 512);
  sector.writeUInt8(0x83, 450);
  sector.writeUInt32LE(8, 454);
  sector.writeUInt32LE(40, 458);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
};

it.each([
  ["card.img", Buffer.alloc(8192), /card\.img has no partitions, so it is no card with a system on it \(/],
  ["card.img.xz", Buffer.from("packed"), /has no partitions.*; unpack it first/],
  ["card.img", partitioned(), /has no root partition: none of its partitions is ext4/],
])("%s is refused when there is nothing on it to be prepared", async (name, content, why) => {
  using scratch = scratchFolder();
  writeFileSync(join(scratch.path, name), content);
  await expect(openCard(join(scratch.path, name), undefined)).rejects.toThrow(why);
});

it("what is no card is refused", async () => {
  using scratch = scratchFolder();
  await expect(openCard(join(scratch.path, "none"), undefined)).rejects.toThrow(/there is no .*none/);
  symlinkSync("/dev/null", join(scratch.path, "null"));
  await expect(openCard(join(scratch.path, "null"), undefined)).rejects.toThrow(
    /neither an image nor a card/,
  );
  writeFileSync(join(scratch.path, "card.img"), partitioned());
  await expect(openCard(join(scratch.path, "card.img"), scratch.path)).rejects.toThrow(
    /--boot goes with a card that is mounted/,
  );
});

/** Programs that tell of a card with a FAT and an ext4 partition, and write down what they are asked for in `calls`. */
const cardTools = (folder: string): Readonly<Record<string, string>> => {
  const noted = (name: string): string => `echo ${name} "$@" >> ${folder}/calls`;
  return {
    partx: "echo 2048 1000; echo 4096 2000",
    blkid: 'case "$*" in *1048576*) echo TYPE=vfat ;; *) echo TYPE=ext4 ;; esac',
    losetup: "",
    mount: noted("mount"),
    umount: noted("umount"),
    mmd: `${noted("mmd")}; exit 1`,
    mcopy: `${noted("mcopy")}; while read -r line; do echo "$line"; done > ${folder}/copied`,
  };
};

it("an image's root is mounted by its place and unmounted at the end, its FAT is written without being mounted", async () => {
  using scratch = scratchFolder();
  const path = join(scratch.path, "card.img");
  writeFileSync(path, "");
  using _tools = ownTools(join(scratch.path, "bin"), cardTools(scratch.path));
  const card = await openCard(path, undefined);
  expect(card.boot?.name).toBe(`the boot partition of ${path}`);
  await card.boot?.put("pem/ca.pem", Buffer.from("a certificate\n"));
  expect(readFileSync(join(scratch.path, "copied"), "utf8")).toBe("a certificate\n");
  await card.close();
  await card[Symbol.asyncDispose]();
  expect(existsSync(card.root)).toBe(false);
  expect(readFileSync(join(scratch.path, "calls"), "utf8")).toBe(
    [
      `mount -t ext4 -o loop,offset=2097152,sizelimit=2000,nosuid,nodev,noexec ${path} ${card.root}`,
      `mmd -D s -i ${path}@@1048576 ::/pem`,
      `mcopy -o -D o -i ${path}@@1048576 - ::/pem/ca.pem`,
      `umount ${card.root}`,
      "",
    ].join("\n"),
  );
});

it.each<[what: string, tools: Readonly<Record<string, string>>, why: RegExp]>([
  ["that is in use", { losetup: "echo /dev/loop7" }, /card\.img is in use by \/dev\/loop7/],
  [
    "with two roots",
    { blkid: "echo TYPE=ext4" },
    /has 2 ext4 partitions; mount its root and name that folder/,
  ],
  ["that cannot be mounted, without a word why", { mount: "exit 32" }, /mount .*: 32 \(/],
  ["that cannot be mounted", { mount: "echo bad superblock >&2; exit 32" }, /mount .*: bad superblock/],
])("an image %s is refused, and nothing is left mounted", async (_, tools, why) => {
  using scratch = scratchFolder();
  const path = join(scratch.path, "card.img");
  writeFileSync(path, "");
  using _tools = ownTools(join(scratch.path, "bin"), { ...cardTools(scratch.path), ...tools });
  await expect(openCard(path, undefined)).rejects.toThrow(why);
  expect(existsSync(join(scratch.path, "calls"))).toBe(false);
});

it("a card without FAT has no boot partition, and a program that is missing is named with its package", async () => {
  using scratch = scratchFolder();
  const path = join(scratch.path, "card.img");
  writeFileSync(path, "");
  const { mcopy: _, ...tools } = cardTools(scratch.path);
  using _tools = ownTools(join(scratch.path, "bin"), tools, true);
  await using card = await openCard(path, undefined);
  await expect(card.boot?.put("porchlight.json", Buffer.from(""))).rejects.toThrow(
    /this needs mcopy: apt-get install mtools/,
  );
  using _others = ownTools(join(scratch.path, "bin"), {
    partx: "echo 4096 2000",
    losetup: "",
  });
  await using bare = await openCard(path, undefined);
  expect(bare.boot).toBeNull();
});
