import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openCard } from "../../../src/adapters/card.ts";
import { scratchFolder } from "../../real/peers/scratch.ts";

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
