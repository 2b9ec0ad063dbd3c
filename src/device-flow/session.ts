import { AgentError, type ErrorCode } from "../errors.ts";
import type { Grant } from "../model.ts";
import type { Clock, Org, Session, Vault } from "../ports.ts";
import { isDamage, lookTwice } from "../second-look.ts";
import type { Secret } from "../units.ts";
import { createFlight } from "./flight.ts";
import { decodeGrant, encodeGrant } from "./grant-codec.ts";
import { carryOver } from "./steps.ts";

// Where orgs rotate refresh tokens, each works once and using one twice ends the sign-in. So there is one refresh at a
// time (callers in this process share it, the vault's lock keeps other processes out), what the org gives is on disk
// before anyone uses it, and inside the lock the disk is read again, since another process may have been quicker.
//
// When a refresh's answer is lost, the org may or may not have rotated. The old token is then all there is: nothing is
// repeated here, the fault goes up, and the next call presents it again. An org that did rotate forgives that within
// its grace time, or says GRANT_GONE, which was true already; one that did not rotate just answers.

/** An access token is renewed this long before its end, or a quarter of its life before, whichever is less. */
const MARGIN_MS = 60_000;

/** Pauses before asking again when two refreshes met at the org. In milliseconds. */
const BUSY_PAUSES_MS = [1_000, 2_000, 4_000];

/** Pause before an org that says that a sign-in is over is asked once more, in milliseconds. */
const SECOND_ASK_MS = 5_000;

interface Unwritten {
  /** Undefined: none, which the disk does not know yet. */
  readonly grant: Grant | undefined;
  /** Access tokens that the disk may have in its place; null: it has none. */
  readonly replaces: readonly (Secret | null)[];
  /** A new sign-in, not the next tokens of the one on disk. */
  readonly isNew: boolean;
}

/** For steps that nobody may break off half way. */
const never = new AbortController().signal;

const isFault = (error: unknown, code: ErrorCode): boolean =>
  error instanceof AgentError && error.code === code;

const isFit = (grant: Grant, rejected: Secret | undefined, clock: Clock): boolean => {
  if (rejected !== undefined && grant.accessToken.equals(rejected)) return false;
  if (grant.expiresAt === null || !clock.wallKnown()) return true;
  const marginMs = Math.min(MARGIN_MS, Math.max(0, grant.expiresAt - grant.issuedAt) / 4);
  return grant.expiresAt - clock.wall() >= marginMs;
};

/**
 * The sign-in, kept in the vault under `grant`. `fresh` throws GRANT_GONE (also when nothing is stored),
 * NO_REFRESH_TOKEN, REFRESH_BUSY after three more tries, the org's other faults, and those of reading the vault.
 *
 * When the disk refuses a grant, it serves from memory, and `persist` and `fresh` try to write it again: the org has
 * given it out already, so that not using it would save nothing. An aborted `fresh` that is the last one waiting rejects
 * only when a refresh already sent has been answered and stored, or its time limit or `patience` (patience.ts) is over.
 */
export const createSession = (ports: {
  org: Pick<Org, "refresh" | "signIn" | "userMayChange">;
  vault: Vault;
  clock: Clock;
  patience?: AbortSignal;
}): Session => {
  const { org, vault, clock, patience = never } = ports;

  /** What the disk does not hold yet. */
  let unwritten: Unwritten | undefined;

  const stored = async (least?: "newest"): Promise<Grant | undefined> => {
    const bytes = await vault.read("grant", least);
    return bytes === undefined ? undefined : decodeGrant(bytes);
  };

  /** On disk, where that takes it; in memory until then. */
  const keep = async (next: Unwritten): Promise<void> => {
    const { grant, isNew } = next;
    unwritten = next;
    try {
      if (grant === undefined) await vault.write("grant", undefined);
      // Nothing that was there before may come back in place of a new sign-in: it may be somebody else's.
      else await vault.write("grant", encodeGrant(grant), ...(isNew ? (["both"] as const) : []));
      unwritten = undefined;
    } catch (error) {
      if (!isFault(error, "STATE_UNWRITABLE")) throw error;
    }
  };

  /** The newest grant there is: the one in memory only while the disk still has the one it replaced. */
  const newest = async (): Promise<Grant | undefined> => {
    let onDisk: Grant | undefined;
    try {
      onDisk = await stored("newest");
    } catch (error) {
      if (!isDamage(error)) throw error;
      // The generation before it, in a bad moment of the disk, is no sign that somebody else has written there.
      return unwritten === undefined ? await stored() : unwritten.grant;
    }
    if (unwritten === undefined) return onDisk;
    const { grant, replaces } = unwritten;
    const has = (token: Secret | null | undefined): boolean =>
      token == null ? onDisk === undefined : onDisk?.accessToken.equals(token) === true;
    // A write that failed may have got as far as what is read here.
    if (replaces.some(has) || has(grant?.accessToken)) {
      unwritten = { ...unwritten, replaces: [onDisk?.accessToken ?? null] };
      return grant;
    }
    unwritten = undefined;
    return onDisk;
  };

  /** `grant` in place of `current`, which is the newest. Where that is not written either, it may have got there all the same. */
  const replace = (current: Grant, grant: Grant): Promise<void> =>
    keep({
      isNew: unwritten?.isNew ?? false,
      replaces: [...(unwritten?.replaces ?? []), current.accessToken],
      grant,
    });

  /** Off the disk. Until that has been seen through it counts: whoever ends it at the org has to know it. */
  const signOut = async (): Promise<void> => {
    // One that cannot be read can be forgotten, too.
    const current = await newest().catch(() => undefined);
    try {
      await vault.write("grant", undefined);
      unwritten = undefined;
    } catch (error) {
      // It may be gone from what is read here, and come back with the next start.
      if (current !== undefined)
        unwritten = {
          isNew: unwritten?.isNew ?? false,
          replaces: [...(unwritten?.replaces ?? []), null],
          grant: current,
        };
      throw error;
    }
  };

  const askOnce = async (grant: Grant, signal: AbortSignal): Promise<Grant> => {
    signal.throwIfAborted();
    return await org.refresh(grant, patience);
  };

  const askPatiently = async (grant: Grant, signal: AbortSignal): Promise<Grant> => {
    for (const pauseMs of BUSY_PAUSES_MS) {
      try {
        return await askOnce(grant, signal);
      } catch (error) {
        if (!isFault(error, "REFRESH_BUSY")) throw error;
        await clock.sleep(pauseMs, signal);
      }
    }
    return await askOnce(grant, signal);
  };

  /** That a sign-in is over is believed when the org says so twice: it is a person who has to mend it. */
  const askOrg = async (grant: Grant, signal: AbortSignal): Promise<Grant> => {
    try {
      return await askPatiently(grant, signal);
    } catch (error) {
      if (!isFault(error, "GRANT_GONE")) throw error;
      await clock.sleep(SECOND_ASK_MS, signal);
      return await askPatiently(grant, signal);
    }
  };

  /** By refresh token, or by signing in again where the board does that by itself. */
  const renewedFrom = async (current: Grant, signal: AbortSignal): Promise<Grant> => {
    if (current.refreshToken !== null) return carryOver(current, await askOrg(current, signal));
    if (org.signIn === undefined) throw new AgentError("NO_REFRESH_TOKEN");
    const again = await org.signIn(signal);
    // The org may have been told meanwhile that this client is somebody else; one that names nobody in its answer has to be asked.
    const same = again.idUrl === current.idUrl && (again.idUrl !== null || org.userMayChange !== true);
    return same ? { ...again, identity: current.identity } : again;
  };

  /** What a bad moment of the disk hides may be newer: the one before it, used or written in its place, would end the sign-in. */
  const untilReadable = async (signal: AbortSignal): Promise<void> => {
    try {
      await lookTwice(() => vault.read("grant", "newest"), clock, signal);
    } catch (error) {
      if (!isDamage(error)) throw error;
    }
  };

  const renew = async (rejected: Secret | undefined, signal: AbortSignal): Promise<Grant> => {
    await untilReadable(signal);
    const current = await newest();
    if (current === undefined) throw new AgentError("GRANT_GONE", "no sign-in is stored");
    if (unwritten !== undefined) await keep(unwritten);
    if (isFit(current, rejected, clock)) return current;
    const renewed = await renewedFrom(current, signal);
    await replace(current, renewed);
    return renewed;
  };

  const share = createFlight<Grant>();

  return {
    async load(signal) {
      if (signal !== undefined) await untilReadable(signal);
      return await newest();
    },
    ready: () => vault.ready(),
    adopt: (grant) =>
      vault.locked(
        "grant",
        async () => {
          await untilReadable(never);
          const current = await newest();
          const before = unwritten;
          // With one that is only in memory, also what that one replaces: what is read here may be older still.
          const replaces = [...(before?.replaces ?? []), (await stored())?.accessToken ?? null];
          try {
            await keep({ grant, replaces, isNew: true });
          } catch (error) {
            // Refused before anything was written.
            unwritten = before;
            throw error;
          }
          if (unwritten === undefined || current === undefined || org.signIn !== undefined) return;
          // With the next start the board would be somebody else's again. Nor may what got there of this one take its place.
          await keep({ grant: current, replaces: [...replaces, grant.accessToken], isNew: true });
          throw new AgentError("STATE_UNWRITABLE", "the sign-in before this one is still there");
        },
        never,
      ),
    async fresh(rejected, signal) {
      signal.throwIfAborted();
      const grant = await newest();
      if (grant !== undefined && unwritten === undefined && isFit(grant, rejected, clock)) return grant;
      const renewed = await share((all) => vault.locked("grant", () => renew(rejected, all), all), signal);
      // The shared refresh may have begun before this caller's token was rejected.
      if (rejected === undefined || !renewed.accessToken.equals(rejected)) return renewed;
      return share((all) => vault.locked("grant", () => renew(rejected, all), all), signal);
    },
    annotate: (identity) =>
      vault.locked(
        "grant",
        async () => {
          await untilReadable(never);
          const grant = await newest();
          if (grant !== undefined) await replace(grant, { ...grant, identity });
        },
        never,
      ),
    forget: (gone) =>
      vault.locked(
        "grant",
        async () => {
          if (gone === undefined) return await signOut();
          const onDisk = await stored();
          await keep({ grant: undefined, replaces: [onDisk?.accessToken ?? null], isNew: false });
        },
        never,
      ),
    leave: () =>
      vault.locked(
        "grant",
        async () => {
          await untilReadable(never);
          const grant = await newest();
          if (grant === undefined) return;
          try {
            // Nothing that was there before may come back: it would be the old owner's board.
            await vault.write("grant", encodeGrant({ ...grant, leaving: true }), "both");
            unwritten = undefined;
          } catch (error) {
            // It may have got there, and must not count with the next start.
            const replaces = [...(unwritten?.replaces ?? []), grant.accessToken];
            if (isFault(error, "STATE_UNWRITABLE")) await keep({ grant, replaces, isNew: true });
            throw error;
          }
        },
        never,
      ),
    setAside: () => vault.locked("grant", () => vault.setAside("grant"), never),
    persist: () =>
      vault.locked(
        "grant",
        async () => {
          await newest();
          if (unwritten !== undefined) await keep(unwritten);
          return unwritten === undefined;
        },
        never,
      ),
  };
};
