// Writes how the board is into its Asset record, beside everything else: neither the lamp, nor a command, nor the stop
// waits for it. `asset-state.ts` decides what and when.

import { AgentError, asAgentError, type ErrorCode } from "../errors.ts";
import type { Grant, RecordFields } from "../model.ts";
import type { Clock, Journal, OrgAssets, Random, Session, Vault } from "../ports.ts";
import { type AssetFacts, assetFields, chosenFields, dueAt, isNews } from "./asset-state.ts";
import { waitPauseMs } from "./retry.ts";
import type { Settings } from "./settings.ts";

export interface AssetKeeper {
  /** What is wrong with the record and has been told, or null. */
  readonly fault: ErrorCode | null;
  /** Writes when there is something to write, until `signal` is aborted. Never throws. */
  keep(signal: AbortSignal): Promise<void>;
  /** The board stops: says so, where that is due and quick. Never throws. */
  close(): Promise<void>;
  /** There is another sign-in: what the last one was not allowed, this one may be. */
  reset(): void;
  /** The board belongs to nobody any more. Throws STATE_UNWRITABLE. */
  forget(): Promise<void>;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** News waits at least so long, and up to so much longer, each time another while: fifty thousand boards do not write in step. */
const LEAST_SETTLE_MS = 30_000;
const MOST_SETTLE_MS = 5 * MINUTE_MS;
/** The stop waits so long for the last write. */
const LAST_WRITE_MS = 2_000;
/** Largest stored note, in bytes. */
const MAX_BYTES = 16_384;

/** Which record it is, what was written there last, and when by the wall clock. */
interface Kept {
  readonly org: string;
  readonly serial: string;
  readonly id: string;
  readonly fields: RecordFields | null;
  readonly at: number;
}

/** What was kept; a damaged note is none, and the record is looked for again. */
const decode = (bytes: Uint8Array | undefined): Kept | null => {
  if (bytes === undefined || bytes.byteLength > MAX_BYTES) return null;
  try {
    const value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)) as Kept;
    const isWhole =
      [value.org, value.serial, value.id].every((each) => typeof each === "string") &&
      /^02i\w{12,15}$/.test(value.id) &&
      typeof value.fields === "object" &&
      Number.isFinite(value.at);
    return isWhole ? value : null;
  } catch {
    return null;
  }
};

const encode = (kept: Kept): Uint8Array => new TextEncoder().encode(JSON.stringify(kept));

/** What cannot be read on disk is none. `minutes` is the setting org.assetState.minutes. */
export const openAssetKeeper = async (parts: {
  readonly settings: Omit<Settings["org"]["assetState"], "minutes"> & { readonly minutes: number };
  readonly assets: OrgAssets;
  readonly vault: Pick<Vault, "read" | "write">;
  readonly session: Pick<Session, "load" | "fresh">;
  readonly clock: Clock;
  readonly random: Random;
  readonly journal: Journal;
  /** How the board is now. */
  readonly facts: (online: boolean) => AssetFacts;
  /** Calls `listener` when that may have changed; returns the way to stop. */
  readonly subscribe: (listener: () => void) => () => void;
}): Promise<AssetKeeper> => {
  const { settings, assets, vault, session, clock, random, journal } = parts;
  const template = chosenFields(settings.fields);
  const intervalMs = settings.minutes * MINUTE_MS;
  let kept = decode(await vault.read("asset").catch(() => undefined));
  /** By a run before this one, on the wall clock; whoever the board belonged to. */
  const beforeAt = kept?.fields == null ? null : kept.at;
  const openedAt = clock.mono();
  /** In this run, on the monotonic clock. */
  let wroteAt: number | null = null;
  let newsSince: number | null = null;
  let notBefore = 0;
  /** Of the last fault: the record's own, not one of the way there. */
  let isMine = false;
  let failures = 0;
  let pauses = { intervalMs, heartbeatMs: 0, settleMs: 0 };
  /** What was told of the record, and not mended since. */
  const told = new Set<ErrorCode>();

  /** Another while each time. */
  const draw = (): void => {
    pauses = {
      intervalMs,
      heartbeatMs: settings.heartbeatHours * HOUR_MS * (1 + random() / 10),
      settleMs: LEAST_SETTLE_MS + random() * Math.min(intervalMs, MOST_SETTLE_MS),
    };
  };
  draw();

  /**
   * On the monotonic clock; null: never. What the run before wrote is reckoned anew each time: at the start of a board without
   * a clock battery nobody has told it the time yet. One from the future was written before the start, nobody knows how long.
   */
  const writtenAt = (): number | null => {
    if (wroteAt !== null || beforeAt === null) return wroteAt;
    const ageMs = clock.wallKnown() ? clock.wall() - beforeAt : 0;
    return Math.min(openedAt, clock.mono() - ageMs);
  };

  const remember = async (next: Kept | null): Promise<void> => {
    kept = next;
    // Should this fail, it holds until the next start, and is found and written again.
    await vault.write("asset", next === null ? undefined : encode(next)).catch(() => undefined);
  };

  const wanted = (online: boolean): RecordFields => assetFields(template, parts.facts(online), clock.wall());

  const write = async (grant: Grant, fields: RecordFields, signal: AbortSignal): Promise<void> => {
    const { serial } = parts.facts(true).device;
    const org = grant.instanceUrl;
    const known = kept !== null && kept.org === org && kept.serial === serial ? kept.id : null;
    const into = async (id: string): Promise<void> => {
      await assets.write(grant, id, fields, signal);
      await remember({ org, serial, id, fields, at: clock.wall() });
    };
    try {
      await into(known ?? (await assets.find(grant, serial, signal)));
    } catch (error) {
      if (known === null || !(error instanceof AgentError) || error.code !== "ASSET_RECORD_UNKNOWN")
        throw error;
      // Somebody has removed it, or another one has taken the serial number.
      await remember(null);
      await into(await assets.find(grant, serial, signal));
    }
  };

  const attempt = async (signal: AbortSignal): Promise<void> => {
    const fields = wanted(true);
    const grant = await session.fresh(undefined, signal);
    try {
      await write(grant, fields, signal);
    } catch (error) {
      if (!(error instanceof AgentError) || error.code !== "ACCESS_TOKEN_REJECTED") throw error;
      await write(await session.fresh(grant.accessToken, signal), fields, signal);
    }
  };

  const failed = (error: AgentError): void => {
    isMine = error.code === "ASSET_RECORD_UNKNOWN" || error.code === "ASSET_RECORD_CLOSED";
    const pauseMs = isMine
      ? DAY_MS * (1 + random() / 5)
      : Math.max(intervalMs, waitPauseMs(error, failures, random()));
    notBefore = clock.mono() + pauseMs;
    failures += 1;
    // What passes by itself is told where it matters more.
    if (!isMine || told.has(error.code)) return;
    told.add(error.code);
    journal.record({
      event: "fault",
      code: error.code,
      message: error.message,
      retryInMs: Math.round(pauseMs),
    });
  };

  const step = async (signal: AbortSignal): Promise<void> => {
    try {
      await attempt(signal);
      wroteAt = clock.mono();
      newsSince = null;
      failures = 0;
      notBefore = 0;
      told.clear();
      draw();
    } catch (error) {
      // Broken off, it may have been written all the same: the interval counts from here.
      if (signal.aborted) notBefore = clock.mono() + intervalMs;
      else failed(asAgentError(error));
    }
  };

  const look = (): number => {
    // A record that is as it should be needs no write, however often the lamp went there and back.
    if (!isNews(template, kept?.fields ?? null, wanted(true))) newsSince = null;
    else newsSince ??= clock.mono();
    return dueAt({ newsSince, writtenAt: writtenAt(), notBefore }, pauses);
  };

  return {
    get fault() {
      return [...told].at(-1) ?? null;
    },
    async keep(signal) {
      let wake = new AbortController();
      const unsubscribe = parts.subscribe(() => wake.abort());
      try {
        while (!signal.aborted) {
          const due = look();
          wake = new AbortController();
          if (clock.mono() >= due && clock.wallKnown()) await step(signal);
          else
            await clock
              .sleep(
                Math.min(DAY_MS, Math.max(MINUTE_MS, due - clock.mono())),
                // While it waits to write, more news changes nothing.
                newsSince === null ? AbortSignal.any([signal, wake.signal]) : signal,
              )
              .catch(() => undefined);
        }
      } finally {
        unsubscribe();
      }
    },
    async close() {
      const fields = wanted(false);
      const before = writtenAt();
      const isDue = before !== null && clock.mono() >= Math.max(before + intervalMs, notBefore);
      const grant = isDue ? await session.load().catch(() => undefined) : undefined;
      if (grant === undefined || kept === null || !clock.wallKnown()) return;
      const limit = new AbortController();
      const done = new AbortController();
      const timer = clock.sleep(LAST_WRITE_MS, done.signal).then(
        () => limit.abort(new AgentError("ORG_TIMEOUT")),
        () => undefined,
      );
      await write(grant, fields, limit.signal).catch(() => undefined);
      done.abort();
      await timer;
    },
    reset() {
      if (isMine) notBefore = 0;
      failures = 0;
      told.clear();
    },
    async forget() {
      // When it wrote last still counts: whoever comes next belongs to an org with a limit, too.
      kept = null;
      await vault.write("asset", undefined);
    },
  };
};
