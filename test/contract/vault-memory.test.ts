import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { vaultContract } from "./vault.ts";

vaultContract("in memory", async () => {
  const disk = createMemoryDisk();
  return { open: async () => openMemoryVault(disk), close: async () => {} };
});
