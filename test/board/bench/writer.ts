// On the emulated board: writes a growing number with two vaults at once, and tells each that both have taken. The first does not
// sync, to see that the drive loses what such a one calls kept; the second is as it is, on FAT, where a file is damaged meanwhile.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../../src/adapters/clock.ts";
import { disk } from "../../../src/adapters/files.ts";
import { openVault } from "../../../src/adapters/vault.ts";

const [forgetful = "", fat = ""] = process.argv.slice(2);
const ports = { clock: systemClock, random: Math.random };
const vaults = [
  await openVault(forgetful, { ...ports, disk: { ...disk, fsync: async () => {} } }),
  await openVault(fat, ports),
];
for (let number = 1; ; number++) {
  for (const vault of vaults) await vault.write("evening", Buffer.from(`${number}`));
  process.stdout.write(`${JSON.stringify({ event: "kept", number })}\n`);
  if (number === 5) writeFileSync(join(fat, "evening.1"), "damaged");
}
