import type { Vault } from "../../../src/ports.ts";

/** A vault that holds the same bytes under every key, and then what was written. */
export const holding = (bytes: Uint8Array | undefined): Vault => {
  let held = bytes;
  return {
    read: async () => held,
    write: async (_key, value) => {
      held = value;
    },
    ready: async () => undefined,
    setAside: async () => {
      held = undefined;
    },
    settle: async () => undefined,
    locked: (_name, work) => work(),
  };
};
