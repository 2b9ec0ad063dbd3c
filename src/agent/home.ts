// Where home is, for lamps that go by the sun. It is private: it is on the board's disk, to a tenth of a degree, and never
// in a log, an event or a message. Where nobody tells, the city of home's time zone stands for it.

import { AgentError } from "../errors.ts";
import type { Grant, HomeSource, OrgHome, Place } from "../model.ts";
import type { Clock, Org, Random, Session, Vault } from "../ports.ts";
import { createTurns } from "../turns.ts";
import { type EpochMs, epochMs, type MonoMs } from "../units.ts";
import { isSamePerson, type Person, readPerson } from "../users.ts";

/** Where home is, kept over restarts. */
export interface Home {
  /**
   * By the settings, else by the org; else the city of the time zone that the settings, the org or (`timeZone`) the schedule
   * name. Null where that zone is no city's, such as UTC.
   */
  where(timeZone: string): Promise<Located | null>;
  /** Asks the org once a week, within an hour of being called; after a day when it did not answer, and once more when it knew no place. Never throws. */
  ask(signal: AbortSignal): Promise<void>;
  /** Forgets it: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** The board is this person's now: somebody else's home is forgotten. Never throws. */
  belongTo(owner: Person): Promise<void>;
}

/** A place, and how it is known. */
export interface Located {
  readonly place: Place;
  readonly source: HomeSource;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WEEK_MS = 7 * DAY_MS;
/** Largest stored home, in bytes. */
const MAX_BYTES = 4096;

/** Whose home it is, where (perhaps nowhere that the org knows), and when the org said so. */
interface Kept extends OrgHome {
  readonly by: Person;
  readonly at: EpochMs;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null;

const isWithin = (value: unknown, most: number): value is number =>
  typeof value === "number" && Math.abs(value) <= most;

const readPlace = (value: unknown): Place | null => {
  if (!isObject(value)) return null;
  const { latitude, longitude } = value;
  return isWithin(latitude, 90) && isWithin(longitude, 180) ? { latitude, longitude } : null;
};

/** What was kept; a damaged file is none, and the org is asked again. */
const decode = (bytes: Uint8Array | undefined): Kept | null => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return null;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1) return null;
    const [by, place] = [readPerson(value.by), readPlace(value.place)];
    const timeZone = typeof value.timeZone === "string" ? value.timeZone : null;
    if (by === null) return null;
    return { by, place, timeZone, at: epochMs(Number(value.at)) };
  } catch {
    return null;
  }
};

const encode = (kept: Kept): Uint8Array => new TextEncoder().encode(JSON.stringify({ version: 1, ...kept }));

/** The city of a time zone, by the tz database; null for a zone that is no city's. */
const cityOf = async (timeZone: string): Promise<Place | null> => {
  const { zonePlaces } = await import("./zone-places.ts");
  const line = zonePlaces
    .split(/[|\n]/)
    .find((each) => each.toLowerCase().startsWith(`${timeZone.toLowerCase()} `));
  const [, latitude, longitude] = line?.split(" ") ?? [];
  return latitude === undefined || longitude === undefined
    ? null
    : { latitude: Number(latitude), longitude: Number(longitude) };
};

/** `settled` is what the settings say; where that is a place, nobody is asked. What cannot be read on disk is none. */
export const openHome = async (parts: {
  readonly settled: OrgHome;
  /** `device.serial`. */
  readonly serial: string;
  readonly vault: Pick<Vault, "read" | "write">;
  readonly session: Pick<Session, "load" | "fresh">;
  readonly org: Pick<Org, "home">;
  readonly clock: Clock;
  readonly random: Random;
}): Promise<Home> => {
  const { settled, serial, vault, session, org, clock, random } = parts;
  let kept = decode(await vault.read("home").catch(() => undefined));
  let city: { readonly timeZone: string; readonly place: Place | null } | null = null;
  let asked: { readonly by: Person; readonly at: MonoMs; readonly pauseMs: number } | null = null;
  /** Counts the owners, for answers that come too late. */
  let nth = 0;

  /** One after the other: what was decided last is what stands on the disk. */
  const inTurn = createTurns();

  const isDue = (by: Person): boolean => {
    if (asked !== null && isSamePerson(asked.by, by) && clock.mono() - asked.at < asked.pauseMs) return false;
    if (kept === null) return true;
    const age = clock.wall() - kept.at;
    return !(age >= 0 && age < (kept.place === null ? DAY_MS : WEEK_MS));
  };

  const askOrg = async (grant: Grant, signal: AbortSignal): Promise<OrgHome> => {
    try {
      return await org.home(grant, serial, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "ACCESS_TOKEN_REJECTED") throw error;
      // Where the broker wants none, an access token may have been at its end for days.
      return org.home(await session.fresh(grant.accessToken, signal), serial, signal);
    }
  };

  return {
    async where(timeZone) {
      if (settled.place !== null) return { place: settled.place, source: "settings" };
      if (kept !== null && kept.place !== null) return { place: kept.place, source: "org" };
      for (const zone of [settled.timeZone, kept?.timeZone ?? null, timeZone]) {
        if (zone === null) continue;
        if (city?.timeZone !== zone) city = { timeZone: zone, place: await cityOf(zone) };
        if (city.place !== null) return { place: city.place, source: "timeZone" };
      }
      return null;
    },
    async ask(signal) {
      const signedIn = async (): Promise<Grant | undefined> =>
        settled.place === null ? session.load().catch(() => undefined) : undefined;
      let grant = await signedIn();
      if (kept !== null && grant?.identity && isDue(grant.identity)) {
        // A fleet that came back together, as after a restart of its broker, does not ask together for ever after.
        await clock.sleep(random() * HOUR_MS, signal).catch(() => undefined);
        if (signal.aborted) return;
        grant = await signedIn();
      }
      const identity = grant?.identity ?? null;
      if (grant === undefined || identity === null || !isDue(identity)) return;
      const by = { userId: identity.userId, orgId: identity.orgId };
      const before = nth;
      const asking = { by, at: clock.mono(), pauseMs: DAY_MS };
      asked = asking;
      // Not being told now is no fault: what was told last may still hold.
      const told = await askOrg(grant, signal).catch(() => undefined);
      if (told === undefined) return;
      await inTurn(async () => {
        if (before !== nth) return;
        const { place, timeZone } = told;
        // It takes half a dozen questions to find out that it knows nothing: somebody may be filling it in just now, but not every day.
        if (place === null && kept?.place === null) asking.pauseMs = WEEK_MS;
        kept = { by, place, timeZone, at: clock.wall() };
        // Should this fail, it holds until the next start, and is asked for again.
        await vault.write("home", encode(kept)).catch(() => undefined);
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
        // An answer under way may be about somebody else's home.
        if (asked !== null && !isSamePerson(asked.by, owner)) nth += 1;
        if (kept === null || isSamePerson(kept.by, owner)) return;
        kept = null;
        // Should this fail, it is forgotten again after the next start.
        await vault.write("home", undefined).catch(() => undefined);
      }),
  };
};
