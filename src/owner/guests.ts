import { passFields } from "../broker/codec-passes.ts";
import { signedLimits } from "../broker/signed-limits.ts";
import { AgentError } from "../errors.ts";
import type { GuestPass, Identity } from "../model.ts";
import type { Clock, Guests, WatchedVault } from "../ports.ts";
import { isDamage, lookTwice } from "../second-look.ts";
import { createTurns } from "../turns.ts";
import { isSamePerson, type Person } from "../users.ts";
import { fieldsOf, textOf } from "./encodings.ts";
import { readPass } from "./passes.ts";

/** More than all passes take that may be kept, each as long as it may be. */
const MAX_BYTES = 256 * 1024;
const VERSION = 1;

/** The passes, also those that have ended, and whose they are. */
export interface KeptGuests extends Person {
  readonly passes: readonly GuestPass[];
}

/** One that makes no sense, such as one of a time zone that is gone, takes none of the others with it. */
const readable = (value: unknown): readonly GuestPass[] => {
  try {
    return [readPass(value)];
  } catch {
    return [];
  }
};

/** What the vault has under `guests`; undefined: it is damaged. */
export const readGuests = (bytes: Uint8Array): KeptGuests | undefined => {
  try {
    if (bytes.length > MAX_BYTES) return undefined;
    const { version, userId, orgId, passes } = fieldsOf(textOf(bytes, "guests"), "guests");
    if (version !== VERSION || typeof userId !== "string" || !Array.isArray(passes)) return undefined;
    return {
      userId,
      orgId: typeof orgId === "string" ? orgId : null,
      passes: passes.slice(0, signedLimits.passes).flatMap(readable),
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
 * The passes of one board. They are read once: nobody else writes them while the agent runs. A list that is damaged, looked at
 * twice, is none. A pass that has ended counts no more. It goes off the disk with the next write where the time is `sure`, else
 * when another needs its room: the clock that ended it may be wrong.
 */
export const createGuests = (ports: {
  vault: Pick<WatchedVault, "read" | "write">;
  clock: Clock;
  sure: () => boolean;
}): Guests => {
  const { vault, clock, sure } = ports;
  /** Null: not read yet. Undefined: there are none. */
  let kept: KeptGuests | "damaged" | undefined | null = null;

  const load = async (): Promise<KeptGuests | "damaged" | undefined> => {
    try {
      // An older list might have a guest in it whose pass was taken back.
      const bytes = await lookTwice(() => vault.read("guests", "newest"), clock);
      return bytes === undefined ? undefined : (readGuests(bytes) ?? "damaged");
    } catch (error) {
      if (!isDamage(error)) throw error;
      return "damaged";
    }
  };

  const all = async (owner: Identity): Promise<readonly GuestPass[]> => {
    // What could not be read for another reason is looked for again the next time.
    if (kept === null) kept = await load();
    if (kept === undefined || kept === "damaged") return [];
    if (!isSamePerson(kept, owner)) {
      kept = undefined;
      // Should this fail, they are left out again at the next start.
      await vault.write("guests", undefined, { orElse: undefined }).catch(() => undefined);
      return [];
    }
    return kept.passes;
  };

  const counting = (passes: readonly GuestPass[]): readonly GuestPass[] => {
    const now = clock.wallKnown() ? clock.wall() : undefined;
    return passes.filter(({ until }) => now === undefined || now < until);
  };

  /** After `all`. Where it fails, the passes until then count on, after a restart too. */
  const store = async (passes: readonly GuestPass[], { userId, orgId }: Identity): Promise<void> => {
    const next: KeptGuests = { userId, orgId, passes };
    const before = typeof kept === "object" && kept !== null ? encode(kept) : undefined;
    await vault.write("guests", encode(next), { orElse: before });
    kept = next;
  };

  const inTurn = createTurns();

  return {
    list: (owner) => inTurn(async () => counting(await all(owner))),
    admit: (pass, owner) =>
      inTurn(async () => {
        const others = (await all(owner)).filter(({ id }) => id !== pass.id);
        const lasting = counting(others);
        if (lasting.length >= signedLimits.passes) throw new AgentError("GUESTS_FULL");
        const keepsAll = !sure() && others.length < signedLimits.passes;
        await store([...(keepsAll ? others : lasting), pass], owner);
      }),
    revoke: (id, owner) =>
      inTurn(async () => {
        const passes = await all(owner);
        const others = passes.filter((pass) => pass.id !== id);
        // Nobody knows which pass a damaged list had; none counts any more, whatever becomes readable again.
        if (others.length === passes.length && kept !== "damaged") return false;
        await store(sure() ? counting(others) : others, owner);
        return true;
      }),
    forget: () =>
      inTurn(async () => {
        await vault.write("guests", undefined);
        kept = undefined;
      }),
  };
};
