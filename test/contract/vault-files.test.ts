import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/adapters/clock.ts";
import { openVault } from "../../src/adapters/vault.ts";
import { vaultContract } from "./vault.ts";

vaultContract("files", async () => {
  const dir = await mkdtemp(join(tmpdir(), "porchlight-vault-"));
  return {
    // Waiting for another process is waiting in real time: its lock is the kernel's.
    open: () => openVault(dir, { clock: systemClock, random: () => 0 }),
    close: () => rm(dir, { recursive: true, force: true }),
  };
});
