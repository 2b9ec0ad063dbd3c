// The simulated world and the real agent in it, opened together and closed together.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Workbench } from "../../firmware-sim/hardware/workbench.ts";
import { type AppSite, servePage } from "../../firmware-sim/page-server.ts";
import { pageWorldOf, type QrDrawer } from "../../firmware-sim/page-server-world.ts";
import { Wire } from "../../firmware-sim/wire.ts";
import { createWorld, guestAccount, type World } from "../../firmware-sim/world.ts";
import { type AppConfig, appPolicy, appTypes, readApp, setUpApp } from "../adapters/app-files.ts";
import { createCallbacks } from "../adapters/callback-listener.ts";
import { systemClock, systemRandom } from "../adapters/clock.ts";
import { createHttp } from "../adapters/http.ts";
import { openVault } from "../adapters/vault.ts";
import type { Settings } from "../agent/settings.ts";
import { parseSettings, settingsError } from "../agent/settings-parse.ts";
import { runAgent } from "../compose.ts";
import { AgentError } from "../errors.ts";
import { PanelDisplay } from "../hal/displays/panel-display.ts";
import { qrMatrix } from "../hal/displays/qr.ts";
import { openBle } from "../hal/drivers/ble.ts";
import { openButton } from "../hal/drivers/button.ts";
import { openGpio } from "../hal/drivers/gpio.ts";
import type { Controls, Journal } from "../ports.ts";
import { version } from "./version.ts";

export interface SimulationOptions {
  /** Where the board keeps its sign-in and the lamp's state; null: a fresh folder, removed at the end. */
  readonly stateDir: string | null;
  /** Port of the page on 127.0.0.1, 0 for any free one; null: no page. */
  readonly pagePort: number | null;
  /** Pause between the board's questions to the org, in seconds. */
  readonly intervalSeconds: number;
  /** The companion app signs people in by the legacy user-agent flow. */
  readonly userAgentFlow?: boolean;
  /** How the board is signed in; left out: with a code. `web` listens at http://localhost:7878. */
  readonly signIn?: "device" | "web";
  /** Hears of every event besides the world's own log. */
  readonly journal: Journal | null;
  /** The board's settings where they differ from the world's, by section. */
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface Simulation extends AsyncDisposable {
  readonly world: World;
  /** Where the page is, or null when there is none. */
  readonly pageUrl: string | null;
  /** The agent's exit code, when it has ended. */
  readonly agent: Promise<number>;
}

/** How long the agent may take to stop, in milliseconds. */
const STOP_MS = 5000;

/** Opens everything. Throws what stands in the way: a taken port, a state folder that cannot be written. */
export const openSimulation = async (options: SimulationOptions): Promise<Simulation> => {
  await using opening = new AsyncDisposableStack();
  const clock = systemClock;
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), "porchlight-sim-")));
  if (options.stateDir === null) opening.defer(() => rm(stateDir, { recursive: true, force: true }));

  let callback = "http://127.0.0.1/callback";
  const wire = new Wire(clock);
  const bench = new Workbench({ clock, wire });
  const world = await createWorld({
    clock,
    wire,
    hardware: bench,
    transport: "loopback",
    callback: () => callback,
    faults: {
      org: (detail, kind) => new AgentError(kind === "timeout" ? "ORG_TIMEOUT" : "ORG_UNREACHABLE", detail),
      broker: (detail) => new AgentError("BROKER_UNREACHABLE", detail),
      lamp: (detail) => new AgentError("LIGHT_FAULT", detail),
    },
  });
  opening.defer(() => world.close());
  world.org.intervalSeconds = options.intervalSeconds;

  const ending = new AbortController();
  let pageUrl: string | null = null;
  if (options.pagePort !== null) {
    const page = await servePage({
      world: pageWorldOf(world, createQrDrawer(), ending.signal),
      port: options.pagePort,
      frames: [world.orgUrl],
      app: () => appOf(world, options.userAgentFlow === true),
    }).catch((error: unknown) => {
      throw new AgentError("USAGE", `the page cannot be served on port ${options.pagePort}`, {
        cause: error,
      });
    });
    opening.defer(() => page.close());
    pageUrl = page.url;
    callback = new URL("/callback", page.url).href;
  }

  const agent = opening.use(await startAgent(world, bench, stateDir, options, ending));
  const owned = opening.move();
  return {
    world,
    pageUrl,
    agent: agent.exit,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
};

/** The companion app for the simulated org and broker. */
const appOf = async (world: World, userAgentFlow: boolean): Promise<AppSite> => {
  const config: AppConfig = {
    org: {
      url: world.orgUrl,
      dialect: "salesforce",
      clientId: world.org.phoneApp.clientId,
      scope: "openid api refresh_token",
      ...(userAgentFlow ? { signIn: "user-agent" } : {}),
    },
    broker: { url: world.brokerWsUrl ?? world.brokerUrl, guest: guestAccount },
  };
  const files = setUpApp(await readApp(), config);
  const typed = [...files].map(([name, bytes]) => {
    const type = appTypes[name.split(".").at(-1) ?? ""] ?? "application/octet-stream";
    return [name, { type, bytes }] as const;
  });
  return { policy: appPolicy(files, config), files: new Map(typed) };
};

interface RunningAgent extends AsyncDisposable {
  readonly exit: Promise<number>;
}

/** The very agent that runs on a board, with its own settings parser, disk and HTTP; only the hardware is simulated. */
const startAgent = async (
  world: World,
  bench: Workbench,
  stateDir: string,
  { journal, settings, signIn }: SimulationOptions,
  ending: AbortController,
): Promise<RunningAgent> => {
  const clock = systemClock;
  const client = createHttp({ ca: null, env: {}, userAgent: `porchlight/${version}` });
  const { openStream } = await import("../broker/stream.ts");
  const tls = { ca: null, cert: null, key: null };
  const journals: Journal = {
    record(event) {
      journal?.record(event);
      world.board.journal.record(event);
    },
  };
  const failed = (fault: AgentError): void =>
    journals.record({ event: "fault", code: fault.code, message: fault.message, retryInMs: null });
  const named = { what: "the panel", group: "video" };
  const panel = new PanelDisplay(() => bench.surface, 0, named, { clock, failed });
  const button = openButton(bench.button, { clock, failed }, ending.signal, bench.gpio);
  const exit = runAgent(
    settingsOf(world, stateDir, signIn, settings),
    {
      clock,
      random: systemRandom,
      http: world.network.http(client.http),
      vault: await openVault(stateDir, { clock, random: systemRandom }),
      journal: journals,
      display: {
        show(view) {
          world.board.display.show(view);
          panel.show(view);
        },
        [Symbol.asyncDispose]: () => panel[Symbol.asyncDispose](),
      },
      inputs: button,
      controls: noControls(ending.signal),
      callbacks: createCallbacks("localhost"),
      drivers: {
        sim: world.board.openDriver,
        gpio: (address, ports, signal) => openGpio(address, ports, signal, bench.gpio),
        ble: (address, ports, signal) => openBle(address, ports, signal, bench.bluez.connect),
      },
      readText: async (path) => {
        throw new AgentError("SETTINGS_INVALID", `the simulated board has no file ${path}`);
      },
      assertion: async () => {
        throw new AgentError("ASSERTION_UNREADABLE", "the simulated board is given none");
      },
      openStream: world.network.openStream((url, signal) => openStream(url, tls, signal)),
      version,
      updates: null,
    },
    ending.signal,
  );
  exit.catch(() => undefined);
  return {
    exit,
    async [Symbol.asyncDispose]() {
      ending.abort(new AgentError("INTERRUPTED"));
      const late = new AbortController();
      const limit = clock.sleep(STOP_MS, late.signal).then(() => {
        throw new AgentError("BUG", `the agent did not stop within ${STOP_MS / 1000} s`);
      });
      limit.catch(() => undefined);
      try {
        await Promise.race([exit, limit]);
        await panel[Symbol.asyncDispose]();
        await button[Symbol.asyncDispose]();
      } finally {
        late.abort();
        await client[Symbol.asyncDispose]();
      }
    },
  };
};

const settingsOf = (
  world: World,
  stateDir: string,
  signIn: SimulationOptions["signIn"],
  changes: SimulationOptions["settings"],
): Settings => {
  const own = world.settingsFor(stateDir);
  const org = { ...(own.org as object), signIn: signIn ?? "device" };
  const result = parseSettings({
    file: { path: "the simulator's own settings", text: JSON.stringify({ ...own, org, ...changes }) },
    // A developer's own PORCHLIGHT_… variables are for their boards, not for this one.
    env: {},
    board: {
      deviceId: undefined,
      hostname: "simulated",
      serial: undefined,
      stateDir,
      timeZone: undefined,
    },
    load: () => ({ ok: false, problem: "the simulated board has no files" }),
  });
  if (!result.ok) throw settingsError(result.mistakes);
  return result.settings;
};

/** Nobody else is on the simulated board. */
const noControls = (signal: AbortSignal): Controls => ({
  [Symbol.asyncIterator]: () => ({
    next: () =>
      new Promise((resolve) => {
        const end = (): void => resolve({ done: true, value: undefined });
        if (signal.aborted) end();
        else signal.addEventListener("abort", end, { once: true });
      }),
  }),
});

/** Codes as the page wants them: drawn once per link, with the same modules as on every display. */
const createQrDrawer = (): QrDrawer => {
  const listeners = new Set<() => void>();
  let drawn: { readonly link: string; picture: ReturnType<QrDrawer["picture"]> } | null = null;
  const draw = async (link: string): Promise<void> => {
    const wanted = { link, picture: null };
    drawn = wanted;
    const matrix = await qrMatrix(link);
    if (matrix === null || drawn !== wanted) return;
    const { size } = matrix;
    const modules = Array.from({ length: size * size }, (_, at) =>
      matrix.get(at % size, Math.floor(at / size)) ? "1" : "0",
    ).join("");
    drawn = { link, picture: { size, modules } };
    for (const listener of listeners) listener();
  };
  return {
    picture(link) {
      if (drawn?.link !== link) void draw(link);
      return drawn?.picture ?? null;
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
};
