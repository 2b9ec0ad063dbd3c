import { createHash } from "node:crypto";
import type { Vault } from "../ports.ts";
import { after, type EpochMs, epochMs } from "../units.ts";
import { type Era, erasSince, isInEras, joined, withEra } from "./eras.ts";
import { decodeReplay, encodeReplay, type StoredReplay } from "./stored-replay.ts";

// Which commands have been obeyed. In memory, every one whose time may not be over; on disk, after an orderly end the
// same, and while the board runs only a moment, the horizon: commands up to it may have been obeyed. It runs ahead of the
// commands, so that one write serves ten seconds of them, and after a cut everything up to it counts as obeyed.

/** How far the clocks of phones, and the board's own between two looks, may be apart, in milliseconds. */
export const SKEW_MS = 30_000;

/** How far ahead the horizon is moved, in milliseconds. */
const AHEAD_MS = 10_000;

/** A command that is still good was signed no longer than this before any that was obeyed earlier, in milliseconds. */
const LIFE_MS = 600_000;

/** A clock that was so far ahead was wrong; one that was less is waited for. In milliseconds. */
const AGAIN_MS = 3_600_000;

/** What was obeyed by a right clock, so long ago, is of no interest any more, in milliseconds. */
const OLD_MS = 24 * 3_600_000;

/** The most commands that are remembered; their time is over within minutes. */
const MAX_REMEMBERED = 4096;

/** How many of them a guest's command may be: the rest is the owner's, or a guest could keep the owner out. */
const MAX_WITH_GUESTS = 3072;

/** A command, as the memory knows it. */
export interface Obeyed {
  /** Thumbprint of the phone's key. */
  readonly key: string;
  readonly id: string;
  readonly issuedAt: EpochMs;
  readonly expiresAt: EpochMs;
  readonly guest: boolean;
}

export interface Replay extends AsyncDisposable {
  /**
   * True when the clock is well behind the one by which the last command was obeyed: one of the two is wrong. Where `sure` says that
   * it is not this one, by more than an hour, what was obeyed by the other counts as obeyed, and the time goes on from here.
   */
  isBehind(now: EpochMs, sure: boolean): Promise<boolean>;
  /**
   * Remembers a command, before it is obeyed: `repeated` when it was, or may have been; `crowded` when there is no room.
   * One at a time. Throws STATE_UNWRITABLE: then nothing is remembered, and the command must not be obeyed.
   */
  remember(command: Obeyed, now: EpochMs): Promise<"new" | "repeated" | "crowded">;
  /** Writes down what is remembered; a disk that cannot take it leaves the horizon, which says no too often, never too rarely. */
  [Symbol.asyncDispose](): Promise<void>;
}

const never = epochMs(-Infinity);

/** The same length for all, so that the file stays small. */
const nameOf = ({ key, id }: Obeyed): string =>
  createHash("sha256").update(`${key} ${id}`).digest("base64url");

const latest = (...moments: readonly EpochMs[]): EpochMs => epochMs(Math.max(...moments));

export const createReplay = (ports: { vault: Vault }): Replay => {
  const { vault } = ports;
  const ids = new Map<string, EpochMs>();
  let floor: EpochMs = never;
  /** Newest `iat` of all ids that are, or were, in memory. */
  let newest: EpochMs = never;
  /** Up to here an earlier run, which had no orderly end, may have obeyed. */
  let uncertain: EpochMs = never;
  /** The horizon that this run has put on disk. */
  let horizon: EpochMs = never;
  /** When what was obeyed was signed: by the clock that is gone by now, and by others that were wrong. */
  let eras: readonly Era[] = [];
  let banned: readonly Era[] = [];
  let changed = false;
  /** A file that is there and says nothing, or nothing of late: what was obeyed is unknown. */
  let damaged = false;
  let loading: Promise<void> | undefined;

  const load = async (): Promise<void> => {
    const last = await vault.read("replay", "newest").catch(() => null);
    damaged = last === null || (last !== undefined && decodeReplay(last) === null);
    // What an older generation knows was so, too; what came after it is as unknown as without it.
    const bytes = last ?? (damaged ? await vault.read("replay").catch(() => undefined) : undefined);
    const stored = bytes === undefined ? null : decodeReplay(bytes);
    if (stored === null) return;
    floor = stored.floor;
    newest = stored.newest;
    uncertain = stored.horizon ?? never;
    eras = stored.eras;
    banned = stored.banned;
    for (const [name, until] of stored.ids) ids.set(name, until);
  };

  const loaded = (): Promise<void> => {
    loading ??= load();
    return loading;
  };

  const write = (stored: StoredReplay): Promise<void> => vault.write("replay", encodeReplay(stored));

  const prune = (now: EpochMs): void => {
    // Not by `now` alone: a clock that is set back within the skew must not find a command gone that is fresh again.
    floor = latest(floor, now);
    for (const [name, until] of ids) if (until + 2 * SKEW_MS < floor) ids.delete(name);
  };

  return {
    async isBehind(now, sure) {
      await loaded();
      if (now >= floor - SKEW_MS) {
        const since = after(now, -OLD_MS);
        if (sure) [eras, banned] = [erasSince(eras, since), erasSince(banned, since)];
        return false;
      }
      // What a damaged file knew of the other clock is not to be had.
      if (!sure || damaged || now >= floor - AGAIN_MS) return true;
      banned = joined([...banned, ...eras]);
      eras = [];
      // All of them are in these spans, and so is what this run or an earlier one may have obeyed.
      ids.clear();
      [floor, newest, uncertain, horizon, changed] = [now, never, never, never, true];
      return false;
    },
    async remember(command, now) {
      await loaded();
      if (damaged) {
        // Whatever was signed before this moment, by a phone that is ahead too, may have been obeyed.
        uncertain = latest(uncertain, newest, floor, after(now, SKEW_MS));
        eras = withEra(eras, { from: epochMs(0), to: uncertain });
        damaged = false;
      }
      const { issuedAt, expiresAt } = command;
      const name = nameOf(command);
      if (issuedAt <= uncertain || isInEras(banned, issuedAt) || ids.has(name)) return "repeated";
      prune(now);
      if (ids.size >= (command.guest ? MAX_WITH_GUESTS : MAX_REMEMBERED)) return "crowded";
      if (issuedAt > horizon) {
        const next = latest(after(issuedAt, AHEAD_MS), newest, uncertain);
        const grown = withEra(eras, { from: after(issuedAt, -LIFE_MS), to: next });
        // Without the ids: the horizon covers each of them.
        await write({ floor, newest, horizon: next, ids: [], eras: grown, banned });
        [horizon, eras] = [next, grown];
      }
      ids.set(name, expiresAt);
      newest = latest(newest, issuedAt);
      changed = true;
      return "new";
    },
    async [Symbol.asyncDispose]() {
      if (!changed) return;
      // From here on nothing may be obeyed without a new horizon.
      horizon = never;
      changed = false;
      const until = uncertain === never ? null : uncertain;
      const stored = { floor, newest, horizon: until, ids: [...ids], eras, banned };
      await write(stored).catch(() => undefined);
    },
  };
};
