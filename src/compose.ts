// Puts the agent together: settings and surroundings in, exit code out. `cli/run.ts` calls it with the real
// world, `cli/sim.ts` and the tests with a simulated one. Nothing else knows all the parts.

import type { Duplex } from "node:stream";
import { live } from "./agent/agent.ts";
import type { AssetKeeper } from "./agent/asset-keeper.ts";
import type { AssetFacts } from "./agent/asset-state.ts";
import { createCredentials } from "./agent/credentials.ts";
import { watchDisk } from "./agent/disk.ts";
import { openEvening } from "./agent/evening.ts";
import { openHome } from "./agent/home.ts";
import { openNames } from "./agent/names.ts";
import type { Settings } from "./agent/settings.ts";
import { settingsWarnings } from "./agent/settings-checks.ts";
import { createStanding } from "./agent/standing.ts";
import { openTime } from "./agent/time.ts";
import { createUpdateNews } from "./agent/update-news.ts";
import { createLater, once } from "./compose-later.ts";
import { placeOf, scheduleOf } from "./compose-settings.ts";
import { createOrg } from "./device-flow/org.ts";
import { createPatience } from "./device-flow/patience.ts";
import { createSession } from "./device-flow/session.ts";
import { AgentError, asAgentError, entryOf } from "./errors.ts";
import { openLight } from "./hal/lamp.ts";
import type { AgentEvent, Ending, Started } from "./model.ts";
import { createPublishedKeys } from "./org-keys/published-keys.ts";
import type {
  AssertionSource,
  Callbacks,
  Clock,
  Controls,
  Display,
  Http,
  Inputs,
  Journal,
  Light,
  OpenDriver,
  Org,
  Random,
  Session,
  Updates,
  Vault,
} from "./ports.ts";

/** Everything around the agent that differs between a board, a test and the simulator. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
  readonly http: Http;
  readonly vault: Vault;
  readonly journal: Journal;
  readonly display: Display;
  readonly inputs: Inputs;
  readonly controls: Controls;
  readonly callbacks: Callbacks;
  /** Light drivers by the word before the colon, added to the built-in ones. */
  readonly drivers: Readonly<Record<string, OpenDriver>>;
  /** Text of a file that the settings name (PEM certificates and keys). Throws SETTINGS_INVALID. */
  readonly readText: (path: string) => Promise<string>;
  /** What `org.assertion` of the settings names, for a board that signs in with it. */
  readonly assertion: AssertionSource;
  /** A connected byte stream to the broker; the default opens TCP, TLS or WebSocket by the URL. */
  readonly openStream?: (url: URL, signal: AbortSignal) => Promise<Duplex>;
  readonly version: string;
  /** Called when the lamps are as they were, and the disk is asked for the rest: time to load what the first request needs. */
  readonly lit?: () => void;
  /** When this run began, and what ended the one before; missing where nobody keeps that. */
  readonly started?: () => Started | null;
  /** Whether something on the disk could not be read before the agent was there to hear of it. */
  readonly damaged?: () => boolean;
  /** Told of the bug that ends the agent. */
  readonly bug?: (error: AgentError) => void;
  /** New versions of the program; null where it does not change by itself. */
  readonly updates: Updates | null;
}

/** After so long a new version of the program is no longer on trial (src/service/programs.ts), in milliseconds. */
const PROVEN_MS = 15 * 60_000;

/** How long another agent may take to let go of the state folder, in milliseconds. */
const LOCK_PATIENCE_MS = 2_000;

/**
 * Runs the agent until `signal` is aborted or it must stop; resolves with the exit code.
 * When it resolves, nothing that it opened is left open: no timer, socket, listener or lock. `around` stays the
 * caller's to close.
 */
export const runAgent = async (
  settings: Settings,
  around: Surroundings,
  signal: AbortSignal,
): Promise<number> => {
  const { journal } = around;
  const { exitCode, error } = await alone(around, signal, () => run(settings, around, signal)).catch(
    (thrown: unknown): Ending => {
      if (signal.aborted) return { exitCode: 0, error: null };
      const error = asAgentError(thrown);
      journal.record({ event: "fault", code: error.code, message: error.message, retryInMs: null });
      return { exitCode: entryOf(error.code).exitCode ?? 70, error };
    },
  );
  if (error?.code === "BUG") around.bug?.(error);
  journal.record({ event: "stopped", exitCode });
  return exitCode;
};

/** Runs `work` as the only agent of this state folder. Throws ALREADY_RUNNING when there is another one. */
const alone = async <T>(
  { vault, clock }: Surroundings,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> => {
  const taken = new AbortController();
  const patience = new AbortController();
  const timer = clock.sleep(LOCK_PATIENCE_MS, AbortSignal.any([signal, taken.signal])).then(
    () => patience.abort(new AgentError("ALREADY_RUNNING")),
    () => undefined,
  );
  try {
    return await vault.locked(
      "agent",
      async () => {
        taken.abort();
        await timer;
        return work();
      },
      AbortSignal.any([signal, patience.signal]),
    );
  } finally {
    taken.abort();
    await timer;
  }
};

const run = async (settings: Settings, outside: Surroundings, signal: AbortSignal): Promise<Ending> => {
  const { journal, random } = outside;
  const disk = watchDisk({ vault: outside.vault, clock: outside.clock, journal });
  const { vault } = disk;
  const time = openTime({
    system: outside.clock,
    vault,
    journal,
    askUrl: `${settings.org.url.replace(/\/+$/, "")}/.well-known/openid-configuration`,
  });
  const around = { ...outside, clock: time.clock, http: time.http(outside.http) };
  const { clock, http } = around;

  // The lamp first: it is as it was before anything asks the network.
  await using lamps = new AsyncDisposableStack();
  const lights = new Map<string, Light>();
  const opening = settings.lights.map(async (each) =>
    lamps.use(await openLight(each, { clock, vault, drivers: around.drivers }, signal)),
  );
  // All of them end before the first mistake is told, so that none is left open behind it.
  await Promise.allSettled(opening);
  for (const light of await Promise.all(opening)) lights.set(light.id, light);

  const org = createOrg(settings.org, { http, clock, assertion: around.assertion });
  using patience = createPatience(clock, signal);
  const session = createSession({ org, vault, clock, patience: patience.signal });
  const reading = Promise.all([
    openNames(vault, settings, clock),
    openHome({
      settled: { place: placeOf(settings.home), timeZone: settings.home.timeZone },
      serial: settings.device.serial,
      vault,
      session,
      org,
      clock,
      random,
    }),
    time.bounded,
  ]);
  around.lit?.();
  const [names, home] = await reading;
  const evening = await openEvening({
    vault,
    lights,
    clock,
    journal,
    board: settings.device.id,
    settled: scheduleOf(settings.evening),
    home,
  });
  const device = settings.device;
  await using keys = createPublishedKeys({ http, clock, vault });

  await using later = createLater(settings, around, {
    vault,
    org,
    session,
    keys,
    lights: [...lights.keys()],
    time,
  });
  /** What an older version left behind waits until nobody goes back to that version by himself. */
  const settled = once(async () => {
    await vault.settle(false);
    await clock.sleep(PROVEN_MS, whileLiving);
    await vault.settle(true);
  });
  let settling: Promise<void> = Promise.resolve();
  const watched: Journal = {
    record(event: AgentEvent) {
      if (event.event === "code" || event.event === "link") later.soon();
      if (event.event === "online") later.commandsSoon();
      if (event.event === "code" || event.event === "online") settling = settled().catch(() => undefined);
      journal.record(event);
    },
  };

  const standing = createStanding({
    session,
    org,
    clock,
    journal,
    idleDays: settings.org.idleDays,
    limit: settings.org.approvals,
  });
  const asset = await openAsset(
    settings,
    { org, vault, session, clock, random, journal },
    (online) => ({
      device: { ...device, name: names.device },
      version: around.version,
      online,
      lights: [...lights.values()].map(({ id, target, fault }) => ({
        name: names.light(id),
        state: target,
        fault: fault?.code ?? null,
      })),
      signedInUntil: standing.signedInUntil,
    }),
    (listener) => {
      const stops = [...lights.values(), names, standing].map((each) => each.subscribe(listener));
      return () => {
        for (const stop of stops) stop();
      };
    },
  );

  const updateNews = createUpdateNews(around.updates);
  const askers = new Set<() => void>();
  const living = new AbortController();
  const whileLiving = AbortSignal.any([signal, living.signal]);
  // Beside the agent, and loaded beside it: nothing waits for it.
  const { updates } = around;
  const updating =
    updates === null
      ? undefined
      : import("./agent/updates.ts").then(({ keepUpdated }) =>
          keepUpdated(
            {
              updates,
              news: updateNews,
              ...settings.update,
              onAsked: (listener) => {
                askers.add(listener);
                return () => void askers.delete(listener);
              },
              lights,
              clock,
              random,
              journal,
            },
            whileLiving,
          ),
        );
  const keepingEvening = evening.run(whileLiving);
  // To the very end: the answer to a refresh may come during the stop.
  const keepingDisk = disk.run(session, living.signal);
  const keepingTime = time.run(whileLiving);
  await using _beside = {
    async [Symbol.asyncDispose]() {
      living.abort();
      await Promise.all([updating, keepingEvening, keepingDisk, keepingTime, settling]);
    },
  };

  const ending = await live(
    {
      clock,
      random,
      org,
      session,
      credentials: createCredentials({
        session,
        org,
        assetTokens: settings.assetToken.mode === "off" ? null : later.assetTokens,
        auth: settings.broker.auth,
        clock,
      }),
      broker: later.broker,
      lights,
      display: around.display,
      journal: watched,
      inputs: around.inputs,
      controls: around.controls,
      callbacks: around.callbacks,
      device,
      trust: settings.commands.trust,
      version: around.version,
      started: around.started ?? (() => null),
      damaged: around.damaged ?? (() => false),
      keyThumbprint: () => later.keyThumbprint,
      updateNews,
      signed: later.signed,
      guests: later.guests,
      limit: async (pass, change, now) => (await import("./owner/passes.ts")).limited(pass, change, now),
      names,
      evening,
      home,
      disk,
      time,
      lookForUpdate:
        updates === null
          ? null
          : () => {
              for (const ask of askers) ask();
            },
      standing,
      asset,
      patience: patience.signal,
      signal: settings.org.signal,
      warnings: settingsWarnings(settings),
    },
    signal,
  );
  await asset?.close();
  return ending;
};

/** Null where nothing is to be written at the org; loaded only where something is. */
const openAsset = async (
  { org: { assetState } }: Settings,
  ports: Pick<Surroundings, "vault" | "clock" | "random" | "journal"> & {
    readonly org: Org;
    readonly session: Session;
  },
  facts: (online: boolean) => AssetFacts,
  subscribe: (listener: () => void) => () => void,
): Promise<AssetKeeper | null> => {
  const { minutes } = assetState;
  const { assets } = ports.org;
  if (minutes === null || assets === undefined) return null;
  const { openAssetKeeper } = await import("./agent/asset-keeper.ts");
  return openAssetKeeper({ ...ports, settings: { ...assetState, minutes }, assets, facts, subscribe });
};
