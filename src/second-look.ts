import { AgentError } from "./errors.ts";
import type { Clock, Vault, VaultKey } from "./ports.ts";

// A disk reads badly for a moment now and then. What such a moment hides must not be taken for gone: the next write would
// replace it for good.

/** Pause before what cannot be read is looked at once more, in milliseconds. */
const SECOND_LOOK_MS = 1_000;

export const isDamage = (error: unknown): boolean =>
  error instanceof AgentError && error.code === "STATE_DAMAGED";

/** What `read` gives; where that is STATE_DAMAGED, what it gives a second later. */
export const lookTwice = async <T>(
  read: () => Promise<T>,
  clock: Pick<Clock, "sleep">,
  signal: AbortSignal = new AbortController().signal,
): Promise<T> => {
  try {
    return await read();
  } catch (error) {
    if (!isDamage(error)) throw error;
    await clock.sleep(SECOND_LOOK_MS, signal);
    return await read();
  }
};

/** What is kept under `key`: the newest, looked for twice, before the one before it serves. Throws what `read` throws. */
export const readPatiently = async (
  vault: Pick<Vault, "read">,
  key: VaultKey,
  clock: Pick<Clock, "sleep">,
): Promise<Uint8Array | undefined> => {
  try {
    return await lookTwice(() => vault.read(key, "newest"), clock);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return await vault.read(key);
  }
};
