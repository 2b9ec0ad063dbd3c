import { createMemoryDisk, openMemoryVault } from "../../src/adapters/memory-vault.ts";
import { AgentError } from "../../src/errors.ts";
import type { Vault, VaultKey } from "../../src/ports.ts";

/** The board's disk: it outlives power cuts, and can be full. */
export class Disk {
  /** Nothing can be written. */
  full = false;
  /** Told before anything is written. */
  onWrite: (key: VaultKey, value: Uint8Array | undefined) => void = () => {};
  readonly #files = createMemoryDisk().files;

  /** Something is there from the beginning. */
  put(key: VaultKey, value: Uint8Array): void {
    this.#files.set(key, value);
  }

  /** What is kept under a key. */
  file(key: VaultKey): Uint8Array | undefined {
    return this.#files.get(key);
  }

  /** The vault of one run of the program. A power cut ends the locks of the run before. */
  open(): Vault {
    const vault = openMemoryVault({ ...createMemoryDisk(), files: this.#files });
    return {
      ...vault,
      write: async (key, value) => {
        if (this.full) throw new AgentError("STATE_UNWRITABLE", "the simulated disk is full");
        this.onWrite(key, value);
        await vault.write(key, value);
      },
    };
  }
}
