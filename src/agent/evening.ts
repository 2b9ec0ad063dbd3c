// Lamps that go on and off at a time of day or with the sun, by the clock of the home, with or without a network.

import { AgentError, asAgentError, type ErrorCode, entryOf } from "../errors.ts";
import type { Evening, HomeSource, LightCause } from "../model.ts";
import type { Clock, Journal, Light, WatchedVault } from "../ports.ts";
import { readPatiently } from "../second-look.ts";
import { isTimeZone } from "../time-zone.ts";
import { createTurns } from "../turns.ts";
import { epochMs } from "../units.ts";
import { isSamePerson, type Person } from "../users.ts";
import { type EveningMoment, followsSun, rememberMoments } from "./evening-moments.ts";
import {
  decodeEvening,
  encodeEvening,
  isSameEvening,
  nothingStored,
  type Said,
  type Stored,
} from "./evening-stored.ts";
import type { Home, Located } from "./home.ts";

/** The schedule of a board, kept over restarts. */
export interface EveningKeeper {
  /** The one that counts: what the owner said from the phone, else the settings'. */
  readonly schedule: Evening | null;
  /** Who gave it; null while nobody has said anything. The phone also says that there is none. */
  readonly from: "phone" | "settings" | null;
  /** The one in the settings, whether it counts or not. */
  readonly settled: Evening | null;
  /** Why it cannot be followed as it stands (TIME_ZONE_UNKNOWN, CLOCK_UNSET, HOME_UNKNOWN, NO_DUSK, HOME_BY_TIME_ZONE), or null. */
  readonly fault: ErrorCode | null;
  /** When the lamps go on or off by themselves next, those aside that do so at other times to seem lived with; null: never, or not known yet. */
  readonly next: EveningMoment | null;
  /** How it is known where home is; null while the schedule need not know, or nobody has told. */
  readonly homeSource: HomeSource | null;
  /**
   * Takes the owner's schedule from now on, or none (null), or again the settings'; what it would have done before now is not
   * caught up. Throws STATE_UNWRITABLE.
   */
  set(schedule: Evening | null | "settings", owner: Person): Promise<void>;
  /** Forgets what the owner said: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** The board is this person's now: what somebody else said is forgotten. Never throws. */
  belongTo(owner: Person): Promise<void>;
  /** Calls `listener` when the schedule has changed; returns the way to stop. */
  subscribe(listener: () => void): () => void;
  /** Switches the lamps until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
}

/** Fade of a lamp that goes on or off by itself, in milliseconds. */
const FADE_MS = 2000;
/** Pause between looks at the clock, which the network may set meanwhile, in milliseconds. */
const LOOK_MS = 60_000;
/** A clock set back by more than this has been wrong before. */
const SET_BACK_MS = 3_600_000;

/** What keeps the lamps from doing what the schedule seems to say, the worst first. */
const hindrance = (
  schedule: Evening,
  home: Located | null,
  { last, next }: { readonly last: EveningMoment; readonly next: EveningMoment },
): ErrorCode | null => {
  if (!followsSun(schedule)) return null;
  if (home === null) return "HOME_UNKNOWN";
  // Off after off: an evening between them has no begin.
  if (!last.on && !next.on) return "NO_DUSK";
  return home.source === "timeZone" ? "HOME_BY_TIME_ZONE" : null;
};

/** Reads what the vault keeps; what cannot be read is nothing. */
export const openEvening = async (parts: {
  readonly vault: Pick<WatchedVault, "read" | "write">;
  readonly lights: ReadonlyMap<string, Light>;
  readonly clock: Clock;
  readonly journal: Journal;
  /** `device.id`. */
  readonly board: string;
  /** The schedule of the settings. */
  readonly settled: Evening | null;
  readonly home: Pick<Home, "where">;
}): Promise<EveningKeeper> => {
  const { vault, lights, clock, journal, board, settled } = parts;
  const listeners = new Set<() => void>();
  let stored = decodeEvening(await readPatiently(vault, "evening", clock).catch(() => undefined));
  let changed = new AbortController();
  let fault: ErrorCode | null = null;
  let homeSource: HomeSource | null = null;
  let upcoming: EveningMoment | null = null;

  const momentsAround = rememberMoments();

  /** One after the other: what was decided last is what stands on the disk. */
  const inTurn = createTurns();

  /** What the owner said, unless the settings have been changed since. */
  const said = (): Said | null =>
    stored.said !== null && isSameEvening(stored.said.instead, settled) ? stored.said : null;
  const schedule = (): Evening | null => {
    const words = said();
    return words === null ? settled : words.schedule;
  };

  const tellOthers = (): void => {
    for (const listener of listeners) listener();
  };

  const begunAnew = (): void => {
    changed.abort();
    [fault, homeSource, upcoming] = [null, null, null];
    tellOthers();
  };

  const bytesOf = (of: Stored): Uint8Array | undefined =>
    of.said === null && of.done === null ? undefined : encodeEvening(of);

  /** Where this fails, what counts here until then counts after a restart, too. */
  const keep = async (next: Stored): Promise<void> => {
    await vault.write("evening", bytesOf(next), { orElse: bytesOf(stored) });
    stored = next;
  };

  const tell = (error: unknown): void => {
    const { code, message } = asAgentError(error);
    journal.record({ event: "fault", code, message, retryInMs: null });
  };

  /** Says once what keeps the schedule from being followed as it stands, and when that is over. */
  const found = (code: ErrorCode | null, source: HomeSource | null, why?: AgentError): void => {
    if (code === fault && source === homeSource) return;
    const news = code !== null && code !== fault;
    [fault, homeSource] = [code, source];
    if (news) tell(why ?? new AgentError(code, entryOf(code).help));
    tellOthers();
  };

  const switchLamp = async (
    light: Light,
    on: boolean,
    brightness: number | null,
    signal: AbortSignal,
  ): Promise<void> => {
    const cause: LightCause = { kind: "evening" };
    const dimmed = on && brightness !== null && light.traits.dims ? { brightness } : {};
    await light
      .apply({ on, effect: null, ...dimmed }, { fadeMs: FADE_MS, cause }, signal)
      .catch((error: unknown) => {
        if (!signal.aborted) tell(error);
      });
  };

  /** How far this schedule has been followed is known from here on, on the disk too. */
  const follow = (of: Evening, moment: EveningMoment["at"]): Promise<void> =>
    inTurn(async () => {
      // Meanwhile somebody may have changed it, or taken it away.
      if (schedule() !== of) return;
      // Done also when this fails: on a full disk the lamp must not go on again every minute.
      stored = { ...stored, done: { of, at: moment } };
      await keep(stored).catch(tell);
    });

  /** Deals with the present moment; resolves with the pause until the next look. */
  const look = async (by: Evening, signal: AbortSignal): Promise<number> => {
    const obstacle = !isTimeZone(by.timeZone)
      ? "TIME_ZONE_UNKNOWN"
      : clock.wallKnown()
        ? null
        : "CLOCK_UNSET";
    if (obstacle !== null) {
      upcoming = null;
      found(obstacle, null);
      return LOOK_MS;
    }
    // Nothing that goes wrong there is worth more than the evening: six o'clock will do.
    const home = followsSun(by) ? await parts.home.where(by.timeZone).catch(() => null) : null;
    const now = clock.wall();
    const place = home?.place ?? null;
    const whole = momentsAround({ ...by, away: false }, now, { home: place, seed: "" });
    upcoming = whole.next;
    found(hindrance(by, home, whole), home?.source ?? null);
    const lamps = [...lights.values()]
      .filter(({ id }) => by.lights?.includes(id) ?? true)
      .map((light) => ({ light, ...momentsAround(by, now, { home: place, seed: `${board} ${light.id}` }) }));
    const done = stored.done !== null && isSameEvening(stored.done.of, by) ? stored.done.at : null;
    if (done === null) await follow(by, now);
    else {
      // What was done in a future that never came does not count: the lamps are put as the last real moment had them.
      const due = lamps.filter(({ last }) => last.at > done || done > now + SET_BACK_MS);
      await Promise.all(due.map(({ light, last }) => switchLamp(light, last.on, by.brightness, signal)));
      if (due.length > 0) await follow(by, epochMs(Math.max(...due.map(({ last }) => last.at))));
    }
    const next = Math.min(whole.next.at, ...lamps.map((lamp) => lamp.next.at));
    return Math.min(next - clock.wall(), LOOK_MS);
  };

  /** The lamps go on and off by hand, and the board lives, whatever goes wrong there. */
  const lookOrTell = (by: Evening, signal: AbortSignal): Promise<number> =>
    look(by, signal).catch((error: unknown) => {
      const why = asAgentError(error);
      upcoming = null;
      found(why.code, null, why);
      return LOOK_MS;
    });

  return {
    get schedule() {
      return schedule();
    },
    get from() {
      return said() !== null ? "phone" : settled !== null ? "settings" : null;
    },
    settled,
    get fault() {
      return fault;
    },
    get next() {
      return upcoming;
    },
    get homeSource() {
      return homeSource;
    },
    set: (next, { userId, orgId }) =>
      inTurn(async () => {
        const words: Said | null =
          next === "settings" ? null : { by: { userId, orgId }, schedule: next, instead: settled };
        const of = words === null ? settled : words.schedule;
        await keep({ said: words, done: of === null ? null : { of, at: clock.wall() } });
        begunAnew();
      }),
    forget: () =>
      inTurn(async () => {
        // Not to be undone: the sign-out that wants it is tried again.
        await vault.write("evening", undefined);
        stored = nothingStored;
        begunAnew();
      }),
    belongTo: (owner) =>
      inTurn(async () => {
        if (stored.said === null || isSamePerson(stored.said.by, owner)) return;
        stored = nothingStored;
        begunAnew();
        // Should this fail, it is forgotten again after the next start.
        await keep(nothingStored).catch(tell);
      }),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async run(signal) {
      while (!signal.aborted) {
        changed = new AbortController();
        const wake = AbortSignal.any([signal, changed.signal]);
        const by = schedule();
        if (by === null)
          await new Promise<void>((resolve) =>
            wake.addEventListener("abort", () => resolve(), { once: true }),
          );
        else await clock.sleep(Math.max(0, await lookOrTell(by, signal)), wake).catch(() => undefined);
      }
    },
  };
};
