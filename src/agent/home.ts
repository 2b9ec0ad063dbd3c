// Where home is, for lamps that go by the sun. It is private: it is on the board's disk, to a tenth of a degree, and never
// in a log, an event or a message.

import type { Place } from "../model.ts";
import type { Clock, Org, Session, Vault } from "../ports.ts";
import { createTurns } from "../turns.ts";
import { type EpochMs, epochMs, type MonoMs } from "../units.ts";
import { isSamePerson, type Person, readPerson } from "../users.ts";

/** Where home is, kept over restarts. */
export interface Home {
  /** By the settings, else by the org; null while nobody has told. */
  readonly place: Place | null;
  /** Asks the org: once a week when it has told, once a day when it has not. Never throws. */
  ask(signal: AbortSignal): Promise<void>;
  /** Forgets it: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** The board is this person's now: somebody else's home is forgotten. Never throws. */
  belongTo(owner: Person): Promise<void>;
}

const DAY_MS = 24 * 3_600_000;
const WEEK_MS = 7 * DAY_MS;
/** Largest stored home, in bytes. */
const MAX_BYTES = 4096;

/** Whose home it is, where, and when the org said so. */
interface Kept {
  readonly by: Person;
  readonly place: Place;
  readonly at: EpochMs;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" && Math.abs(value) <= most;

/** What was kept; a damaged file is none, and the org is asked again. */
const decode = (bytes: Uint8Array | undefined): Kept | null => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1 || !isObject(value.place)) return null;
    const { latitude, longitude } = value.place;
    const by = readPerson(value.by);
    if (by === null || !isWithin(latitude, 90) || !isWithin(longitude, 180)) return null;
    return { by, place: { latitude, longitude }, at: epochMs(Number(value.at)) };
  } catch {
    return null;
  }
};

const encode = (kept: Kept): Uint8Array => new TextEncoder().encode(JSON.stringify({ version: 1, ...kept }));

/** `settled` is the place that the settings name: then nobody is asked. What cannot be read on disk is none. */
export const openHome = async (parts: {
  readonly settled: Place | null;
  readonly vault: Pick<Vault, "read" | "write">;
  readonly session: Pick<Session, "load">;
  readonly org: Pick<Org, "home">;
  readonly clock: Clock;
}): Promise<Home> => {
  const { settled, vault, session, org, clock } = parts;
  let kept = decode(await vault.read("home").catch(() => undefined));
  let asked: { readonly by: Person; readonly at: MonoMs } | null = null;
  /** Counts the owners, for answers that come too late. */
  let nth = 0;

  /** One after the other: what was decided last is what stands on the disk. */
  const inTurn = createTurns();

  const isDue = (by: Person): boolean => {
    if (asked !== null && isSamePerson(asked.by, by) && clock.mono() - asked.at < DAY_MS) return false;
    if (kept === null) return true;
    const age = clock.wall() - kept.at;
    return !(age >= 0 && age < WEEK_MS);
  };

  return {
    get place() {
      return settled ?? kept?.place ?? null;
    },
    async ask(signal) {
      const grant = settled === null ? await session.load().catch(() => undefined) : undefined;
      const identity = grant?.identity ?? null;
      if (grant === undefined || identity === null || !isDue(identity)) return;
      const by = { userId: identity.userId, orgId: identity.orgId };
      const before = nth;
      asked = { by, at: clock.mono() };
      // Not being told now is no fault: what was told last may still hold.
      const place = await org.home(grant, signal).catch(() => undefined);
      if (place === undefined) return;
      await inTurn(async () => {
        if (before !== nth) return;
        kept = place === null ? null : { by, place, at: clock.wall() };
        // Should this fail, it holds until the next start, and is asked for again.
        await vault.write("home", kept === null ? undefined : encode(kept)).catch(() => undefined);
      });
    },
    forget() {
      nth += 1;
      asked = null;
      return inTurn(async () => {
        kept = null;
        await vault.write("home", undefined);
      });
    },
    belongTo: (owner) =>
      inTurn(async () => {
        if (kept === null || isSamePerson(kept.by, owner)) return;
        kept = null;
        // Should this fail, it is forgotten again after the next start.
        await vault.write("home", undefined).catch(() => undefined);
      }),
  };
};
