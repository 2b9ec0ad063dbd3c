// Whether the disk takes what it is given: said once when it does not, and in the status until it does again.

import { asAgentError, type ErrorCode } from "../errors.ts";
import type { Clock, Journal, OrElse, Session, Vault, VaultKey, WatchedVault } from "../ports.ts";

export interface Disk {
  /** The vault, watched. */
  readonly vault: WatchedVault;
  /** STATE_UNWRITABLE while what was last written did not get there, or something that counts is only in memory; else null. */
  readonly fault: ErrorCode | null;
  /** Calls `listener` when that has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /**
   * While the disk takes nothing, tries it again each minute until `signal` is aborted, and once more then: with the sign-in
   * where that is only in memory, and what is to be made good, else with something that nobody needs. Never throws.
   */
  run(session: Pick<Session, "persist">, signal: AbortSignal): Promise<void>;
}

/** Pause between two tries: a full or read-only disk rarely mends itself quickly. In milliseconds. */
const AGAIN_MS = 60_000;
/** As much as most of what is kept takes. Whether a sign-in gets there, only that can tell. */
const PROBE_BYTES = 8192;

export const watchDisk = ({
  vault,
  clock,
  journal,
}: {
  readonly vault: Vault;
  readonly clock: Clock;
  readonly journal: Journal;
}): Disk => {
  const listeners = new Set<() => void>();
  let fault: ErrorCode | null = null;
  /** The sign-in is only in memory. */
  let signInLeft = false;
  /** Of what the disk may hold another value than the one that counts: that one. */
  const owed = new Map<VaultKey, OrElse>();
  /** The newest write of a key: an older one that fails owes nothing any more. */
  const newest = new Map<VaultKey, symbol>();

  /** While there is something, there is a fault, whatever else gets to the disk. */
  const isSomethingLeft = (): boolean => signInLeft || owed.size > 0;

  const become = (next: ErrorCode | null): void => {
    fault = next;
    for (const listener of listeners) listener();
  };

  /** Resolves at the next change. */
  const changed = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const end = (): void => {
        listeners.delete(end);
        signal.removeEventListener("abort", end);
        resolve();
      };
      listeners.add(end);
      signal.addEventListener("abort", end, { once: true });
    });

  const watched = async (work: Promise<void>, key?: VaultKey): Promise<void> => {
    try {
      await work;
      if (key === "grant") signInLeft = false;
      if (fault !== null && !isSomethingLeft()) become(null);
    } catch (error) {
      const { code, message } = asAgentError(error);
      if (code === "STATE_UNWRITABLE" && key === "grant") signInLeft = true;
      if (code === "STATE_UNWRITABLE" && fault === null) {
        journal.record({ event: "fault", code, message, retryInMs: AGAIN_MS });
        become(code);
      }
      throw error;
    }
  };

  const write: WatchedVault["write"] = async (key, value, how) => {
    const mine = Symbol(key);
    newest.set(key, mine);
    owed.delete(key);
    if (how === undefined || how === "both") return watched(vault.write(key, value, how), key);
    try {
      // Owed before others hear of it.
      await watched(
        vault.write(key, value).catch((error: unknown) => {
          const isOwed = asAgentError(error).code === "STATE_UNWRITABLE" && newest.get(key) === mine;
          if (isOwed) owed.set(key, how);
          throw error;
        }),
        key,
      );
    } catch (error) {
      if (how.orElse !== value) await makeGood();
      throw error;
    }
  };

  /** Never throws: what fails again is owed again. */
  const makeGood = async (): Promise<void> => {
    for (const [key, how] of [...owed])
      if (owed.get(key) === how) await write(key, how.orElse, how).catch(() => undefined);
  };

  /** With a sign-in that cannot be read, it stays as it was. */
  const persist = async (session: Pick<Session, "persist">): Promise<void> => {
    try {
      if (await session.persist()) signInLeft = false;
    } catch {}
  };

  /** What could not be written may be something that nobody writes again for days. */
  const probe = async (): Promise<void> => {
    await watched(vault.write("probe", new Uint8Array(PROBE_BYTES)));
    await vault.write("probe", undefined);
  };

  return {
    vault: {
      read: (key, least) => vault.read(key, least),
      write,
      ready: () => vault.ready(),
      setAside: (key) => watched(vault.setAside(key)),
      settle: (proven) => watched(vault.settle(proven)),
      locked: (name, work, signal) => vault.locked(name, work, signal),
    },
    get fault() {
      return fault;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async run(session, signal) {
      while (!signal.aborted)
        if (fault === null) await changed(signal);
        else {
          await clock.sleep(AGAIN_MS, signal).catch(() => undefined);
          // At the stop, too: what is only in memory is tried for the last time.
          await persist(session);
          await makeGood();
          if (!signal.aborted && fault !== null && !isSomethingLeft()) await probe().catch(() => undefined);
        }
    },
  };
};
