import { passFields } from "../broker/codec-passes.ts";
import { signedLimits } from "../broker/signed-limits.ts";
import { AgentError } from "../errors.ts";
import type { GuestPass, Identity } from "../model.ts";
import type { Clock, Guests, Vault } from "../ports.ts";
import { createTurns } from "../turns.ts";
import { isSamePerson, type Person } from "../users.ts";
import { fieldsOf, isFields, textOf } from "./encodings.ts";
import { readPass } from "./passes.ts";

/** More than all passes take that may be kept, each as long as it may be. */
const MAX_BYTES = 256 * 1024;
const VERSION = 1;

/** The passes, also those that have ended, and whose they are. */
export interface KeptGuests extends Person {
  readonly passes: readonly GuestPass[];
}

/** What the vault has under `guests`; undefined: it is damaged. */
export const readGuests = (bytes: Uint8Array): KeptGuests | undefined => {
  try {
    if (bytes.length > MAX_BYTES) return undefined;
    const { version, userId, orgId, passes } = fieldsOf(textOf(bytes, "guests"), "guests");
    if (version !== VERSION || typeof userId !== "string" || !Array.isArray(passes)) return undefined;
    return {
      userId,
      orgId: typeof orgId === "string" ? orgId : null,
      passes: passes.slice(0, signedLimits.passes).filter(isFields).map(readPass),
    };
  } catch {
    // Damaged: nobody is a guest until the owner says so again.
    return undefined;
  }
};

const encode = ({ userId, orgId, passes }: KeptGuests): Uint8Array =>
  new TextEncoder().encode(
    JSON.stringify({ version: VERSION, userId, orgId, passes: passes.map(passFields) }),
  );

/**
 * The passes of one board. They are read once: nobody else writes them while the agent runs. One that has ended is left
 * out at once, and off the disk with the next write.
 */
export const createGuests = (ports: { vault: Vault; clock: Clock }): Guests => {
  const { vault, clock } = ports;
  let kept: Promise<KeptGuests | undefined> | undefined;

  const load = async (): Promise<KeptGuests | undefined> => {
    try {
      // An older list might have a guest in it whose pass was taken back.
      const bytes = await vault.read("guests", "newest");
      return bytes === undefined ? undefined : readGuests(bytes);
    } catch {
      return undefined;
    }
  };

  const current = async (owner: Identity): Promise<readonly GuestPass[]> => {
    kept ??= load();
    const found = await kept;
    if (found === undefined) return [];
    if (!isSamePerson(found, owner)) {
      kept = Promise.resolve(undefined);
      // Should this fail, they are left out again at the next start.
      await vault.write("guests", undefined).catch(() => undefined);
      return [];
    }
    const now = clock.wallKnown() ? clock.wall() : undefined;
    return found.passes.filter(({ until }) => now === undefined || now < until);
  };

  const store = async (passes: readonly GuestPass[], { userId, orgId }: Identity): Promise<void> => {
    const next: KeptGuests = { userId, orgId, passes };
    await vault.write("guests", encode(next));
    kept = Promise.resolve(next);
  };

  const inTurn = createTurns();

  return {
    list: (owner) => inTurn(() => current(owner)),
    admit: (pass, owner) =>
      inTurn(async () => {
        const others = (await current(owner)).filter(({ id }) => id !== pass.id);
        if (others.length >= signedLimits.passes) throw new AgentError("GUESTS_FULL");
        await store([...others, pass], owner);
      }),
    revoke: (id, owner) =>
      inTurn(async () => {
        const passes = await current(owner);
        const others = passes.filter((pass) => pass.id !== id);
        if (others.length === passes.length) return false;
        await store(others, owner);
        return true;
      }),
    forget: () =>
      inTurn(async () => {
        await vault.write("guests", undefined);
        kept = Promise.resolve(undefined);
      }),
  };
};
