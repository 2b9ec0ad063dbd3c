// A process that counts in the vault of the folder given, from the number given, and says each number once it is kept.

import { writeSync } from "node:fs";
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";

const [dir = "", first = "0"] = process.argv.slice(2);
const vault = await openVault(dir, { clock: systemClock, random: Math.random });
for (let number = Number(first); ; number++) {
  await vault.write("grant", Buffer.from(String(number)), ...(number % 3 === 0 ? (["both"] as const) : []));
  writeSync(1, `${number}\n`);
}
