// Started as a process of its own by the lock tests: takes the lock, says so, and holds it until it is killed.
import { systemClock } from "../../../src/adapters/clock.ts";
import { openVault } from "../../../src/adapters/vault.ts";

const vault = await openVault(process.argv[2] ?? "", { clock: systemClock, random: () => 0 });
await vault.locked(
  "agent",
  async () => {
    process.stdout.write("held\n");
    await new Promise((resolve) => process.stdin.once("data", resolve));
  },
  new AbortController().signal,
);
process.stdout.write("let go\n");
process.stdin.destroy();
