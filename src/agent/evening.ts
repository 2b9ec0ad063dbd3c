// Lamps that go on and off at a time of day or with the sun, by the clock of the home, with or without a network.

import { AgentError, asAgentError, type ErrorCode } from "../errors.ts";
import type { Evening, LightCause, Place } from "../model.ts";
import type { Clock, Journal, Light, Vault } from "../ports.ts";
import { createTurns } from "../turns.ts";
import { type EpochMs, epochMs } from "../units.ts";
import { isSamePerson, type Person, readPerson } from "../users.ts";
import { followsSun, momentsAround } from "./evening-moments.ts";

/** The schedule of a board, kept over restarts. */
export interface EveningKeeper {
  readonly schedule: Evening | null;
  /** Why it cannot be followed as it stands (CLOCK_UNSET, HOME_UNKNOWN), or null. */
  readonly fault: ErrorCode | null;
  /**
   * Takes the owner's schedule from now on, or none; what it would have done before now is not caught up. Throws
   * STATE_UNWRITABLE.
   */
  set(schedule: Evening | null, owner: Person): Promise<void>;
  /** Forgets it: the board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
  /** The board is this person's now: the schedule of somebody else is forgotten. Never throws. */
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
/** Largest stored schedule, in bytes. */
const MAX_BYTES = 16_384;

interface Stored {
  /** Whose it is; null when there is none. */
  readonly by: Person | null;
  readonly schedule: Evening | null;
  /** The newest moment that was dealt with. */
  readonly done: EpochMs;
}

const encode = ({ by, schedule, done }: Stored): Uint8Array =>
  new TextEncoder().encode(JSON.stringify({ version: 1, by, schedule, done }));

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isTime = (value: unknown): value is string =>
  typeof value === "string" && /^(?:[01]\d|2[0-3]):[0-5]\d$/.test(value);

/** A time of day, or dusk and the minutes after or before it. */
const isBegin = (value: unknown): value is string =>
  isTime(value) || (typeof value === "string" && /^dusk(?:[+-](?:[1-9]\d?|1[0-7]\d|180))?$/.test(value));

const readSchedule = (value: unknown): Evening | null => {
  if (!isObject(value)) return null;
  const { on, off, timeZone, lights, brightness, away } = value;
  if (!isBegin(on) || !isTime(off) || typeof timeZone !== "string") return null;
  const isLights = lights === null || (Array.isArray(lights) && lights.every((id) => typeof id === "string"));
  const isBrightness =
    brightness === null || (typeof brightness === "number" && brightness > 0 && brightness <= 1);
  return isLights && isBrightness ? { on, off, timeZone, lights, brightness, away: away === true } : null;
};

const nothing: Stored = { by: null, schedule: null, done: epochMs(0) };

/** What was kept; a damaged file is no schedule, which a person sees in the app and can set again. */
const decode = (bytes: Uint8Array | undefined): Stored => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return nothing;
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    if (!isObject(value) || value.version !== 1 || typeof value.done !== "number") return nothing;
    const [by, schedule] = [readPerson(value.by), readSchedule(value.schedule)];
    if (by === null || schedule === null) return nothing;
    momentsAround(schedule, epochMs(0), { home: null, board: "" });
    return { by, schedule, done: epochMs(value.done) };
  } catch {
    return nothing;
  }
};

/** Reads what the vault keeps; what cannot be read is none. */
export const openEvening = async (parts: {
  readonly vault: Pick<Vault, "read" | "write">;
  readonly lights: ReadonlyMap<string, Light>;
  readonly clock: Clock;
  readonly journal: Journal;
  /** `device.id`. */
  readonly board: string;
  /** Where home is, as far as it is known by now. */
  readonly home: () => Place | null;
}): Promise<EveningKeeper> => {
  const { vault, lights, clock, journal, board } = parts;
  const listeners = new Set<() => void>();
  let stored = decode(await vault.read("evening").catch(() => undefined));
  let changed = new AbortController();
  let fault: ErrorCode | null = null;

  /** One after the other: what was decided last is what stands on the disk. */
  const inTurn = createTurns();

  const tellOthers = (): void => {
    for (const listener of listeners) listener();
  };

  const begunAnew = (): void => {
    changed.abort();
    fault = null;
    tellOthers();
  };

  const keep = async (next: Stored): Promise<void> => {
    await vault.write("evening", next.schedule === null ? undefined : encode(next));
    stored = next;
  };

  const tell = (error: unknown): void => {
    const { code, message } = asAgentError(error);
    journal.record({ event: "fault", code, message, retryInMs: null });
  };

  /** Says once what keeps the schedule from being followed as it stands, and when that is over. */
  const hindered = (code: ErrorCode | null): void => {
    if (code === fault) return;
    fault = code;
    if (code !== null) tell(new AgentError(code, "the evening"));
    tellOthers();
  };

  const switchLamps = async (schedule: Evening, on: boolean, signal: AbortSignal): Promise<void> => {
    const cause: LightCause = { kind: "evening" };
    const change = {
      on,
      effect: null,
      ...(on && schedule.brightness !== null ? { brightness: schedule.brightness } : {}),
    };
    const chosen = [...lights.values()].filter(({ id }) => schedule.lights?.includes(id) ?? true);
    await Promise.all(
      chosen.map(async (light) => {
        const fits = light.traits.dims ? change : { on, effect: null };
        await light.apply(fits, { fadeMs: FADE_MS, cause }, signal).catch((error: unknown) => {
          if (!signal.aborted) tell(error);
        });
      }),
    );
  };

  /** Deals with the present moment; resolves with the pause until the next look. */
  const look = async (schedule: Evening, signal: AbortSignal): Promise<number> => {
    if (!clock.wallKnown()) {
      hindered("CLOCK_UNSET");
      return LOOK_MS;
    }
    const now = clock.wall();
    const home = parts.home();
    hindered(home === null && followsSun(schedule) ? "HOME_UNKNOWN" : null);
    const { last, next } = momentsAround(schedule, now, { home, board });
    // What was done in a future that never came does not count; what that clock left undone is too late now.
    const done = stored.done > now + SET_BACK_MS ? last.at : stored.done;
    if (last.at > done) {
      await switchLamps(schedule, last.on, signal);
      await inTurn(async () => {
        // Meanwhile somebody may have changed it, or taken it away.
        if (stored.schedule !== schedule) return;
        // Done also when this fails: on a full disk the lamp must not go on again every minute.
        stored = { ...stored, done: last.at };
        await keep(stored).catch(tell);
      });
    } else stored = { ...stored, done };
    return Math.min(next.at - clock.wall(), LOOK_MS);
  };

  return {
    get schedule() {
      return stored.schedule;
    },
    get fault() {
      return fault;
    },
    set: (schedule, { userId, orgId }) =>
      inTurn(async () => {
        await keep({ by: { userId, orgId }, schedule, done: clock.wall() });
        begunAnew();
      }),
    forget: () =>
      inTurn(async () => {
        await keep(nothing);
        begunAnew();
      }),
    belongTo: (owner) =>
      inTurn(async () => {
        if (stored.by === null || isSamePerson(stored.by, owner)) return;
        stored = nothing;
        begunAnew();
        // Should this fail, it is forgotten again after the next start.
        await keep(nothing).catch(tell);
      }),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async run(signal) {
      while (!signal.aborted) {
        changed = new AbortController();
        const wake = AbortSignal.any([signal, changed.signal]);
        const { schedule } = stored;
        if (schedule === null)
          await new Promise<void>((resolve) =>
            wake.addEventListener("abort", () => resolve(), { once: true }),
          );
        else await clock.sleep(Math.max(0, await look(schedule, signal)), wake).catch(() => undefined);
      }
    },
  };
};
