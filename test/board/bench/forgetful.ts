// On the emulated board: a vault whose fsync does nothing, to see that the drive loses what such a one calls kept. Writes a growing
// number into the folder that it is given, and tells each that the vault has taken.

import { systemClock } from "../../../src/adapters/clock.ts";
import { disk } from "../../../src/adapters/files.ts";
import { openVault } from "../../../src/adapters/vault.ts";

const [folder = ""] = process.argv.slice(2);
const vault = await openVault(folder, {
  clock: systemClock,
  random: Math.random,
  disk: { ...disk, fsync: async () => {} },
});
for (let number = 1; ; number++) {
  await vault.write("evening", Buffer.from(`${number}`));
  process.stdout.write(`${JSON.stringify({ event: "kept", number })}\n`);
}
